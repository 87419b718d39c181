"""`vigilia history` as people run it: real processes, over a real database, with another one that writes to it."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.unit.history.places import FOR_EVER, SECOND, START, row
from vigilia.clock import iso
from vigilia.errors import StartError
from vigilia.history.backend import Backend, HistoryError, RefusedRowsError, Row
from vigilia.history.command import run_import
from vigilia.history.csvfile import HEADER, line_of
from vigilia.history.ladder import LATEST_MS
from vigilia.history.sqlite import SqliteHistory
from vigilia.points import Severity, Status

ROWS = [
    row("T1:Power-Mon", START, 12.5),
    row("T1:Power-Mon", START + 1, 13.0, severity=Severity.MAJOR, status=Status.HIHI),
    row("T1:Power-Mon", START + 2, severity=Severity.INVALID, status=Status.UDF),
    row("T2:Desc-SP", START, text='two\nlines, "quoted"'),
    row("T2:Desc-SP", START + 1, text=""),
    row("[odd] 100%", START, 1.0),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "vigilia.toml").write_text(
        '[site]\nlanguage = "en"\n[pvoperation]\nemail = "a@example.org"\npassword = "not-shown"\n', encoding="utf-8"
    )
    return tmp_path


def address(folder: Path) -> str:
    return f"sqlite:///{folder}/state/history.db"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "vigilia", "history", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(("VIGILIA", "PVOP", "TEAMS"))}


def vigilia(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, timeout=60, check=False
    )


def write(folder: Path, rows: Sequence[Row]) -> None:
    async def put() -> None:
        history = await SqliteHistory.open(address(folder), FOR_EVER)
        await history.write(rows)
        await history.close()

    asyncio.run(put())


def kept(folder: Path) -> list[Row]:
    async def get() -> list[Row]:
        history = await SqliteHistory.look(address(folder))
        names = sorted(info.name for info in await history.points())
        found = [one for name in names for one in await history.rows(name, 0, LATEST_MS, 1_000_000)]
        await history.close()
        return found

    return asyncio.run(get())


def csv_file(folder: Path, rows: Sequence[Row], name: str = "given.csv") -> Path:
    path = folder / name
    path.write_text(f"{HEADER}\n{''.join(map(line_of, rows))}", encoding="utf-8", newline="")
    return path


def many(count: int, point: str = "p") -> list[Row]:
    return [row(point, START + at * SECOND, at / 7) for at in range(count)]


def test_export_prints_the_readings_and_nothing_else(folder: Path) -> None:
    write(folder, ROWS)
    done = vigilia(folder, "export", "*")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{HEADER}\n{''.join(map(line_of, sorted(ROWS)))}"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["T1:*"], ROWS[:3]),
        (["T2:Desc-SP", "T1:*", "T1:Power-Mon"], ROWS[3:5] + ROWS[:3]),
        (["[odd] 100%"], ROWS[5:]),
        (["T1:*", "--from", iso((START + 1) / 1000)], ROWS[1:3]),
        (["--to", "2025-12-31T21:00:00.001-03:00", "T1:*"], ROWS[:2]),
        (["T1:*", "--from", "2026-02-01T00:00:00Z", "--to", "2026-02-01T00:00:00Z"], []),
    ],
)
def test_what_is_exported(folder: Path, arguments: list[str], expected: list[Row]) -> None:
    write(folder, ROWS)
    done = vigilia(folder, "export", *arguments)
    assert done.stdout.decode() == f"{HEADER}\n{''.join(map(line_of, expected))}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "the history knows no point 'nope'"),
        (["T1:*", "T3:*"], "the history knows no point 'T3:*'"),
        (["*", "--from", "2026-01-01T00:00:00"], "--from '2026-01-01T00:00:00' is no time: write it with its zone"),
        (["*", "--to", "today"], "--to 'today' is no time"),
        (["*", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"], "is after --to"),
        (["*", "--out", "missing/x.csv"], "missing/x.csv: cannot be written: No such file or directory"),
        (["*", "--format", "xlsx"], "invalid choice: 'xlsx'"),
        ([], "required: POINT"),
    ],
)
def test_an_export_that_cannot_be(folder: Path, arguments: list[str], said: str) -> None:
    write(folder, ROWS)
    done = vigilia(folder, "export", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_export_of_a_history_that_is_not_there_makes_none(folder: Path) -> None:
    done = vigilia(folder, "export", "*")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert list((folder / "state").iterdir()) == []


def test_a_file_is_whole_or_not_there(folder: Path) -> None:
    write(folder, ROWS)
    out = folder / "out.csv"
    out.write_text("of yesterday", encoding="utf-8")
    assert vigilia(folder, "export", "nope", "--out", out).returncode == 2
    assert out.read_text(encoding="utf-8") == "of yesterday"
    done = vigilia(folder, "export", "T2:*", "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert out.read_bytes().decode() == f"{HEADER}\n{''.join(map(line_of, ROWS[3:5]))}"
    assert not list(folder.glob("*.part"))


def test_parquet(folder: Path) -> None:
    write(folder, ROWS)
    assert vigilia(folder, "export", "*", "--format", "parquet", "--out", "x.parquet").returncode == 0
    found = pyarrow.parquet.read_table(folder / "x.parquet").to_pylist()
    assert [
        Row(
            one["point"],
            round(one["time"].timestamp() * 1000),
            one["value"],
            one["text"],
            Severity[one["severity"]],
            Status[one["status"]],
        )
        for one in found
    ] == sorted(ROWS)
    piped = vigilia(folder, "export", "*", "--format", "parquet").stdout
    assert piped == (folder / "x.parquet").read_bytes()


def test_parquet_comes_in_groups_of_rows(folder: Path) -> None:
    write(folder, many(205_000))
    vigilia(folder, "export", "p", "--format", "parquet", "--out", "x.parquet")
    found = pyarrow.parquet.ParquetFile(folder / "x.parquet").metadata
    assert (found.num_rows, found.num_row_groups) == (205_000, 3)


def test_without_the_package_parquet_is_a_sentence(folder: Path) -> None:
    write(folder, ROWS)
    start = "import sys; sys.modules['pyarrow'] = None; from vigilia.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", start, "history", "export", "*", "--format", "parquet", "--out", "x"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b'run pip install "vigilia[parquet]"' in done.stderr
    assert not (folder / "x").exists()


def test_a_reader_that_has_seen_enough(folder: Path) -> None:
    write(folder, many(50_000))
    with subprocess.Popen(
        command("export", "p"), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == f"{HEADER}\n".encode()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def on_a_terminal(folder: Path, *arguments: str | Path) -> tuple[bytes, str]:
    """What a command prints, and what its terminal shows besides."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        printed, _ = process.communicate(timeout=60)
    shown = b""
    try:
        while chunk := os.read(ours, 65_536):
            shown += chunk
    except OSError:  # how Linux says that the other end of a terminal is closed
        pass
    os.close(ours)
    return printed, shown.decode()


