"""A history's file: in whatever state it is found or put, the service goes on, says why not, and begins again."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import vigilia
from tests.unit.history.places import DAY, FOR_EVER, HOUR, SECOND, START, row
from vigilia.errors import StartError
from vigilia.history.backend import HistoryError, Keeping, PointInfo, Question, Row
from vigilia.history.ladder import LATEST_MS
from vigilia.history.sqlite import SqliteHistory
from vigilia.history.sqlite_file import Lane


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sub" / "history?.db"


async def opened(path: Path, keeping: Keeping = FOR_EVER) -> SqliteHistory:
    return await SqliteHistory.open(f"sqlite:///{path}", keeping)


def some(count: int = 100, point: str = "p", start: int = START) -> list[Row]:
    return [row(point, start + at * SECOND, at + 0.5) for at in range(count)]


async def count(history: SqliteHistory, point: str = "p") -> int:
    return len(await history.rows(point, 0, LATEST_MS, 10**6))


async def filled(path: Path, rows: int = 5000) -> None:
    history = await opened(path)
    await history.write(some(rows))
    await history.close()


def overwrite(path: Path, start: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content)


def leftovers(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


async def test_the_folder_and_the_file_are_made_and_nothing_else_stays(path: Path) -> None:
    history = await opened(path)
    assert (history.name, history.set_aside) == (str(path), "")
    await history.write(some())
    await history.close()
    assert leftovers(path) == [path.name]


@pytest.mark.parametrize("url", ["sqlite://x", "sqlite:///", "history.db"])
async def test_an_address_that_names_no_file_stops_the_start(url: str) -> None:
    with pytest.raises(StartError, match="names no SQLite file"):
        await SqliteHistory.open(url, FOR_EVER)


async def test_a_file_of_a_newer_program_stops_the_start(path: Path) -> None:
    await filled(path, 1)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE history_version SET revision = 99")
    before = path.read_bytes()
    for way in (opened(path), SqliteHistory.look(f"sqlite:///{path}")):
        with pytest.raises(StartError, match="revision 99"):
            await way
    assert path.read_bytes() == before


async def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE points (x)")
    with pytest.raises(StartError, match="something else"):
        await opened(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("points",)]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"\x00\xff" * 5000),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2 // 4096 * 4096),
    "header lost": lambda path: overwrite(path, 0, b"\0" * 100),
    "a page lost": lambda path: overwrite(path, path.stat().st_size - 4 * 4096, b"\xff" * 4096),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_file_is_set_aside(damage: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await filled(path)
    DAMAGE[damage](path)
    damaged = path.read_bytes()
    history = await opened(path)
    assert await count(history) == 0
    await history.write(some(3))
    assert re.fullmatch(r"history\?\.db\.corrupt\.\d{8}T\d{6}\.\d{6}Z", Path(history.set_aside).name)
    assert Path(history.set_aside).read_bytes() == damaged
    assert "the history" in caplog.text
    assert "is damaged" in caplog.text
    await history.close()


async def test_a_file_that_is_damaged_while_in_use_is_set_aside(path: Path) -> None:
    await filled(path)
    history = await opened(path)
    size = path.stat().st_size
    overwrite(path, 4096, b"\xff" * (size - 4096))
    with pytest.raises(HistoryError, match="is damaged"):
        await history.write(some(5000, "q"))
    await history.write(some(3))
    assert await count(history) == 3
    assert Path(history.set_aside).stat().st_size == size
    await history.close()


async def test_a_file_that_is_away_is_waited_for(path: Path) -> None:
    history = await opened(path)
    await history.write(some(10))
    away = path.with_name("away")
    path.rename(away)
    for work in (history.write(some()), count(history), history.maintain(START)):
        with pytest.raises(HistoryError, match="is away"):
            await work
    assert not path.exists(), "nothing is begun where a disk may be missing"
    away.rename(path)
    await history.write(some(20))
    assert await count(history) == 20
    await history.close()


async def test_a_file_that_was_replaced_is_used(path: Path, tmp_path: Path) -> None:
    """A copy of yesterday's is put in its place: what was in the log of the other does not get into it."""
    history = await opened(path)
    await history.write(some(10))
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM INTO ?", (str(backup),))
    await history.write([*some(3000, "q"), *some(3000)])
    backup.rename(path)
    await history.write(some(5, "r"))
    assert [await count(history, point) for point in "pqr"] == [10, 0, 5]
    assert {found.point for found in await history.latest()} == {"p", "r"}
    await history.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_newer_file_in_its_place_is_refused_until_it_is_right(path: Path, tmp_path: Path) -> None:
    history = await opened(path)
    await history.write(some(10))
    right, newer = tmp_path / "right.db", tmp_path / "newer.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM INTO ?", (str(right),))
    shutil.copy(right, newer)
    with closing(sqlite3.connect(newer)) as db, db:
        db.execute("UPDATE history_version SET revision = 99")
    newer.rename(path)
    for work in (history.write(some()), count(history)):
        with pytest.raises(HistoryError, match="revision 99"):
            await work
    right.rename(path)
    await history.write(some(20))
    assert await count(history) == 20
    await history.close()


