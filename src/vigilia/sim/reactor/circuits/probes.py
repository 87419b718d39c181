"""The circuits of glass, metal and cell probes in the water: pH, ORP, conductivity, oxygen, temperature."""

from vigilia.sim.reactor.chemistry import SEA_LEVEL_KPA, conductivity_factor, nernst_mv, oxygen_saturation
from vigilia.sim.reactor.circuits.circuit import Circuit, Compensated, Outputs, Way
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
