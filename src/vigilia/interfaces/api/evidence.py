"""Evidence: when each system last spoke, and of how many of its points nothing is known. No news is not good news."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from vigilia.clock import iso
from vigilia.interfaces.api.answers import JsonAnswer
from vigilia.interfaces.api.models import Moment, Page
from vigilia.interfaces.api.parts import Parts
from vigilia.points import Severity
from vigilia.table import PointTable

_POINTS_AT_ONCE = 2_000
_KEPT_S = 1.0
"""How long an answer is good for all who ask: the table is looked through no more often."""

router = APIRouter(prefix="/api/v1", tags=["systems"])


class EvidenceAnswer(BaseModel):
    """What is known of a system, and since when."""

    system: str = Field(examples=["aruba"])
    newest: Moment | None = Field(description="the time of its newest good reading; null: there was none yet")
    points: int
    unknown: int = Field(description="points whose last reading is INVALID: contact was lost, or an answer was bad")
    never: int = Field(description="points that were never read; some equipment never tells all that it could")


@dataclass(slots=True)
class _Found:
    newest: float | None = None
    points: int = 0
    unknown: int = 0
    never: int = 0


@dataclass(slots=True)
class _Kept:
    """The last answer, and when it was found."""

    at: float = float("-inf")
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    finding: asyncio.Lock = field(default_factory=asyncio.Lock)


@router.get("/evidence", response_model=Page[EvidenceAnswer])
async def list_evidence(request: Request, parts: Parts) -> Response:
    """Tell of each system when it last spoke, and of how much of it nothing is known."""
    kept = _kept(request)
    async with kept.finding:
        if time.monotonic() - kept.at > _KEPT_S:
            kept.items = await _look(parts.table)
            kept.at = time.monotonic()
    return JsonAnswer({"items": kept.items, "next": None})


def _kept(request: Request) -> _Kept:
    """Return what this service keeps of its answers."""
    kept = getattr(request.app.state, "evidence", None)
    if not isinstance(kept, _Kept):
        kept = request.app.state.evidence = _Kept()
    return kept


async def _look(table: PointTable) -> list[dict[str, Any]]:
    """Look through the table, others having their turn meanwhile."""
    systems: dict[str, _Found] = {}
    for number, point in enumerate(list(table.points()), start=1):
        reading = table.reading(point.name)
        found = systems.setdefault(table.system(point.name), _Found())
        found.points += 1
        if reading.time is None or reading.value is None:
            found.never += 1
        elif reading.severity is Severity.INVALID:
            found.unknown += 1
        elif found.newest is None or reading.time > found.newest:
            found.newest = reading.time
        if number % _POINTS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return [
        {
            "system": name,
            "newest": None if found.newest is None else iso(found.newest),
            "points": found.points,
            "unknown": found.unknown,
            "never": found.never,
        }
        for name, found in systems.items()
    ]
