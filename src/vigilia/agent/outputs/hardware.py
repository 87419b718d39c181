"""What an output that is on or off drives: hardware PWM through sysfs, or a pin through gpiozero."""

import asyncio
import importlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from vigilia.agent.outputs.config import PwmConfig, RelayConfig
from vigilia.agent.parts import Failed
from vigilia.agent.safeops import Operation, drive_pwm, write_sysfs
from vigilia.errors import StartError

_SECOND_NS = 1_000_000_000
_EXPORT_S = 2.0
"""How long an exported channel may take to appear and to be given its rights (by udev)."""


class Level(NamedTuple):
    """What an output puts out."""

    duty: float
    """Per cent; 0: it is off."""
    frequency_hz: float


class Hardware(Protocol):
    """One output's hardware. It is made without touching it, and never let go of: it would not stay as it is."""

    place: str
    """Where it is, for people."""

    async def open(self, level: Level) -> None:
        """Take hold of it, or have it still, and put it to `level`. Raises Failed; StartError: a library is missing."""
        ...

    def put(self, level: Level) -> None:
        """Put it to `level`, at once. Raises Failed."""
        ...

    def operations(self, level: Level) -> list[Operation]:
        """Return what puts it to `level` without us."""
        ...


class SysfsPwm:
    """A channel of hardware PWM (the kernel's Documentation/driver-api/pwm.rst, "Using PWMs with the sysfs…")."""

    def __init__(self, config: PwmConfig) -> None:
        chip = config.chip
        self._chip = Path(f"/sys/class/pwm/pwmchip{chip}" if isinstance(chip, int) else str(chip))
        self._channel = config.channel or 0
        self._folder = self._chip / f"pwm{self._channel}"
        self.place = f"{self._chip}, channel {self._channel}"

    async def open(self, level: Level) -> None:
        """Export the channel, wait for it, and put it to `level`. Raises Failed."""
        if not self._folder.is_dir():
            with suppress(OSError):  # somebody else may have just exported it; else writing to it says what is wrong
                write_sysfs(str(self._chip / "export"), self._channel)
        until = time.monotonic() + _EXPORT_S
        while not os.access(self._folder / "enable", os.W_OK) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self.put(level)

    def put(self, level: Level) -> None:
        """Write period, duty and enable. Raises Failed."""
        try:
            drive_pwm(str(self._folder), *_nanoseconds(level))
        except OSError as error:
            raise Failed(f"{error.filename}: {error.strerror}: check dtoverlay=pwm and the rights on it") from error

    def operations(self, level: Level) -> list[Operation]:
        """Return what drives the channel."""
        return [["pwm", str(self._folder), *_nanoseconds(level)]]


class Pin:
    """A pin of the header, through gpiozero: software PWM, or on and off.

    To close a device of gpiozero makes its pin an input, which puts out nothing. So none is closed that works: with the
    end of this process the guardian takes the pin over.
    """

    def __init__(self, config: PwmConfig | RelayConfig) -> None:
        self._number = config.pin or 0
        self._pwm = isinstance(config, PwmConfig)
        self._active_high = config.active_high if isinstance(config, RelayConfig) else True
        self._device: Any = None
        self.place = f"GPIO {self._number}"

    async def open(self, level: Level) -> None:
        """Take the pin. Raises Failed, or StartError where gpiozero is not installed."""
        if self._device is not None:
            with suppress(Failed):
                self.put(level)
                return
            device, self._device = self._device, None
            self._translate(device.close)
        self._device = await asyncio.to_thread(self._open, level)

    def put(self, level: Level) -> None:
        """Set the pin. Raises Failed."""
        self._translate(lambda: self._set(level))

    def operations(self, level: Level) -> list[Operation]:
        """Return the one level that a pin has without us."""
        return [["gpio", self._number, int(bool(level.duty) == self._active_high)]]

    def _open(self, level: Level) -> Any:
        try:
            gpiozero: Any = importlib.import_module("gpiozero")  # late: it is slow on a Pi
        except ImportError as error:
            raise StartError(f"{self.place} needs the extra [agent]: pip install 'vigilia[agent]'") from error

        def make() -> Any:
            if self._pwm:
                return gpiozero.PWMOutputDevice(
                    self._number, initial_value=level.duty / 100, frequency=round(max(1.0, level.frequency_hz))
                )
            return gpiozero.DigitalOutputDevice(
                self._number, active_high=self._active_high, initial_value=bool(level.duty)
            )

        return self._translate(make)

    def _set(self, level: Level) -> None:
        if self._device is None:
            raise Failed(f"{self.place} is not open")
        if not self._pwm:
            self._device.value = bool(level.duty)
            return
        frequency = round(max(1.0, level.frequency_hz))
        if level.duty and self._device.frequency != frequency:
            self._device.frequency = frequency
        self._device.value = level.duty / 100

    def _translate(self, work: Callable[[], Any]) -> Any:
        gpiozero: Any = importlib.import_module("gpiozero")
        try:
            return work()
        except (gpiozero.GPIOZeroError, OSError, ValueError, RuntimeError) as error:  # the last: lgpio's own
            raise Failed(f"{self.place}: {error or type(error).__name__}: check the pin and its library") from error


def _nanoseconds(level: Level) -> tuple[int, int]:
    """Return period and duty."""
    period = round(_SECOND_NS / level.frequency_hz)
    return period, round(period * level.duty / 100)


def make_hardware(config: PwmConfig | RelayConfig) -> Hardware:
    """Return what an output drives, untouched."""
    if isinstance(config, PwmConfig) and config.pin is None:
        return SysfsPwm(config)
    return Pin(config)
