"""Links: how the conversations with equipment fare."""

from typing import Any

from fastapi import APIRouter, Response

from vigilia.clock import iso
from vigilia.interfaces.api.answers import JsonAnswer
from vigilia.interfaces.api.models import LinkAnswer, Page
from vigilia.interfaces.api.parts import Parts
from vigilia.link import Link

router = APIRouter(prefix="/api/v1", tags=["links"])


@router.get("/links", response_model=Page[LinkAnswer])
async def list_links(parts: Parts) -> Response:
    """List the links and how they fare."""
    return JsonAnswer({"items": [link_json(link) for link in parts.links], "next": None})


def link_json(link: Link) -> dict[str, Any]:
    """Return a link as the API shows it."""
    round_trips = link.round_trips()
    return {
        "name": link.name,
        "contact": link.contact.name.lower(),
        "since": iso(link.since),
        "round_trip_ms": round_trips.median_ms,
        "round_trip_p99_ms": round_trips.p99_ms,
        "reconnects": link.reconnects,
        "bad_answers": link.bad_answers,
        "sessions": link.sessions,
        "waiting_writes": link.waiting,
        "error": link.error,
    }
