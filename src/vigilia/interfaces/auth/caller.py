"""Who asks: what the gate found out about a request, and how a route gets at it."""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from vigilia.interfaces.api.answers import Failed
from vigilia.interfaces.auth.book import Session
from vigilia.interfaces.auth.roles import Role, role_needed
from vigilia.language import tr
from vigilia.points import Origin

CSRF_HEADER = "X-Vigilia-CSRF"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PASSAGE = "vigilia.passage"
"""The key of a request's scope under which its passage is."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    role: Role
    host: str
    user: str = ""
    """A user's name, or "token:" and a token's; empty: nobody that is known."""
    via: str = "api"
    session: Session | None = None
    csrf: str = ""
    """What the header of a request that is not safe must show, where there is a session."""
    ended: asyncio.Event | None = None
    """Set when what was shown is worth nothing any more."""

    @property
    def origin(self) -> Origin:
        """Who asks, for the audit."""
        return Origin(self.via, self.user, self.host)


@dataclass(slots=True)
class Passage:
    """A request on its way in."""

    caller: Caller
    look: Callable[[], Caller]
    """Finds out anew who asks. Raises Failed for a token that is worth nothing by now."""
    allowed: bool = False
    """Whether a route that was asked for found that the caller may ask it."""


def caller_of(request: Request) -> Caller:
    """Return who asks."""
    passage: Passage = request.scope[PASSAGE]
    return passage.caller


def origin_of(request: Request) -> Origin:
    """Return who asks and from where, for the audit."""
    return caller_of(request).origin


AskedBy = Annotated[Origin, Depends(origin_of)]
"""A route's way to who asks and from where: the origin of a write, an acknowledgement, an acceptance."""
AskedBySomebody = Annotated[Caller, Depends(caller_of)]
"""A route's way to all that is known of who asks."""


def allow(request: Request) -> None:
    """Let a request in to the route that it asks for. Every route has this as a dependency. Raises Failed."""
    passage: Passage = request.scope[PASSAGE]
    caller = passage.caller
    needed = role_needed(request.scope["route"].endpoint, request.method)
    if caller.role < needed:
        raise not_allowed(caller, needed)
    if caller.session is not None and request.method not in SAFE_METHODS and needed is not Role.NOBODY:
        shown = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(shown.encode(), caller.csrf.encode()):
            raise Failed(403, "csrf", tr("this request does not come from a page of the session: load the page again"))
    passage.allowed = True


def allow_still(request: Request) -> None:
    """Let a request go on whose body has come, which its sender may have taken seconds over. Raises Failed.

    Whoever was removed, signed out or given a lesser role meanwhile does nothing more.
    """
    passage: Passage = request.scope[PASSAGE]
    before, needed = passage.caller, role_needed(request.scope["route"].endpoint, request.method)
    if needed is Role.NOBODY:
        return
    now = passage.look()
    if now.user != before.user or now.role < before.role:
        raise not_allowed(now, before.role)


def not_allowed(caller: Caller, needed: Role) -> Failed:
    """Return the failure of a request of somebody who may not do it."""
    if not caller.user:
        return Failed(401, "not-signed-in", tr("sign in first, or show a token"))
    return Failed(
        403,
        "not-allowed",
        tr("{user} is {role}, and this needs {needed}").format(
            user=caller.user, role=caller.role.word, needed=needed.word
        ),
    )
