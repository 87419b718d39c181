"""The outbox: notices that wait to be told, those that were, and those that somebody wants told once more."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from vigilia.errors import UnknownNotice
from vigilia.interfaces.api.answers import JsonAnswer, failures
from vigilia.interfaces.api.models import NoticeAnswer, NoticeKindName, Page
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.api.recordmodels import ChannelsAnswer
from vigilia.interfaces.auth.caller import AskedBy
from vigilia.store.notices import NoticeFilter

router = APIRouter(prefix="/api/v1", tags=["alarms"])

NoticeId = Annotated[int, Path(ge=1, le=2**31 - 1, description="the notice's id")]


class NoticeQuery(PageQuery):
    """Which notices."""

    state: Literal["waiting", "sent", "failed"] | None = Field(
        default=None, description="failed: its last attempt did, and it waits for another"
    )
    kind: NoticeKindName | None = Field(default=None, description="only of this kind")
    area: str = Field(default="", max_length=200, description="part of the area, in either case")
    channel: str = Field(default="", max_length=60, description="only of this channel")
    alarm: str = Field(default="", max_length=260, description="only of the alarm of this id")


@router.get(
    "/outbox",
    response_model=Page[NoticeAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
async def list_notices(parts: Parts, query: Annotated[NoticeQuery, Query()]) -> Response:
    """List notices, the newest first, one for each channel."""
    wanted = NoticeFilter(query.state or "", query.kind or "", query.area, query.channel, query.alarm)
    rows = await parts.outbox(wanted, before=query.number(), limit=query.limit + 1) if parts.outbox else []
    page = rows[: query.limit]
    return JsonAnswer({"items": page, "next": cursor(str(page[-1]["id"])) if len(rows) > len(page) else None})


@router.get("/outbox/channels", response_model=ChannelsAnswer, responses=failures(_503="the store does not answer"))
async def list_channels(parts: Parts) -> Response:
    """Tell how each channel fares: what waits for it since when, and what it carried last."""
    return JsonAnswer({"items": await parts.channels() if parts.channels else []})


@router.post(
    "/outbox/{notice}/resend",
    status_code=202,
    response_model=NoticeAnswer,
    responses=failures(
        _404="no notice has that id",
        _409="it waits itself, or its repetition does or was sent a moment ago, or its channel is gone",
        _422="that is no id",
        _503="the store does not answer: whether it was queued, the list says",
    ),
)
async def resend_notice(notice: NoticeId, parts: Parts, origin: AskedBy) -> Response:
    """Have a notice that was sent be sent once more, over the same channel; the answer is the new one.

    Its card says that it is a repetition, and who asked for it. Two do not come of two clicks: while a repetition
    waits, and for a minute after it was asked for, another is refused.
    """
    if parts.records is None:
        raise UnknownNotice("no notices are sent here")
    return JsonAnswer(await parts.records.resend(notice, origin), 202)
