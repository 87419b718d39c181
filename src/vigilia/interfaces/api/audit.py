"""The audit: who wrote what to which point, and how it ended."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from vigilia.interfaces.api.answers import JsonAnswer, failures
from vigilia.interfaces.api.models import AuditAnswer, Page
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import Parts

router = APIRouter(prefix="/api/v1", tags=["audit"])


class AuditQuery(PageQuery):
    """Which writes."""

    point: str = Field(default="", max_length=200, description="only writes to the point of this name")


@router.get(
    "/audit",
    response_model=Page[AuditAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
async def list_writes(parts: Parts, query: Annotated[AuditQuery, Query()]) -> Response:
    """List writes, the newest first."""
    rows = await parts.audit(point=query.point, before=query.number(), limit=query.limit + 1)
    page = rows[: query.limit]
    return JsonAnswer({"items": page, "next": cursor(str(page[-1]["id"])) if len(rows) > len(page) else None})
