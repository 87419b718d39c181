"""Link: one conversation through which devices are reached.

A link does one thing at a time, gives each a deadline, lets writes overtake waiting scans, and reconnects by itself.
It knows no points and no protocol: a driver gives it a `Session` (how to open and close the conversation) and jobs
(one request each). Links share nothing, so a dead one cannot slow another.
"""

import asyncio
import logging
import math
import statistics
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from vigilia.backoff import Backoff
from vigilia.clock import Clock
from vigilia.errors import (
    BadAnswer,
    ConnectionLost,
    LinkError,
    LoginRefused,
    NotWritable,
    Refused,
    VigiliaError,
    WriteTimeout,
)
from vigilia.language import tr
from vigilia.redaction import redact
from vigilia.scan import Job, Scan

_logger = logging.getLogger(__name__)

MOST_WAITING_WRITES = 256
MOST_WRITES_IN_A_ROW = 48
"""Then a scan that is due has a turn: as many as a switch has ports, so that switching them all is one go."""
BAD_ANSWERS_ALLOWED = 2
"""In a row; one more is a disconnection."""
_STOP_S = 5.0
"""How long a stop lets the request in flight end by itself: a little more than a slow login."""
_CLOSE_S = 2.0
_ROUND_TRIPS_KEPT = 512


class Contact(IntEnum):
    """The states of a link."""

    DISCONNECTED = 0
    CONNECTING = 1
    CONNECTED = 2


class Session(Protocol):
    """A driver's side of a link."""

    @property
    def sessions(self) -> int:
        """How many login sessions of ours the equipment holds, as far as is known."""
        ...

    @property
    def deadline_s(self) -> float:
        """Most real seconds that any one job may take, renewals of a login included."""
        ...

    @property
    def open_deadline_s(self) -> float:
        """Most real seconds that opening may take as a whole."""
        ...

    async def open(self) -> None:
        """Connect, log in and learn what the equipment offers. Raises LinkError."""
        ...

    async def close(self, *, lost: bool) -> None:
        """End the conversation; log out unless it is `lost`. Never raises LinkError."""
        ...


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """How long the link's requests took, in milliseconds; None before the first."""

    median_ms: float | None
    p99_ms: float | None


