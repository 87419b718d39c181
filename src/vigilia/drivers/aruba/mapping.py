"""The points of a PoE port, as data: which field of the switch's answer each one shows, and how.

The states and fields are those of ArubaOS-Switch REST (`poe/ports/stats`) and RFC 3621's
`pethPsePortDetectionStatus`; see docs/reference/points.md.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vigilia.drivers.aruba.config import ArubaConfig, PortConfig, SwitchConfig
from vigilia.errors import printable
from vigilia.language import tr
from vigilia.points import Kind, Point, Reading, Sample, Severity, Status, Value, shorten
from vigilia.rules import Rule

OFF_ON = ("Off", "On")
RAW_LABELS = ("Searching", "Delivering", "Disabled", "Fault", "Other Fault", "Test", "Unknown")
SEARCHING, DELIVERING, DISABLED, FAULT, OTHER_FAULT, TEST, UNKNOWN = range(7)

_CODES = {
    "PPDS_SEARCHING": SEARCHING,
    "PPDS_DELIVERING": DELIVERING,
    "PPDS_DISABLED": DISABLED,
    "PPDS_DISABLE": DISABLED,
    "PPDS_FAULT": FAULT,
    "PPDS_OTHERFAULT": OTHER_FAULT,
    "PPDS_OTHER_FAULT": OTHER_FAULT,
    "PPDS_TEST": TEST,
}
"""The spellings of all firmwares known."""

_DESCRIPTIONS = (
    "The port is trying to detect a powered device.",
    "The port is delivering power to a powered device.",
    "PoE is disabled on the port, or enabled without enough power left in the module.",
    "The switch detects a problem with the connected powered device.",
    "An internal fault of the switch prevents the port from supplying power.",
    "The switch is testing the port.",
)
_LONGEST_CODE = 100

Stats = Mapping[str, Any]
"""One port's object of the switch's answer."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number that switches report of a port, where their firmware knows it."""

    suffix: str
    field: str
    kind: Kind
    title: str
    units: str | None = None
    precision: int = 0


MEASUREMENTS = (
    Measurement("Power-Mon", "actual_power_in_watts", Kind.NUMBER, "PoE power", "W", 1),
    Measurement("Voltage-Mon", "port_voltage_in_volts", Kind.NUMBER, "PoE voltage", "V", 1),
    Measurement("PowerClass-Mon", "power_class", Kind.INTEGER, "PoE class"),
    Measurement("PowerDenied-Mon", "power_denied_count", Kind.INTEGER, "PoE power denied"),
    Measurement("OverCurrent-Mon", "over_current_count", Kind.INTEGER, "PoE over-currents"),
    Measurement("Short-Mon", "short_count", Kind.INTEGER, "PoE short circuits"),
    Measurement("MpsAbsent-Mon", "mps_absent_count", Kind.INTEGER, "PoE MPS absences"),
)


FAULT_RULE = Rule(
    "poe-fault",
    ("*:PwrState-Raw",),
    "aruba",
    states=frozenset({RAW_LABELS[FAULT], RAW_LABELS[OTHER_FAULT]}),
    on_count=2,
    off_count=2,
    label="PoE fault",
    family="PoE faults",
    mark="[POE] Falha",
    cleared_mark="[POE] Normalizacao",
)
"""A port that reports a fault in two readings in a row."""

CONTACT_LOST_S = 10.0
"""A switch that answers again sooner was not lost: it lost a connection, or a session."""


def contact_rule(instance: str, switches: Iterable[str]) -> Rule:
    """Return the rule for switches without contact."""
    return Rule(
        "switch-lost",
        tuple(f"{instance}:{switch}:Connected-Sts" for switch in switches),
        "aruba",
        states=frozenset({"Disconnected"}),
        on_delay_s=CONTACT_LOST_S,
        label="No contact",
        family="Switches without contact",
        mark="[POE] Sem contato",
        cleared_mark="[POE] Contato restabelecido",
    )


