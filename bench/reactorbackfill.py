"""A day of a reactor's samples, kept while there was no network, delivered by the agent's own code beside statuses."""

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path

from figures import Figure, percentile
from fleetagent import STATUS_S, FleetAgent, Seen, parts_of
from programs import Bench, BenchError
from reactorrig import ReactorService
from vigilia.agent.samplefile import Sample, SampleFile
from vigilia.agent.samples import SampleStore
from vigilia.agent.shipping import Shipper
from vigilia.clock import Clock
from vigilia.points import Kind

POINTS = 24
PROBES = tuple(f"p{number}" for number in range(POINTS // 2))
VALUES = ("First", "Second")
DAY_S, SHORT_S = 86_400, 3_600
"""A sample of each point each second: 2 million in a day."""
AGO_S = 3600
"""How old the newest of them is: what the history takes for the present goes before what is past."""
_NAME = "R1"
_PIECE_S = 100
_LOOK_S = 0.5
_MOST_S = 1800.0
_LATE_S = 0.5
"""How much longer than its interval a status may take while a day is delivered."""


async def backfill(bench: Bench) -> list[Figure]:
    """Deliver what a store has; look meanwhile whether it comes in order, and at last whether all of it came once."""
    seconds = round(bench.take(DAY_S, SHORT_S))
    began_ms = (round(time.time()) - AGO_S - seconds) * 1000
    path = bench.folder("store") / "samples.db"
    await asyncio.to_thread(_fill, path, began_ms, seconds)
    seen = Seen()
    async with ReactorService(bench, interval_s=STATUS_S) as service:
        agent = FleetAgent(_NAME, f"127.0.0.1:{service.port}", seen, parts_of(PROBES, VALUES))
        await agent.register()
        store = SampleStore(path, "bench")
        live = [asyncio.create_task(agent.report(1.0)), asyncio.create_task(agent.watch())]
        try:
            cpu = service.usage().cpu_s
            began = time.monotonic()
            shipping = asyncio.create_task(Shipper(store, Clock(), _NAME).to_manager(agent.manager, ()))
            live.append(shipping)
            acknowledged, found, disorder = await _watch(service.history, store, began_ms, seconds, live)
            took = acknowledged - began
            cpu = 100 * (service.usage().cpu_s - cpu) / (found - began)
            while len(seen.intervals) < 2:  # noqa: ASYNC110 - a list
                await asyncio.sleep(0.1)
        finally:
            for task in live:
                task.cancel()
            await asyncio.gather(*live, return_exceptions=True)
            await store.close()
            await agent.close()
        await service.stop()
        missing, surplus = _compare(service.history, began_ms, seconds)
    return [
        Figure("samples", seconds * POINTS, ""),
        Figure("samples acknowledged", seconds * POINTS / took, "a second", 10_000, at_least=True),
        Figure("the last one found in the database after", found - began, "s"),
        Figure("samples that are not in the history", missing, "", 0),
        Figure("rows of the history that are too many", surplus, "", 0),
        Figure("looks at the history that found a gap", disorder, "", 0),
        Figure("status interval meanwhile, longest", max(seen.intervals), "s", STATUS_S + _LATE_S),
        Figure("status to its answer meanwhile, 99th percentile", percentile(seen.waits, 99), "s", 0.2),
        Figure("CPU of the service", cpu, "% of a core"),
    ]


def _fill(path: Path, began_ms: int, seconds: int) -> None:
    """Have an agent's store hold what was sampled."""
    file = SampleFile(path, "bench")
    keys = [(probe, value) for probe in PROBES for value in VALUES]
    for first in range(0, seconds, _PIECE_S):
        rows = [
            Sample(*key, Kind.NUMBER, began_ms + second * 1000, (second * 7 + place) % 1009 / 10, 0, 0)
            for second in range(first, min(seconds, first + _PIECE_S))
            for place, key in enumerate(keys)
        ]
        file.write(rows, (), 0)
    file.close()


async def _watch(
    history: Path, store: SampleStore, began_ms: int, seconds: int, live: list["asyncio.Task[None]"]
) -> tuple[float, float, int]:
    """Look at one point until all is in the history.

    Return when all was acknowledged, and when it was found, by the monotonic clock; and how often something was there
    whose predecessors were not. Raises BenchError.
    """
    disorder, acknowledged = 0, 0.0
    give_up = time.monotonic() + _MOST_S
    while True:
        await asyncio.sleep(_LOOK_S)
        acknowledged = acknowledged or (0.0 if store.waiting else time.monotonic())
        count, whole = await asyncio.to_thread(_look, history, began_ms)
        disorder += not whole
        if acknowledged and count >= seconds:
            return acknowledged, time.monotonic(), disorder
        for task in live:
            if task.done():
                task.result()
                raise BenchError(f"{task.get_name()} ended while samples were delivered")
        if time.monotonic() > give_up:
            raise BenchError(f"{store.waiting} samples wait, and {seconds - count} of a point are not in the history")


def _look(history: Path, began_ms: int) -> tuple[int, bool]:
    """How much of one point there is, and whether that is everything up to the newest."""
    query = "SELECT count(*), max(time) FROM samples JOIN points ON points.id = point WHERE name = ?"
    with contextlib.closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True, timeout=5)) as file:
        count, newest = file.execute(query, (f"{_NAME}:{PROBES[-1]}:{VALUES[-1]}-Mon",)).fetchone()
    return count, newest is None or count == (newest - began_ms) // 1000 + 1


def _compare(history: Path, began_ms: int, seconds: int) -> tuple[int, int]:
    """How many samples are missing, or have another value; and how many rows there are besides."""
    missing = surplus = 0
    query = "SELECT time, value FROM samples JOIN points ON points.id = point WHERE name = ? ORDER BY time"
    with contextlib.closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True)) as file:
        for place, (probe, value) in enumerate((probe, value) for probe in PROBES for value in VALUES):
            rows = file.execute(query, (f"{_NAME}:{probe}:{value}-Mon",)).fetchall()
            right = {(began_ms + n * 1000, (n * 7 + place) % 1009 / 10) for n in range(seconds)}
            there = len(right.intersection(rows))
            missing += seconds - there
            surplus += len(rows) - there
    return missing, surplus
