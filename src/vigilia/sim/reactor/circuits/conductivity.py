"""The circuit of a conductivity cell."""

from vigilia.sim.reactor.chemistry import conductivity_factor
from vigilia.sim.reactor.circuits.circuit import Way
from vigilia.sim.reactor.circuits.compensated import Compensated
from vigilia.sim.reactor.circuits.outputs import Outputs
from vigilia.sim.reactor.circuits.reply import Reply, number, one
from vigilia.sim.reactor.vessel import Vessel


class EcCircuit(Compensated):
    """EZO-EC. A reading may hold EC (µS/cm), TDS (ppm), salinity (PSU), specific gravity. Calibration: dry first."""

    letters = "EC"
    default_address = 100
    reading_s = 0.6
    gain = 0.97
    dry_us = 3.0
    _K = (0.01, 10.2)

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        self.outputs = Outputs(("EC", "TDS", "S", "SG"), ("EC",))
        self.probe_k = 1.0
        super().__init__(vessel, pace=pace)
        self.handlers |= {"K": self._cell, "TDS": self._tds, "O": lambda words, _way: self.outputs.handle(self, words)}

    def _keep_defaults(self) -> None:
        super()._keep_defaults()
        self.k = 1.0
        self.tds_factor = 0.54
        self.outputs.reset()

    def perceive(self) -> float:
        """Return the conductivity at the water's temperature as the cell has it, µS/cm."""
        at_25 = self.vessel.ec25_us if self.sample is None else self.sample
        return at_25 * conductivity_factor(self.vessel.temperature_c) * self.gain + self.dry_us

    def _signal(self) -> float:
        return self.measure() / conductivity_factor(self.temperature_c) * self.k / self.probe_k

    def _corrected(self) -> float:
        signal, points = self._signal(), self.calibration
        low = points.get("low", points.get("dry", (0.0, 0.0)))
        high = points.get("high", points.get("single"))
        if high is None or high[0] <= low[0]:
            return max(0.0, signal - low[0] + low[1])
        return max(0.0, low[1] + (signal - low[0]) * (high[1] - low[1]) / (high[0] - low[0]))

    def report(self) -> str:
        """Return the values that are shown, in their fixed order."""
        ec = self._corrected()
        salinity = ec / 2000 + (ec / 53_000) ** 2 * 8
        values = {
            "EC": f"{ec:.2f}" if ec < 100 else f"{ec:.1f}" if ec < 1000 else f"{ec:.0f}",
            "TDS": f"{ec * self.tds_factor:.0f}",
            "S": f"{salinity:.2f}",
            "SG": f"{1 + salinity * 0.000_75:.3f}",
        }
        return ",".join(values[name] for name in self.outputs.shown) or "no output"

    def set_point(self, words: list[str]) -> None:
        """Take dry, one point, or low and high."""
        if words == ["dry"]:
            self.calibration = {"dry": (self._signal(), 0.0)}
        elif len(words) == 2 and words[0] in {"low", "high"}:
            self.calibration.pop("single", None)
            self.calibration[words[0]] = (self._signal(), number(words[1], 0.01, 500_000))
        else:
            should = number(one(words), 0.01, 500_000)
            self.calibration = {name: point for name, point in self.calibration.items() if name == "dry"}
            self.calibration["single"] = (self._signal(), should)

    def _cell(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "K", f"{self.k:.2f}" if self.k < 0.1 else f"{self.k:.1f}")
        if answer is None:
            self.k = number(one(words), *self._K)
        return answer or Reply()

    def _tds(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "TDS", f"{self.tds_factor:.2f}")
        if answer is None:
            self.tds_factor = number(one(words), 0.01, 1.0)
        return answer or Reply()
