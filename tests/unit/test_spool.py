"""The queue on disk: order kept, nothing lost that was not acknowledged, whatever ends the process."""

import logging
import os
import resource
import signal
import stat
import subprocess
import sys
import tracemalloc
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
    return spool.read(1_000_000, 1_000_000)[0]


def test_first_in_first_out(spool: Spool) -> None:
    for number in range(5):
        spool.append({"n": number})
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


def test_a_full_queue_refuses_and_is_as_it_was(path: Path) -> None:
    spool = Spool(path, 40)
    spool.append({"text": "x" * 20})
    with pytest.raises(OSError, match="full at 40 bytes"):
        spool.append({"who": "ana"})
    assert path.stat().st_size <= 40
    assert spool.fill == path.stat().st_size / 40
    spool.acknowledge(spool.read(1)[1])
    spool.append({"who": "ana"})
    assert everything(spool) == [{"who": "ana"}]
    spool.close()


def test_a_disk_that_is_full_leaves_the_queue_as_it_was(path: Path) -> None:
    spool = Spool(path, ROOM)
    spool.append({"n": 1})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, before[1]))
        with pytest.raises(OSError, match="no space left"):
            spool.append({"text": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    spool.append({"n": 2})
    assert everything(spool) == [{"n": 1}, {"n": 2}]
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


def files(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}*"))


def test_a_long_queue_is_a_row_of_files_that_go_one_by_one(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 100)
    for number in range(50):
        spool.append({"n": number})
    everyone = files(path)
    assert len(everyone) > 3
    assert all(file.stat().st_size <= 100 and stat.S_IMODE(file.stat().st_mode) == 0o600 for file in everyone)
    assert sum(file.stat().st_size for file in everyone) == spool.waiting_bytes
    seen = list[int]()
    while spool.waiting_bytes:
        records, position = spool.read(7)
        seen += [record["n"] for record in records]
        spool.acknowledge(position)
        assert sum(file.stat().st_size for file in files(path)) <= spool.waiting_bytes + 100
        assert not set(files(path)) - set(everyone), "nothing is copied"
    assert seen == list(range(50))
    assert [file.stat().st_size for file in files(path)] == [0]
    spool.append({"n": 50})
    assert everything(spool) == [{"n": 50}]


def test_the_bound_is_that_of_all_files_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 100)
    spool = Spool(path, 450)
    while spool.waiting_bytes < 450:
        spool.append({"n": 100})
    with pytest.raises(OSError, match="full at 450 bytes"):
        spool.append({"n": 100})
    spool.close()
    again = Spool(path, 450)
    assert sum(file.stat().st_size for file in files(path)) == again.waiting_bytes == 450
    with pytest.raises(OSError, match="full at 450 bytes"):
        again.append({"text": "x" * 50})
    again.close()


def test_as_much_is_read_as_was_asked_for(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 100)
    for number in range(30):
        spool.append({"n": number})
    size = len('{"n":0}\n')
    assert [record["n"] for record in spool.read(1000, 3 * size)[0]] == [0, 1, 2]
    assert [record["n"] for record in spool.read(1000, 3 * size + 1)[0]] == [0, 1, 2, 3], "the last one whole"
    assert [record["n"] for record in spool.read(25, 1)[0]] == [0], "one at least"
    assert [record["n"] for record in spool.read(25)[0]] == list(range(25)), "from file to file"


def test_a_file_of_a_version_that_knew_only_one_is_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 100)
    path.write_bytes(b"".join(b'{"n":%d}\n' % number for number in range(40)))
    spool = Spool(path, ROOM)
    spool.append({"n": 40})
    spool.append({"n": 41})
    assert [record["n"] for record in spool.read(1000, 10_000)[0]] == list(range(42))
    spool.acknowledge(spool.read(41, 10_000)[1])
    spool.close()
    again = Spool(path, ROOM)
    assert [record["n"] for record in everything(again)][-1:] == [41]
    again.close()


def test_a_file_that_somebody_took_away_does_not_stop_the_rest(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 100)
    for number in range(30):
        spool.append({"n": number})
    first, second, *_ = (file for file in files(path) if file != path)
    first.unlink()
    with second.open("r+b") as file:
        file.truncate(len(b'{"n":12}\n'))
    numbers = [record["n"] for record in spool.read(1000, 10_000)[0]]
    assert numbers[-1] == 29
    assert 0 < len(numbers) < 30
    assert "is gone" in caplog.text
    assert "bytes from its end" in caplog.text
    spool.acknowledge(spool.read(1000, 10_000)[1])
    assert spool.waiting_bytes == 0