def test_a_terminal_sees_how_far_it_is(folder: Path) -> None:
    write(folder, many(30_000))
    printed, shown = on_a_terminal(folder, "export", "p")
    assert printed.decode().splitlines()[1:] == [line_of(one).rstrip() for one in many(30_000)]
    assert "%" in shown
    assert shown.endswith("\r\x1b[K"), "the bar is taken away at the end"
    printed, shown = on_a_terminal(folder, "import", csv_file(folder, many(30_000)))
    assert printed == b"30000 rows imported, 0 lines left out\n"
    assert "%" in shown


def test_import_takes_what_export_wrote_once(folder: Path) -> None:
    write(folder, ROWS)
    vigilia(folder, "export", "*", "--out", "all.csv")
    for file in (folder / "state").iterdir():
        file.unlink()
    for _ in range(2):
        done = vigilia(folder, "import", "all.csv")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"6 rows imported, 0 lines left out\n", b"")
        assert kept(folder) == sorted(ROWS)


def test_wrong_lines_are_told_and_left_out(folder: Path) -> None:
    good = [line_of(one) for one in many(3)]
    lines = [
        HEADER + "\n",
        good[0],
        "p,2026-01-01T00:00:00,1,,,\n",
        good[1],
        "\x1b[31m,2026-01-01T00:00:00Z,1,,,\n",
        good[2],
    ]
    (folder / "bad.csv").write_text("".join(lines), encoding="utf-8")
    done = vigilia(folder, "import", "bad.csv")
    assert (done.returncode, done.stdout) == (1, b"3 rows imported, 2 lines left out\n")
    first, second = done.stderr.decode().splitlines()
    assert first.startswith("bad.csv:3: '2026-01-01T00:00:00' is no time: write it with its zone")
    assert second.startswith("bad.csv:5: ")
    assert "\x1b" not in second
    assert kept(folder) == many(3)


