"""Ten thousand readings a second into the history, in the service itself, beside the scan of a switch each second."""

import asyncio
import contextlib
import json
import math
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from databases import POSTGRESQL, SQLITE, Database, Postgres, databases
from figures import Figure, gaps, median, percentile
from loaddriver import BATCHES
from loadrig import with_load
from programs import Bench, BenchError, Usage
from rig import Service, Simulator
from timing import times_between

POINTS = 10_000
WAIT_S = 5.0
USAGE_S = 2.0
LOOK_S = 0.025
"""Pause between two looks for what is new in the database; it makes the times that are told longer."""
ARRIVED_S = 60.0
_NEW_IN_SQLITE = "SELECT time FROM samples WHERE point = ? AND time > ? ORDER BY time"
_NEW_IN_POSTGRESQL = """SELECT known.point, extract(epoch FROM samples.time)::float8
FROM unnest($1::int[], $2::float8[]) AS known (point, newest), LATERAL (
    SELECT time FROM samples
    WHERE samples.point = known.point AND time > to_timestamp(newest) + interval '0.5 milliseconds'
) AS samples ORDER BY 2"""

Look = Callable[[], Awaitable[Sequence[tuple[int, float]]]]
"""Gives the rows of the watched points that were not there at the last look: the point's id and its time in seconds."""


@dataclass
class Seen:
    """What is seen of a load from outside."""

    points: dict[int, float] = field(default_factory=dict)
    """The newest row in the database, of each point that is watched."""
    lags: list[float] = field(default_factory=list)
    """From published to found in the database, of each batch, in seconds."""
    used: list[tuple[Usage, float]] = field(default_factory=list)
    """What the service used, and the CPU time of the database's server."""
    began: float = 0.0
    ended: float = 0.0


async def sustained(bench: Bench) -> list[Figure]:
    """10,000 points, each of another value each second, for five minutes, into SQLite and into PostgreSQL."""
    seconds = bench.take(300, 30)
    figures: list[Figure] = []
    with databases(bench, SQLITE, POSTGRESQL) as places:
        for place in places:
            found = await _load(bench, place, seconds)
            figures += [
                Figure(f"{place.name}: {one.what}", one.value, one.unit, one.limit, one.at_least) for one in found
            ]
    return figures


async def _load(bench: Bench, place: Database, seconds: float) -> list[Figure]:
    """Run the service with the load for so long, and watch it from outside."""
    report = bench.folder("load") / "report.json"
    more = f'[history]\nurl = "{place.url}"\n[load]\npoints = {POINTS}\nseconds = {seconds}\n'
    more += f'wait_s = {WAIT_S}\nreport = "{report}"\n'
    async with (
        Simulator(bench, switches=1, options=("--life",)) as sim,
        with_load(Service(bench, sim, epics=False, more=more)) as service,
        _looking(place) as look,
    ):
        server = await asyncio.to_thread(place.process) if isinstance(place, Postgres) else 0
        seen = Seen()
        await _gather(look, report, seconds, seen, lambda: (service.usage(), _cpu_s(server)))
        logs = await sim.logs(seen.began)
        told = _told(report)
        lost = await _missing(place, told["published"])
    if len(seen.points) != BATCHES:
        raise BenchError(f"of {BATCHES} points only {len(seen.points)} were seen in the database")
    lags, measured_s = seen.lags, seen.ended - seen.began
    (first, first_there), (last, last_there) = seen.used[0], seen.used[-1]
    intervals = [
        interval for found, until in times_between(logs, seen.ended).values() for interval in gaps(found, until)
    ]
    rate = told["published"] / (told["last"] - told["first"] + 1 / BATCHES)
    figures = [
        Figure("readings published", rate, "a second", 9_900, at_least=True),
        Figure("readings that are not in the database", lost, "", 0),
        Figure("from published to durable, 99th percentile", percentile(lags, 99), "s", 1),
        Figure("from published to durable, median", median(lags), "s"),
        Figure("from published to durable, longest", max(lags), "s"),
        Figure("a switch beside it: refresh interval, 99th percentile", percentile(intervals, 99), "s", 1.10),
        Figure("a switch beside it: refresh interval, longest", max(intervals), "s"),
        Figure("CPU of the service", 100 * (last.cpu_s - first.cpu_s) / measured_s, "% of a core"),
        Figure("memory of the service at most, proportional set size", max(used.pss_mb for used, _ in seen.used), "MB"),
    ]
    if server:
        figures.append(Figure("CPU of the server", 100 * (last_there - first_there) / measured_s, "% of a core"))
    return figures


