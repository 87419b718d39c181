"""Circuits whose readings depend on the temperature of the water, which they must be told."""

from vigilia.sim.reactor.circuits.circuit import Circuit, Way
from vigilia.sim.reactor.circuits.reply import Reply, number, one
from vigilia.sim.reactor.vessel import Vessel


class Compensated(Circuit):
    """A circuit that is told the temperature of the water: T, and RT to read with it. Without power it forgets it."""

    forgotten_c = 25.0
    """What it takes for granted after a start."""

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        super().__init__(vessel, pace=pace)
        self.handlers |= {"T": self._temperature, "RT": self._read_at}

    def _start(self) -> None:
        super()._start()
        self.temperature_c = self.forgotten_c

    def _temperature(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "T", f"{self.temperature_c:g}")
        if answer is None:
            self.temperature_c = number(one(words), -126, 1254)
        return answer or Reply()

    def _read_at(self, words: list[str], _way: Way) -> Reply:
        self.temperature_c = number(one(words), -126, 1254)
        return Reply(self.report(), self.reading_s)
