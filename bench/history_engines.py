"""How fast, and how small, a history is in the line-protocol engine at an address: rows in, one day out.

python bench/history_engines.py influx+http://127.0.0.1:8428/ [POINTS] [SECONDS]
"""

import asyncio
import random
import sys
import time

from vigilia.history.backend import Backend, Keeping, Question, Row
from vigilia.history.engine import open_engine
from vigilia.points import Severity, Status

BATCH = 5_000
NOW_MS = round(time.time()) * 1000


async def main(url: str, points: int, seconds: int) -> None:
    history = await open_engine(url, Keeping(0, 0, 0))
    values = [20.0] * points
    batch: list[Row] = []
    spent = slowest = 0.0
    for at in range(seconds):
        for point in range(points):
            values[point] = round(values[point] + random.gauss(0, 0.05), 2)
            moment = NOW_MS - (seconds - at) * 1000 + random.randrange(40)
            batch.append(Row(f"T{point}:Power-Mon", moment, values[point], None, Severity.NO_ALARM, Status.NO_ALARM))
        if len(batch) >= BATCH or at == seconds - 1:
            begun = time.perf_counter()
            await history.write(batch)
            took = time.perf_counter() - begun
            spent, slowest = spent + took, max(slowest, took)
            batch.clear()
    print(f"{points * seconds} rows: {points * seconds / spent:.0f} rows/s, slowest batch {slowest * 1000:.0f} ms")
    await asyncio.sleep(2)  # VictoriaMetrics shows rows after a second
    await ask(history, points, seconds)
    await history.close()


async def ask(history: Backend, points: int, seconds: int) -> None:
    for most in (1000, 10_000, seconds):
        question = Question("T0:Power-Mon", NOW_MS - seconds * 1000, NOW_MS, most)
        begun = time.perf_counter()
        series = await history.read(question)
        took = time.perf_counter() - begun
        print(f"one point, {seconds} s: {len(series.buckets)} of {series.resolution_ms} ms in {took * 1000:.0f} ms")
    begun = time.perf_counter()
    names = [f"T{point}:Power-Mon" for point in range(min(points, 10))]
    await asyncio.gather(*(history.read(Question(name, NOW_MS - 86_400_000, NOW_MS, 1000)) for name in names))
    print(f"{len(names)} points at once, a day, 1000 buckets: {(time.perf_counter() - begun) * 1000:.0f} ms")
    begun = time.perf_counter()
    count = len(await history.latest())
    print(f"the newest of {count} points: {(time.perf_counter() - begun) * 1000:.0f} ms")
    begun = time.perf_counter()
    page = await history.rows("T0:Power-Mon", 0, NOW_MS, 10_000)
    print(f"a page of {len(page)} rows: {(time.perf_counter() - begun) * 1000:.0f} ms")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, [*sys.argv[2:], *["100", "86400"][len(sys.argv) - 2 :]])))
