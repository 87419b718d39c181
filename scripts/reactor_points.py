"""The points of the parts that an agent can have: for the page that scripts/points-reference writes.

One part of each kind is made from a configuration, as an agent makes it, and declared as it would declare it.
"""

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from vigilia.agent.assembly import make_parts
from vigilia.agent.clocking import Clocking
from vigilia.agent.config import load_config
from vigilia.agent.health import AgentPart
from vigilia.agent.ledger import Ledger
from vigilia.agent.outputs import Contact, Gear, Guard
from vigilia.agent.parts import Declaration
from vigilia.agent.samples import SampleStore
from vigilia.agent.sensors.kinds import EZO_KINDS
from vigilia.agent.wire import part_of
from vigilia.clock import Clock
from vigilia.drivers.reactor.inventory import Inventory
from vigilia.points import Point

REACTOR = "REACTOR"
_MEANINGS = {
    "Setpoint": "What is to be reached",
    "Enable": "Whether it works",
    "DeadBand": "How far beyond the set point nothing is done",
    "ezo-pmp:Dose": "A dose, at once",
    "ph-dosing:Dose": "Each of its doses",
    "ezo-pmp:Continuous": "Pump until told otherwise, `max_on_s` at the most; only where that is above 0",
}
"""Of parameters whose declaration says less than this page should, of any part or of one kind."""
_HOLDS = {
    "OnFor-SP": "s, 0.1 to `max_on_s`",
    "ezo-pmp:Dose-SP": "ml, 0.5 to what an hour or day may have",
    "ph-dosing:Dose-SP": "ml, 0.5 to what a day, or the pump's hour, may have",
    "Setpoint-SP": "as the sensor, `valid_range`",
    "Setpoint-RB": "as the sensor",
    "DeadBand-SP": "as the sensor",
    "DeadBand-RB": "as the sensor",
}
"""Of points whose units and limits depend on the configuration: what is said of them."""


class Group(NamedTuple):
    """One table of the page."""

    title: str
    rows: list[tuple[str, Point]]
    """The kinds that have a point, and the point."""


def groups() -> list[Group]:
    """Return the tables: what all parts of a role have, and what is the kinds' own."""
    parts = {declaration.kind: _points(declaration) for declaration in asyncio.run(_declarations())}
    ezo = {kind: parts[kind] for kind in EZO_KINDS}
    sensors = {**ezo, "ds18b20": parts["ds18b20"]}
    actuators = {kind: parts[kind] for kind in ("pwm", "relay", "ezo-pmp")}
    loops = {kind: parts[kind] for kind in ("ph-dosing", "thermostat")}
    every_sensor, every_ezo = _common(sensors), _common(ezo)
    return [
        Group("Every sensor", _listed("", sensors["ds18b20"], every_sensor)),
        Group("Every EZO circuit", _listed("", ezo["ezo-ph"], every_ezo - every_sensor)),
        Group("Sensors by kind", _own(sensors, every_ezo)),
        Group("Every actuator", _listed("", actuators["pwm"], _common(actuators))),
        Group("Actuators by kind", _own(actuators, _common(actuators))),
        Group("Every loop", _listed("", loops["thermostat"], _common(loops))),
        Group("Loops by kind", _own(loops, _common(loops))),
        Group("The agent itself", _listed("", parts["agent"], parts["agent"].keys())),
    ]


def meaning(point: Point) -> str:
    """Return what a point says, for people."""
    name = suffix(point).rpartition("-")[0]
    said = point.description.partition(": ")[2]
    return _MEANINGS.get(f"{_kind(point)}:{name}") or _MEANINGS.get(name, said)


def holds(point: Point) -> str:
    """Return what values a point has: labels or units, and limits of a write."""
    said = _HOLDS.get(f"{_kind(point)}:{suffix(point)}") or _HOLDS.get(suffix(point))
    if said:
        return said
    if point.labels:
        return " · ".join(f"{index} {label}" for index, label in enumerate(point.labels))
    limits = [] if point.limits is None else [f"{point.limits[0]:g} to {point.limits[1]:g}"]
    return ", ".join([point.units, *limits] if point.units else limits)


