"""The partitions of a history's tables: each holds some days, is made before its rows come, and is dropped whole."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vigilia.history.ladder import DAY_MS
from vigilia.history.postgresql_schema import LOCKS, PARTING

MOST_PARTITIONS = 1500
"""29 years of weeks. Rows of odd times beyond that go into the default partition: every statement has to look at, and
lock, each partition that may hold its rows."""


@dataclass(frozen=True)
class Partitioned:
    """A table that is partitioned by time."""

    table: str
    days: int
    """How many each partition holds. They begin at multiples of that since 1970."""

    @property
    def width_ms(self) -> int:
        """How long each partition is."""
        return self.days * DAY_MS

    def start_of(self, time_ms: int) -> int:
        """Return the beginning of the partition that holds `time_ms`."""
        return time_ms // self.width_ms * self.width_ms

    def name(self, start_ms: int) -> str:
        """Return the name of the partition that begins at `start_ms`: the table's, and its first day."""
        return f"{self.table}_{datetime.fromtimestamp(start_ms / 1000, UTC):%Y%m%d}"

    async def present(self, connection: Any) -> set[int]:
        """Return where the partitions begin that there are."""
        found = await connection.fetch(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = $1::regclass",
            self.table,
        )
        ours = (re.fullmatch(rf"{self.table}_(\d{{8}})", record[0]) for record in found)
        days = (datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC) for match in ours if match)
        return {int(day.timestamp()) * 1000 for day in days}

    async def make(self, connection: Any, starts: Iterable[int]) -> set[int]:
        """Make the partitions that begin at `starts`, where they are missing; return all that there are then."""
        present = await self.present(connection)
        for start in sorted(set(starts) - present):
            if len(present) >= MOST_PARTITIONS:
                break
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LOCKS, PARTING)
                present = await self.present(connection)
                if start not in present:
                    await self._make(connection, start)
            present.add(start)
        return present

    async def _make(self, connection: Any, start_ms: int) -> None:
        """Attach a new partition, with the rows in it that waited for it elsewhere.

        Unlike CREATE TABLE … PARTITION OF, it stops neither who reads nor who writes but for those two steps.
        """
        name, default = self.name(start_ms), f"{self.table}_default"
        start, end = (_literal(moment) for moment in (start_ms, start_ms + self.width_ms))
        await connection.execute(f"CREATE TABLE {name} (LIKE {self.table} INCLUDING ALL)")
        await connection.execute(f"ALTER TABLE {name} ADD CONSTRAINT days CHECK (time >= {start} AND time < {end})")
        await connection.execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
        await connection.execute(
            f"WITH waiting AS (DELETE FROM {default} WHERE time >= {start} AND time < {end} RETURNING *) "  # noqa: S608
            f"INSERT INTO {name} SELECT * FROM waiting"
        )
        await connection.execute(
            f"ALTER TABLE {self.table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"
        )
        await connection.execute(f"ALTER TABLE {name} DROP CONSTRAINT days")  # what it saved was a look at every row


SAMPLES = Partitioned("samples", 7)
MINUTES = Partitioned("minutes", 28)
HOURS = Partitioned("hours", 364)
PARTITIONED = (SAMPLES, MINUTES, HOURS)

AHEAD_MS = 8 * 7 * DAY_MS
"""So far ahead of now there are partitions for samples: agents may write while the service is away."""


def _literal(time_ms: int) -> str:
    return f"'{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d} 00:00:00+00'"
