"""Tokens: what programs show to use the API. A reactor's agent has another kind: see `reactors`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from vigilia.clock import iso
from vigilia.interfaces.api.accountmodels import ApiTokenAnswer, NewApiToken, NewApiTokenAnswer
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.bodies import BODY_FAILURES, read_as
from vigilia.interfaces.api.models import Page
from vigilia.interfaces.api.moments import moment_of
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.api.session import auth_of
from vigilia.interfaces.auth.caller import AskedBy
from vigilia.interfaces.auth.roles import Role, needs
from vigilia.store.accounts import TokenRow

router = APIRouter(prefix="/api/v1", tags=["sign-in"])

_OFF = "nobody has to sign in here"


@router.get("/tokens", response_model=Page[ApiTokenAnswer], responses=failures(_409=_OFF))
@needs(Role.ADMIN)
async def list_tokens(parts: Parts) -> Response:
    """List the tokens, by name. What they are, only their hashes, nobody can be told again."""
    return JsonAnswer({"items": [_token_json(row) for row in auth_of(parts).office.tokens()], "next": None})


@router.post(
    "/tokens",
    status_code=201,
    response_model=NewApiTokenAnswer,
    responses=failures(
        _409=f"there is one of that name, or {_OFF}",
        _422="the name, the role or the end is not as described",
        _503="the store does not answer: nothing was done",
        **BODY_FAILURES,
    ),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": NewApiToken.model_json_schema()}}}
    },
)
@needs(Role.ADMIN)
async def add_token(request: Request, parts: Parts, by: AskedBy) -> Response:
    """Make a token. The answer shows it this once."""
    auth = auth_of(parts)
    body = await read_as(request, NewApiToken)
    ends_at = None if body.ends_at is None else moment_of(body.ends_at, "ends_at")
    if ends_at is not None and ends_at <= auth.clock.now():
        raise Failed(422, "invalid-request", "ends_at: is past")
    try:
        token, row = await auth.office.add_token(body.name, Role.read(body.role), ends_at, by)
    except ValueError as error:
        raise Failed(422, "invalid-request", str(error)) from error
    return JsonAnswer(_token_json(row) | {"token": token}, 201)


@router.delete(
    "/tokens/{name}",
    status_code=204,
    response_class=Response,
    responses=failures(
        _404="no token has that name", _409=_OFF, _422="no name is that long", _503="the store does not answer"
    ),
)
@needs(Role.ADMIN)
async def remove_token(name: Annotated[str, Path(max_length=60)], parts: Parts, by: AskedBy) -> Response:
    """Make a token worth nothing from now on."""
    await auth_of(parts).office.remove_token(name, by)
    return Response(status_code=204)


def _token_json(row: TokenRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "role": row.role,
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "ends_at": None if row.ends_at is None else iso(row.ends_at),
    }
