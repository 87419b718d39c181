"""What every output works with: the guardian, the contact with the server, the ledger and the clock."""

import time
from dataclasses import dataclass

from vigilia.agent.ledger import Ledger
from vigilia.agent.outputs.guard import Guard
from vigilia.clock import Clock

TICK_S = 0.5
"""How often an output that is on is looked after: real seconds, a quarter of what the guardian allows."""


class Contact:
    """Whether the server was heard of lately, by real monotonic time: no clock that is set changes it."""

    def __init__(self, failsafe_after_s: float) -> None:
        """`failsafe_after_s`: how long a silence is borne. It begins now."""
        self.failsafe_after_s = failsafe_after_s
        self._heard = time.monotonic()

    def heard(self) -> None:
        """Note that the server answered just now."""
        self._heard = time.monotonic()

    @property
    def lost(self) -> bool:
        """Whether the server has been silent for too long."""
        return time.monotonic() - self._heard >= self.failsafe_after_s


@dataclass(frozen=True, slots=True)
class Gear:
    """What every output works with."""

    guard: Guard
    contact: Contact
    ledger: Ledger
    clock: Clock
