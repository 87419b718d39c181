"""What the control service shows of a simulated reactor: its parts, its world and the truth, as JSON data."""

import math
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from vigilia.clock import iso
from vigilia.sim.reactor.motor import NL_PER_ML, Run
from vigilia.sim.reactor.onewire import Thermometer
from vigilia.sim.reactor.pwm import Channel, Drive
from vigilia.sim.reactor.reactor import SimReactor


def describe(reactor: SimReactor) -> dict[str, Any]:
    """A reactor as JSON data: where its equipment is, and the faults in force."""
    now = time.monotonic()
    return {
        "name": reactor.name,
        "bus": reactor.server.address,
        "folder": str(reactor.folder),
        "w1": str(reactor.one_wire.path),
        "pwm": str(reactor.pwm.path),
        "now": iso(reactor.clock.now()),
        "speed": reactor.clock.speed,
        "monotonic": now,
        "listening": reactor.server.listening,
        "connections": reactor.server.accepted,
        "transactions": reactor.server.bus.transactions,
        "commands": reactor.journal.total,
        "overrun": reactor.journal.overrun,
        "parts": [describe_circuit(reactor, name) for name in reactor.circuits]
        + [_describe_thermometer(sensor) for sensor in reactor.one_wire.thermometers],
        "faults": [
            {
                "fault": fault.kind,
                "remaining_s": None if fault.until == math.inf else fault.until - now,
                "count": fault.left,
                "parts": sorted(fault.parts),
                "places": sorted(fault.places),
                "command": fault.command,
            }
            for fault in reactor.faults.active(now)
        ],
    }


def describe_circuit(reactor: SimReactor, name: str) -> dict[str, Any]:
    """A circuit as JSON data."""
    circuit, port = reactor.circuit(name), reactor.ports.get(name)
    return {
        "part": name,
        "kind": circuit.letters,
        "address": circuit.address,
        "uart": None if port is None else str(port.path),
        "baud": circuit.baud,
        "ways": sorted(circuit.ways),
        "top_bit": reactor.chips[name].top_bit,
        "powered": circuit.is_powered,
        "asleep": circuit.is_asleep,
        "finding": circuit.is_finding,
        "led": circuit.led,
        "title": circuit.name,
        "sample": circuit.sample,
        "supply_v": circuit.supply_v,
        "restart_reason": circuit.restart_reason,
        "restarts": circuit.restarts,
        "calibration": {point: list(values) for point, values in circuit.calibration.items()},
        "temperature": getattr(circuit, "temperature_c", None),
    }


def _describe_thermometer(sensor: Thermometer) -> dict[str, Any]:
    return {"part": sensor.name, "kind": "DS18B20", "rom": sensor.rom, "error_c": sensor.error_c}


def describe_truth(reactor: SimReactor, since: float = -math.inf) -> dict[str, Any]:
    """What truly is and was, whatever circuits say; of histories, what is newer than `since`, real monotonic s.

    `monotonic` and `…_monotonic`: real seconds of this machine's monotonic clock; `time`: by the reactor's clock.
    """
    reactor.advance()
    times = _Times(reactor)
    return {
        "reactor": reactor.name,
        "now": iso(reactor.clock.now()),
        "monotonic": time.monotonic(),
        "vessel": reactor.vessel.describe(),
        "pumps": {
            name: {
                "liquid": pump.liquid,
                "moved_ml": pump.motor.moved_nl / NL_PER_ML,
                "moved_nl": pump.motor.moved_nl,
                "forward_nl": pump.motor.forward_nl,
                "counted_nl": pump.total_nl,
                "running": pump.motor.is_running,
                "paused": pump.motor.is_paused,
                "rate_ml_min": pump.motor.rate_ml_min,
                "running_s": pump.motor.running_s,
                "gain": pump.motor.gain,
                "runs": times.runs(pump.motor.runs, since),
            }
            for name, pump in reactor.pumps.items()
        },
        "pwm": {str(channel.number): times.channel(channel, since) for channel in reactor.pwm.channels},
    }


class _Times:
    """Tells the reactor's moments as real ones and by its clock."""

    def __init__(self, reactor: SimReactor) -> None:
        self._speed = reactor.clock.speed
        self._behind = reactor.clock.now() - reactor.clock.monotonic()

    def real(self, at: float) -> float:
        return at / self._speed

    def runs(self, runs: Iterable[Run], since: float) -> list[dict[str, Any]]:
        return [self._run(run) for run in runs if run.ended is None or self.real(run.ended) > since]

    def _run(self, run: Run) -> dict[str, Any]:
        ended = run.ended
        return {
            "number": run.number,
            "command": run.command,
            "moved_ml": run.moved_nl / NL_PER_ML,
            "moved_nl": run.moved_nl,
            "by": run.by,
            "began": iso(run.began + self._behind),
            "began_monotonic": self.real(run.began),
            "ended": None if ended is None else iso(ended + self._behind),
            "ended_monotonic": None if ended is None else self.real(ended),
        }

    def channel(self, channel: Channel, since: float) -> dict[str, Any]:
        return {
            "exported": channel.is_exported,
            "duty": channel.duty,
            **channel.held,
            "on_s": channel.on_s,
            "refused": channel.refused,
            "changes": channel.changes,
            "history": [self._drive(drive) for drive in channel.history if self.real(drive.at) > since],
        }

    def _drive(self, drive: Drive) -> dict[str, Any]:
        return asdict(drive) | {"time": iso(drive.at + self._behind), "monotonic": self.real(drive.at)}
