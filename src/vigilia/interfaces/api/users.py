"""Users: who may sign in, and as what."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from vigilia.clock import iso
from vigilia.interfaces.api.accountmodels import NewPassword, NewRole, NewUser, UserAnswer
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.bodies import BODY_FAILURES, read_as
from vigilia.interfaces.api.models import Page
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.api.session import auth_of, begun
from vigilia.interfaces.auth.caller import AskedBy, AskedBySomebody, not_allowed
from vigilia.interfaces.auth.office import Office
from vigilia.interfaces.auth.roles import Role, needs
from vigilia.store.accounts import UserRow

router = APIRouter(prefix="/api/v1", tags=["sign-in"])

UserName = Annotated[str, Path(max_length=60)]
_OFF = "nobody has to sign in here"
_FAILURES = {
    "_404": "no user has that name",
    "_409": f"a name is taken, the last administrator would go, or {_OFF}",
    "_422": "the name, the role or the password is not as described",
    "_503": "the store does not answer: nothing was done",
}


def _body(model: type[NewUser] | type[NewRole] | type[NewPassword]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}


@router.get("/users", response_model=Page[UserAnswer], responses=failures(_409=_OFF))
@needs(Role.ADMIN)
async def list_users(parts: Parts) -> Response:
    """List the users, by name."""
    office = auth_of(parts).office
    return JsonAnswer({"items": [_user_json(office, row) for row in office.users()], "next": None})


@router.post(
    "/users",
    status_code=201,
    response_model=UserAnswer,
    responses=failures(**_FAILURES, **BODY_FAILURES),
    openapi_extra=_body(NewUser),
)
@needs(Role.ADMIN)
async def add_user(request: Request, parts: Parts, by: AskedBy) -> Response:
    """Add a user."""
    office = auth_of(parts).office
    body = await read_as(request, NewUser)
    try:
        row = await office.add_user(body.name, Role.read(body.role), body.password, by)
    except ValueError as error:
        raise Failed(422, "invalid-request", str(error)) from error
    return JsonAnswer(_user_json(office, row), 201)


@router.put(
    "/users/{name}/role",
    response_model=UserAnswer,
    responses=failures(**_FAILURES, **BODY_FAILURES),
    openapi_extra=_body(NewRole),
)
@needs(Role.ADMIN)
async def set_role(name: UserName, request: Request, parts: Parts, by: AskedBy) -> Response:
    """Give a user another role, which holds at once."""
    office = auth_of(parts).office
    body = await read_as(request, NewRole)
    return JsonAnswer(_user_json(office, await office.set_role(name, Role.read(body.role), by)))


@router.put(
    "/users/{name}/password",
    response_model=UserAnswer,
    responses=failures(
        **_FAILURES, **BODY_FAILURES, _401="the present password is wrong", _429="too many of them were wrong"
    ),
    openapi_extra=_body(NewPassword),
)
@needs(Role.VIEWER)
async def set_password(name: UserName, request: Request, parts: Parts, caller: AskedBySomebody) -> Response:
    """Give a user another password: one's own, together with the present one; an administrator, anybody's.

    All sessions of that user end; who changes their own gets a new one with the answer.
    """
    auth = auth_of(parts)
    body = await read_as(request, NewPassword)
    own = caller.session if caller.user == name else None
    if own is None and caller.role < Role.ADMIN:
        raise not_allowed(caller, Role.ADMIN)
    try:
        signed_in = await auth.office.set_password(name, body.password, caller.origin, own, body.current)
    except ValueError as error:
        raise Failed(422, "invalid-request", str(error)) from error
    if signed_in is not None:
        return begun(parts, auth, request, signed_in)
    return JsonAnswer(_user_json(auth.office, auth.office.user(name)))


@router.delete("/users/{name}", status_code=204, response_class=Response, responses=failures(**_FAILURES))
@needs(Role.ADMIN)
async def remove_user(name: UserName, parts: Parts, by: AskedBy) -> Response:
    """Remove a user, whose sessions end. Tokens that they made go on."""
    await auth_of(parts).office.remove_user(name, by)
    return Response(status_code=204)


def _user_json(office: Office, row: UserRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "role": row.role,
        "created_at": iso(row.created_at),
        "created_by": row.created_by,
        "password_at": iso(row.password_at),
        "sessions": office.sessions_of(row.name),
    }
