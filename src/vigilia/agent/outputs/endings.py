"""How a dose ended: what the pump's totals say of it, and the ledger's knowing it, however late."""

import logging
from typing import NamedTuple

from vigilia.agent.ledger import Dose, Ledger, LedgerError

_logger = logging.getLogger(__name__)


class End(NamedTuple):
    """How a dose ended, as the ledger takes it."""

    dose: Dose
    outcome: str
    detail: str
    confirmed_ml: float | None
    counted_ml: float
    total: float | None


class LastEnd:
    """The end of one pump's last dose: it is written as soon as the ledger takes it."""

    def __init__(self, pump: str, ledger: Ledger) -> None:
        self.unsettled = ""
        """Why the ledger does not have it; empty: it has."""
        self._pump = pump
        self._ledger = ledger
        self._end: End | None = None

    async def settle(self, end: End | None = None) -> None:
        """Write `end`, or the one that could not be written before. Raises LedgerError."""
        self._end = end or self._end
        if self._end is None:
            return
        try:
            await self._ledger.settle(*self._end)
        except LedgerError as error:
            reason = f"{self._pump}: the end of its last dose, which counts whole meanwhile, is not recorded: {error}"
            if not self.unsettled:
                _logger.error("%s", reason)
            self.unsettled = reason
            raise
        self._end, self.unsettled = None, ""


def given_by(dose: Dose, total: float, *, same_boot: bool) -> float | None:
    """Return what a dose gave by the pump's totals before and after; None where they cannot tell.

    The pump forgets its total with its power. One that is smaller than before says nothing, then; nor does one that
    began at 0 where the pump may have been without power meanwhile, as it may with this computer (not `same_boot`).
    """
    before = dose.total_before
    if before is None or total < before or (not before and not same_boot):
        return None
    return round(total - before, 3)
