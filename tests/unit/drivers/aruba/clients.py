"""A client for a simulated switch, and what it asked of it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from vigilia.drivers.aruba.client import ArubaClient
from vigilia.sim.aruba import SimSwitch

LOGIN: dict[str, Any] = {"username": "controle", "password": "example"}


def make(switch: SimSwitch | str, on_renewal: Callable[[], None] = lambda: None, **changes: Any) -> ArubaClient:
    firmware = None if isinstance(switch, str) else switch.firmware
    options: dict[str, Any] = {
        "username": firmware.username if firmware else None,
        "password": firmware.password if firmware else None,
        "ports": ["1"] if isinstance(switch, str) else list(switch.model.ports),
        "timeout_s": 2.0,
        "login_timeout_s": 4.0,
        "tls": None,
        **changes,
    }
    return ArubaClient("sw-1", switch if isinstance(switch, str) else switch.url, on_renewal=on_renewal, **options)


@asynccontextmanager
async def opened(switch: SimSwitch, **changes: Any) -> AsyncIterator[ArubaClient]:
    client = make(switch, **changes)
    try:
        await client.open()
        yield client
    finally:
        await client.close(lost=False)


def calls(switch: SimSwitch, start: int = 0) -> list[str]:
    """The requests since `start`: method and path below the version."""
    return [
        f"{record.method} {re.sub(r'^/rest/(v[0-9]/)?', '', record.path)}" for record in list(switch.requests)[start:]
    ]
