"""The faults that a simulated reactor can be given at run time, and which of them are in force.

Pure: what a fault does is done where it strikes: `i2c`, `uart`, `onewire`, `pwm`, and the circuits themselves.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypedDict, Unpack

from vigilia.sim.aruba.faults import FaultError, FaultKind

_TIMES = frozenset({"duration_s", "count"})
_PART = _TIMES | {"parts"}
_ALL = _PART | {"command"}
_LASTING = frozenset({"duration_s", "parts"})
_PLACES = frozenset({"duration_s", "places"})

PLACES = ("i2c", "uart", "w1", "pwm")
"""What a reactor's equipment is reached by."""

FAULTS: dict[str, FaultKind] = {
    "nack": FaultKind("the circuit does not acknowledge on I2C; over UART it is silent", _ALL),
    "busy": FaultKind("answer 254 for ever; over UART nothing", _ALL),
    "no-data": FaultKind("answer 255; over UART nothing", _ALL),
    "refused": FaultKind("answer 2, over UART *ER; the command is not carried out", _ALL),
    "empty": FaultKind("carry the command out, answer success without a text", _ALL),
    "cut": FaultKind("carry the command out, answer half of the text", _ALL),
    "garbage": FaultKind("carry the command out, answer bytes that mean nothing", _ALL),
    "four-values": FaultKind("answer readings with four values", _PART),
    "deaf": FaultKind("a command that comes while another is processed is acknowledged on I2C, and lost", _PART),
    "stretch": FaultKind("the circuit holds the bus for `delay_s` at each exchange", _ALL | {"delay_s"}, "delay_s"),
    "vanish": FaultKind("`places` are gone: no connection, no UART, no sensors' or PWM folders", _PLACES),
    "power-cut": FaultKind("no power; what the circuit does not keep is lost", _LASTING | {"reason"}),
    "no-motor-supply": FaultKind("the pump's motor has no supply; its circuit lives", _LASTING),
    "noise": FaultKind("readings scatter by `amplitude`, in their unit", _LASTING | {"amplitude"}, "amplitude"),
    "stuck": FaultKind("the probe says what it said when the fault began", _LASTING),
    "same-address": FaultKind("the circuit answers at `address` too many", _LASTING | {"address"}, "address"),
    "crc": FaultKind("the 1-wire sensor's line ends in NO", _LASTING),
    "power-on-value": FaultKind("the 1-wire sensor says 85 °C, its value before any conversion", _LASTING),
    "empty-file": FaultKind("the 1-wire sensor's files are empty", _LASTING),
}
"""Every fault by name. With neither duration_s (real seconds) nor count a fault lasts until cleared; `parts` restricts
it to circuits and sensors of these names, `command` to commands that begin so."""

ANSWER_FAULTS = frozenset({"nack", "busy", "no-data", "refused", "empty", "cut", "garbage"})
"""The faults of a whole exchange; at most one applies to each."""


class FaultOptions(TypedDict, total=False):
    """The parameters of a fault; which of them a fault takes says `FAULTS`."""

    duration_s: float | None
    count: int | None
    parts: Iterable[str] | None
    places: Iterable[str] | None
    command: str | None
    delay_s: float | None
    amplitude: float | None
    address: int | None
    reason: str | None


@dataclass(slots=True)
class Fault:
    """A fault in force. `until`: real monotonic seconds; `left`: how many more times, None for no limit."""

    kind: str
    until: float = math.inf
    left: int | None = None
    parts: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    command: str = ""
    delay_s: float = 0.0
    amplitude: float = 0.0
    address: int = 0
    reason: str = "P"

    def concerns(self, part: str, command: str = "") -> bool:
        """Whether the fault is meant for that part, and for such a command to it."""
        if self.parts and part not in self.parts:
            return False
        return command.upper().startswith(self.command)


class Faults:
    """The faults in force on one reactor, oldest first; `parts` are the names that faults may give."""

    def __init__(self, parts: Collection[str]) -> None:
        self._parts = parts
        self._faults: list[Fault] = []

    def inject(self, kind: str, now: float, **options: Unpack[FaultOptions]) -> Fault:
        """Put a fault in force; raises FaultError where the request makes no sense."""
        given = {name: value for name, value in options.items() if value is not None}
        _check(kind, given)
        parts, places = frozenset(options.get("parts") or ()), frozenset(options.get("places") or ())
        _check_names("parts", parts, self._parts, "parts" in given)
        _check_names("places", places, PLACES, "places" in given)
        duration_s = options.get("duration_s")
        fault = Fault(
            kind,
            math.inf if duration_s is None else now + duration_s,
            options.get("count"),
            parts,
            places,
            (options.get("command") or "").upper(),
            options.get("delay_s") or 0.0,
            options.get("amplitude") or 0.0,
            options.get("address") or 0,
            options.get("reason") or "P",
        )
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def take(self, kinds: Collection[str], part: str, command: str, now: float) -> Fault | None:
        """The oldest fault of these kinds that concerns such an exchange, counted as used once."""
        for fault in self.active(now):
            if fault.kind in kinds and fault.concerns(part, command):
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None

    def find(self, kind: str, part: str, now: float) -> Fault | None:
        """The oldest fault of that kind on a part."""
        return next((fault for fault in self.active(now) if fault.kind == kind and fault.concerns(part)), None)

    def gone(self, now: float) -> frozenset[str]:
        """The places that have vanished."""
        lost = [fault.places or frozenset(PLACES) for fault in self.active(now) if fault.kind == "vanish"]
        return frozenset[str]().union(*lost)

    def active(self, now: float) -> list[Fault]:
        """The faults in force at `now`."""
        self._faults = [fault for fault in self._faults if fault.until > now and fault.left != 0]
        return self._faults


def _check(kind: str, given: Mapping[str, object]) -> None:
    known = FAULTS.get(kind)
    if known is None:
        raise FaultError(f"unknown fault {kind!r}: the faults are {', '.join(FAULTS)}")
    surplus = sorted(set(given) - known.takes)
    if surplus:
        takes = ", ".join(sorted(known.takes)) or "no parameter"
        raise FaultError(f"fault {kind!r} does not take {', '.join(surplus)}: it takes {takes}")
    if known.needs is not None and known.needs not in given:
        raise FaultError(f"fault {kind!r} needs {known.needs}")
    for name, low, high in (("duration_s", 0, math.inf), ("delay_s", 0, 60), ("amplitude", 0, math.inf)):
        value = given.get(name)
        if isinstance(value, int | float) and not low < value < high:
            raise FaultError(f"{name} is {value}: give a number above {low}" + (f", below {high}" * (high < math.inf)))
    count, address, reason = given.get("count"), given.get("address"), given.get("reason")
    if isinstance(count, int) and count < 1:
        raise FaultError(f"count is {count}: give 1 or more, or leave it out")
    if isinstance(address, int) and not 1 <= address <= 127:
        raise FaultError(f"address is {address}: give one from 1 to 127")
    if reason is not None and reason not in {"P", "S", "B", "W", "U"}:
        raise FaultError(f"reason is {reason!r}: give P, S, B, W or U")


def _check_names(what: str, named: frozenset[str], known: Collection[str], given: bool) -> None:
    if given and not named:
        raise FaultError(f"{what} is empty: give at least one, or leave it out")
    unknown = sorted(named - set(known))
    if unknown:
        raise FaultError(f"no {what} {', '.join(unknown)}: there are {', '.join(known)}")
