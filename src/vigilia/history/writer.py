"""Carries rows from the spool into the database, and sees to the database: it may be away for as long as it likes.

Rows leave the spool only when the database has them, so after a crash some are written again, which changes nothing:
of a point and a time there is one row; only those from before raw's keeping are added to the rollups once more. They
are written in the order in which they came; those of the past, which have a spool of their own, when none of the
present wait.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.history.backend import SECOND_MS, Backend, HistoryError, PointInfo, RefusedRowsError, Row
from vigilia.history.packing import unpack
from vigilia.history.refused import RefusedRows
from vigilia.language import tr
from vigilia.spool import Record, Spool

_logger = logging.getLogger(__name__)

_MOST_ROWS = 5000
"""Rows in one transaction."""
_MOST_RECORDS = 1000
_MOST_BYTES = 60_000
"""What is read from the spool at once: some 1,500 to 5,000 rows."""
_GATHER_S = 0.25
"""Pause between two rounds, so that what comes in meanwhile goes in one transaction."""
_REST = 3.0
"""How much longer than it worked the writer rests, for the watch has the same processor."""
_LONGEST_REST_S = 0.25
"""Where the rows are of the present: within a second they are to be found."""
_PAST_REST = 9.0
"""The same for rows of the past: a day of hundreds of plants has millions of them, and comes with the first scan."""
_PAST_SETTLES_S, _PAST_WAITS_S = 2.0, 60.0
"""Rows of the past are written when no others have come for the one, or when they have waited for the other."""
_BACKLOG_REST = 1.0
"""The same where rows wait for so long that it does not matter when each of them is written."""
_SOON_S, _BACKLOG_S = 0.4, 10.0
"""Rows that have waited for longer than the one, and less than the other, are written without a rest."""
_NO_REST_FILL = 0.5
"""A spool that is as full as this is emptied as fast as can be."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_MAINTAIN_S = 20.0
_DESCRIBE_S = 5.0
"""Pause after which points that are new are made known to the database."""
_DESCRIBE_ALL_S = 3600.0
"""The same for all of them: somebody may have put another database in the place of the one that knew them."""
_TELL_FAILURE_S = 180.0
_TELL_SILENCE_S = 300.0
_CLOSE_S = 1.0

Opened = Callable[[], Awaitable[Backend]]
Described = Callable[[], Iterable[PointInfo]]