def parse_state(stats: Stats) -> tuple[int, str]:
    """Return the index in RAW_LABELS and the sentence of a port's state; anything unknown keeps its text.

    Raises ValueError where the answer gives no state at all.
    """
    code = stats.get("poe_detection_status")
    if not isinstance(code, str):
        raise ValueError(f"no poe_detection_status in {shorten(stats)}")
    state = _CODES.get(code)
    if state is None:
        return UNKNOWN, tr("The switch gives a state that is not known: {code}").format(
            code=printable(code[:_LONGEST_CODE])
        )
    return state, tr(_DESCRIPTIONS[state])


def parse_number(kind: Kind, value: object) -> Value:
    """Return a reported number, given as such or as text. Raises ValueError for anything else, NaN included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"not a number: {shorten(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) < 2**31 - 1:
        raise ValueError(f"not a usable number: {shorten(value)}")
    return round(number) if kind is Kind.INTEGER else number


class PortPoints:
    """The points of one port, and the readings that an answer of the switch gives them."""

    def __init__(self, config: ArubaConfig, switch: SwitchConfig, port: PortConfig, max_age_s: float) -> None:
        self.port = port.port
        self.device = device = port.device
        self.sel, self.sts, self.raw, self.desc = (
            f"{device}:PwrState-{suffix}" for suffix in ("Sel", "Sts", "Raw", "Desc")
        )
        self._measured = tuple((f"{device}:{m.suffix}", m.field, m.kind) for m in MEASUREMENTS)

        def point(name: str, kind: Kind, title: str, **more: Any) -> Point:
            where = tr("{title}, port {port} of {switch}").format(title=tr(title), port=port.port, switch=switch.name)
            return Point(name, kind, device, switch.name, where, max_age_s=max_age_s, area=switch.room, **more)

        self.points = (
            point(self.sel, Kind.ENUM, "PoE choice", labels=OFF_ON, writable=True, setpoint=True),
            point(self.sts, Kind.ENUM, "PoE delivering", labels=OFF_ON),
            point(self.raw, Kind.ENUM, "PoE state", labels=RAW_LABELS, blank=UNKNOWN),
            point(self.desc, Kind.TEXT, "PoE state explained", long_text=True),
            *(
                point(f"{device}:{m.suffix}", m.kind, m.title, units=m.units, precision=m.precision)
                for m in MEASUREMENTS
            ),
        )
        self.read_only = (self.sts, self.raw, self.desc, *(name for name, _, _ in self._measured))

    def samples(self, stats: Stats, time: float, present: Callable[[str], Reading]) -> list[Sample]:
        """Return what `stats` says of the port at `time`; fields that are not there give nothing.

        A field that cannot be understood makes its point READ/INVALID; `present` gives the value it then keeps.
        """
        try:
            state, sentence = parse_state(stats)
        except ValueError:
            samples = self.unreadable(time, present, (self.sts, self.raw, self.desc))
        else:
            faulty = state in (FAULT, OTHER_FAULT)
            alarm = (Severity.MAJOR, Status.STATE) if faulty else (Severity.NO_ALARM, Status.NO_ALARM)
            samples = [
                Sample(self.sts, Reading(int(state == DELIVERING), time)),
                Sample(self.raw, Reading(state, time, *alarm)),
                Sample(self.desc, Reading(sentence, time)),
            ]
        for name, field, kind in self._measured:
            if field in stats:
                try:
                    samples.append(Sample(name, Reading(parse_number(kind, stats[field]), time)))
                except ValueError:
                    samples += self.unreadable(time, present, (name,))
        return samples

    def unreadable(
        self, time: float, present: Callable[[str], Reading], names: Sequence[str] | None = None
    ) -> list[Sample]:
        """Return READ/INVALID for `names` (default: all but the choice), each keeping its value."""
        return [
            Sample(name, Reading(present(name).value, time, Severity.INVALID, Status.READ))
            for name in (self.read_only if names is None else names)
        ]
