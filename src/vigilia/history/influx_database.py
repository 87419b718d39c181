"""A database in InfluxDB 1.x: statements and lines to it, and what it answers."""

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Self, cast

from vigilia.errors import StartError
from vigilia.history.backend import Keeping
from vigilia.history.engine_http import FOR_EVER_DAYS, Engine, NoDatabase
from vigilia.history.engine_url import DATABASE, parse_address
from vigilia.history.influxql import Result, Table, identifier, seconds, tables_in

_logger = logging.getLogger(__name__)

_BEYOND_KEEPING = re.compile(
    r"partial write: (?:points beyond retention policy dropped=|dropped \d+ points outside retention policy)"
)
"""The latter from InfluxDB 1.11 on: all other lines were written."""
_DAY_S = 86_400.0


class Database:
    """One database. Its methods raise HistoryError."""

    def __init__(self, engine: Engine, *, makes: bool) -> None:
        self.address = engine.address.name
        """As it may be shown."""
        self._engine = engine
        self._name = engine.address.database or DATABASE
        self._makes = makes

    @classmethod
    async def open(cls, url: str, *, makes: bool) -> Self:
        """Return the database that `url` names (`?db=`), made where there is none if `makes`.

        Raises StartError for an address that makes no sense or another InfluxDB than 1.x.
        """
        engine = Engine(parse_address(url))
        try:
            await _check_version(engine)
            database = cls(engine, makes=makes)
            if makes:
                await database._ensure()
        except BaseException:
            await engine.close()
            raise
        return database

    def answering(self) -> AbstractAsyncContextManager[None]:
        """Return what a question is answered within: see Engine.answering."""
        return self._engine.answering()

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.close()

    async def send(self, lines: Sequence[str]) -> None:
        """Have lines written. What the database would drop at once for its age is dropped by it in silence."""
        query = {"db": self._name, "precision": "ms"}
        try:
            await self._engine.deliver(lines, query, _BEYOND_KEEPING)
        except NoDatabase:  # it was dropped while we were at work
            if not self._makes:
                raise
            async with self.answering():
                await self._ensure()
            await self._engine.deliver(lines, query, _BEYOND_KEEPING)

    async def _ensure(self) -> None:
        quoted = identifier(self._name)
        answer = await self._query(f"SHOW RETENTION POLICIES ON {quoted}")
        if any("database not found" in str(result.get("error")) for result in answer):
            self._raise_any(await self._query(f"CREATE DATABASE {quoted}"))
        else:
            self._raise_any(answer)

    async def advise(self, keeping: Keeping) -> None:
        """Log what its retention policy takes from the history."""
        async with self.answering():
            (found,) = await self.ask(f"SHOW RETENTION POLICIES ON {identifier(self._name)}")
        for policy in (row for table in found for row in table.rows if row["default"]):
            days = seconds(policy["duration"]) / _DAY_S
            if 0 < days < (keeping.raw_days or FOR_EVER_DAYS):
                _logger.warning(
                    "%s keeps rows for %g days, less than [history] asks for: alter its retention policy %r",
                    self.address,
                    days,
                    policy["name"],
                )

    async def ask(self, *statements: str) -> list[list[Table]]:
        """Return what each statement gives. Raises HistoryError."""
        results = await self._query(";".join(statements))
        self._raise_any(results)
        if len(results) != len(statements):
            raise self._engine.error("an answer that is not to what was asked")
        return [tables_in(result) for result in results]

    async def _query(self, statement: str) -> list[Result]:
        # In chunks, one JSON object a line: a whole answer may be cut at max-row-limit, and does not tell so.
        form = {"db": self._name, "epoch": "ms", "chunked": "true", "q": statement}
        answer = await self._engine.ask("/query", form)
        merged: dict[int, Result] = {}
        for found in await asyncio.to_thread(self._engine.json_lines, answer):
            results = found.get("results", [found] if "error" in found else None)
            if not isinstance(results, list) or not results:
                raise self._engine.error(f"status {answer.status}, and not an answer of InfluxDB: check [history] url")
            for result in cast(list[Result], results):
                whole = merged.setdefault(result.get("statement_id", 0), {"series": []})
                whole["series"] += result.get("series", [])
                if "error" in result:
                    whole["error"] = result["error"]
        return [merged[number] for number in sorted(merged)]

    def _raise_any(self, results: Sequence[Result]) -> None:
        for result in results:
            if "error" in result:
                raise self._engine.error(str(result["error"])[:400])


async def _check_version(engine: Engine) -> None:
    answer = await engine.get(engine.address.write, "/ping")
    engine.check_way(answer)
    version = answer.headers.get("X-Influxdb-Version", "").removeprefix("v")
    if not version:
        raise engine.error("what answers there is not InfluxDB")
    if not version.startswith("1."):
        raise StartError(
            f"the history at {engine.address.name}: InfluxDB {version[:20]} is not spoken to, only 1.x: "
            "name another in [history] url"
        )