def test_no_more_lines_are_told_than_anybody_reads(folder: Path) -> None:
    (folder / "bad.csv").write_text(HEADER + "\n" + "x\n" * 3000, encoding="utf-8")
    done = vigilia(folder, "import", "bad.csv")
    assert (done.returncode, done.stdout) == (1, b"0 rows imported, 3000 lines left out\n")
    assert len(done.stderr.splitlines()) == 1001


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "given.csv: cannot be read: No such file or directory"),
        (b"", "its first line must be point,time,value"),
        (b"time,point,value\n", "its first line must be point,time,value"),
        (b"\x00\xff" * 1000, "its first line must be point,time,value"),
    ],
)
def test_what_is_no_file_of_readings(folder: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (folder / "given.csv").write_bytes(content)
    done = vigilia(folder, "import", "given.csv")
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert list((folder / "state").iterdir()) == [], "no history is made for it"


def test_import_beside_another_that_writes(folder: Path) -> None:
    path = csv_file(folder, many(60_000))

    async def both() -> int:
        service = await SqliteHistory.open(address(folder), FOR_EVER)
        process = await asyncio.create_subprocess_exec(
            *command("import", path), cwd=folder, env=environment(), stdout=subprocess.PIPE
        )
        ended = asyncio.create_task(process.communicate())
        written = 0
        while not ended.done():
            await service.write([row("live", START + written * SECOND, written)])
            written += 1
            await asyncio.sleep(0.01)
        await service.close()
        assert (await ended)[0] == b"60000 rows imported, 0 lines left out\n"
        return written

    written = asyncio.run(both())
    assert written > 3
    found = kept(folder)
    assert [one for one in found if one.point == "p"] == many(60_000)
    assert len(found) == 60_000 + written


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def rows_there(folder: Path) -> int:
    try:
        return len(kept(folder))
    except (HistoryError, StartError):  # it is still being made
        return 0


def test_ctrl_c_says_how_far_the_import_came(folder: Path) -> None:
    path = csv_file(folder, many(200_000))
    with subprocess.Popen(
        command("import", path),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for(lambda: rows_there(folder))
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=30)
    assert (process.returncode, printed) == (130, "")
    there = kept(folder)
    assert there == many(200_000)[: len(there)]
    assert 10_000 <= len(there) < 200_000
    told = int(said.split(" rows")[0].rpartition(" ")[2])
    assert f"imported up to line {told + 1}, " in said
    assert 0 <= len(there) - told <= 10_000, "what was under way may have been kept"
    assert vigilia(folder, "import", path).returncode == 0
    assert kept(folder) == many(200_000)


def test_ctrl_c_leaves_no_half_file(folder: Path) -> None:
    write(folder, many(200_000))
    with subprocess.Popen(
        command("export", "p", "--out", "x.csv"), cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for((folder / "x.csv.part").exists)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "vigilia: interrupted: the export is not complete\n")
    assert not list(folder.glob("x.csv*"))


class Choosy(SqliteHistory):
    """A database that does not like the number 13, and breaks at `breaks_at`."""

    breaks_at = -1.0

    async def write(self, rows: Sequence[Row]) -> None:
        if any(one.value == 13 for one in rows):
            raise RefusedRowsError("13 brings bad luck")
        if any(one.value == self.breaks_at for one in rows):
            raise HistoryError("the database is away")
        await super().write(rows)


@pytest.fixture
def choosy(folder: Path) -> Callable[[], object]:
    async def start() -> Backend:
        return await Choosy.open(address(folder), FOR_EVER)

    return start


def test_a_row_that_the_database_refuses_costs_no_other(
    folder: Path, choosy: Callable[[], object], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row("p", START + at, at) for at in range(100)]
    path = csv_file(folder, rows)
    assert run_import(choosy, path, START / 1000) == 1  # type: ignore[arg-type]
    assert kept(folder) == [one for one in rows if one.value != 13]
    assert capsys.readouterr() == ("99 rows imported, 1 lines left out\n", f"{path}:15: 13 brings bad luck\n")


def test_a_database_that_goes_away_leaves_word_of_how_far_it_came(
    folder: Path, choosy: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Choosy, "breaks_at", 25_000.0)
    path = csv_file(folder, [row("p", START + at, at + 14) for at in range(30_000)])
    with pytest.raises(HistoryError, match="the database is away: imported up to line 20001, 20000 rows"):
        run_import(choosy, path, START / 1000)  # type: ignore[arg-type]
    assert len(kept(folder)) == 20_000