class _Write:
    """A job that somebody waits for."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, error: VigiliaError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Link:
    """One conversation with equipment. `run()` it in a task; `stop()` ends it."""

    def __init__(
        self, name: str, session: Session, clock: Clock, backoff: Backoff | None = None, *, area: str = ""
    ) -> None:
        self.name = name
        self.area = area
        """The room or place of the equipment, for notices of its loss."""
        self.contact = Contact.DISCONNECTED
        self.since = clock.now()
        """When the link came into its present state of contact, seconds UTC."""
        self.moved = clock.monotonic()
        """The same by the clock's monotonic time, for whoever measures from it."""
        self.error = ""
        """Why contact was lost or an answer discarded, last time."""
        self.reconnects = 0
        self.bad_answers = 0
        """Answers discarded since the start."""
        self.refused_at: float | None = None
        """When the equipment first refused our login, by the clock's monotonic time; None: it has let us in since."""
        self.progressed = clock.monotonic()
        """When the link last did something or found it could not, by the clock's monotonic time."""
        self.on_contact: Callable[[Link], Awaitable[None]] | None = None
        """Awaited at each change of contact, before anything else happens on the link."""
        self._session = session
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._scans: list[Scan] = []
        self._scanning: Scan | None = None
        self._writes: deque[_Write] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._bad_in_a_row = 0
        self._was_connected = False
        self._round_trips: deque[float] = deque(maxlen=_ROUND_TRIPS_KEPT)
        self._task: asyncio.Task[None] | None = None

    def add_scan(self, scan: Scan) -> None:
        """Have `scan` run whenever the link is connected."""
        self._scans.append(scan)

    @property
    def scans(self) -> Sequence[Scan]:
        """What the link asks, and when."""
        return self._scans

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return len(self._writes)

    @property
    def sessions(self) -> int:
        """How many login sessions the equipment holds of ours."""
        return self._session.sessions

    @property
    def longest_silence_s(self) -> float:
        """Clock seconds without progress after which the link must be stuck: it neither works nor reports."""
        longest_wait = max([self._backoff.most_s, *(scan.period_s for scan in self._scans)])
        return 2 * longest_wait + self._clock.of_real(self._session.open_deadline_s + self._session.deadline_s)

    def round_trips(self) -> RoundTrips:
        """Return the median and the 99th percentile of the last requests' times."""
        if not self._round_trips:
            return RoundTrips(None, None)
        ordered = sorted(self._round_trips)
        return RoundTrips(statistics.median(ordered) * 1000, ordered[math.ceil(0.99 * len(ordered)) - 1] * 1000)

    async def write(self, job: Job) -> None:
        """Do `job` before any scan that waits, and wait for its answer.

        Raises NotWritable at once while the link is not connected (nothing is stored up for its return), and
        WriteError as the job or the loss of the connection brings it.
        """
        if self.contact is not Contact.CONNECTED or self._stopping:
            away = tr("{link} is disconnected").format(link=self.name)
            raise NotWritable(f"{away}: {self.error}" if self.error else away)
        if len(self._writes) >= MOST_WAITING_WRITES:
            text = tr("{link} has {count} writes waiting already: try again later")
            raise NotWritable(text.format(link=self.name, count=len(self._writes)))
        write = _Write(job)
        self._writes.append(write)
        self._wake.set()
        await write.answer

    async def probe(self) -> str:
        """Open the conversation once and close it again; return why it cannot be opened, or nothing where it can.

        For a link that does not run.
        """
        try:
            async with asyncio.timeout(self._session.open_deadline_s):
                await self._session.open()
        except LinkError as error:
            return redact(str(error))
        except TimeoutError:
            return f"not open after {self._session.open_deadline_s:g} s"
        finally:
            await self._close(lost=False)
        return ""

    async def run(self) -> None:
        """Connect, converse and reconnect until `stop()`; then log out and close."""
        self._task = asyncio.current_task()
        wait_s: float | None = None
        try:
            while not self._stopping:
                if await self._connect() and await self._converse():
                    wait_s = None
                if not self._stopping:
                    wait_s = self._backoff.after(wait_s)
                    await self._pause(wait_s)
        finally:
            self._fail_writes("is stopping")
            await self._close(lost=False)

    async def stop(self) -> None:
        """End `run()`: let the request in flight finish, log out, close. Takes 7 s at the most."""
        self._stopping = True
        self._wake.set()
        if self._task is None:
            return
        _, running = await asyncio.wait([self._task], timeout=_STOP_S)
        if running:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CLOSE_S)

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        if self._stopping:
            return
        try:
            async with asyncio.timeout(seconds / self._clock.speed):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _connect(self) -> bool:
        await self._move(Contact.CONNECTING)
        try:
            async with asyncio.timeout(self._session.open_deadline_s):
                await self._session.open()
        except LinkError as error:
            await self._lose(error, lost=isinstance(error, ConnectionLost))
            return False
        except TimeoutError:
            await self._lose(f"not open after {self._session.open_deadline_s:g} s", lost=True)
            return False
        except Exception as error:  # the boundary that keeps one link's fault from the others
            _logger.exception("%s: a fault in the driver", self.name)
            await self._lose(f"a fault in the driver: {error!r}", lost=True)
            return False
        self._bad_in_a_row = 0
        self.refused_at = None
        self.reconnects += self._was_connected
        self._was_connected = True
        for scan in self._scans:
            scan.restart(self._clock.monotonic())
        _logger.info("%s: connected", self.name)
        await self._move(Contact.CONNECTED)
        return True

    async def _converse(self) -> bool:
        """Do what is due until the connection is lost or the link is to stop; return whether any scan went well."""
        went_well = False
        writes_in_a_row = 0
        while not self._stopping:
            # Writes come first; but an endless stream of them must not stop the scans.
            first = self._writes and (writes_in_a_row < MOST_WRITES_IN_A_ROW or self._until_scan() > 0)
            write = self._writes.popleft() if first else None
            writes_in_a_row = writes_in_a_row + 1 if write else 0
            job = write.job if write else self._due_step(self._clock.monotonic())
            if job is None:
                await self._pause(0.0 if self._writes else self._until_scan())
            elif not await (self._do_write(write) if write else self._do_scan(job)):
                return went_well
            elif write is None:
                went_well = went_well or not self._bad_in_a_row
        return went_well

    def _until_scan(self) -> float:
        """Return the clock seconds until the next scan is due."""
        return max(0.0, min((scan.due for scan in self._scans), default=3600.0) - self._clock.monotonic())

    def _due_step(self, now: float) -> Job | None:
        for scan in sorted(self._scans, key=lambda scan: scan.due):
            if scan.due <= now and (job := scan.next_step(now)) is not None:
                self._scanning = scan
                return job
        return None

    async def _do(self, job: Job) -> None:
        """Run `job` within the session's deadline, remember how long it took, and do what follows."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._session.deadline_s):
                follow = await job()
        except TimeoutError as error:
            raise ConnectionLost(f"no answer within {self._session.deadline_s:g} s") from error
        self._round_trips.append(loop.time() - began)
        if follow:
            await follow()
        self.progressed = self._clock.monotonic()

    async def _do_scan(self, job: Job) -> bool:
        """Run one step of a scan; return False when the connection is gone."""
        try:
            await self._do(job)
        except BadAnswer as error:
            self.bad_answers += 1
            self._bad_in_a_row += 1
            if self._scanning is not None:
                self._scanning.spoil()
            self.error = redact(str(error))
            self.progressed = self._clock.monotonic()
            _logger.debug("%s: bad answer %d: %s", self.name, self._bad_in_a_row, error)
            if self._bad_in_a_row <= BAD_ANSWERS_ALLOWED:
                return True
            await self._lose(f"{self._bad_in_a_row} bad answers in a row: {error}", lost=False)
            return False
        except LinkError as error:
            await self._lose(error, lost=isinstance(error, ConnectionLost))
            return False
        except Exception as error:  # the boundary that keeps one link's fault from the others
            _logger.exception("%s: a fault in the driver", self.name)
            await self._lose(f"a fault in the driver: {error!r}", lost=False)
            return False
        self._bad_in_a_row = 0
        return True

    def _said(self, text: str, error: object) -> str:
        """Return what `text` says of this link and an error: equipment may repeat what it was sent."""
        return redact(text.format(link=self.name, error=error))

    async def _do_write(self, write: _Write) -> bool:
        """Run a write and give its answer; return False when the connection is gone."""
        try:
            await self._do(write.job)
        except ConnectionLost as error:
            write.fail(WriteTimeout(self._said(tr("{link} gave no answer: {error}"), error)))
            await self._lose(error, lost=True)
            return False
        except BadAnswer as error:
            write.fail(Refused(self._said(tr("{link} did not confirm: {error}"), error)))
        except LinkError as error:
            write.fail(Refused(self._said(tr("{link} refused: {error}"), error)))
            await self._lose(error, lost=False)
            return False
        except VigiliaError as error:
            write.fail(error)
        except asyncio.CancelledError:
            write.fail(WriteTimeout(tr("{link} had given no answer when the link was stopped").format(link=self.name)))
            raise
        except Exception as error:  # the boundary that keeps one link's fault from the others
            _logger.exception("%s: a fault in the driver", self.name)
            write.fail(Refused(self._said(tr("{link}: a fault in the driver: {error}"), repr(error))))
        else:
            if not write.answer.done():
                write.answer.set_result(None)
        return True

    async def _lose(self, why: LinkError | str, *, lost: bool) -> None:
        """Close the session, tell why, and fail what waits. `lost`: there is nobody to log out from."""
        if isinstance(why, LoginRefused) and self.refused_at is None:
            self.refused_at = self._clock.monotonic()
        reason = redact(str(why))  # clients are told it, and equipment may repeat what it was sent
        log = _logger.warning if self.contact is Contact.CONNECTED or reason != self.error else _logger.debug
        self.error = reason
        self.progressed = self._clock.monotonic()
        log("%s: disconnected: %s", self.name, reason)
        await self._move(Contact.DISCONNECTED)
        self._fail_writes(f"is disconnected: {reason}")
        await self._close(lost=lost)

    async def _close(self, *, lost: bool) -> None:
        try:
            # Not asyncio.timeout: in a task that was cancelled, it does not raise TimeoutError before Python 3.11.4.
            await asyncio.wait_for(self._session.close(lost=lost), _CLOSE_S)
        except TimeoutError:
            _logger.warning("%s: no answer to the logout", self.name)
        except Exception:  # the boundary that keeps one link's fault from the others
            _logger.exception("%s: a fault in the driver", self.name)

    def _fail_writes(self, why: str) -> None:
        while self._writes:
            self._writes.popleft().fail(NotWritable(f"{self.name} {why}"))

    async def _move(self, contact: Contact) -> None:
        if contact is self.contact:
            return
        # A link that only tries again is as disconnected as before: its "since" stays.
        if Contact.CONNECTED in (contact, self.contact):
            self.since = self._clock.now()
            self.moved = self._clock.monotonic()
        self.contact = contact
        if self.on_contact:
            await self.on_contact(self)
