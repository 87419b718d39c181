"""What the API is made with, and how a route gets at it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from fastapi import Depends, Request

from vigilia.clock import Clock
from vigilia.fleet import Fleet
from vigilia.history.backend import Question, Series
from vigilia.interfaces.api.records import Records
from vigilia.interfaces.api.streams import Streams
from vigilia.interfaces.auth.auth import SignIn
from vigilia.link import Link
from vigilia.points import Origin
from vigilia.rules import AlarmItem
from vigilia.store.auditing import AuditFilter
from vigilia.store.database import Row
from vigilia.store.incidents import Incident, IncidentFilter, Position
from vigilia.store.notices import NoticeFilter
from vigilia.store.tally import Tally
from vigilia.table import PointTable


class Audit(Protocol):
    """Reads the audit of writes: `Store.audit`."""

    async def __call__(self, wanted: AuditFilter = ..., *, before: int | None = None, limit: int = 100) -> list[Row]:
        """Return the writes that are wanted, the newest first: with an id below `before`, at most `limit`.

        Raises StoreError.
        """
        ...


class FollowedAlarms(Protocol):
    """Tells which alarms may look otherwise than before."""

    def fetch(self) -> Collection[str]:
        """Return their ids, since the last call."""
        ...

    def close(self) -> None:
        """Follow them no more."""
        ...


class Alarms(Protocol):
    """The alarms, and what people may do about them."""

    def items(self) -> Sequence[AlarmItem]:
        """Return every alarm, those that are normal included."""
        ...

    def find(self, alarm: str) -> AlarmItem | None:
        """Return the alarm of that id; None: there is none."""
        ...

    def follow(self) -> FollowedAlarms:
        """Return what tells which alarms change from now on."""
        ...

    def ids(self, state: str | None) -> list[str]:
        """Return the ids of the alarms in a state, in order; None: of all that are not normal."""
        ...

    async def act(
        self, alarm: str, action: str, by: Origin, comment: str, until: float | None, expected: str | None = None
    ) -> AlarmItem:
        """Do `action` to the alarm of that id; return how it stands then. `until` in seconds UTC.

        `expected`: the newest incident that was seen, empty for none; None: whichever. Raises UnknownAlarm,
        AlarmChanged, AlarmRefused or StoreError.
        """
        ...


class Incidents(Protocol):
    """Reads incidents: `vigilia.store.incidents.newest`, with its store."""

    async def __call__(
        self,
        wanted: IncidentFilter = ...,
        *,
        start: float | None,
        end: float | None,
        before: Position | None = None,
        limit: int = 100,
    ) -> list[Incident]:
        """Return those that are wanted, the newest first: open between `start` and `end`, after `before`.

        At most `limit`. Raises StoreError.
        """
        ...


class Outbox(Protocol):
    """Reads notices: `vigilia.store.notices.newest`, with its store."""

    async def __call__(self, wanted: NoticeFilter = ..., *, before: int | None = None, limit: int = 100) -> list[Row]:
        """Return the notices that are wanted, the newest first: with an id below `before`, at most `limit`.

        Raises StoreError.
        """
        ...


class History(Protocol):
    """Answers for the past: `vigilia.history.archive.History`."""

    async def read(self, question: Question) -> Series:
        """Return a series at the finest resolution that answers the question; empty where there is nothing.

        Raises HistoryError.
        """
        ...

    async def read_statuses(self, question: Question) -> Series:
        """Return what a sampled point reported within the last day. Raises HistoryError, where none are kept, too."""
        ...

    def longest_interval_s(self, name: str) -> float:
        """Return within how many seconds a point that is read has another reading here, also one that is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Vitals:
    """How to find what the service says of itself to pages."""

    started: float
    """Seconds UTC."""
    memory_mb: Callable[[], float]
    waiting_notices: Callable[[], int]
    oldest_notice_s: Callable[[], float]
    notices_moved: Callable[[], object]
    """Returns another value whenever notices were queued, sent or refused."""
    tally: Callable[[], Awaitable[Tally]]
    """Counts notices. Raises StoreError."""


class System(Protocol):
    """What the API needs of a driver; it may be `Viewed`, and a `Fleet`, besides."""

    @property
    def links(self) -> Sequence[Link]:
        """Its links."""
        ...


@dataclass(frozen=True, slots=True)
class ApiParts:
    """The parts of the service that the API shows."""

    table: PointTable
    links: Sequence[Link]
    audit: Audit
    health: Callable[[], Awaitable[list[str]]]
    """Returns what is missing for the watch to be healthy, one sentence each; nothing where it is."""
    clock: Clock
    version: str
    alarms: Alarms | None = None
    """None where no alarms are judged."""
    incidents: Incidents | None = None
    outbox: Outbox | None = None
    channels: Callable[[], Awaitable[list[Row]]] | None = None
    """Tells how each channel fares: `vigilia.store.notices.channels`, with its store. Raises StoreError."""
    records: Records | None = None
    history: History | None = None
    """None where none is kept."""
    fleet: Fleet | None = None
    """None where no reactors are listened to."""
    vitals: Vitals | None = None
    systems: Mapping[str, System] = field(default_factory=dict[str, System])
    """The drivers, by their sections."""
    sign_in: SignIn = field(default_factory=SignIn)
    """Who may come in, and as whom; by itself everybody, as on loopback."""
    questions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    """How many requests may ask the history at the same time."""
    streams: Streams = field(default_factory=Streams)
    """The event streams that are open."""


async def _parts(request: Request) -> ApiParts:
    return request.app.state.parts


Parts = Annotated[ApiParts, Depends(_parts)]
"""A route's way to the parts."""
