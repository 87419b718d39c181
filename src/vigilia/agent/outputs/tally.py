"""What a pump is known to have given ever, while a dose is under way too."""

from vigilia.agent.ledger import Dose, Ledger
from vigilia.agent.parts import Measured


class Tally:
    """Of one pump."""

    def __init__(self, name: str, ledger: Ledger) -> None:
        self.dose: Dose | None = None
        """The one under way."""
        self._name = name
        self._ledger = ledger
        self._most_ml = 0.0

    def dosed_ml(self, total: Measured | None) -> float:
        """Return what is confirmed and, by the pump's own `total` as it was read last, given so far of the dose.

        A dose whose end nobody saw counts against limits in full, but is not in this before it is settled. It never
        falls: between a dose's end and its place in the ledger it stays as it was.
        """
        open_ml = sum(dose.counted_ml for dose in self._ledger.open_doses(self._name))
        self._most_ml = max(self._most_ml, self._ledger.total(self._name) - open_ml + self._so_far(total))
        return self._most_ml

    def _so_far(self, total: Measured | None) -> float:
        dose = self.dose
        if dose is None or dose.ended is not None or dose.total_before is None or total is None:
            return 0.0
        return max(0.0, float(total.value or 0.0) - dose.total_before)
