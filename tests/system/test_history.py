"""The history from outside: what people saw is in the database, once, whatever happened to service and database."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.conftest import Service, Simulator, until
from tests.unit.history.scripted import packed
from vigilia.history.backend import Row
from vigilia.points import Severity, Status
from vigilia.spool import Spool

pytestmark = pytest.mark.system

PORTS = 4
POWER = [f"SIM-01:Cam-{port:02d}:Power-Mon" for port in range(1, PORTS + 1)]

Seen = dict[tuple[str, int], float]
"""What a viewer was told: name and milliseconds, and the value."""


class Viewer:
    """Follows the power of every port over the event stream."""

    def __init__(self, service: Service) -> None:
        self.seen: Seen = {}
        self._service = service
        self._first: set[str] = set()

    async def follow(self) -> None:
        """Note every change; the present values, which come first, are none."""
        names = "&".join(f"name={name}" for name in POWER)
        url = f"{self._service.url}/api/v1/events?{names}"
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as http, http.get(url) as stream:
                async for line in stream.content:
                    if line.startswith(b"data:"):
                        self._note(json.loads(line[5:]))

    def _note(self, point: dict[str, Any]) -> None:
        name = point["name"]
        if name in self._first and point["severity"] == "NO_ALARM":
            self.seen[name, _milliseconds(point["timestamp"])] = point["value"]
        self._first.add(name)


@contextlib.asynccontextmanager
async def flowing(sim: Simulator, service: Service) -> AsyncIterator[Viewer]:
    """Have the ports' power change all the time, and somebody look at it."""
    viewer = Viewer(service)

    async def change() -> None:
        step = 0
        while True:
            await sim.set_port("sw-1", str(step % PORTS + 1), power_w=1 + step % 100 / 10)
            step += 1

    tasks = [asyncio.create_task(viewer.follow()), asyncio.create_task(change())]
    try:
        yield viewer
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def see(viewer: Viewer, more: int) -> None:
    """Wait until so many changes more were seen."""
    enough = len(viewer.seen) + more
    await until(lambda: len(viewer.seen) >= enough)


@pytest.fixture
async def sim(simulate: Any) -> Simulator:
    return await simulate(ports=PORTS)


@pytest.fixture
def run(sim: Simulator, serve: Any) -> Callable[..., Awaitable[Service]]:
    """Starts the service, which scans ten times a second; `history` is its section."""

    async def start(history: str = "", **environment: str) -> Service:
        config = sim.config.replace("[aruba]\n", "[aruba]\nscan_s = 0.1\n", 1)
        assert "scan_s" in config
        return await serve(f"[history]\n{history}\n{config}", epics=None, environment=environment)

    return start


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.db"


async def test_what_was_seen_a_second_before_a_kill_is_there_once_and_in_order(
    run: Any, sim: Simulator, database: Path
) -> None:
    seen: Seen = {}
    for _ in range(8):
        service = await run()
        async with flowing(sim, service) as viewer:
            await see(viewer, 10)
            before = dict(viewer.seen)
            await asyncio.sleep(1.0)  # what is promised: all that is older than this
            await service.program.kill()
        seen |= before
    service = await run()
    await empty(database)
    assert await service.program.stop() == 0
    check(database, seen)


async def test_a_stop_keeps_the_last_reading_too(run: Any, sim: Simulator, database: Path) -> None:
    seen: Seen = {}
    for _ in range(2):
        service = await run()
        async with flowing(sim, service) as viewer:
            await see(viewer, 10)
            began = time.monotonic()
            assert await service.program.stop() == 0
            assert time.monotonic() - began < 10
        seen |= viewer.seen
        assert (database.parent / "history.spool").stat().st_size == 0
    check(database, seen)


async def test_a_database_that_somebody_else_has_locked(run: Any, sim: Simulator, database: Path) -> None:
    service = await run()
    async with flowing(sim, service) as viewer:
        await see(viewer, 5)
        with locked(database):
            await service.program.line_with("the history waits on disk")
            await see(viewer, 20)
            assert (await service.point("vigilia:HistoryLag-Mon"))["value"] > 0
            # The answer does not wait for the database, and neither does a stop or the next start.
            assert await service.program.stop() == 0
            service = await run()
        await service.program.line_with("the history is in")
    second = await asyncio.wait_for(_more(sim, service), 30)
    await empty(database)
    await service.program.stop()
    check(database, viewer.seen | second)


