"""Asks a history in a process of its own, which has nothing of it in memory, and prints how long the answers took.

    python bench/asking.py ADDRESS START_MS END_MS MOST NAME…

The address is that of a history, or "plain:FILE" (a table without rollups, in SQLite) or "parquet:FILE" (asked by
DuckDB). Prints a JSON object: `ms`, from the opening to the last answer, one point after another as the API asks;
`warm_ms`, the same questions again; `buckets`, of each point.
"""

import asyncio
import importlib
import json
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from vigilia.history.backend import Question
from vigilia.history.ladder import width_for
from vigilia.history.open import look

_LOADED = {
    "sqlite": ("vigilia.history.sqlite",),
    "postgresql": ("vigilia.history.postgresql", "asyncpg"),
    "influx+http": ("vigilia.history.engine", "vigilia.history.victoria", "vigilia.history.influx"),
    "parquet": ("duckdb",),
}
"""What takes its time when it is loaded, and is in the service's memory long before anybody asks."""

Ask = Callable[[Question], Awaitable[int]]

_IN_BUCKETS = """SELECT time / {width} * {width} AS bucket, avg(value), min(value), max(value), max(severity)
FROM {table} WHERE point = ? AND time BETWEEN ? AND ? GROUP BY 1 ORDER BY 1"""


async def ask_history(address: str) -> Ask:
    history = await look(address)

    async def ask(question: Question) -> int:
        return len((await history.read(question)).buckets)

    return ask


async def ask_plain(address: str) -> Ask:
    connection = sqlite3.connect(f"file:{address.partition(':')[2]}?mode=ro", uri=True)

    async def ask(question: Question) -> int:
        return len(connection.execute(*_statement("samples", question)).fetchall())

    return ask


async def ask_parquet(address: str) -> Ask:
    duckdb = importlib.import_module("duckdb")
    connection = duckdb.connect()
    table = f"(SELECT point, epoch_ms(time) AS time, value, severity FROM '{address.partition(':')[2]}')"

    async def ask(question: Question) -> int:
        statement, values = _statement(table, question)
        return len(connection.execute(statement.replace(" / ", " // "), values).fetchall())

    return ask


def _statement(table: str, question: Question) -> tuple[str, Sequence[object]]:
    """The buckets that a history would give, from every reading."""
    width = width_for(question.start_ms, question.end_ms, question.most)
    values = (question.point, question.start_ms, question.end_ms)
    return _IN_BUCKETS.format(width=width, table=table), values


async def main(address: str, start: str, end: str, most: str, *names: str) -> None:
    scheme = address.partition(":")[0]
    for module in _LOADED.get(scheme, ()):
        importlib.import_module(module)
    opened = {"plain": ask_plain, "parquet": ask_parquet}.get(scheme, ask_history)
    questions = [Question(name, int(start), int(end), int(most)) for name in names]
    began = time.perf_counter()
    ask = await opened(address)
    buckets = [await ask(question) for question in questions]
    done = time.perf_counter()
    for question in questions:
        await ask(question)
    warm = time.perf_counter() - done
    print(json.dumps({"ms": (done - began) * 1000, "warm_ms": warm * 1000, "buckets": buckets}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
