"""The kinds of EZO circuits that sensors are made of, as data: what they measure, keep, and are calibrated with.

Ranges and calibration steps are those of Atlas Scientific's data sheets of each circuit.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """One value of a circuit's reading."""

    parameter: str
    """As points call it: "pH", "EC"."""
    units: str
    lowest: float
    """What the circuit can measure; a value outside was garbled, or says that there is no probe."""
    highest: float
    precision: int
    description: str
    column: str = ""
    """How `O,?` calls it, of a circuit that can leave values out."""
    always: bool = False
    """Whether that is one that it cannot leave out, and may not tell of."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A setting that the circuit itself keeps, a power cut included."""

    parameter: str
    word: str
    """The command: `K,1.0` sets it, `K,?` asks for it."""
    units: str
    limits: tuple[float, float]
    description: str
    decimals: int = 1
    suffix: str = ""
    """What a command says after the value, and an answer must."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a calibration."""

    name: str
    """As it is asked for: "mid" of "mid,7.00"; a value alone is step "single"."""
    command: str
    """With {value} where it takes one."""
    instruction: str
    """What a person does before it: an English text to be translated."""
    limits: tuple[float, float] | None = None
    """Of its value; None: it takes none."""
    usual: float | None = None
    points_before: int = 0
    """How many points must be calibrated already."""


@dataclass(frozen=True, slots=True)
class EzoKind:
    """A kind of sensor that is an EZO circuit with its probe."""

    name: str
    """As the configuration says it: "ezo-ph"."""
    type: str
    """As the circuit says it in answer to `i`."""
    address: int
    """On I2C, as it is sold."""
    quantities: tuple[Quantity, ...]
    """In the order that they have in a reading."""
    steps: tuple[Step, ...]
    settles_within: float
    """Readings that differ by no more than this, of what is calibrated, are one: the probe has settled."""
    settles_relative: bool = False
    """Whether that is a part of the reading rather than in its units."""
    plausible_within: float | None = None
    """A probe that reads further than this from a solution's value is in another one, perhaps; None: it may."""
    compensated: bool = False
    """Whether its readings depend on a temperature that it must be told."""
    kept: tuple[Kept, ...] = ()
    has_slope: bool = False
    calibrated_by: str = "Cal"
    """The command of its calibration."""
    calibrates: str = ""
    """The parameter that is calibrated; empty: the first."""
    exports: bool = True
    """Whether the circuit tells its calibration, to be kept."""

    @property
    def calibrated(self) -> Quantity:
        """The quantity that is calibrated."""
        return next((it for it in self.quantities if it.parameter == self.calibrates), self.quantities[0])

    @property
    def selectable(self) -> tuple[str, ...]:
        """The columns that a reading consists of, all or some; none where it is always one value."""
        return tuple(quantity.column for quantity in self.quantities if quantity.column)


