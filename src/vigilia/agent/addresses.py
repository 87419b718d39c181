"""Addresses of servers: "HOST:PORT"."""

import ipaddress
import re

_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]{1,253}):(?P<port>\d{1,5})")


def host_and_port(address: str) -> tuple[str, int]:
    """Return what "HOST:PORT" says; an IPv6 address stands in brackets. Raises ValueError."""
    found = _ADDRESS.fullmatch(address)
    if not found or not 0 < int(found["port"]) < 65_536:
        raise ValueError('is not the address of a server; write "HOST:PORT"')
    return found["host"].strip("[]"), int(found["port"])


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by its name or number alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