async def test_a_folder_that_is_away_and_back(run: Any, sim: Simulator, tmp_path: Path) -> None:
    past = tmp_path / "past"
    service = await run('url = "sqlite:///past/history.db"')
    async with flowing(sim, service) as viewer:
        await see(viewer, 5)
        past.rename(tmp_path / "elsewhere")
        await service.program.line_with("the history waits on disk")
        await see(viewer, 10)
        (tmp_path / "elsewhere").rename(past)
        await service.program.line_with("the database takes the history again", 60)
        await see(viewer, 5)
    await service.program.stop()
    check(past / "history.db", viewer.seen)


async def test_a_full_spool_is_told_and_what_was_in_it_is_kept(run: Any, sim: Simulator, database: Path) -> None:
    service = await run("spool_mb = 1")
    await service.program.stop()
    waiting = [
        Row("OLD:x", 1_700_000_000_000 + number, number / 7, None, Severity.NO_ALARM, Status.NO_ALARM)
        for number in range(2000)
    ]
    spool, records = Spool(database.parent / "history.spool", 1_000_000), 0
    while spool.fill < 0.98:
        spool.append(packed([row._replace(time_ms=row.time_ms + 10_000 * records) for row in waiting], time.time()))
        records += 1
        waiting = waiting[:200] if spool.fill > 0.9 else waiting
    kept = spool.waiting_bytes
    spool.close()
    assert kept < 1_000_000
    with locked(database):
        service = await run("spool_mb = 1")
        async with flowing(sim, service):
            await service.program.line_with("readings are lost to the history")

            async def told() -> bool:
                status, health = await service.call("GET", "/healthz")
                lost = (await service.point("vigilia:HistoryDropped-Mon"))["value"]
                _, alarms = await service.call("GET", "/api/v1/alarms")
                raised = "history-lost@vigilia:HistoryDropped-Mon" in [alarm["id"] for alarm in alarms["items"]]
                return status == 503 and "readings were lost" in json.dumps(health) and lost > 0 and raised

            await until(told)
    await service.program.line_with("readings are kept again", 60)
    await empty(database)
    await service.program.stop()
    with contextlib.closing(sqlite3.connect(database)) as file:
        (count,) = file.execute(
            "SELECT count(*) FROM samples JOIN points ON points.id = point WHERE name = 'OLD:x'"
        ).fetchone()
    assert count > 10_000


async def test_a_clock_that_was_set_back(run: Any, sim: Simulator, database: Path) -> None:
    seen: Seen = {}
    for start in ("2026-03-10T12:00:00", "2026-03-10T11:59:58"):
        service = await run(VIGILIA_CLOCK=start)
        async with flowing(sim, service) as viewer:
            await see(viewer, 15)
            await service.program.stop()
        # Of one point and time the later run's reading stays.
        seen |= viewer.seen
    check(database, seen)


async def test_a_history_that_is_newer_than_the_program(run: Any, serve: Any, sim: Simulator, database: Path) -> None:
    service = await run()
    await service.program.stop()
    with contextlib.closing(sqlite3.connect(database)) as file:
        file.execute("UPDATE history_version SET revision = 999")
        file.commit()
    service = await serve(sim.config, epics=None, ready=False)
    assert await service.program.wait() == 2
    assert "newer" in service.program.text
    service = await serve(f"[history]\nenabled = false\n{sim.config}", epics=None)
    assert (await service.call("GET", "/api/v1/points/vigilia:HistoryLag-Mon"))[0] == 404
    await service.program.stop()


async def _more(sim: Simulator, service: Service) -> Seen:
    async with flowing(sim, service) as viewer:
        await see(viewer, 10)
    return viewer.seen


async def empty(database: Path) -> None:
    """Wait until nothing waits for the database any more, as far as one can see from outside."""
    spool = database.parent / "history.spool"
    await until(lambda: not spool.stat().st_size and not list(spool.parent.glob("history.spool.*")))


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the database so that nobody can write into it."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


def check(database: Path, seen: Seen) -> None:
    """See that the database has everything that was seen, each once, as it was seen."""
    assert len(seen) >= 10
    with contextlib.closing(sqlite3.connect(database)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = file.execute(
            "SELECT name, time, value FROM samples JOIN points ON points.id = point WHERE value IS NOT NULL"
        ).fetchall()
    kept = {(name, moment): value for name, moment, value in rows}
    assert len(kept) == len(rows), "once"
    assert {key: kept.get(key) for key in seen} == seen


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
