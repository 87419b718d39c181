"""Reactors: how they stand, and who lets them in."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from vigilia.clock import iso
from vigilia.errors import UnknownReactor
from vigilia.fleet import Fleet, ReactorItem
from vigilia.interfaces.api.answers import JsonAnswer, failures
from vigilia.interfaces.api.models import Page, ReactorAnswer, TokenAnswer
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import ApiParts, Parts
from vigilia.interfaces.auth.caller import AskedBy
from vigilia.interfaces.auth.roles import Role, needs

ReactorId = Annotated[str, Path(max_length=200)]
_FAILURES = failures(
    _404="no reactor of that id has called, or reactors are not listened to",
    _422="no id is that long",
    _503="the store does not answer: nothing was done",
)

router = APIRouter(prefix="/api/v1", tags=["reactors"])


@router.get("/reactors", response_model=Page[ReactorAnswer], responses=failures(_422="a parameter is not as described"))
async def list_reactors(parts: Parts, query: Annotated[PageQuery, Query()]) -> Response:
    """List the reactors that are accepted, and those that wait to be, by id."""
    last = query.start()
    found = [item for item in (parts.fleet.reactors() if parts.fleet else ()) if last is None or item.id > last]
    page = found[: query.limit]
    following = cursor(page[-1].id) if len(found) > len(page) else None
    return JsonAnswer({"items": [reactor_json(item) for item in page], "next": following})


@router.post("/reactors/{reactor}/accept", response_model=ReactorAnswer, responses=_FAILURES)
@needs(Role.ADMIN)
async def accept_reactor(reactor: ReactorId, parts: Parts, by: AskedBy) -> Response:
    """Accept a reactor that waits: its agent registers within seconds."""
    return JsonAnswer(reactor_json(await _fleet(parts).accept(reactor, by)))


@router.post("/reactors/{reactor}/enrol", response_model=TokenAnswer, responses=_FAILURES)
@needs(Role.ADMIN)
async def enrol_reactor(reactor: ReactorId, parts: Parts, by: AskedBy) -> Response:
    """Accept a reactor, whether it has called or not, and give the token that its agent must show from now on.

    Only a hash of the token is kept; a token that the reactor had is worth nothing from then on.
    """
    token = await _fleet(parts).enrol(reactor, by)
    return JsonAnswer({"id": reactor, "token": token}, headers={"Cache-Control": "no-store"})


def reactor_json(item: ReactorItem) -> dict[str, Any]:
    """Return a reactor as the API shows it."""
    return {
        "id": item.id,
        "name": item.name,
        "version": item.version,
        "state": item.presence.value,
        "since": iso(item.since),
        "reported": None if item.reported is None else iso(item.reported),
        "address": item.address,
        "enrolled": item.enrolled,
        "points": item.points,
        "settings": [
            {
                "point": setting.point,
                "value": setting.value,
                "state": setting.state.value,
                "reason": setting.reason,
                "time": iso(setting.at),
                "by": setting.by,
            }
            for setting in item.settings
        ],
        "samples_waiting": item.samples_waiting,
        "oldest_waiting_s": item.oldest_waiting_s,
        "samples_dropped": item.samples_dropped,
        "trouble": item.trouble,
    }


def _fleet(parts: ApiParts) -> Fleet:
    if parts.fleet is None:
        raise UnknownReactor("no reactors are listened to: add [reactor] to the configuration")
    return parts.fleet
