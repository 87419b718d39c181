"""One simulated reactor: a vessel, its circuits on an I2C bus and on ptys, a 1-wire tree and a PWM chip."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, Unpack

from vigilia.clock import Clock
from vigilia.sim.reactor.circuits import (
    Circuit,
    Co2Circuit,
    EcCircuit,
    HumidityCircuit,
    OrpCircuit,
    OxygenCircuit,
    PhCircuit,
    PumpCircuit,
    RtdCircuit,
)
from vigilia.sim.reactor.faults import Fault, FaultOptions, Faults
from vigilia.sim.reactor.i2c import Chip, I2cBus
from vigilia.sim.reactor.inotify import Watcher
from vigilia.sim.reactor.journal import Journal
from vigilia.sim.reactor.onewire import OneWireTree, Thermometer
from vigilia.sim.reactor.pwm import PwmTree
from vigilia.sim.reactor.uart import SerialPort
from vigilia.sim.reactor.vessel import Vessel
from vigilia.sim.reactor.wire import BusServer

HEATER, AERATOR = 0, 1
"""The channels of the PWM chip."""
PUMP_ADDRESSES = {"acid": 103, "base": 113, "nutrient": 114}
"""Three pumps cannot share the address they leave the factory with."""


_PLACES = ("uart", "w1", "pwm")


class UnknownPartError(LookupError):
    """The reactor has no part of that name."""


@dataclass(frozen=True, slots=True)
class Options:
    """How reactors are reached, and how fast their circuits are. `port`: of the bus, 0 for a free one."""

    host: str = "127.0.0.1"
    port: int = 0
    pace: float = 1.0
    """How long circuits take for things: 1 as real ones, 0.1 a tenth of that."""
    uart: bool = True
    """Whether there are ptys."""


DEFAULTS = Options()


class SimReactor:
    """A reactor with its equipment in `folder`: uart/, w1/, pwm/pwmchip0/. `async with SimReactor(…) as reactor:`.

    `clock` is what the vessel and the pumps' motors live by. `watcher` hears of files and ptys; it must have been
    started before this is.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        clock: Clock,
        watcher: Watcher,
        options: Options = DEFAULTS,
    ) -> None:
        self.name = name
        self.folder = folder
        self.clock = clock
        self.vessel = Vessel()
        self.circuits: Mapping[str, Circuit] = _circuits(self.vessel, clock, options.pace)
        thermometers = [Thermometer("ds-1", f"28-{_serial(name):012x}", self.vessel)]
        self.faults = Faults([*self.circuits, *(thermometer.name for thermometer in thermometers)])
        self.journal = Journal()
        self.chips = {name: Chip(name, circuit, self.faults, self.journal) for name, circuit in self.circuits.items()}
        self.server = BusServer(I2cBus(self.chips.values()), options.host, options.port)
        self.ports = {
            name: SerialPort(name, circuit, self.faults, self.journal, folder / "uart" / name, watcher)
            for name, circuit in (self.circuits.items() if options.uart else ())
        }
        self.one_wire = OneWireTree(folder / "w1", thermometers, self.faults)
        self.pwm = PwmTree(folder / "pwm" / "pwmchip0", 2, watcher, clock.monotonic)
        self.pwm.before_change = self.advance
        self._at = clock.monotonic()
        self._reasons: dict[str, str] = {}
        """Why each circuit had to start anew the last time, as it will say."""
        self._settling = asyncio.Lock()

    @property
    def pumps(self) -> dict[str, PumpCircuit]:
        """The circuits that pump, by name."""
        return {name: circuit for name, circuit in self.circuits.items() if isinstance(circuit, PumpCircuit)}

    def circuit(self, name: str) -> Circuit:
        """Return the circuit of that name; raises UnknownPartError."""
        if name not in self.circuits:
            raise UnknownPartError(f"no circuit {name!r}: there are {', '.join(self.circuits)}")
        return self.circuits[name]

    async def start(self) -> None:
        """Have all of it there, or nothing. Raises OSError, above all where the port is not free."""
        self._remove()  # what a simulator that was killed has left
        for name in _PLACES:
            (self.folder / name).mkdir(parents=True)
        try:
            await self.settle()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take all of it away."""
        await self.server.close()
        for port in self.ports.values():
            await port.vanish()
        self.pwm.vanish()
        self._remove()

    def _remove(self) -> None:
        """Take away what is ours in the folder; what others have put there stays."""
        for name in _PLACES:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # The world

    def advance(self) -> None:
        """Let the world go on to now; called before anything that acts on it, or looks at it, does so."""
        now = self.clock.monotonic()
        seconds, self._at = max(0.0, now - self._at), max(now, self._at)
        for pump in self.pumps.values():
            pump.advance()
        self.vessel.heater = self.pwm.channels[HEATER].duty
        self.vessel.aerator = self.pwm.channels[AERATOR].duty
        self.pwm.advance(seconds)
        self.vessel.advance(seconds)

    # Misbehaviour

    async def inject(self, kind: str, **options: Unpack[FaultOptions]) -> Fault:
        """Put a fault in force (see `FAULTS`); raises FaultError."""
        fault = self.faults.inject(kind, time.monotonic(), **options)
        await self.settle()
        return fault

    async def clear_faults(self) -> None:
        """End all faults."""
        self.faults.clear()
        await self.settle()

    async def settle(self) -> None:
        """Have everything be as faults have it now; called often, because faults end by themselves."""
        async with self._settling:
            self.advance()
            now = time.monotonic()
            for name, circuit in self.circuits.items():
                self._settle_circuit(name, circuit, now)
            await self._settle_places(self.faults.gone(now))

    async def _settle_places(self, gone: frozenset[str]) -> None:
        self.one_wire.refresh()
        if "pwm" in gone:
            self.pwm.vanish()
        else:
            self.pwm.appear()
        for port in self.ports.values():
            if "uart" in gone:
                await port.vanish()
            else:
                port.appear()
        if "i2c" in gone:
            self.server.vanish()
        else:
            await self.server.listen()

    def _settle_circuit(self, name: str, circuit: Circuit, now: float) -> None:
        cut = self.faults.find("power-cut", name, now)
        if cut is not None:
            self._reasons[name] = cut.reason
        circuit.set_power(cut is None, self._reasons.get(name, "P"))
        noise = self.faults.find("noise", name, now)
        circuit.noise = 0.0 if noise is None else noise.amplitude
        circuit.is_stuck = self.faults.find("stuck", name, now) is not None
        if isinstance(circuit, PumpCircuit):
            circuit.supply_motor(self.faults.find("no-motor-supply", name, now) is None)


def _circuits(vessel: Vessel, clock: Clock, pace: float) -> dict[str, Circuit]:
    circuits: dict[str, Circuit] = {
        "ph": PhCircuit(vessel, pace=pace),
        "ec": EcCircuit(vessel, pace=pace),
        "do": OxygenCircuit(vessel, pace=pace),
        "orp": OrpCircuit(vessel, pace=pace),
        "rtd": RtdCircuit(vessel, pace=pace),
        "hum": HumidityCircuit(vessel, pace=pace),
        "co2": Co2Circuit(vessel, pace=pace),
        "acid": PumpCircuit(vessel, "acid", clock.monotonic, pace=pace),
        "base": PumpCircuit(vessel, "base", clock.monotonic, pace=pace),
        "nutrient": PumpCircuit(vessel, "nutrient", clock.monotonic, pace=pace),
    }
    for name, address in PUMP_ADDRESSES.items():
        circuits[name].address = address
    return circuits


def _serial(name: str) -> int:
    """Return a serial number for a thermometer that stays the same for a reactor's name."""
    return int.from_bytes(name.encode()[-4:]) + 0xA0_0000_0000