_PH = EzoKind(
    "ezo-ph",
    "pH",
    99,
    (Quantity("pH", "pH", 0.0, 14.0, 3, "pH"),),
    (
        Step("mid", "Cal,mid,{value}", "Rinse the probe and put it into the middle buffer.", (6.0, 8.0), 7.0),
        Step(
            "low",
            "Cal,low,{value}",
            "Rinse the probe and put it into the low buffer.",
            (0.0, 6.0),
            4.0,
            points_before=1,
        ),
        Step(
            "high",
            "Cal,high,{value}",
            "Rinse the probe and put it into the high buffer.",
            (8.0, 14.0),
            10.0,
            points_before=1,
        ),
    ),
    settles_within=0.02,
    plausible_within=1.5,
    compensated=True,
    has_slope=True,
)
_EC = EzoKind(
    "ezo-ec",
    "EC",
    100,
    (
        Quantity("EC", "µS/cm", 0.0, 1_000_000.0, 1, "Conductivity; a K 1.0 probe tells 5 to 200,000 µS/cm", "EC"),
        Quantity("TDS", "ppm", 0.0, 1_000_000.0, 1, "Total dissolved solids", "TDS"),
        Quantity("Salinity", "PSU", 0.0, 100.0, 2, "Salinity, 0 to 42 PSU", "S"),
        Quantity("SG", "", 0.9, 2.0, 3, "Specific gravity of sea water, 1.000 to 1.300", "SG"),
    ),
    (
        Step("dry", "Cal,dry", "Dry the probe and leave it in the air."),
        Step(
            "single",
            "Cal,{value}",
            "For one point: rinse the probe and put it into the solution.",
            (0.07, 500_000.0),
            1413.0,
        ),
        Step(
            "low",
            "Cal,low,{value}",
            "For two points: rinse the probe and put it into the low solution.",
            (0.07, 500_000.0),
            12_880.0,
        ),
        Step(
            "high",
            "Cal,high,{value}",
            "For two points: rinse the probe and put it into the high solution.",
            (0.07, 500_000.0),
            80_000.0,
        ),
    ),
    settles_within=0.01,
    settles_relative=True,
    compensated=True,
    kept=(Kept("K", "K", "1/cm", (0.1, 10.0), "Constant of the probe", 2),),
)
_DO = EzoKind(
    "ezo-do",
    "DO",
    97,
    (
        Quantity("DO", "mg/L", 0.0, 200.0, 2, "Dissolved oxygen", "mg"),
        Quantity("Saturation", "%", 0.0, 1000.0, 1, "Dissolved oxygen, of what water in air holds", "%"),
    ),
    (
        Step("air", "Cal", "Leave the probe in the air, its membrane moist but without a drop."),
        Step("zero", "Cal,0", "Stir the probe in the solution without oxygen, so that no bubble stays."),
    ),
    settles_within=0.05,
    compensated=True,
    kept=(
        Kept("Salinity", "S", "ppt", (0.0, 100.0), "Salinity of the water, which changes what it can hold", 1, "ppt"),
        Kept("Pressure", "P", "kPa", (10.0, 1000.0), "Pressure, which changes what the water can hold", 1),
    ),
)
_ORP = EzoKind(
    "ezo-orp",
    "ORP",
    98,
    (Quantity("ORP", "mV", -2000.0, 2000.0, 1, "Oxidation-reduction potential"),),
    (Step("single", "Cal,{value}", "Rinse the probe and put it into the solution.", (-1020.0, 1020.0), 225.0),),
    settles_within=2.0,
)
_RTD = EzoKind(
    "ezo-rtd",
    "RTD",
    102,
    (Quantity("Temp", "°C", -200.0, 1254.0, 3, "Temperature"),),
    (Step("single", "Cal,{value}", "Put the probe beside a reference thermometer.", (-126.0, 1254.0), 25.0),),
    settles_within=0.05,
    plausible_within=5.0,
)
_HUM = EzoKind(
    "ezo-hum",
    "HUM",
    111,
    (
        Quantity("Hum", "%", 0.0, 100.0, 2, "Relative humidity", "HUM"),
        Quantity("Temp", "°C", -60.0, 150.0, 2, "Temperature of the air", "T"),
        Quantity("DewPoint", "°C", -100.0, 150.0, 2, "Dew point", "Dew"),
    ),
    # Humidity is calibrated once, where it is made; the air's temperature, on which it depends, can be by a command
    # of its own (EZO-HUM data sheet, "Temperature calibration").
    (
        Step(
            "single",
            "Tcal,{value}",
            "Put the sensor beside a reference thermometer.",
            (-20.0, 70.0),
            25.0,
        ),
    ),
    settles_within=0.5,
    calibrated_by="Tcal",
    calibrates="Temp",
    exports=False,
)
_CO2 = EzoKind(
    "ezo-co2",
    "CO2",
    105,
    (
        Quantity("CO2", "ppm", 0.0, 40_000.0, 0, "Carbon dioxide in the air, to 10,000 ppm", "ppm", always=True),
        # EZO-CO2 data sheet, "Enable/disable internal temp": O,t,1 adds it to readings.
        Quantity("SensorTemp", "°C", -60.0, 150.0, 1, "Temperature inside the sensor, warmer than the air", "t"),
    ),
    (
        Step("zero", "Cal,0", "Put the sensor into a gas without carbon dioxide."),
        Step("single", "Cal,{value}", "Put the sensor into a gas of known value.", (400.0, 10_000.0), 5000.0),
    ),
    settles_within=20.0,
)

EZO_KINDS = {kind.name: kind for kind in (_PH, _EC, _DO, _ORP, _RTD, _HUM, _CO2)}
"""The kinds by their names in the configuration."""

THERMOMETERS = ("ezo-rtd", "ds18b20", "ezo-hum")
"""The kinds that give a temperature, which others can be compensated with."""


def temperature_scale(values: tuple[str, ...]) -> str:
    """Return the scale of an RTD circuit from its answer to `S,?`: "c", "k" or "f"."""
    scale = values[0].lower() if values else ""
    return scale if scale in ("k", "f") else "c"


def to_celsius(value: float, scale: str) -> float:
    """Return a temperature of some scale in °C."""
    match scale:
        case "k":
            return value - 273.15
        case "f":
            return (value - 32.0) / 1.8
        case _:
            return value


def least_conductivity(k: float) -> float:
    """Return the least that a conductivity probe of constant `k` (1/cm) tells, µS/cm (EZO-EC data sheet)."""
    return 0.07 if k < 0.5 else 5.0 if k < 5.0 else 10.0
