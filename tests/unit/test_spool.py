"""The queue on disk: order kept, nothing lost that was not acknowledged, whatever ends the process."""

import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigilia import spool as module
from vigilia.spool import Spool

ROOM = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.spool"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path, ROOM)
    yield spool
    spool.close()


def everything(spool: Spool) -> list[dict[str, Any]]:
    return spool.read(1_000_000)[0]


def test_first_in_first_out(spool: Spool) -> None:
    for number in range(5):
        assert spool.append({"n": number})
    first, position = spool.read(2)
    assert first == [{"n": 0}, {"n": 1}]
    assert spool.read(2) == (first, position), "not acknowledged, so it is read again"
    spool.acknowledge(position)
    assert everything(spool) == [{"n": 2}, {"n": 3}, {"n": 4}]


def test_the_file_is_emptied_once_all_is_acknowledged(spool: Spool, path: Path) -> None:
    spool.append({"n": 1})
    assert spool.waiting_bytes == path.stat().st_size > 0
    spool.acknowledge(spool.read(10)[1])
    assert spool.waiting_bytes == path.stat().st_size == 0
    assert spool.read(10) == ([], 0)
    spool.append({"n": 2})
    assert everything(spool) == [{"n": 2}]


def test_what_came_between_reading_and_acknowledging_stays(spool: Spool) -> None:
    spool.append({"n": 1})
    _, position = spool.read(10)
    spool.append({"n": 2})
    spool.acknowledge(position)
    assert everything(spool) == [{"n": 2}]


def test_a_full_queue_refuses_counts_and_logs_the_record(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(path, 40)
    assert spool.append({"text": "x" * 20})
    assert not spool.append({"who": "ana"})
    assert spool.dropped == 1
    assert '{"who":"ana"}' in caplog.text
    assert "full at 40 bytes" in caplog.text
    assert path.stat().st_size <= 40
    spool.acknowledge(spool.read(1)[1])
    assert spool.append({"who": "ana"})
    spool.close()


@pytest.mark.parametrize("torn", [b'{"n":', b"\x00\xff", b'{"n":9}'])
def test_a_torn_last_line_is_cut_off(path: Path, torn: bytes) -> None:
    path.write_bytes(b'{"n":1}\n' + torn)
    spool = Spool(path, ROOM)
    spool.append({"n": 2})
    assert everything(spool) == [{"n": 1}, {"n": 2}]
    spool.close()


def test_damaged_lines_are_skipped_and_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    deep = b'{"n":' * 100_000
    path.write_bytes(b'{"n":1}\n\x00\xff\n[1]\n\n' + deep + b'\n{"n":2}\n')
    spool = Spool(path, ROOM)
    records, position = spool.read(10)
    assert records == [{"n": 1}, {"n": 2}]
    assert len([line for line in caplog.records if line.levelno == logging.ERROR]) == 4
    spool.acknowledge(position)
    assert spool.waiting_bytes == 0
    spool.close()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        Spool(tmp_path / "nowhere" / "a.spool", ROOM)
    with pytest.raises(OSError, match="directory"):
        Spool(tmp_path, ROOM)


def test_compaction_keeps_what_waits_and_the_file_private(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPACT_AT_BYTES", 100)
    for number in range(50):
        spool.append({"n": number})
    size = path.stat().st_size
    spool.acknowledge(spool.read(30)[1])
    assert path.stat().st_size < size / 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    spool.append({"n": 50})
    assert [record["n"] for record in everything(spool)] == list(range(30, 51))
    assert not path.with_suffix(".new").exists()


def test_all_compactions_together_copy_no_more_than_there_was(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPACT_AT_BYTES", 100)
    for number in range(2000):
        spool.append({"n": number})
    size, inode, copied, seen = path.stat().st_size, path.stat().st_ino, 0, list[int]()
    while spool.waiting_bytes:
        records, position = spool.read(7)
        seen += [record["n"] for record in records]
        spool.acknowledge(position)
        if path.stat().st_ino != inode:
            inode = path.stat().st_ino
            copied += path.stat().st_size
        assert path.stat().st_size <= max(2 * spool.waiting_bytes, spool.waiting_bytes + 100) + 7 * len('{"n":1999}\n')
    assert 0 < copied <= size
    assert seen == list(range(2000))


def test_a_compaction_that_a_crash_broke_off_is_no_hindrance(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPACT_AT_BYTES", 10)
    path.with_suffix(".new").write_bytes(b"left by a crash, and longer than what is to come" * 100)
    for number in range(5):
        spool.append({"n": number})
    spool.acknowledge(spool.read(3)[1])
    assert everything(spool) == [{"n": 3}, {"n": 4}]


def test_a_killed_process_leaves_all_that_it_appended(path: Path) -> None:
    """A real `kill -9`, at once after the last append returned."""
    program = (
        "import sys; from pathlib import Path; from vigilia.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 10**7)\n"
        "for n in range(1000): spool.append({'n': n})\n"
        "spool.acknowledge(spool.read(10)[1])\n"
        "print('done', flush=True); sys.stdin.read()"
    )
    source = str(Path(module.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=pipe, stdout=pipe, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        process.send_signal(signal.SIGKILL)
    spool = Spool(path, ROOM)
    assert [record["n"] for record in everything(spool)][-990:] == list(range(10, 1000))
    spool.close()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 60)),
        st.tuples(st.just("read"), st.integers(1, 5)),
        st.tuples(st.just("acknowledge"), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0)),
        st.tuples(st.just("torn"), st.integers(1, 20)),
    ),
    max_size=60,
)


@given(steps, st.sampled_from([50, 10**6]))
def test_any_history_keeps_order_and_what_was_not_acknowledged(steps: list[tuple[str, int]], compact_at: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_COMPACT_AT_BYTES", compact_at)
        path = Path(folder) / "a.spool"
        spool = Spool(path, ROOM)
        appended, done, seen, position = 0, 0, 0, None
        try:
            for step, size in steps:
                match step:
                    case "append":
                        assert spool.append({"n": appended, "text": "é" * size})
                        appended += 1
                    case "read":
                        records, position = spool.read(size)
                        seen = done + len(records)
                        assert [record["n"] for record in records] == list(range(done, min(done + size, appended)))
                    case "acknowledge" if position is not None:
                        spool.acknowledge(position)
                        done, position = seen, None
                    case "reopen" | "torn":
                        spool.close()
                        if step == "torn":
                            with path.open("ab") as file:
                                file.write(b'{"n":77,"text":"' + b"x" * size)
                        spool, position = Spool(path, ROOM), None
                        again = [record["n"] for record in everything(spool)]
                        assert again == list(range(appended - len(again), appended)), "in order, to the very last"
                        assert appended - len(again) <= done, "nothing unacknowledged is lost"
                        done = appended - len(again)
                assert (spool.waiting_bytes == 0) == (done == appended)
        finally:
            spool.close()