async def test_another_program_that_holds_the_file_is_named_and_waited_for(path: Path) -> None:
    history = await opened(path)
    await history.write(some(10))
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="locked by another program"):
            await history.write(some(20))
        assert await count(history) == 10, "reading goes on"
        holder.execute("ROLLBACK")
    await history.write(some(20))
    assert await count(history) == 20
    await history.close()


async def test_what_takes_too_long_is_ended_and_what_comes_after_it_is_done(path: Path) -> None:
    await filled(path, 10)
    lane = Lane(path, writes=False, deadline_s=0.1)
    for_ever = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(HistoryError, match=r"took longer than 0\.1 s"):
        await lane.run(lambda connection: connection.execute(for_ever).fetchone())
    assert await lane.run(lambda connection: connection.execute("SELECT count(*) FROM samples").fetchone()) == (10,)
    await lane.close()


async def test_a_long_question_holds_up_no_end(path: Path) -> None:
    await filled(path, 10)
    lane = Lane(path, writes=False, deadline_s=60)
    for_ever = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(connection: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        connection.execute(for_ever).fetchone()

    asking = asyncio.create_task(lane.run(ask))
    await begun.wait()
    async with asyncio.timeout(20):
        await lane.close()
    with pytest.raises(HistoryError):
        await asking


async def test_whoever_only_looks_is_told_what_is_not_summed_up(path: Path) -> None:
    history = await opened(path)
    for part in range(11):
        await history.write(some(20_000, "p", START + part * 20_000 * SECOND))
    looker = await SqliteHistory.look(f"sqlite:///{path}")
    with pytest.raises(HistoryError, match="not summed up yet"):
        await looker.read(Question("p", 0, LATEST_MS, 100))
    await history.maintain(START + 10 * DAY)
    assert len((await looker.read(Question("p", 0, LATEST_MS, 100))).buckets) == 62
    await looker.close()
    await history.close()


async def test_what_is_said_of_a_point_is_kept_as_far_as_it_is_text(path: Path) -> None:
    history = await opened(path)
    await history.describe([PointInfo("p", "enum", "\ud800C", "a\0b", labels=("On\udfff", "Off"))])
    (info,) = await history.points()
    assert info == PointInfo("p", "enum", "?C", "a?b", labels=("On?", "Off"))
    await history.close()


async def test_rows_of_another_program_count(path: Path) -> None:
    history = await opened(path)
    await history.write(some(100))
    with closing(sqlite3.connect(path, isolation_level=None)) as agent:
        agent.execute("INSERT INTO points (name, kind) VALUES ('agent''s', 'number')")
        agent.execute("INSERT INTO samples (point, time, value) SELECT id, ?, 7 FROM points", (START + HOUR,))
        agent.execute("DELETE FROM points WHERE name = 'p'")
        agent.execute("INSERT INTO points (id, name) VALUES (77, 'p')")
    assert {found.point for found in await history.latest()} == {"agent's"}
    await history.write(some(10))
    assert await count(history) == 10, "it has another number now"
    await history.maintain(START + DAY)
    series = await history.read(Question("agent's", START, START + DAY, 10))
    assert [bucket.value for bucket in series.buckets] == [7.0]
    await history.close()


PROGRAM = (
    "import asyncio, os, resource, signal, sys\n"
    "from tests.unit.history.test_sqlite import *\n"
    "async def main(path):\n"
    "    {work}\n"
    "asyncio.run(main(Path(sys.argv[1])))\n"
)


async def by_another(path: Path, work: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines in a process of their own, which finds the tests and what they test."""
    folders = os.pathsep.join((str(Path(vigilia.__file__).parents[1]), str(Path(__file__).parents[3])))
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PROGRAM.format(work=work.strip().replace("\n", "\n    ")), str(path)],
        env={**os.environ, "PYTHONPATH": folders},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_what_was_written_is_there_after_a_kill(path: Path) -> None:
    done = await by_another(
        path,
        """
history = await opened(path)
await history.write(some(100))
os.kill(os.getpid(), signal.SIGKILL)""",
    )
    assert done.returncode < 0, done.stderr
    history = await opened(path)
    assert (await count(history), history.set_aside) == (100, "")
    await history.close()


async def test_a_disk_without_room_is_told_and_used_again_when_there_is_some(path: Path) -> None:
    done = await by_another(
        path,
        """
history = await opened(path)
await history.write(some(10))
free = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, free[1]))
try:
    await history.write([*some(20_000, "new"), *some(20)])
