"""The circuit of a galvanic oxygen probe."""

from vigilia.sim.reactor.chemistry import SEA_LEVEL_KPA, oxygen_saturation
from vigilia.sim.reactor.circuits.circuit import Way
from vigilia.sim.reactor.circuits.compensated import Compensated
from vigilia.sim.reactor.circuits.outputs import Outputs
from vigilia.sim.reactor.circuits.reply import NotUnderstood, Reply, number, one
from vigilia.sim.reactor.vessel import Vessel


class OxygenCircuit(Compensated):
    """EZO-DO: mg/l, and percent of saturation where asked. Calibration in air, and at zero."""

    letters = "D.O."
    firmware = "1.98"
    default_address = 97
    reading_s = 0.6
    forgotten_c = 20.0  # DO data sheet: without power the temperature falls back to 20 °C
    gain = 0.97

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        self.outputs = Outputs(("%", "MG"), ("MG",))
        super().__init__(vessel, pace=pace)
        self.handlers |= {
            "S": self._salinity,
            "P": self._pressure,
            "O": lambda words, _way: self.outputs.handle(self, words),
        }

    def _keep_defaults(self) -> None:
        super()._keep_defaults()
        self.salinity = 0.0
        self.salinity_unit = "uS"
        self.pressure_kpa = SEA_LEVEL_KPA
        self.outputs.reset()

    def perceive(self) -> float:
        """Return the share of saturation that the membrane lets through; a sample is given in mg/l."""
        mg_l = self.vessel.oxygen_mg_l if self.sample is None else self.sample
        return mg_l / oxygen_saturation(self.vessel.temperature_c) * self.gain

    def measure(self) -> float:
        """Return that share with its troubles; noise is given in mg/l."""
        in_mg, self.noise = self.noise, self.noise / 8
        try:
            return super().measure()
        finally:
            self.noise = in_mg

    def _share(self) -> float:
        zero, air = self.calibration.get("zero", (0.0, 0.0))[0], self.calibration.get("air", (1.0, 1.0))[0]
        return max(0.0, (self.measure() - zero) / max(0.01, air - zero))

    def report(self) -> str:
        """Return the values that are shown, in their fixed order."""
        share = self._share()
        ppt = self.salinity if self.salinity_unit == "ppt" else self.salinity / 2000
        full = oxygen_saturation(self.temperature_c, ppt, self.pressure_kpa)
        values = {"%": f"{share * 100:.1f}", "MG": f"{share * full:.2f}"}
        # Asked for both, the circuit says mg/l first.
        return ",".join(values[name] for name in ("MG", "%") if name in self.outputs.shown) or "no output"

    def set_point(self, words: list[str]) -> None:
        """Take air (no word), or zero."""
        if words not in ([], ["0"]):
            raise NotUnderstood
        self.calibration["zero" if words else "air"] = (self.measure(), 0.0 if words else 1.0)

    def _salinity(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "S", f"{self.salinity:g},{self.salinity_unit}")
        if answer is not None:
            return answer
        if len(words) not in {1, 2} or (len(words) == 2 and words[1].lower() not in {"ppt", "us", "µs"}):
            raise NotUnderstood
        in_ppt = len(words) == 2 and words[1].lower() == "ppt"
        self.salinity, self.salinity_unit = number(words[0], 0, 100_000), "ppt" if in_ppt else "uS"
        return Reply()

    def _pressure(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "P", f"{self.pressure_kpa:g}")
        if answer is None:
            self.pressure_kpa = number(one(words), 1, 1000)
        return answer or Reply()
