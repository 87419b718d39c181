"""The gate: every request passes it, and is somebody's from then on, or nobody's.

Each route has `allow` as a dependency. What none of them lets in (a page that is not there, the API's description) gets
its answer where the caller may look, and none but this one's where not.
"""

import asyncio
import hmac
from contextlib import suppress
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vigilia.addresses import is_loopback
from vigilia.interfaces.api.answers import Failed, failure
from vigilia.interfaces.auth.auth import Auth
from vigilia.interfaces.auth.caller import PASSAGE, Caller, Passage, not_allowed
from vigilia.interfaces.auth.cookies import cookies_of
from vigilia.interfaces.auth.members import LOCAL, TOKEN_SIGN
from vigilia.interfaces.auth.roles import Role
from vigilia.language import tr

_OF_PROXIES = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"})
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="vigilia"'}


class Gate:
    """Wraps the application. `auth` None: everybody may do everything, as on loopback."""

    def __init__(self, app: ASGIApp, auth: Auth | None) -> None:
        self._app = app
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        client = scope.get("client")
        host: str = client[0] if client else ""
        if self._auth is None:
            everybody = Caller(Role.ADMIN, host)
            scope[PASSAGE] = Passage(everybody, lambda: everybody)
            await self._app(scope, receive, send)
            return
        look = partial(self._caller, self._auth, scope, host)
        try:
            passage = Passage(look(), look)
        except Failed as failed:
            await _refuse(failed, scope, receive, send)
            return
        scope[PASSAGE] = passage
        caller = passage.caller
        if caller.session is None:
            await self._app(scope, _until_ended(receive, caller), _Doorman(passage, scope, receive, send))
            return
        caller.session.open += 1
        try:
            await self._app(scope, _until_ended(receive, caller), _Doorman(passage, scope, receive, send))
        finally:
            caller.session.open -= 1
            caller.session.seen_at = self._auth.clock.now()

    def _caller(self, auth: Auth, scope: Scope, host: str) -> Caller:
        """Return who asks. Raises Failed for a token that is worth nothing."""
        if (shown := _bearer(scope)) is not None:
            if auth.is_local(shown):
                if not _is_here(scope, host):
                    detail = tr(
                        "this token is for commands on the service's own machine: make one with vigilia users token"
                    )
                    raise Failed(401, "not-signed-in", detail)
                return Caller(Role.ADMIN, host, LOCAL)
            token = auth.book.token(shown)
            if token is None:
                raise Failed(401, "not-signed-in", tr("this token is not known, has ended, or was removed"))
            return Caller(Role.read(token.row.role), host, TOKEN_SIGN + token.row.name, ended=token.ended)
        cookie = cookies_of(scope).get(auth.cookie_name(scope), "")
        session = auth.book.session(cookie) if cookie else None
        if session is None:
            return Caller(auth.anonymous, host)
        user = session.row.user
        role = auth.book.role_of(user)
        return Caller(role, host, user, "web", session, csrf_of(cookie), session.ended)


def _is_here(scope: Scope, host: str) -> bool:
    """Return whether who asks is on this machine: from loopback, or from the very address that is asked.

    Not so through a proxy, which may ask for anybody. One that does not say that it is one cannot be told apart.
    """
    if any(name in _OF_PROXIES for name, _ in scope["headers"]):
        return False
    server = scope.get("server")
    return is_loopback(host) or (server is not None and server[0] == host)


def csrf_of(cookie: str) -> str:
    """Return what a session's own pages show, made of what only its browser and we have seen."""
    return hmac.new(cookie.encode("utf-8", "replace"), b"csrf", "sha256").hexdigest()


class _Doorman:
    """Sends an answer on, unless it came from elsewhere than a route that allowed it, and the caller may not look."""

    def __init__(self, passage: Passage, scope: Scope, receive: Receive, send: Send) -> None:
        self._passage = passage
        self._scope = scope
        self._receive = receive
        self._send = send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if self._replaced:
            return
        caller = self._passage.caller
        if message["type"] == "http.response.start":
            status = message["status"]
            if not self._passage.allowed and caller.role < Role.VIEWER and status not in (401, 403):
                self._replaced = True
                await _refuse(not_allowed(caller, Role.VIEWER), self._scope, self._receive, self._send)
                return
            if status == 401:
                message["headers"] = [*message["headers"], *_raw(_CHALLENGE)]
        await self._send(message)


async def _refuse(failed: Failed, scope: Scope, receive: Receive, send: Send) -> None:
    headers = _CHALLENGE if failed.status == 401 else None
    await failure(failed.status, failed.error, failed.detail, headers)(scope, receive, send)


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _bearer(scope: Scope) -> str | None:
    """Return the token that a request shows; None where it shows none."""
    for name, value in scope["headers"]:
        kind, _, token = value.decode("latin-1").partition(" ")
        if name == b"authorization" and kind.lower() == "bearer":
            return token.strip()
    return None


def _until_ended(receive: Receive, caller: Caller) -> Receive:
    """Return `receive`, which says that the client has left once what the caller showed is worth nothing any more.

    So every event stream ends with its session or token: it waits for nothing else.
    """
    ended = caller.ended
    if ended is None:
        return receive
    whole = False

    async def receive_or_end() -> Message:
        nonlocal whole
        if not whole:
            message = await receive()
            whole = message["type"] == "http.request" and not message.get("more_body", False)
            return message
        waiting = [asyncio.ensure_future(receive()), asyncio.ensure_future(ended.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            received = waiting[0]
            return received.result() if received.done() else {"type": "http.disconnect"}  # type: ignore[return-value]
        finally:
            for task in waiting:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return receive_or_end