class Writer:
    """Empties the spools into the database that `opened` gives. `described` gives what is known of the points.

    All times here are real seconds: a database runs no faster in a replay.
    """

    def __init__(
        self,
        present: Spool,
        past: Spool,
        opened: Opened,
        described: Described,
        refused: RefusedRows,
        clock: Clock,
        version: Callable[[], int],
    ) -> None:
        """`version` gives another number whenever the points have changed."""
        self.backend: Backend | None = None
        """The database, while it is open."""
        self.failure = ""
        """Why the database takes nothing; empty while it does."""
        self._present = present
        self._past = past
        self._opened = opened
        self._described = described
        self._refused = refused
        self._clock = clock
        self._version = version
        self._known: dict[str, PointInfo] = {}
        self._known_version: int | None = None
        self._describe_at = self._describe_all_at = 0.0
        self._wake = asyncio.Event()
        self._opening: asyncio.Task[Backend] | None = None
        self._failures = 0
        self._failing_since = 0.0
        self._moved = time.monotonic()
        """When rows last left a spool, or came into empty ones."""
        self._idle = True
        """Whether nothing was found that could be written."""
        self._past_bytes = 0
        """How much of the past waited when something came last."""
        self._past_came = self._past_since = -math.inf
        """When rows of the past last came, and when the first of those came that wait."""
        self._oldest: float | None = None
        """When the oldest row of the present that is not in the database was put by, seconds UTC."""

    @property
    def lag_s(self) -> float:
        """How long the oldest row of the present that is not in the database has been waiting."""
        if self._oldest is None or not self._present.waiting_bytes:
            return 0.0
        return max(0.0, self._clock.now() - self._oldest) / self._clock.speed

    def wake(self) -> None:
        """Say that something has come into a spool."""
        if self._oldest is None and self._present.waiting_bytes:
            self._oldest = self._clock.now()
        now = time.monotonic()
        if self._idle:
            self._idle, self._moved = False, now
        if self._past.waiting_bytes > self._past_bytes:
            self._past_since = now if self._past_bytes == 0 else self._past_since
            self._past_came = now
        self._past_bytes = self._past.waiting_bytes
        self._wake.set()

    async def start(self, deadline_s: float) -> None:
        """Open the database, and wait for that no longer than the deadline; `run` sees to the rest.

        Raises StartError for what no later attempt can mend.
        """
        with suppress(OSError):  # `run` meets it too, and tells of it
            self._unpacked(self._present, self._present.read(1)[0])  # for the age of what a run before has left
        self._opening = asyncio.ensure_future(self._opened())
        done, _ = await asyncio.wait({self._opening}, timeout=deadline_s)
        if done:
            with suppress(HistoryError):  # `run` tries again, and tells of it
                await self._open()

    async def run(self) -> None:
        """Write what comes into the spools, until cancelled."""
        self._wake.set()  # for what a run before has left
        while True:
            await self._wait(_PAST_SETTLES_S if self._past.waiting_bytes else None)
            try:
                await self.drain()
            except (HistoryError, StartError, OSError) as error:
                self._note(error)
                await asyncio.sleep(_pause_s(self._failures))
            else:
                await asyncio.sleep(_GATHER_S)

    async def maintain(self) -> None:
        """Have the database see to its rollups and to what is past its keeping, again and again, until cancelled."""
        failure = ""
        while True:
            await asyncio.sleep(_MAINTAIN_S)
            if self.backend is None or self.failure:
                continue
            try:
                await self.backend.maintain(round(self._clock.now() * SECOND_MS))
            except HistoryError as error:
                if str(error) != failure:
                    _logger.error("the history's rollups and keeping wait: %s", error)
                failure = str(error)
            else:
                failure = ""

    async def drain(self, *, rest: bool = True) -> None:
        """Write everything that waits. Raises HistoryError, StartError or OSError, and what is left goes on waiting.

        `rest`: leave the machine to others in between.
        """
        self._wake.clear()
        backend = self.backend or await self._open()
        await self._describe(backend)
        while spool := self._next(hurry=not rest):
            began = time.monotonic()
            records, position = spool.read(_MOST_RECORDS, _MOST_BYTES)
            rows = self._unpacked(spool, records)
            refused: list[tuple[Row, str]] = []
            for begin in range(0, len(rows), _MOST_ROWS):
                refused += await _write(backend, rows[begin : begin + _MOST_ROWS])
            self._refused.set_aside(refused)
            spool.acknowledge(position)
            self._past_bytes = self._past.waiting_bytes
            if not self._present.waiting_bytes:
                self._oldest = None
            self._moved = time.monotonic()
            if rest and self._next():
                past = spool is self._past
                await self._rest(rest_s(self._moved - began, self.lag_s, past=past, fill=spool.fill), past=past)
        self._idle = True
        self._succeeded()

    async def close(self) -> None:
        """Let go of the database; it has a second for that."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._let_go()

    def missing(self) -> list[str]:
        """Return a sentence for each sign that rows do not reach the database."""
        now = time.monotonic()
        if self.failure and now - self._failing_since > _TELL_FAILURE_S:
            text = tr("the history waits on disk, for its database does not take it: {error}")
            return [text.format(error=self.failure)]
        waiting = self._present.waiting_bytes or self._past.waiting_bytes
        if waiting and not self.failure and now - self._moved > _TELL_SILENCE_S:
            text = tr("the history has waited for its database for {seconds} s")
            return [text.format(seconds=f"{now - self._moved:.0f}")]
        return []

    def _next(self, *, hurry: bool = False) -> Spool | None:
        """Return the spool that is to be emptied next; None where nothing waits that is due.

        A scan that brings the past needs the processor itself: its rows are due when it is over, or in a `hurry`.
        """
        if self._present.waiting_bytes:
            return self._present
        now = time.monotonic()
        settled = now - self._past_came > _PAST_SETTLES_S or now - self._past_since > _PAST_WAITS_S
        due = settled or hurry or self._past.fill > _NO_REST_FILL
        return self._past if self._past.waiting_bytes and due else None

    async def _rest(self, seconds: float, *, past: bool) -> None:
        """Rest; after rows of the past no longer than until others come."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not (past and self._present.waiting_bytes):
            self._wake.clear()
            await self._wait(left)

    async def _wait(self, seconds: float | None) -> None:
        """Wait until something comes, no longer than so many seconds.

        Not by `asyncio.wait_for`: in Python 3.11 it forgets that it was cancelled where something comes just then.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _open(self) -> Backend:
        """Return the database, which may have been opening since the start."""
        opening = self._opening or asyncio.ensure_future(self._opened())
        self._opening = opening
        try:
            backend = await asyncio.shield(opening)
        finally:
            if opening.done():
                self._opening = None
        _logger.info("the history is in %s", backend.name)
        self.backend, self._known, self._known_version, self._describe_at = backend, {}, None, 0.0
        return backend

    async def _describe(self, backend: Backend) -> None:
        """Make known to the database what is new of the points; where it does not take that, rows come all the same."""
        version, now = self._version(), time.monotonic()
        if now >= self._describe_all_at:
            self._known, self._known_version = {}, None
        if version == self._known_version or now < self._describe_at:
            return
        self._describe_at = now + _DESCRIBE_S
        fresh = [info for info in self._described() if self._known.get(info.name) != info]
        try:
            if fresh:
                await backend.describe(fresh)
        except HistoryError as error:
            _logger.error("%s does not take what is known of %d points: %s", backend.name, len(fresh), error)
            return
        if not self._known:
            self._describe_all_at = now + _DESCRIBE_ALL_S
        self._known |= {info.name: info for info in fresh}
        self._known_version = version

    def _unpacked(self, spool: Spool, records: Sequence[Record]) -> list[Row]:
        """Return the rows of a spool's records; damaged records are skipped."""
        rows: list[Row] = []
        oldest: float | None = None
        for record in records:
            try:
                found = unpack(record)
            except ValueError as error:
                _logger.error("%s: %s", spool.path, error)
                continue
            rows += found.rows
            oldest = found.at if oldest is None else oldest
        if oldest is not None and spool is self._present:
            self._oldest = oldest
        return rows

    def _note(self, error: Exception) -> None:
        """Note that the database took nothing."""
        self._wake.set()
        self._failures += 1
        if not self.failure:
            self._failing_since = time.monotonic()
            _logger.error("the history waits on disk, for its database does not take it: %s", error)
        self.failure = str(error) or type(error).__name__

    def _succeeded(self) -> None:
        self._failures = 0
        if self.failure:
            self.failure = ""
            self._describe_at = self._describe_all_at = 0.0  # it may be another database by now
            _logger.info("the database takes the history again")

    async def _let_go(self) -> None:
        backend, self.backend = self.backend, None
        if backend is None:
            return
        try:
            await asyncio.wait_for(backend.close(), _CLOSE_S)
        except (HistoryError, TimeoutError) as error:
            _logger.warning("%s was not left in good order: %s", backend.name, str(error) or "no answer in time")


def rest_s(worked_s: float, lag_s: float, *, past: bool, fill: float) -> float:
    """Return how long to rest after a piece of work, so that the watch has the processor, too.

    `past`: the rows were old when they came; `fill`: how full their spool is.
    """
    if fill > _NO_REST_FILL:
        return 0.0
    if past:
        return _PAST_REST * worked_s
    if lag_s < _SOON_S:
        return min(_REST * worked_s, _LONGEST_REST_S)
    return 0.0 if lag_s < _BACKLOG_S else _BACKLOG_REST * worked_s


def _pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row: doubled each time, drawn at random."""
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures - 1, 20))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - so that many services do not come back together


async def _write(backend: Backend, rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Write rows; return those that the database will never take, each with its reason."""
    refused: list[tuple[Row, str]] = []
    pieces = [rows]
    while pieces:
        piece = pieces.pop()
        try:
            await backend.write(piece)
        except RefusedRowsError as error:
            if len(piece) == 1:
                refused.append((piece[0], str(error)))
            else:
                middle = len(piece) // 2
                pieces += [piece[middle:], piece[:middle]]  # the last is the next
    return refused
