"""The circuits in the air above the water: humidity and carbon dioxide."""

from vigilia.sim.reactor.chemistry import dew_point
from vigilia.sim.reactor.circuits.circuit import Circuit
from vigilia.sim.reactor.circuits.outputs import Outputs
from vigilia.sim.reactor.circuits.reply import NotUnderstood, number, one
from vigilia.sim.reactor.vessel import Vessel


class HumidityCircuit(Circuit):
    """EZO-HUM: relative humidity, and air temperature and dew point where asked.

    Its temperature is calibrated by Tcal (the data sheet's "Temperature calibration"); Cal it does not know.
    """

    letters = "HUM"
    firmware = "1.0"
    default_address = 111
    reading_s = 0.3
    calibrated_by = "Tcal"

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        self.outputs = Outputs(("HUM", "T", "Dew"), ("HUM",))
        super().__init__(vessel, pace=pace)
        self.handlers["O"] = lambda words, _way: self.outputs.handle(self, words)
        self.handlers["TCAL"] = self.handlers.pop("CAL")
        del self.handlers["EXPORT"], self.handlers["IMPORT"]

    def _keep_defaults(self) -> None:
        super()._keep_defaults()
        self.outputs.reset()

    def perceive(self) -> float:
        """Return the relative humidity, %."""
        return self.vessel.humidity_percent if self.sample is None else self.sample

    def report(self) -> str:
        """Return the values that are shown; the dew point comes behind its own name, as the circuit has it."""
        humidity = min(100.0, max(0.0, self.measure()))
        was, should = self.calibration.get("point", (0.0, 0.0))
        air = self.vessel.air_c - was + should
        values = {"HUM": f"{humidity:.2f}", "T": f"{air:.2f}", "Dew": f"Dew,{dew_point(air, humidity):.1f}"}
        return ",".join(values[name] for name in self.outputs.shown) or "no output"

    def set_point(self, words: list[str]) -> None:
        """Take what the air's temperature truly is, °C."""
        should = number(one(words), -40, 125)
        self.calibration = {"point": (self.vessel.air_c, should)}


class Co2Circuit(Circuit):
    """EZO-CO2: ppm, and its own temperature where asked. Calibration at zero and at one point."""

    letters = "CO2"
    firmware = "1.00"
    default_address = 105

    def __init__(self, vessel: Vessel, *, pace: float = 1.0) -> None:
        self.outputs = Outputs(("ppm", "t"), ("ppm",), always="ppm")
        super().__init__(vessel, pace=pace)
        self.handlers["O"] = lambda words, _way: self.outputs.handle(self, words)

    def _keep_defaults(self) -> None:
        super()._keep_defaults()
        self.outputs.reset()

    def perceive(self) -> float:
        """Return the carbon dioxide, ppm."""
        return (self.vessel.co2_ppm if self.sample is None else self.sample) + 15

    def report(self) -> str:
        """Return the values that are shown."""
        zero, (was, should) = self.calibration.get("zero", (0.0, 0.0)), self.calibration.get("high", (1.0, 1.0))
        ppm = (self.measure() - zero[0]) * should / max(1.0, was)
        values = {"ppm": f"{min(10_000.0, max(0.0, ppm)):.0f}", "t": f"{self.vessel.air_c + 8:.3f}"}
        return ",".join(values[name] for name in self.outputs.shown)

    def set_point(self, words: list[str]) -> None:
        """Take zero, or what it truly is, ppm."""
        should = number(one(words), 0, 10_000)
        signal = self.measure()
        if should == 0:
            self.calibration["zero"] = (signal, 0.0)
        else:
            above = signal - self.calibration.get("zero", (0.0, 0.0))[0]
            if above < 1:
                raise NotUnderstood
            self.calibration["high"] = (above, should)
