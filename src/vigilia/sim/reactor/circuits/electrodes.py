"""The circuits of glass and metal in the water: pH, redox potential, temperature."""

from vigilia.sim.reactor.chemistry import nernst_mv
from vigilia.sim.reactor.circuits.circuit import Circuit, Way
from vigilia.sim.reactor.circuits.compensated import Compensated
from vigilia.sim.reactor.circuits.reply import NotUnderstood, Reply, number, one
from vigilia.sim.reactor.vessel import Vessel

_LEAST_SLOPE = 0.2
"""A calibration that makes an electrode worse than this is refused: the probe hangs in another buffer than said."""


class PhCircuit(Compensated):
    """EZO-pH. Calibration: mid first, it clears the others; then low and high, in any order."""

    letters = "pH"
    default_address = 99
    slope = 0.99
    """The electrode's slope, 1 is ideal, and its offset: why it wants calibration."""
    offset_mv = -2.0

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        super().__init__(vessel, pace=pace)
        self.handlers["SLOPE"] = self._slope

    def perceive(self) -> float:
        """Return the electrode's voltage, mV."""
        ph = self.vessel.ph if self.sample is None else self.sample
        return self.offset_mv - self.slope * nernst_mv(self.vessel.temperature_c) * (ph - 7)

    def measure(self) -> float:
        """Return the electrode's voltage with its troubles; noise is given in pH."""
        in_ph, self.noise = self.noise, self.noise * nernst_mv(25)
        try:
            return super().measure()
        finally:
            self.noise = in_ph

    def report(self) -> str:
        """Return the pH, 0.001 to 14.000."""
        at_mid, mid = self.calibration.get("mid", (0.0, 7.0))
        above = self.measure() - at_mid
        slope = self._slope_of("low" if above > 0 else "high")
        return f"{min(14.0, max(0.0, mid - above / (slope * nernst_mv(self.temperature_c)))):.3f}"

    def _slope_of(self, side: str) -> float:
        if side not in self.calibration:
            return 1.0
        at_mid, mid = self.calibration["mid"]
        at_side, ph = self.calibration[side]
        return (at_side - at_mid) / (nernst_mv(self.temperature_c) * (mid - ph))

    def set_point(self, words: list[str]) -> None:
        """Take mid, low or high with its pH."""
        if len(words) != 2 or words[0] not in {"mid", "low", "high"}:
            raise NotUnderstood
        which, ph = words[0], number(words[1], 0.001, 14)
        if which == "mid":
            self.calibration = {"mid": (self.measure(), ph)}
            return
        mid = self.calibration.get("mid", (0.0, 7.0))[1]
        if "mid" not in self.calibration or (ph >= mid if which == "low" else ph <= mid):
            raise NotUnderstood
        before = self.calibration
        self.calibration = before | {which: (self.measure(), ph)}
        if self._slope_of(which) < _LEAST_SLOPE:
            self.calibration = before
            raise NotUnderstood

    def _slope(self, words: list[str], _way: Way) -> Reply:
        """Answer ?Slope with the acid and the base side in percent of ideal, and the voltage at pH 7."""
        if words != ["?"]:
            raise NotUnderstood
        at_mid, mid = self.calibration.get("mid", (0.0, 7.0))
        acid, base = self._slope_of("low"), self._slope_of("high")
        zero_mv = at_mid + (mid - 7) * base * nernst_mv(self.temperature_c)
        return Reply(self.say("Slope", f"{acid * 100:.1f}", f"{base * 100:.1f}", f"{zero_mv:.2f}"))


class OrpCircuit(Circuit):
    """EZO-ORP: millivolts, with an offset by one point."""

    letters = "OR"  # what the circuits say, whatever the data sheet
    firmware = "1.97"
    default_address = 98

    def perceive(self) -> float:
        """Return the potential, mV."""
        return (self.vessel.orp_mv if self.sample is None else self.sample) + 4.0

    def report(self) -> str:
        """Return the potential, mV."""
        was, should = self.calibration.get("point", (0.0, 0.0))
        return f"{min(1019.9, max(-1019.9, self.measure() - was + should)):.1f}"

    def set_point(self, words: list[str]) -> None:
        """Take what the potential truly is."""
        should = number(one(words), -1019.9, 1019.9)
        self.calibration = {"point": (self.measure(), should)}


class RtdCircuit(Circuit):
    """EZO-RTD: the temperature, in °C, K or °F."""

    letters = "RTD"
    firmware = "2.01"
    default_address = 102
    reading_s = 0.6

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        super().__init__(vessel, pace=pace)
        self.handlers["S"] = self._scale

    def _keep_defaults(self) -> None:
        super()._keep_defaults()
        self.scale = "c"

    def perceive(self) -> float:
        """Return the temperature, °C."""
        return (self.vessel.temperature_c if self.sample is None else self.sample) + 0.05

    def report(self) -> str:
        """Return the temperature in its scale."""
        was, should = self.calibration.get("point", (0.0, 0.0))
        celsius = self.measure() - was + should
        return f"{ {'c': celsius, 'k': celsius + 273.15, 'f': celsius * 1.8 + 32}[self.scale]:.3f}"

    def set_point(self, words: list[str]) -> None:
        """Take what the temperature truly is, °C."""
        should = number(one(words), -126, 1254)
        self.calibration = {"point": (self.measure(), should)}

    def _scale(self, words: list[str], _way: Way) -> Reply:
        answer = self._ask(words, "S", self.scale)
        if answer is None:
            self.scale = one(words).lower()
            if self.scale not in {"c", "k", "f"}:
                self.scale = "c"
                raise NotUnderstood
        return answer or Reply()
