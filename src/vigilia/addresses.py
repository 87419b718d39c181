"""Addresses to listen on: how they are written, and which of them no other machine can reach."""

import ipaddress
import re

_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):(?P<port>[0-9]{1,5})")


def split_address(listen: str) -> tuple[str, int]:
    """Return the host and the port of `HOST:PORT`, an IPv6 address without its brackets. Raises ValueError."""
    right = 'write "HOST:PORT", an IPv6 address in brackets: "127.0.0.1:8080", "[::1]:8080"'
    match = _LISTEN.fullmatch(listen)
    if match is None:
        raise ValueError(f"{listen[:80]!r} is not an address to listen on; {right}")
    host, port = match["host"], int(match["port"])
    if host.startswith("["):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError as error:
            raise ValueError(f"{listen[:80]!r} holds no IPv6 address; {right}") from error
    if port > 65_535:
        raise ValueError(f"{listen[:80]!r} has a port above 65535; {right}")
    return host, port


def join_address(host: str, port: int) -> str:
    """Return `HOST:PORT`, an IPv6 address in brackets: what `split_address` takes apart."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Return whether `host` is a name or an address of this machine that no other machine can reach."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
