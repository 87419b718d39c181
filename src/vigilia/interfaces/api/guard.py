"""What every request passes on its way in and every answer on its way out.

In: a page of another site must neither write nor read here through the browser of somebody who can reach us. So a
request that names another host than ours (DNS rebinding) or comes from another site's page is refused.
Out: headers that tell browsers to keep the answer to themselves.
"""

import asyncio
import re
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vigilia.addresses import is_loopback
from vigilia.interfaces.api.answers import JsonAnswer, failure
from vigilia.interfaces.api.config import WebConfig
from vigilia.points import shorten

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""What an answer carries unless its route says otherwise."""

_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}

_ELSEWHERE = frozenset({"cross-site", "same-site"})
"""What browsers say of a page that is not of the origin that it asks."""

Authority = tuple[str, int | None]
"""A host in lower case, without brackets, and the port where one was given."""


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, config: WebConfig) -> None:
        self._app = app
        self._public = urlsplit(config.public_url)
        self._own_hosts = {config.host.lower(), (self._public.hostname or "").lower()} - {""}
        self._only_own_hosts = is_loopback(config.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await (self._refusal(scope) or self._app)(scope, receive, send_guarded)
        except asyncio.CancelledError:
            # The server stops and its grace is over. Nobody awaits this task any more, but the client awaits an answer.
            if not started:
                detail = "the service is stopping; how a write ended, the audit will say"
                await failure(503, "stopping", detail)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> JsonAnswer | None:
        """Return the answer to a request that may not come in, None for one that may."""
        hosts = _values(scope, b"host")
        host = _authority(hosts[0]) if len(hosts) == 1 else None
        if host is None or (self._only_own_hosts and not self._is_own(host[0])):
            named = shorten(", ".join(hosts))
            return failure(
                421, "misdirected-request", f"this service is not {named}: use its own address, or set [web] public_url"
            )
        for origin in _values(scope, b"origin"):
            if not self._is_same_site(origin, host):
                return failure(403, "foreign-origin", f"pages of {shorten(origin)} may not use this service")
        if _is_embedded_elsewhere(scope):
            return failure(403, "foreign-origin", "pages of other sites may lead here, and not use this service")
        return None

    def _is_own(self, host: str) -> bool:
        return host in self._own_hosts or is_loopback(host)

    def _is_same_site(self, origin: str, host: Authority) -> bool:
        """Return whether a page of `origin` was given by us: by the host it asks, or by the proxy before us."""
        scheme, _, rest = origin.lower().partition("://")
        asking = _authority(rest)
        if asking is None or scheme not in _DEFAULT_PORTS:
            return False
        ours = [host]
        if self._public.hostname:
            ours.append((self._public.hostname.lower(), self._public.port))
        default = _DEFAULT_PORTS[scheme]
        return (asking[0], asking[1] or default) in [(name, port or default) for name, port in ours]


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]


def _is_embedded_elsewhere(scope: Scope) -> bool:
    """Return whether a browser says that another site's page asks, and not a person who follows its link.

    Of what a page loads as a picture, a script or without looking at the answer, browsers tell no origin. It learns
    nothing; but it would keep a stream open, or have a report made.
    """
    sites = _values(scope, b"sec-fetch-site")
    return any(site in _ELSEWHERE for site in sites) and _values(scope, b"sec-fetch-mode") != ["navigate"]


def _authority(text: str) -> Authority | None:
    """Return the host and port in `HOST` or `HOST:PORT`, or None where `text` is neither."""
    match = _AUTHORITY.fullmatch(text.lower())
    if match is None:
        return None
    return match["host"].strip("[]").rstrip("."), int(match["port"]) if match["port"] else None