except HistoryError as error:
    print(error)
print(await count(history), await count(history, "new"))
resource.setrlimit(resource.RLIMIT_FSIZE, free)
await history.write([*some(15, "new"), *some(20)])
print(await count(history), await count(history, "new"))
await history.close()""",
    )
    assert not done.stderr
    said, before, after = done.stdout.splitlines()
    assert said.startswith(f"the history {path} does not ")
    assert "room" in said
    assert (before, after) == ("10 0", "20 15")


@pytest.mark.parametrize("there", [False, True])
async def test_a_folder_that_cannot_be_written_is_named(there: bool, path: Path) -> None:
    if there:
        await filled(path)
    path.parent.mkdir(exist_ok=True)
    for folder in path.parents[1:]:
        if folder.name.startswith(("pytest-", "popen-", "test_")):
            folder.chmod(0o755)
    path.parent.chmod(0o555)
    try:
        done = await by_another(
            path,
            """
os.getuid() or os.setuid(65534)  # root may write everywhere
try:
    await opened(path)
except HistoryError as error:
    print(error)
if path.exists():
    history = await SqliteHistory.look(f"sqlite:///{path}")
    print(await count(history))
    await history.close()""",
        )
    finally:
        path.parent.chmod(0o755)
    assert not done.stderr
    said, *read = done.stdout.splitlines()
    assert re.match(f"the history {re.escape(str(path))} cannot be (opened|used)", said), said
    assert read == (["5000"] if there else [])


async def test_looking_makes_and_changes_nothing(path: Path) -> None:
    with pytest.raises(StartError, match="there is no history at"):
        await SqliteHistory.look(f"sqlite:///{path}")
    assert not path.parent.exists()
    await filled(path, 10)
    looker = await SqliteHistory.look(f"sqlite:///{path}")
    for work in (looker.write(some(1)), looker.describe([]), looker.maintain(START)):
        with pytest.raises(HistoryError, match="reading only"):
            await work
    assert await count(looker) == 10
    await looker.close()


async def test_writes_get_their_turn_while_a_long_time_is_rolled_up(path: Path) -> None:
    history = await opened(path)
    for part in range(10):
        await history.write(
            [row(f"p{at % 10}", START + (part * 10_000 + at) * 3 * SECOND, float(at)) for at in range(10_000)]
        )
    work = asyncio.create_task(history.maintain(START + 10 * DAY))
    turns = 0
    while not work.done():
        await history.write(some(1, "live", START + 20 * DAY + turns))
        turns += 1
    assert turns > 3
    await work
    await history.close()


async def test_the_room_of_what_is_dropped_is_used_again(path: Path) -> None:
    history = await opened(path, Keeping(1, 2, 3))
    sizes: list[int] = []
    for day in range(8):
        for point in range(4):
            await history.write(some(17_280, f"p{point}", START + day * DAY))
        await history.maintain(START + (day + 1) * DAY)
        with closing(sqlite3.connect(path)) as db:
            sizes.append(db.execute("PRAGMA page_count").fetchone()[0])
    assert sizes[7] <= sizes[3] * 1.1
    await history.close()


async def test_a_reading_takes_less_than_30_bytes(path: Path) -> None:
    """Written as the recorder does, every second of all points; long enough to move on into the large table."""
    history = await opened(path)
    seconds, points = 1500, 200
    for at in range(0, seconds, 10):
        await history.write(
            [
                row(f"SITE:DEVICE:POINT{point}-RB", START + (at + part) * SECOND + point, at / 7 + point)
                for part in range(10)
                for point in range(points)
            ]
        )
    await history.maintain(START + DAY)
    await history.close()
    assert path.stat().st_size / (seconds * points) < 30


async def test_a_question_right_after_a_large_import_is_answered(path: Path) -> None:
    history = await opened(path)
    for part in range(11):
        await history.write(some(20_000, "p", START + part * 20_000 * SECOND))
    series = await history.read(Question("p", 0, LATEST_MS, 100))
    assert series.resolution_ms == HOUR
    assert [bucket.high for bucket in series.buckets[:3]] == [3599.5, 7199.5, 10799.5]
    assert len(series.buckets) == 62
    await history.close()


async def test_a_question_for_more_than_can_be_looked_at_is_answered_coarser(path: Path) -> None:
    history = await opened(path)
    for part in range(11):
        await history.write([row("p", START + part * 20_000 + at, float(at)) for at in range(20_000)])
    series = await history.read(Question("p", START, START + 10**9, 250))
    assert series.resolution_ms == 60 * SECOND
    assert len(series.buckets) == 4
    await history.close()
