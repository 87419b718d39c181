"""What the tests of the driver call things, and what a switch was asked."""

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

from vigilia.points import Severity, Status
from vigilia.sim.aruba import SimSwitch

LOGIN: dict[str, Any] = {"username": "controle", "password": "example"}
SEL, STS, RAW, DESC, POWER = (
    f"sw-1-P1:{suffix}" for suffix in ("PwrState-Sel", "PwrState-Sts", "PwrState-Raw", "PwrState-Desc", "Power-Mon")
)
SEARCHING, DELIVERING, DISABLED, FAULT, UNKNOWN = 0, 1, 2, 3, 6
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
LOST = (Severity.INVALID, Status.TIMEOUT)
READ = (Severity.INVALID, Status.READ)
WRITE = (Severity.INVALID, Status.WRITE)


def paths(switch: SimSwitch, start: int = 0) -> list[str]:
    return [f"{r.method} {re.sub(r'^/rest/(v[0-9]/)?', '', r.path)}" for r in list(switch.requests)[start:]]


def writes(switch: SimSwitch, start: int = 0) -> list[str]:
    return [path for path in paths(switch, start) if path.startswith("PUT") or path == "POST cli"]


@contextlib.asynccontextmanager
async def disconnected(switch: SimSwitch) -> AsyncIterator[None]:
    await switch.inject("refuse")
    yield
    await switch.clear_faults()
