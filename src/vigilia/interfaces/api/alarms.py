"""Alarms: how they stand, and what people do about them."""

import asyncio
from bisect import bisect_right
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, ValidationError

from vigilia.clock import iso
from vigilia.errors import AlarmChanged, UnknownAlarm
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.bodies import BODY_FAILURES, has_body, read_json
from vigilia.interfaces.api.models import AlarmAction, AlarmAnswer, AlarmChangedAnswer, AlarmState, ErrorAnswer, Page
from vigilia.interfaces.api.moments import moment_of
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.auth.caller import AskedBy
from vigilia.points import shorten
from vigilia.rules import Act, AlarmItem

LONGEST_SHELVING_S = 30 * 86_400.0
_ALARMS_AT_ONCE = 250
"""How many alarms are turned into JSON before others get their turn on the event loop."""
_ANSWER_S = 10.0
"""Longer than the store takes to keep what was done."""

Action = Literal["acknowledge", "shelve", "unshelve", "out-of-service", "in-service"]
AlarmId = Annotated[str, Path(max_length=1000, description="percent-encoded: it may hold any character")]

router = APIRouter(prefix="/api/v1", tags=["alarms"])


class AlarmQuery(PageQuery):
    """Which alarms."""

    state: AlarmState | None = Field(default=None, description="only alarms in this state; without it all not normal")
    id: str = Field(default="", max_length=1000, description="only the alarm of this id, whatever its state")


def alarm_json(item: AlarmItem) -> dict[str, Any]:
    """Return an alarm as the API shows it."""
    return {
        "id": item.id,
        "point": item.point,
        "device": item.device,
        "name": item.name,
        "state": item.state,
        "severity": item.severity.name,
        "since": iso(item.since),
        "began": None if item.began is None else iso(item.began),
        "suppressed_by": item.suppressed_by,
        "acknowledged_by": item.acknowledged_by,
        "shelved_until": None if item.shelved_until is None else iso(item.shelved_until),
        "detail": item.detail,
        "told_at": None if item.told_at is None else iso(item.told_at),
        "told": [{"channel": told.channel, "card": told.card, "at": iso(told.at)} for told in item.told],
        "waiting": list(item.waiting),
        "acknowledgement": _act_json(item.acknowledgement),
        "quieted": _act_json(item.quieted),
        "incident": item.incident or None,
        "latest_incident": item.latest or None,
        "area": item.area,
        "system": item.system,
    }


def _act_json(act: Act | None) -> dict[str, Any] | None:
    return None if act is None else {"by": act.by, "at": iso(act.at), "comment": act.comment}


@router.get("/alarms", response_model=Page[AlarmAnswer], responses=failures(_422="a parameter is not as described"))
async def list_alarms(parts: Parts, query: Annotated[AlarmQuery, Query()]) -> Response:
    """List the alarms that are not normal, or those in one state, by id."""
    last = query.start()
    if parts.alarms is None:
        return JsonAnswer({"items": [], "next": None})
    if query.id:
        one = parts.alarms.find(query.id)
        return JsonAnswer({"items": [alarm_json(one)] if one else [], "next": None})
    ids = parts.alarms.ids(query.state)
    start = 0 if last is None else bisect_right(ids, last)
    page = ids[start : start + query.limit]
    items: list[dict[str, Any]] = []
    for first in range(0, len(page), _ALARMS_AT_ONCE):
        found = map(parts.alarms.find, page[first : first + _ALARMS_AT_ONCE])
        items += [alarm_json(item) for item in found if item is not None]
        await asyncio.sleep(0)
    following = cursor(page[-1]) if len(ids) > start + len(page) else None
    return JsonAnswer({"items": items, "next": following})


@router.post(
    "/alarms/{alarm:path}/{action}",
    response_model=AlarmAnswer,
    responses={
        409: {
            "model": ErrorAnswer | AlarmChangedAnswer,
            "description": "the alarm's present state does not allow it; `alarm-changed`, with the alarm as it is now: "
            "it was raised anew since it was as `expected`",
        }
    }
    | failures(
        _404="no alarm has that id",
        _422="the comment or the end is not as described, a shelving without an end among them",
        _503="the store does not answer: nothing was done",
        **BODY_FAILURES,
    ),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": AlarmAction.model_json_schema()}}}},
)
async def act_on_alarm(alarm: AlarmId, action: Action, request: Request, parts: Parts, origin: AskedBy) -> Response:
    """Acknowledge an alarm, shelve it for a time, take it out of service, or take that back.

    The answer is the alarm as it stands then. The body may be left out where nothing is to be said.
    """
    wanted = await _wanted(request)
    until = _end(action, wanted.until, parts.clock.now())
    expected = wanted.expected or "" if "expected" in wanted.model_fields_set else None
    if parts.alarms is None:
        raise UnknownAlarm(f"no alarm has the id {shorten(alarm)}: none are judged")
    try:
        async with asyncio.timeout(_ANSWER_S):
            item = await parts.alarms.act(alarm, action, origin, wanted.comment, until, expected)
    except AlarmChanged as error:
        present = parts.alarms.find(alarm)
        if present is None:
            raise
        return JsonAnswer({"error": "alarm-changed", "detail": str(error), "alarm": alarm_json(present)}, 409)
    except TimeoutError as error:
        raise Failed(503, "store-unavailable", f"{alarm}: no answer within {_ANSWER_S:g} s: try again later") from error
    return JsonAnswer(alarm_json(item))


async def _wanted(request: Request) -> AlarmAction:
    """Return what a request says of its action. Raises Failed."""
    if not has_body(request):
        return AlarmAction()
    try:
        return AlarmAction.model_validate(await read_json(request))
    except ValidationError as error:
        mistakes = (f"{'.'.join(map(str, found['loc'])) or 'body'}: {found['msg']}" for found in error.errors())
        raise Failed(422, "invalid-request", "; ".join(mistakes)[:1000]) from error


def _end(action: Action, text: str | None, now: float) -> float | None:
    """Return the end of a shelving in seconds UTC; None for other actions. Raises Failed."""
    if action != "shelve":
        if text is not None:
            raise Failed(422, "invalid-request", f"until: {action} takes no end; only shelve does")
        return None
    if text is None:
        raise Failed(422, "invalid-request", "until: a shelving needs an end, at most 30 days ahead")
    until = moment_of(text, "until")
    if not now < until <= now + LONGEST_SHELVING_S:
        raise Failed(422, "invalid-request", f"until: {shorten(text)} is past, or more than 30 days ahead")
    return until
