"""What an agent writes into a history by itself: its samples, as rows of the same form as the service's own."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from vigilia.errors import VigiliaError
from vigilia.points import LONGEST_TEXT, Kind, Severity, Status, Value

REVISION = 1
"""Of the history's tables, or of an engine's measurements, that this agent knows."""
MOST_AT_ONCE = 5_000
"""Rows in one transaction or request; a call may bring more."""
_LAST_MS = 253_402_300_799_999
"""The year 9999 ends: no database knows what is later."""


class DirectError(VigiliaError):
    """The database took nothing now; it may later, and the samples wait."""


class OtherRevision(DirectError):
    """The database is laid out in another way than this agent knows: nothing was written."""


def check_revision(name: str, found: object) -> None:
    """Raise OtherRevision unless the history `name` has the revision that this agent knows."""
    if found != REVISION:
        raise OtherRevision(
            f"the history {name} has revision {found}, and this agent writes {REVISION}: install the agent of the "
            "server's version; samples wait here until then"
        )


class StoredSample(NamedTuple):
    """One sample, as an agent stores it."""

    part: str
    parameter: str
    kind: Kind
    """Of the parameter."""
    time_ms: int
    """Milliseconds UTC since 1970, by a clock that is right."""
    value: Value | None
    severity: Severity = Severity.NO_ALARM
    status: Status = Status.NO_ALARM


class Refused(NamedTuple):
    """A sample that the database will never take."""

    sample: StoredSample
    reason: str


class DirectWriter(Protocol):
    """Writes samples into one database. A sample that is written again replaces itself."""

    @property
    def name(self) -> str:
        """The address as it may be shown: without user and password."""
        ...

    async def write(self, samples: Sequence[StoredSample]) -> Sequence[Refused]:
        """Have samples be in the database, all but those that it never takes; return these.

        Nothing stays open between two calls. Raises DirectError where it does not take them now: some may be there
        then, and all are to be written again later. Raises OtherRevision where its tables are not those that the agent
        knows.
        """
        ...


class Row(NamedTuple):
    """A sample as a row of the history: see `vigilia.history.backend.Row`."""

    point: str
    time_ms: int
    value: float | None
    text: str | None
    severity: int
    status: int


def row_of(reactor: str, sample: StoredSample) -> Row:
    """Return a sample as a row. A value that is none, without an alarm, is not defined, as EPICS has it."""
    name = f"{reactor}:{sample.part}:{sample.parameter}{suffix_of(sample.kind)}"
    severity, status = sample.severity, sample.status
    if isinstance(sample.value, str):
        text = sample.value[:LONGEST_TEXT].encode("utf-8", "replace").decode().replace("\0", "?")
        return Row(name, sample.time_ms, None, text, severity, status)
    value = _finite(sample.value)
    if value is None and severity is Severity.NO_ALARM:
        severity, status = Severity.INVALID, Status.UDF
    return Row(name, sample.time_ms, value, None, severity, status)


def _finite(value: Value | None) -> float | None:
    """Return a value that is no text as a number that every database takes; None where it is none."""
    try:
        number = None if value is None else float(value)
    except OverflowError:
        return None
    return number if number is not None and math.isfinite(number) else None


def suffix_of(kind: Kind) -> str:
    """Return what ends the name of a reading's point."""
    return "-Sts" if kind in (Kind.ENUM, Kind.BOOLEAN) else "-Mon"


def sort_out(samples: Sequence[StoredSample], latest_ms: int = _LAST_MS) -> tuple[list[StoredSample], list[Refused]]:
    """Return the samples whose times can be kept, up to `latest_ms`, and the others."""
    good: list[StoredSample] = []
    refused: list[Refused] = []
    for sample in samples:
        if 0 <= sample.time_ms <= latest_ms:
            good.append(sample)
        else:
            refused.append(Refused(sample, f"{sample.time_ms} ms is no time that is kept there"))
    return good, refused
