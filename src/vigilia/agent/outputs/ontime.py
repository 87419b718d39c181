"""How long an output has been on, counted durably and ahead of time, and when that is enough."""

import asyncio
import logging
import math
import time

from vigilia.agent.ledger import Ledger, LedgerError, Run
from vigilia.agent.parts import Rejected

_logger = logging.getLogger(__name__)

LEASE_S = 60.0
"""How much is charged ahead: what a crash may cost of the time that an output may be on, and how often the disk is
written."""


class OnTime:
    """Counts one output's time on, by real monotonic time, since it was last switched off on purpose.

    Time is charged in leases before it is used, so that a crash never makes the count too short.
    """

    def __init__(self, output: str, most_s: float, ledger: Ledger) -> None:
        """`most_s`: how long it may be on; 0: no limit."""
        self.most_s = most_s
        self._output = output
        self._ledger = ledger
        self._run: Run | None = None
        self._began = 0.0
        self._allowed_s = math.inf
        self._charging: asyncio.Task[None] | None = None

    @property
    def left_s(self) -> float:
        """How long it may still be on, were it switched on now."""
        return max(0.0, self.most_s - self._ledger.streak_s(self._output)) if self.most_s else math.inf

    @property
    def over_in_s(self) -> float:
        """When it must be off, in seconds from now: at the end of what is charged. Infinite while it is off."""
        return self._run.charged_s - self._elapsed() if self._run else math.inf

    async def begin(self) -> None:
        """Charge a first lease: it is about to be on. Raises Rejected where its time is used up; LedgerError."""
        left_s = self.left_s
        if left_s <= 0:
            raise Rejected(
                f"{self._output} has been on for max_on_s = {self.most_s:g} already: switch it off, or resume, first",
                over_limit=True,
            )
        self._allowed_s, self._began = left_s, time.monotonic()
        self._run = await self._ledger.begin_run(self._output, min(LEASE_S, left_s))

    def keep(self) -> None:
        """Have the next lease charged when the present one is half used. It does not wait."""
        run = self._run
        if run is None or self._charging or run.charged_s >= self._allowed_s or self.over_in_s > LEASE_S / 2:
            return
        seconds = min(self._allowed_s, self._elapsed() + LEASE_S)
        self._charging = asyncio.create_task(self._charge(run, seconds), name=f"time on of {self._output}")

    def reason(self) -> str:
        """Return why it had to go off."""
        if self._run is not None and self._run.charged_s < self._allowed_s:
            return "its time on could not be recorded: make room on the disk"
        return f"on for max_on_s = {self.most_s:g}"

    async def end(self) -> None:
        """Charge what was used: the output is off."""
        run, self._run = self._run, None
        used_s = time.monotonic() - self._began
        if self._charging:
            await self._charging
        if run is not None:
            await self._charge(run, min(used_s, run.charged_s))

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    async def _charge(self, run: Run, seconds: float) -> None:
        try:
            await self._ledger.charge(run, seconds)
        except LedgerError as error:  # what was charged ahead stays charged
            _logger.error("%s: %s", self._output, error)
        finally:
            self._charging = None
