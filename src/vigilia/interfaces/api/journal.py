"""The journal of alarms: what happened to each, when, by whom, and what they said."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from vigilia.clock import iso
from vigilia.interfaces.api.answers import JsonAnswer, failures
from vigilia.interfaces.api.models import Page
from vigilia.interfaces.api.pages import PageQuery, cursor, invalid_cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.api.recordmodels import JournalAnswer, JournalEventName
from vigilia.interfaces.api.times import TimesQuery
from vigilia.store.alarmjournal import JournalEntry, JournalFilter, JournalPosition

router = APIRouter(prefix="/api/v1", tags=["alarms"])


class JournalQuery(TimesQuery, PageQuery):
    """Which entries."""

    alarm: str = Field(default="", max_length=260, description="only of the alarm of this id")
    incident: str = Field(default="", max_length=36, description="only of the incident of this id")
    event: JournalEventName | None = Field(default=None, description="only of this kind")
    user: str = Field(default="", max_length=200, description="only what this user did")

    def before(self) -> JournalPosition | None:
        """Return where the page before ended. Raises Failed."""
        start = self.start()
        if start is None:
            return None
        at, _, number = start.partition(" ")
        try:
            position = JournalPosition(float(at), int(number))
        except ValueError as error:
            raise invalid_cursor() from error
        if not math.isfinite(position.at) or not 0 <= position.id < 2**31:
            raise invalid_cursor()
        return position


@router.get(
    "/journal",
    response_model=Page[JournalAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
async def list_journal(parts: Parts, query: Annotated[JournalQuery, Query()]) -> Response:
    """List what happened to alarms, the newest first."""
    start, end = query.interval()
    wanted = JournalFilter(query.alarm, query.incident, query.event or "", query.user, start, end)
    before = query.before()
    found = await parts.records.journal(wanted, before=before, limit=query.limit + 1) if parts.records else []
    page = found[: query.limit]
    following = cursor(f"{page[-1].at!r} {page[-1].id}") if len(found) > len(page) else None
    return JsonAnswer({"items": [entry_json(entry) for entry in page], "next": following})


def entry_json(entry: JournalEntry) -> dict[str, Any]:
    """Return an entry as the API shows it."""
    return {
        "id": entry.id,
        "time": iso(entry.at),
        "alarm": entry.alarm,
        "incident": entry.incident or None,
        "event": entry.event.value,
        "state": entry.state or None,
        "severity": entry.severity.name,
        "happened_at": _moment(entry.happened_at),
        "via": entry.by.via or None,
        "user": entry.by.user,
        "host": entry.by.host,
        "comment": entry.comment,
        "until": _moment(entry.until),
        "cause": entry.cause or None,
        "detail": entry.detail,
        "channel": entry.channel or None,
        "card": entry.card,
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)