async def _gather(
    look: Look, report: Path, seconds: float, seen: Seen, usage: Callable[[], tuple[Usage, float]]
) -> None:
    """Look at the database until the load is over and its last batch is there."""
    give_up = time.monotonic() + WAIT_S + 1.5 * seconds + ARRIVED_S
    looked_at_usage = 0.0
    while min(seen.points.values(), default=0.0) < _told(report)["last"] - 1.5:
        found = await look()
        now = time.time()
        for point, moment in found:
            seen.points[point] = moment
            seen.lags.append(now - moment)
        if seen.points and time.monotonic() - looked_at_usage > USAGE_S:
            looked_at_usage = time.monotonic()
            seen.began = seen.began or looked_at_usage
            seen.used.append(usage())
        if time.monotonic() > give_up:
            raise BenchError(f"the load was not in the database {ARRIVED_S:g} s after its end")
        await asyncio.sleep(LOOK_S)
    seen.used.append(usage())
    seen.ended = time.monotonic()


def _told(report: Path) -> dict[str, float]:
    """What the driver says of what it published; that there is more to come until it says it."""
    return json.loads(report.read_text()) if report.exists() else {"last": math.inf}


@contextlib.asynccontextmanager
async def _looking(place: Database) -> AsyncGenerator[Look]:
    """Look at one point of each batch, as another program would."""
    names = [f"LOAD-{number:05d}:Value-Mon" for number in range(BATCHES)]
    newest: dict[int, float] = {}
    if isinstance(place, Postgres):
        connection = await asyncpg.connect(place.url)

        async def look() -> Sequence[tuple[int, float]]:
            if len(newest) < len(names):
                for (point,) in await connection.fetch("SELECT id FROM points WHERE name = ANY($1)", names):
                    newest.setdefault(point, 0.0)
            found = await connection.fetch(_NEW_IN_POSTGRESQL, list(newest), list(newest.values()))
            rows = [(point, moment) for point, moment in found]
            newest.update(rows)
            return rows

        try:
            yield look
        finally:
            await connection.close()
        return
    file = sqlite3.connect(place.url.removeprefix("sqlite:///"), check_same_thread=False)

    def look_at_file() -> Sequence[tuple[int, float]]:
        if len(newest) < len(names):
            places = ", ".join("?" * len(names))
            for (point,) in file.execute(f"SELECT id FROM points WHERE name IN ({places})", names):
                newest.setdefault(point, 0.0)
        rows: list[tuple[int, float]] = []
        for point, moment in newest.items():
            rows += [(point, ms / 1000) for (ms,) in file.execute(_NEW_IN_SQLITE, (point, round(moment * 1000)))]
        newest.update(rows)
        return rows

    try:
        yield lambda: asyncio.to_thread(look_at_file)
    finally:
        file.close()


async def _missing(place: Database, published: int) -> float:
    """How many of the values published are not in the database, when all had time to come there."""
    statement = "SELECT count(*) FROM samples WHERE point IN (SELECT id FROM points WHERE name LIKE 'LOAD-%:Value-Mon')"
    give_up = time.monotonic() + ARRIVED_S
    while True:
        if isinstance(place, Postgres):
            connection = await asyncpg.connect(place.url)
            count = await connection.fetchval(statement)
            await connection.close()
        else:
            with contextlib.closing(sqlite3.connect(place.url.removeprefix("sqlite:///"))) as file:
                (count,) = file.execute(statement).fetchone()
        if count >= published or time.monotonic() > give_up:
            return published - count
        await asyncio.sleep(0.5)


def _cpu_s(pid: int) -> float:
    """CPU time of a server and of what it has started and not ended; nothing of none."""
    return Usage.of(pid).cpu_s if pid and psutil.pid_exists(pid) else 0.0
