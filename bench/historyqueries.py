"""How fast a chart has its points from a history that nobody has touched for a while, and what else could answer."""

import asyncio
import importlib.util
import json
import math
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from databases import POSTGRESQL, SQLITE, VICTORIA, databases, drop_caches
from figures import Figure, markdown, median, show_number, with_unit
from historysize import FOR_EVER
from programs import Bench, BenchError
from readings import DAY_S, HOUR_MS, Filling, end_ms, name, readings
from vigilia.history.backend import Backend, Row
from vigilia.history.open import open_backend

MOST = 1000
LIMITS_MS = (150.0, 300.0, None)
PLAIN, DUCKDB = "a plain table in SQLite", "DuckDB over Parquet"
_PAGE = 50_000
_ANSWER_S = 120.0


@dataclass(frozen=True)
class Asked:
    """A chart: so many points over a time."""

    points: range
    start_ms: int
    end_ms: int
    step_s: float


Answers = dict[str, dict[str, list[dict[str, Any]]]]
"""What was measured, by who answered and by chart."""


async def queries(bench: Bench) -> list[Figure]:
    """One point over a year, and ten over a day, in 1,000 buckets each, by a fresh process from a cold disk."""
    end = end_ms()
    thinner = int(bench.take(1, 10))
    charts = {
        f"a year of {thinner} min": Asked(range(1), end - 365 * DAY_S * 1000, end - 1, 60 * thinner),
        f"10 points, a day of {thinner} s": Asked(range(1, 11), end - DAY_S * 1000, end - 1, thinner),
        # No minute is fine enough for 1,000 buckets of that: they are made of all readings.
        f"10 points, 8 hours of {thinner} s": Asked(range(1, 11), end - 8 * HOUR_MS, end - 1, thinner),
    }
    answers: Answers = {}
    with databases(bench, SQLITE, POSTGRESQL, VICTORIA) as places:
        for place in places:
            history = await open_backend(place.url, FOR_EVER)
            filling = Filling(history)
            for chart in [*charts.values()][:2]:  # the third is a part of the second
                await filling.write(readings(chart.points, chart.start_ms, end, chart.step_s, bench.chance))
            await place.show()
            if place.name == SQLITE:
                await _ask_others(bench, history, charts, answers)
            await history.close()
            answers[place.name] = await _ask(bench, place.url, charts, place.chill)
    bench.tables.append(_table(answers, charts))
    cold = "cold" if drop_caches() else "fresh process, files in memory"
    return [
        Figure(f"{who}, {chart}: {cold}, median", median(found["ms"] for found in answers[who][chart]), "ms", limit)
        for who in (SQLITE, POSTGRESQL)
        for chart, limit in zip(charts, LIMITS_MS, strict=True)
    ]


async def _ask(bench: Bench, address: str, charts: dict[str, Asked], chill: Callable[[], None]) -> dict[str, Any]:
    """Ask for each chart several times, each time of a history that is not in memory."""
    found: dict[str, list[dict[str, Any]]] = {}
    for what, chart in charts.items():
        found[what] = []
        for _ in range(int(bench.take(7, 3))):
            await asyncio.to_thread(chill)
            await asyncio.to_thread(drop_caches)
            answer = await ask_once(address, chart.start_ms, chart.end_ms, [name(point) for point in chart.points])
            if min(answer["buckets"]) < MOST / 5:
                raise BenchError(f"{address.partition(':')[0]}, {what}: an answer has {min(answer['buckets'])} buckets")
            found[what].append(answer)
    return found


async def ask_once(address: str, start_ms: int, end_ms: int, names: Sequence[str]) -> dict[str, Any]:
    """Ask in a process of its own. Raises BenchError where it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("asking.py"))),
        *(address, str(start_ms), str(end_ms), str(MOST), *names),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), _ANSWER_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise BenchError(f"no answer within {_ANSWER_S:g} s") from None
    if process.returncode:
        raise BenchError(f"the question failed: {errors.decode()[-400:]}")
    return json.loads(out)


async def _ask_others(bench: Bench, history: Backend, charts: dict[str, Asked], answers: Answers) -> None:
    """Have the same rows in other forms, and ask for the same charts."""
    folder = bench.folder("others")
    plain, parquet = folder / "plain.db", folder / "rows.parquet"
    sinks: list[Callable[[Sequence[Row]], Awaitable[None] | None]] = []
    connection = sqlite3.connect(plain)
    connection.execute(
        "CREATE TABLE samples (point TEXT, time INTEGER, value REAL, severity INTEGER, PRIMARY KEY (point, time)) "
        "WITHOUT ROWID"
    )
    insert = "INSERT INTO samples VALUES (?, ?, ?, ?)"
    sinks.append(lambda rows: connection.executemany(insert, [(*row[:3], row.severity) for row in rows]) and None)
    file = sink = None
    missing = [package for package in ("duckdb", "pyarrow") if importlib.util.find_spec(package) is None]
    if missing:
        print(f"{DUCKDB}: not measured, for {' and '.join(missing)} is not installed", flush=True)
    else:
        from vigilia.history.parquet import ParquetSink

        file = parquet.open("wb")
        sink = ParquetSink(file)
        sinks.append(sink.write)
    for chart in [*charts.values()][:2]:
        for point in chart.points:
            await _copy(history, name(point), chart, sinks)
    connection.commit()
    connection.close()
    answers[PLAIN] = await _ask(bench, f"plain:{plain}", charts, lambda: None)
    if sink and file:
        sink.close()
        file.close()
        answers[DUCKDB] = await _ask(bench, f"parquet:{parquet}", charts, lambda: None)


async def _copy(history: Backend, point: str, chart: Asked, sinks: Sequence[Callable[[Sequence[Row]], Any]]) -> None:
    start = chart.start_ms
    while page := await history.rows(point, start, chart.end_ms, _PAGE):
        for sink in sinks:
            sink(page)
        start = page[-1].time_ms + 1


def _table(answers: Answers, charts: dict[str, Asked]) -> str:
    """Who took how long for each chart, cold and warm, and how many times as long as the history in SQLite."""
    rows: list[list[str]] = []
    for chart in charts:
        own = median(answer["ms"] for answer in answers[SQLITE][chart])
        for who in sorted(answers, key=(SQLITE, POSTGRESQL, VICTORIA, PLAIN, DUCKDB).index):
            found = answers[who][chart]
            cold, warm = (median(answer[how] for answer in found) for how in ("ms", "warm_ms"))
            ratio = math.nan if who == SQLITE else cold / own
            buckets = show_number(found[0]["buckets"][0])
            rows.append(
                [f"{chart}: {who}", with_unit(cold, "ms"), with_unit(ratio, "×"), with_unit(warm, "ms"), buckets]
            )
    return markdown(("Answered", "cold", "of the history's in SQLite", "warm", "buckets of a point"), rows)