def test_where_no_other_file_can_be_made_the_one_grows(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 100)
    spool.append({"text": "x" * 80})
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        spool.append({"n": 1})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert files(path) == [path]
    assert [record.get("n") for record in everything(spool)] == [None, 1]


def test_only_the_end_of_a_large_file_is_looked_at_to_mend_it(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"n":1}\n')
        file.seek(3_000_000_000)  # a hole, which takes no room
        file.write(b'\n{"n":2}\n{"n":')
    tracemalloc.start()
    spool = Spool(path, 2**40)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert spool.waiting_bytes == path.stat().st_size == 3_000_000_000 + len(b'\n{"n":2}\n')
    spool.close()


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
def test_any_history_keeps_order_and_what_was_not_acknowledged(steps: list[tuple[str, int]], segment: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SEGMENT_BYTES", segment)
        path = Path(folder) / "a.spool"
        spool = Spool(path, ROOM)
        appended, done, seen, position = 0, 0, 0, None
        try:
            for step, size in steps:
                match step:
                    case "append":
                        spool.append({"n": appended, "text": "é" * size})
                        appended += 1
                    case "read":
                        records, position = spool.read(size, ROOM)
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


@pytest.mark.parametrize("deed", ["deleted", "moved", "replaced"])
def test_a_queue_taken_away_under_the_service_is_made_anew_with_what_waited(
    spool: Spool, path: Path, deed: str, caplog: pytest.LogCaptureFixture
) -> None:
    spool.append({"n": 1})
    if deed == "replaced":
        (path.parent / "other").write_text("of somebody else\n")
        (path.parent / "other").replace(path)
    elif deed == "moved":
        path.rename(path.parent / "elsewhere")
    else:
        path.unlink()
    assert everything(spool) == [{"n": 1}], "the open file has it still"
    spool.append({"n": 2})
    assert f"{path} was taken away" in caplog.text
    assert everything(spool) == [{"n": 1}, {"n": 2}]
    after_a_crash = Spool(path, ROOM)
    assert everything(after_a_crash) == [{"n": 1}, {"n": 2}]
    after_a_crash.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_small_queue_that_is_never_empty_has_room_for_what_comes(path: Path) -> None:
    spool = Spool(path, 2000)
    spool.append({"n": -1})
    for number in range(1000):
        spool.append({"n": number})
        records, position = spool.read(1)
        assert records == [{"n": number - 1}]
        spool.acknowledge(position)
    spool.close()


def test_everything_put_in_is_synced_files_put_by_included(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def note(file: int) -> None:
        synced.append(os.fstat(file).st_ino)

    monkeypatch.setattr(module.os, "fsync", note)
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 20)

    def sync() -> set[int]:
        synced.clear()
        spool.sync()()
        return set(synced)

    spool.append({"n": 1})
    assert sync() == {path.stat().st_ino, path.parent.stat().st_ino}, "the file, and its name"
    assert sync() == {path.stat().st_ino}
    for number in range(5):
        spool.append({"n": number, "long": "enough"})
    work = spool.sync()
    spool.append({"n": 9, "what": "comes while the disk is at work"})
    newest = path.stat().st_ino
    files = {entry.stat().st_ino for entry in path.parent.iterdir()} - {newest}
    assert len(files) > 3
    synced.clear()
    work()
    assert set(synced) == files | {path.parent.stat().st_ino}
    assert sync() == {newest, path.parent.stat().st_ino} | {
        max(path.parent.glob("*.0*"), key=lambda entry: entry.name).stat().st_ino
    }, "what was put by since, and no other"
    spool.acknowledge(spool.read(100)[1])
    assert sync() == {path.stat().st_ino}


def test_a_sync_of_what_is_acknowledged_meanwhile_does_no_harm(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 20)
    for number in range(5):
        spool.append({"n": number, "long": "enough"})
    work = spool.sync()
    spool.acknowledge(spool.read(100)[1])
    work()
    assert path.stat().st_size == 0
    before = len(list(Path("/proc/self/fd").iterdir()))
    spool.sync()()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
