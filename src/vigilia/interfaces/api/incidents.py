"""Incidents: alarms from start to end."""

import math
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from vigilia.clock import iso
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.models import IncidentAnswer, Page
from vigilia.interfaces.api.moments import moment_of
from vigilia.interfaces.api.pages import PageQuery, cursor, invalid_cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.language import tr
from vigilia.store.incidents import Incident, IncidentFilter, Position

router = APIRouter(prefix="/api/v1", tags=["alarms"])

_TIME = "UTC, ISO 8601, with Z"


class IncidentQuery(PageQuery):
    """Which incidents."""

    from_: str = Field(default="", alias="from", max_length=60, description=f"only those open after this: {_TIME}")
    to: str = Field(default="", max_length=60, description=f"only those that began before this: {_TIME}")
    system: str = Field(default="", max_length=200, description="only of this system", examples=["pvoperation"])
    area: str = Field(
        default="", max_length=200, description="part of the area, the equipment or the device, in either case"
    )
    state: Literal["open", "closed"] | None = Field(default=None, description="open: those that last")


@router.get(
    "/incidents",
    response_model=Page[IncidentAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
async def list_incidents(parts: Parts, query: Annotated[IncidentQuery, Query()]) -> Response:
    """List incidents that were open at any time of an interval, the newest first."""
    start = moment_of(query.from_, "from") if query.from_ else None
    end = moment_of(query.to, "to") if query.to else None
    if start is not None and end is not None and start >= end:
        raise Failed(422, "invalid-request", "from: it must be before to")
    before = _before(query)
    wanted = IncidentFilter(query.system, query.area, query.state or "")
    found: list[Incident] = []
    if parts.incidents:
        found = await parts.incidents(wanted, start=start, end=end, before=before, limit=query.limit + 1)
    page = found[: query.limit]
    following = cursor(f"{page[-1].began_at!r} {page[-1].id}") if len(found) > len(page) else None
    return JsonAnswer({"items": [_incident_json(incident) for incident in page], "next": following})


def _incident_json(incident: Incident) -> dict[str, Any]:
    return asdict(incident) | {
        "name": name_of(incident.family, incident.label) or incident.rule,
        "severity": incident.severity.name,
        "began_at": iso(incident.began_at),
        "ended_at": None if incident.ended_at is None else iso(incident.ended_at),
        "last_seen_at": iso(incident.last_seen_at),
        "found_at": iso(incident.found_at),
        "suppressed_by": incident.suppressed_by or None,
    }


def name_of(family: str, label: str) -> str:
    """Return what people call alarms of a kind, in the site's language: "Relay alarms: OVERVOLTAGE"."""
    kind, which = tr(family) if family else "", tr(label) if label else ""
    return ": ".join(text for text in (kind, which) if text)


def _before(query: PageQuery) -> Position | None:
    """Return where the page before ended. Raises Failed."""
    start = query.start()
    if start is None:
        return None
    began, _, name = start.partition(" ")
    try:
        position = Position(float(began), name)
    except ValueError as error:
        raise invalid_cursor() from error
    if not math.isfinite(position.began_at) or not name.isprintable():
        raise invalid_cursor()
    return position
