"""The sample configuration of an agent for a simulated reactor: everything that the reactor has, on its I2C bus."""

import json

from vigilia.sim.reactor.circuits import PumpCircuit
from vigilia.sim.reactor.reactor import AERATOR, HEATER, SimReactor

COORDINATOR = "127.0.0.1:50051"
"""Where a service with the default configuration listens for agents."""
_KINDS = {"pH": "ph", "D.O.": "do", "OR": "orp"}
"""What configuration calls the circuits that do not say it so."""
_COMPENSATED = ("ph", "ec", "do")


def config_text(reactor: SimReactor) -> str:
    """Return the vigilia-agent.toml of an agent that lives on this reactor."""
    tables = [
        _table(
            "[agent]",
            id=reactor.name,
            name=f"Simulated reactor {reactor.name}",
            coordinator=COORDINATOR,
        ),
        _table("[[buses]]", name="i2c-1", kind="sim", address=reactor.server.address),
        _table("[[buses]]", name="w1", kind="w1", path=str(reactor.one_wire.path.resolve())),
    ]
    tables += _sensors(reactor)
    tables += _outputs(reactor)
    tables += _loops()
    return "\n".join([*tables, *_over_uart(reactor)])


def _loops() -> list[str]:
    return [
        _table(
            "[[loops]]",
            name="ph-control",
            kind="ph-dosing",
            sensor="ph",
            actuator="acid",
            setpoint=7.0,
            direction="down",
            dead_band=0.2,
            valid_range=[3.0, 11.0],
            dose_ml=0.5,
            min_interval_s=120,
            max_day_ml=50,
            enabled=False,
        ),
        _table(
            "[[loops]]",
            name="thermostat",
            kind="thermostat",
            sensor="rtd",
            actuator="heater",
            setpoint=26.0,
            dead_band=0.5,
            valid_range=[5.0, 45.0],
            enabled=False,
        ),
    ]


def _sensors(reactor: SimReactor) -> list[str]:
    tables: list[str] = []
    for name, circuit in reactor.circuits.items():
        if isinstance(circuit, PumpCircuit):
            continue
        kind = f"ezo-{_KINDS.get(circuit.letters, circuit.letters.lower())}"
        given = {"compensate_with": "rtd"} if name in _COMPENSATED else {}
        tables.append(_table("[[sensors]]", name=name, kind=kind, bus="i2c-1", address=circuit.address, **given))
    return tables + [
        _table("[[sensors]]", name=sensor.name, kind="ds18b20", bus="w1", address=sensor.rom)
        for sensor in reactor.one_wire.thermometers
    ]


def _outputs(reactor: SimReactor) -> list[str]:
    chip = str(reactor.pwm.path.resolve())
    tables = [
        _table("[[actuators]]", name=name, kind="pwm", chip=chip, channel=channel, max_on_s=3600)
        for name, channel in (("heater", HEATER), ("aerator", AERATOR))
    ]
    for name, pump in reactor.pumps.items():
        limits = {"max_dose_ml_hour": 20, "max_dose_ml_day": 100}
        tables.append(_table("[[actuators]]", name=name, kind="ezo-pmp", bus="i2c-1", address=pump.address, **limits))
    return tables


def _over_uart(reactor: SimReactor) -> list[str]:
    """The same circuits on serial lines, as comments to take instead."""
    if not reactor.ports:
        return []
    lines = ["# The same circuits are on serial lines too: a bus for each, which a sensor names instead of i2c-1."]
    for name, port in reactor.ports.items():
        device = _toml(str(port.path.absolute()))
        lines.append(f'# [[buses]] name = "uart-{name}"  kind = "uart"  device = {device}')
    return [*lines, ""]


def _table(head: str, **values: object) -> str:
    return "\n".join([head, *(f"{name} = {_toml(value)}" for name, value in values.items()), ""])


def _toml(value: object) -> str:
    # A JSON value of these kinds is a TOML one, but for DEL in a string, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
