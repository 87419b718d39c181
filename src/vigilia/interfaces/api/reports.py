"""Weekly reports: the weeks there are, and the workbook of each, made when it is asked for."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from vigilia.clock import iso
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.models import Page
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.api.recordmodels import ReportAnswer
from vigilia.interfaces.api.records import ReportWeek
from vigilia.language import tr
from vigilia.points import shorten

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ANSWER_S = 60.0

Day = Annotated[str, Path(max_length=40, description="any day of the week, as YYYY-MM-DD", examples=["2026-03-09"])]

_WORKBOOK_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {WORKBOOK: {"schema": {"type": "string", "format": "binary"}}}, "description": "the workbook"}
}

router = APIRouter(prefix="/api/v1", tags=["reports"])


@router.get(
    "/reports",
    response_model=Page[ReportAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
async def list_reports(parts: Parts, query: Annotated[PageQuery, Query()]) -> Response:
    """List the weeks whose reports can be had, the newest first: back to the first incident."""
    before = query.start()
    weeks: Sequence[ReportWeek] = await parts.records.weeks() if parts.records else ()
    found = [week for week in weeks if before is None or week.first.isoformat() < before]
    page = found[: query.limit]
    now = parts.clock.now()
    following = cursor(page[-1].first.isoformat()) if len(found) > len(page) else None
    return JsonAnswer({"items": [_week_json(week, now) for week in page], "next": following})


@router.get(
    "/reports/{day}.xlsx",
    response_class=Response,
    responses=_WORKBOOK_ANSWER
    | failures(
        _404="there is no report of that week: it is yet to come",
        _422="that is no day",
        _503="the store does not answer, or the workbook is not made in time",
    ),
)
async def get_report(day: Day, parts: Parts) -> Response:
    """Give the report of a week as a workbook, from what the store knows now. Nothing of it is kept for the next."""
    wanted = _day(day)
    if parts.records is None:
        raise Failed(404, "not-found", tr("no alarms are judged, so there are no reports"))
    try:
        async with asyncio.timeout(_ANSWER_S):
            week, content = await parts.records.report(wanted)
    except LookupError as error:
        text = tr("there is no report of {day}: that week is yet to come, or long past")
        raise Failed(404, "not-found", text.format(day=day)) from error
    except TimeoutError as error:
        text = tr("the workbook was not made in time: others are being made; try again later")
        raise Failed(503, "busy", text) from error
    return Response(
        content, media_type=WORKBOOK, headers={"Content-Disposition": f'attachment; filename="{week.file}"'}
    )


def _day(text: str) -> date:
    """Return the day that a path names. Raises Failed."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or text != day.isoformat():
        raise Failed(422, "invalid-request", f"{shorten(text)} is no day: write any day of the week as YYYY-MM-DD")
    return day


def _week_json(week: ReportWeek, now: float) -> dict[str, Any]:
    monday = week.first.isoformat()
    return {
        "week": monday,
        "last": week.last.isoformat(),
        "from": iso(week.start),
        "to": iso(week.end),
        "complete": week.end <= now,
        "file": week.file,
        "path": f"/api/v1/reports/{monday}.xlsx",
    }
