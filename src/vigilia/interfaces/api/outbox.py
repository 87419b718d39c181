"""The outbox: notices that wait to be told, and those that were."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from vigilia.interfaces.api.answers import JsonAnswer, failures
from vigilia.interfaces.api.models import NoticeAnswer, Page
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import Parts

router = APIRouter(prefix="/api/v1", tags=["alarms"])


@router.get(
    "/outbox",
    response_model=Page[NoticeAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
async def list_notices(parts: Parts, query: Annotated[PageQuery, Query()]) -> Response:
    """List notices, the newest first, one for each channel."""
    rows = await parts.outbox(before=query.number(), limit=query.limit + 1) if parts.outbox else []
    page = rows[: query.limit]
    return JsonAnswer({"items": page, "next": cursor(str(page[-1]["id"])) if len(rows) > len(page) else None})
