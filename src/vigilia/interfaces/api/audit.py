"""The audit: who wrote what to which point, and how it ended."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from vigilia.interfaces.api.answers import JsonAnswer, failures
from vigilia.interfaces.api.models import AuditAnswer, Page
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.api.times import TimesQuery
from vigilia.store.auditing import AuditFilter

router = APIRouter(prefix="/api/v1", tags=["audit"])


class AuditQuery(TimesQuery, PageQuery):
    """Which writes."""

    point: str = Field(
        default="", max_length=200, description="only writes to the point of this name, or to all that begin so: R1:*"
    )
    user: str = Field(default="", max_length=200, description="only writes of this user")
    outcome: str = Field(
        default="",
        max_length=40,
        description='only those that ended so: "confirmed", an error\'s name, "failed" for anything but success, '
        '"open" for no answer yet',
    )


@router.get(
    "/audit",
    response_model=Page[AuditAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
async def list_writes(parts: Parts, query: Annotated[AuditQuery, Query()]) -> Response:
    """List writes, the newest first."""
    wanted = AuditFilter(query.point, query.user, *query.interval(), query.outcome)
    rows = await parts.audit(wanted, before=query.number(), limit=query.limit + 1)
    page = rows[: query.limit]
    return JsonAnswer({"items": page, "next": cursor(str(page[-1]["id"])) if len(rows) > len(page) else None})
