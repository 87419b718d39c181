"""The access log: who signed in, who was refused, and who changed what others may."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from vigilia.interfaces.api.accountmodels import AccessAnswer
from vigilia.interfaces.api.answers import JsonAnswer, failures
from vigilia.interfaces.api.models import Page
from vigilia.interfaces.api.pages import PageQuery, cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.auth.roles import Role, needs

router = APIRouter(prefix="/api/v1", tags=["audit"])


@router.get(
    "/access",
    response_model=Page[AccessAnswer],
    responses=failures(_422="a parameter is not as described", _503="the store does not answer"),
)
@needs(Role.ADMIN)
async def list_access(parts: Parts, query: Annotated[PageQuery, Query()]) -> Response:
    """List sign-ins, refusals, changes of users and tokens, and acceptances of reactors, the newest first."""
    read = parts.sign_in.log
    rows = await read(before=query.number(), limit=query.limit + 1) if read else []
    page = rows[: query.limit]
    return JsonAnswer({"items": page, "next": cursor(str(page[-1]["id"])) if len(rows) > len(page) else None})
