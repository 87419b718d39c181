"""What the contract tests need of each database: where it is, and what it cannot do."""

from dataclasses import dataclass

from vigilia.history.backend import Backend, Keeping, PointInfo, Row
from vigilia.points import Severity, Status

FOR_EVER = Keeping(0, 0, 0)
START = 1_767_225_600_000
"""2026-01-01T00:00:00Z: a Thursday, like the first day of 1970, so that seven days begin there."""
SECOND = 1_000
MINUTE = 60_000
HOUR = 3_600_000
DAY = 86_400_000


@dataclass(frozen=True)
class Place:
    """An empty database of one test."""

    kind: type[Backend]
    url: str
    rolls_up: bool = True
    """It keeps minutes and hours: a question may be answered at them, and raw rows dropped before."""
    keeps_text: bool = True
    """It keeps what text points say."""
    replaces: bool = True
    """Of the same point and time the row last written stays. A line-protocol engine may keep either."""
    exact_numbers: bool = True
    """It keeps every bit of a number. VictoriaMetrics keeps decimals, with one exponent for neighbours."""

    async def open(self, keeping: Keeping = FOR_EVER) -> Backend:
        return await self.kind.open(self.url, keeping)  # type: ignore[attr-defined]  # not part of the protocol

    async def look(self) -> Backend:
        return await self.kind.look(self.url)  # type: ignore[attr-defined]


def row(
    point: str,
    time_ms: int,
    value: float | None = None,
    text: str | None = None,
    severity: Severity = Severity.NO_ALARM,
    status: Status = Status.NO_ALARM,
) -> Row:
    return Row(point, time_ms, value, text, severity, status)


def number(name: str, kind: str = "number") -> PointInfo:
    return PointInfo(name, kind)
