"""The cookies: one that shows the session, and one that marks a browser as known to a user.

Their names hold the port that the service listens at, for browsers give the cookies of one host to all its ports.
"""

import hashlib
from collections.abc import Mapping

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

SESSION_PATH = "/api/v1/session"
_MARK_S = 90 * 86_400


def cookies_of(scope: Scope) -> Mapping[str, str]:
    """Return the cookies that a request shows."""
    shown = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    return cookie_parser("; ".join(shown))


def session_name(port: int, *, secure: bool) -> str:
    """Return the name of the cookie with the session; over TLS one that no other host or path can set."""
    return f"{'__Host-' if secure else ''}vigilia-{port}"


def mark_name(port: int, user: str, *, secure: bool) -> str:
    """Return the name of the cookie by which a browser is known to a user."""
    whose = hashlib.sha256(user.strip().lower().encode("utf-8", "replace")).hexdigest()[:8]
    return f"{'__Secure-' if secure else ''}vigilia-{port}-{whose}"


def set_session(answer: Response, port: int, cookie: str, lasts_s: float, *, secure: bool) -> None:
    """Have the browser show `cookie` from now on: no script sees it, and no other site's page has it sent."""
    answer.set_cookie(
        session_name(port, secure=secure),
        cookie,
        max_age=int(lasts_s),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def set_mark(answer: Response, port: int, user: str, mark: str, *, secure: bool) -> None:
    """Have the browser show, where somebody signs in, that `user` has signed in there before."""
    answer.set_cookie(
        mark_name(port, user, secure=secure),
        mark,
        max_age=_MARK_S,
        path=SESSION_PATH,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def drop_session(answer: Response, port: int, *, secure: bool) -> None:
    """Have the browser forget the session."""
    answer.delete_cookie(session_name(port, secure=secure), path="/", secure=secure, httponly=True, samesite="strict")
