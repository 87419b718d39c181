"""The session: who asks, signing in and out, and the first administrator's way in."""

from fastapi import APIRouter, Request, Response

from vigilia.interfaces.api.accountmodels import FirstAdmin, SessionAnswer, SignInBody
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.bodies import BODY_FAILURES, read_as
from vigilia.interfaces.api.parts import ApiParts, Parts
from vigilia.interfaces.auth.auth import Auth
from vigilia.interfaces.auth.caller import AskedBySomebody
from vigilia.interfaces.auth.cookies import cookies_of, drop_session, mark_name, set_mark, set_session
from vigilia.interfaces.auth.door import SignedIn
from vigilia.interfaces.auth.gate import csrf_of
from vigilia.interfaces.auth.roles import Role, needs
from vigilia.language import tr

router = APIRouter(prefix="/api/v1", tags=["sign-in"])

_FAILURES = failures(
    _401="the user, the password or the link is wrong",
    _409="nobody has to sign in here",
    _422="the body is not as described",
    _429="too many sign-ins failed; Retry-After says when to try again",
    _503="the store does not answer",
    **BODY_FAILURES,
)


@router.get("/session", response_model=SessionAnswer)
@needs(Role.NOBODY)
async def get_session(parts: Parts, caller: AskedBySomebody) -> Response:
    """Tell who asks and what they may do, and what a page needs to know before somebody signs in."""
    return JsonAnswer(_session_json(parts, caller.user or None, caller.role, caller.csrf or None))


@router.post(
    "/session",
    response_model=SessionAnswer,
    responses=_FAILURES,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": SignInBody.model_json_schema()}}}
    },
)
@needs(Role.NOBODY)
async def sign_in(request: Request, parts: Parts, caller: AskedBySomebody) -> Response:
    """Sign in: a session begins, always a new one, and its cookie comes with the answer."""
    auth = auth_of(parts)
    body = await read_as(request, SignInBody)
    mark = cookies_of(request.scope).get(mark_name(auth.port, body.user, secure=auth.secure(request.scope)), "")
    signed_in = await auth.door.sign_in(body.user, body.password, caller.host, mark, caller.session)
    return begun(parts, auth, request, signed_in)


@router.post(
    "/session/first",
    response_model=SessionAnswer,
    responses=_FAILURES,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": FirstAdmin.model_json_schema()}}}
    },
)
@needs(Role.NOBODY)
async def make_first_admin(request: Request, parts: Parts, caller: AskedBySomebody) -> Response:
    """Make the first administrator, by the token of the link that the service printed; and sign them in."""
    auth = auth_of(parts)
    body = await read_as(request, FirstAdmin)
    try:
        signed_in = await auth.door.redeem(body.token, body.user, body.password, caller.host)
    except ValueError as error:
        raise Failed(422, "invalid-request", str(error)) from error
    return begun(parts, auth, request, signed_in)


@router.delete(
    "/session",
    response_model=SessionAnswer,
    responses=failures(_409="nobody has to sign in here", _503="the store does not answer"),
)
@needs(Role.VIEWER)
async def sign_out(request: Request, parts: Parts, caller: AskedBySomebody) -> Response:
    """Sign out: the session ends, and with it its event streams."""
    auth = auth_of(parts)
    if caller.session is None:
        raise Failed(401, "not-signed-in", tr("sign in first, or show a token"))
    await auth.door.sign_out(caller.session, caller.host)
    answer = JsonAnswer(_session_json(parts, None, auth.anonymous, None))
    drop_session(answer, auth.port, secure=auth.secure(request.scope))
    return answer


def auth_of(parts: ApiParts) -> Auth:
    """Return who lets people in. Raises Failed where nobody has to sign in."""
    if parts.sign_in.auth is None:
        raise Failed(409, "sign-in-off", tr("nobody has to sign in here: add [web.auth] to the configuration"))
    return parts.sign_in.auth


def begun(parts: ApiParts, auth: Auth, request: Request, signed_in: SignedIn) -> Response:
    """Return the answer with which a session begins: it gives the browser its cookies."""
    role = auth.book.role_of(signed_in.user)
    answer = JsonAnswer(_session_json(parts, signed_in.user, role, csrf_of(signed_in.cookie)))
    secure = auth.secure(request.scope)
    lasts_s = (signed_in.row.ends_at - signed_in.row.began_at) / auth.clock.of_real(1.0)
    set_session(answer, auth.port, signed_in.cookie, lasts_s, secure=secure)
    set_mark(answer, auth.port, signed_in.user, signed_in.mark, secure=secure)
    return answer


def _session_json(parts: ApiParts, user: str | None, role: Role, csrf: str | None) -> dict[str, object]:
    known = parts.sign_in
    return {
        "user": user,
        "role": None if role is Role.NOBODY else role.word,
        "signin_required": known.auth is not None,
        "csrf": csrf,
        "language": known.language,
        "site": known.site,
        "version": parts.version,
        "first_admin": known.auth is not None and known.auth.nobody_exists,
    }
