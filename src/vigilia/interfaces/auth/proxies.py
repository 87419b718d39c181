"""Proxies before the service: who really asks, as those say that are trusted, and as nobody else does."""

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MOST_HOPS = 20


class Proxies:
    """Wraps the application: replaces a request's client and scheme by what a trusted proxy says of them."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted = [ipaddress.ip_network(network) for network in trusted]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        client = scope.get("client")
        peer = _address(client[0]) if client else None
        if client and peer is not None and self._trusts(peer):
            scope["client"] = (self._asking(peer, _values(scope, b"x-forwarded-for")), client[1])
            protocols = _values(scope, b"x-forwarded-proto")
            if protocols and protocols[-1].lower() in ("http", "https"):
                scope["scheme"] = protocols[-1].lower()
        await self._app(scope, receive, send)

    def _asking(self, peer: Address, hops: list[str]) -> str:
        """Return the address that the trusted proxies nearest to us saw: what stands before it, anybody can write."""
        asking = peer
        for hop in reversed(hops[-_MOST_HOPS:]):
            found = _address(hop)
            if found is None:
                break
            asking = found
            if not self._trusts(found):
                break
        return str(asking)

    def _trusts(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)


def _values(scope: Scope, name: bytes) -> list[str]:
    """Return what the headers of that name list, in order."""
    lines = [value.decode("latin-1") for header, value in scope["headers"] if header == name]
    return [part.strip() for line in lines for part in line.split(",")]


def _address(text: str) -> Address | None:
    """Return the address in `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; None where there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