def _kind(point: Point) -> str:
    """Return the kind of a point's part, which is called by it here."""
    return point.name.split(":")[1]


def suffix(point: Point) -> str:
    """Return the end of a point's name."""
    return point.name.rpartition(":")[2]


def _points(declaration: Declaration) -> dict[str, Point]:
    return {suffix(point): point for point in Inventory(REACTOR, [part_of(declaration)]).points}


def _common(parts: dict[str, dict[str, Point]]) -> set[str]:
    """Return what all parts have, and mean the same by."""
    first, *others = parts.values()
    return {
        name for name, point in first.items() if all(name in other and _same(point, other[name]) for other in others)
    }


def _same(one: Point, other: Point) -> bool:
    return (meaning(one), one.kind, one.labels, one.writable) == (
        meaning(other),
        other.kind,
        other.labels,
        other.writable,
    )


def _listed(kind: str, points: dict[str, Point], names: Iterable[str]) -> list[tuple[str, Point]]:
    chosen = set(names)
    return [(kind, point) for name, point in points.items() if name in chosen]


def _own(parts: dict[str, dict[str, Point]], common: set[str]) -> list[tuple[str, Point]]:
    return [row for kind, points in parts.items() for row in _listed(kind, points, points.keys() - common)]


async def _declarations() -> Sequence[Declaration]:
    """Return what one part of each kind declares. Nothing is opened but files of its own."""
    ours, theirs = socket.socketpair()
    clock = Clock()
    with ours, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vigilia-agent.toml"
        path.write_text(_configuration(), encoding="utf-8")
        config = load_config(path, {})
        async with AsyncExitStack() as cleanup:
            guard = Guard(theirs.detach())
            cleanup.callback(guard.close)
            ledger = Ledger(Path(folder) / "ledger.db")
            cleanup.push_async_callback(ledger.close)
            store = SampleStore(Path(folder) / "samples.db", "boot")
            cleanup.push_async_callback(store.close)
            parts = make_parts(config, Gear(guard, Contact(30.0), ledger, clock), cleanup)
            clocking = Clocking(clock, store, "boot", lambda: True)
            parts.append(AgentPart("VERSION", store, clocking, clock, lambda: 0))
            return [part.declaration for part in parts]


def _configuration() -> str:
    """Return a configuration with one part of each kind."""
    os.environ["GPIOZERO_PIN_FACTORY"] = "mock"
    sensors = "".join(f'[[sensors]]\nname = "{kind}"\nkind = "{kind}"\nbus = "bus"\n' for kind in (*EZO_KINDS,))
    return f"""
[agent]
id = "{REACTOR}"
coordinator = "127.0.0.1:1"
[[buses]]
name = "bus"
kind = "sim"
address = "127.0.0.1:1"
[[buses]]
name = "w1"
kind = "w1"
{sensors}
[[sensors]]
name = "ds18b20"
kind = "ds18b20"
bus = "w1"
[[actuators]]
name = "pwm"
kind = "pwm"
chip = 0
channel = 0
max_on_s = 60
[[actuators]]
name = "relay"
kind = "relay"
pin = 17
max_on_s = 60
[[actuators]]
name = "ezo-pmp"
kind = "ezo-pmp"
bus = "bus"
max_dose_ml_hour = 20
max_dose_ml_day = 100
max_on_s = 60
[[loops]]
name = "ph-dosing"
kind = "ph-dosing"
sensor = "ezo-ph"
actuator = "ezo-pmp"
setpoint = 7.0
direction = "down"
dose_ml = 0.5
min_interval_s = 60
max_day_ml = 50
[[loops]]
name = "thermostat"
kind = "thermostat"
sensor = "ds18b20"
actuator = "pwm"
setpoint = 20.0
"""
