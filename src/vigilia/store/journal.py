"""The journal of writes: noted on disk before the equipment hears of them, then moved into the store.

A write must not wait for a database, and must not be forgotten in a crash. So each one is appended to a spool first;
`run` moves the spool into the store's audit and chosen set points. While the store is away the spool keeps everything.
"""

import asyncio
import json
import logging
import uuid

from vigilia.clock import Clock
from vigilia.language import tr
from vigilia.points import Origin, Point, Value
from vigilia.spool import Spool
from vigilia.store.database import Store, StoreError
from vigilia.store.text import storable

_logger = logging.getLogger(__name__)

_AT_ONCE = 500
_RETRY_S = 2.0
_LONGEST_WAIT_S = 30.0
_TELL_DROPPED_S = 600.0
"""A loss is over at once, so it is told for long enough that whoever asks now and then hears of it."""


class WriteJournal:
    """Notes writes and their answers (the table's `Journal`), and moves them into the store."""

    def __init__(self, spool: Spool, store: Store, clock: Clock) -> None:
        self._spool = spool
        self._store = store
        self._clock = clock
        self._wake = asyncio.Event()
        self._failure = ""
        self._moved = clock.monotonic()
        """When a record last left the spool, or the first came into it while it was empty."""
        self.dropped = 0
        """How many records could not be kept; each was logged."""
        self._dropped_at: float | None = None

    @property
    def waiting_bytes(self) -> int:
        """How much has not reached the store yet."""
        return self._spool.waiting_bytes

    def missing(self) -> list[str]:
        """Return a sentence for each sign that the audit does not reach the store."""
        now = self._clock.monotonic()
        missing: list[str] = []
        if self._failure:
            text = tr("the audit waits on disk, for the store does not take it: {error}")
            missing.append(text.format(error=self._failure))
        elif self._spool.waiting_bytes and now - self._moved > self._clock.of_real(_LONGEST_WAIT_S):
            text = tr("the audit has waited for the store for {seconds} s")
            missing.append(text.format(seconds=f"{now - self._moved:.0f}"))
        if self._dropped_at is not None and now - self._dropped_at < self._clock.of_real(_TELL_DROPPED_S):
            text = tr("audit records were lost, {count} since the start: the log has them")
            missing.append(text.format(count=self.dropped))
        return missing

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        """Note a write before it is carried out; return its id. `value` None: one that is refused out of hand."""
        write_id = str(uuid.uuid4())
        self._append(
            {
                "event": "asked",
                "write_id": write_id,
                "asked_at": self._clock.now(),
                "point": point.name,
                "value": storable(value) if isinstance(value, str) else value,
                "previous": storable(previous) if isinstance(previous, str) else previous,
                "via": origin.via,
                "user": storable(origin.user[:200]),
                "host": storable(origin.host[:200]),
                "chosen": point.setpoint and value is not None,
            }
        )
        return write_id

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        """Note how a write ended."""
        self._append(
            {
                "event": "answered",
                "write_id": write_id,
                "outcome": outcome,
                "detail": storable(detail[:1000]),
                "answered_at": self._clock.now(),
            }
        )

    async def run(self) -> None:
        """Move what is noted into the store, until cancelled."""
        while True:
            try:
                await self.drain()
            except (StoreError, OSError) as error:
                if not self._failure:
                    _logger.error("the audit waits on disk, for the store does not take it: %s", error)
                self._failure = str(error)
                await asyncio.sleep(_RETRY_S)
                continue
            if self._failure:
                self._failure = ""
                _logger.info("the store takes the audit again")
            await self._wake.wait()

    async def drain(self) -> None:
        """Move everything noted so far into the store. Raises StoreError or OSError."""
        self._wake.clear()
        while self._spool.waiting_bytes:
            records, position = self._spool.read(_AT_ONCE)
            await self._store.record_writes(records)
            self._moved = self._clock.monotonic()
            self._spool.acknowledge(position)

    def _append(self, record: dict[str, object]) -> None:
        now = self._clock.monotonic()
        if not self._spool.waiting_bytes:
            self._moved = now
        try:
            self._spool.append(record)
        except OSError as error:
            self.dropped += 1
            self._dropped_at = now
            _logger.error("%s: a record could not be kept (%s): %s", self._spool.path, error, json.dumps(record))
        self._wake.set()
