"""A 1-wire bus as the Linux kernel shows it: a folder for each DS18B20, with w1_slave and temperature in it."""

import random
import shutil
import time
from pathlib import Path

from vigilia.sim.reactor.faults import Faults
from vigilia.sim.reactor.vessel import Vessel

_POWER_ON_C = 85.0
_STEP_C = 0.0625
"""What a DS18B20 at 12 bit can tell apart."""


class Thermometer:
    """A DS18B20 in the vessel's water. `rom`: its name on the bus, family code 28."""

    def __init__(self, name: str, rom: str, vessel: Vessel) -> None:
        self.name = name
        self.rom = rom
        self.vessel = vessel
        self.error_c = 0.1
        """What it says too much: these sensors are good to half a degree."""
        self._stuck: float | None = None

    def files(self, faults: Faults, now: float) -> dict[str, str]:
        """Return what its files hold now, by name."""
        if faults.find("empty-file", self.name, now):
            return {"w1_slave": "", "temperature": ""}
        celsius = self._celsius(faults, now)
        scratchpad = _scratchpad(celsius)
        is_good = faults.find("crc", self.name, now) is None
        check = _crc8(scratchpad) if is_good else _crc8(scratchpad) ^ 0x5A
        shown = " ".join(f"{byte:02x}" for byte in (*scratchpad, check))
        milli = round(celsius * 1000)
        lines = f"{shown} : crc={check:02x} {'YES' if is_good else 'NO'}\n{shown} t={milli}\n"
        return {"w1_slave": lines, "temperature": f"{milli}\n" if is_good else ""}

    def _celsius(self, faults: Faults, now: float) -> float:
        if faults.find("power-on-value", self.name, now):
            return _POWER_ON_C
        noise = faults.find("noise", self.name, now)
        scatter = random.gauss(0, noise.amplitude) if noise else 0.0
        celsius = round((self.vessel.temperature_c + self.error_c + scatter) / _STEP_C) * _STEP_C
        if not faults.find("stuck", self.name, now):
            self._stuck = None
            return celsius
        self._stuck = celsius if self._stuck is None else self._stuck
        return self._stuck


class OneWireTree:
    """The folder of a 1-wire bus, to be given as the path of a `w1` bus."""

    def __init__(self, path: Path, thermometers: list[Thermometer], faults: Faults) -> None:
        self.path = path
        self.thermometers = thermometers
        self._faults = faults
        self._written: dict[Path, str] = {}

    def refresh(self) -> None:
        """Write what has changed; a file is whole at every instant."""
        now = time.monotonic()
        if "w1" in self._faults.gone(now):
            self.remove()
            return
        for thermometer in self.thermometers:
            folder = self.path / thermometer.rom
            for name, text in thermometer.files(self._faults, now).items():
                file = folder / name
                if self._written.get(file) != text:
                    folder.mkdir(parents=True, exist_ok=True)
                    new = self.path.parent / f".{thermometer.rom}.{name}"
                    new.write_text(text, encoding="ascii")
                    new.replace(file)
                    self._written[file] = text

    def remove(self) -> None:
        """Take the sensors' folders away."""
        if self._written:
            for thermometer in self.thermometers:
                shutil.rmtree(self.path / thermometer.rom, ignore_errors=True)
            self._written.clear()


def _scratchpad(celsius: float) -> bytes:
    """Return the eight bytes before the check: temperature, alarm limits, 12 bit, three that are fixed."""
    return round(celsius / _STEP_C).to_bytes(2, "little", signed=True) + bytes([0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10])


def _crc8(data: bytes) -> int:
    """Return the Dallas check of `data`: x^8 + x^5 + x^4 + 1, lowest bit first."""
    check = 0
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = (check >> 1) ^ 0x8C if check & 1 else check >> 1
    return check
