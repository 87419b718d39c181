"""What every control loop has in common: its set point, when it holds and why, and what it shows of itself."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Protocol

from vigilia.agent.loops.config import PhDosingConfig, ThermostatConfig
from vigilia.agent.outputs.pump import Pump
from vigilia.agent.outputs.switch import Switch
from vigilia.agent.parts import Access, Declaration, Listener, Measured, Parameter, Part, Rejected, Role
from vigilia.clock import Clock
from vigilia.errors import printable
from vigilia.points import Kind, Severity, Status, Value

_logger = logging.getLogger(__name__)

STALE_S = 30.0
"""A sensor reads every 5 s at least; a reading that stays the same for so long is no longer believed."""
_READING_S = 5.0
"""What a reading may take, tried again and again: real seconds, however fast the clock is."""
_STEP_S = 1.0


class Probe(Part, Protocol):
    """A sensor, as loops see it."""

    @property
    def calibrating(self) -> bool:
        """Whether it is being calibrated: what it reads is not what the vessel holds."""
        ...


class State(IntEnum):
    """What a loop is at."""

    OFF = 0
    HOLDING = 1
    """It does nothing, for a reason."""
    WAITING = 2
    """It will act, when enough time has passed."""
    STEADY = 3
    """There is nothing to do."""
    ACTING = 4


STATE_LABELS = ("Off", "Holding", "Waiting", "Steady", "Acting")


class Loop(Part, ABC):
    """A control loop: it looks at one reading each second, and acts through one output, never past its limits.

    It holds while the reading is INVALID, stale, outside `valid_range` or there is none, while the probe is calibrated,
    and while the output is safe or cannot be reached. It needs no server.
    """

    measures = ""
    """The READING of the sensor that it looks at."""

    def __init__(
        self, config: PhDosingConfig | ThermostatConfig, sensor: Probe, output: Pump | Switch, clock: Clock
    ) -> None:
        self._config = config
        self._sensor = sensor
        self._output = output
        self._clock = clock
        self._enabled = config.enabled
        self._setpoint = float(config.setpoint)
        self._dead_band = float(config.dead_band)
        self._state = State.HOLDING if config.enabled else State.OFF
        self._reason: str = ""
        self._taken = False
        self._read_at: float | None = None
        """The newest reading's own time."""
        self._seen_at = 0.0
        """When it was seen first, by the clock's monotonic time."""
        self._listener: Listener | None = None
        self._wake = asyncio.Event()

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self._config.name

    @property
    def declaration(self) -> Declaration:
        """What it is and can do."""
        config = self._config
        low, high = config.valid_range
        units = next((p.units for p in self._sensor.declaration.parameters if p.name == self.measures), "")
        parameters = (
            Parameter("Setpoint", Kind.NUMBER, Access.SETTING, units, (low, high), precision=2),
            Parameter("Enable", Kind.ENUM, Access.SETTING, labels=("Off", "On")),
            Parameter("DeadBand", Kind.NUMBER, Access.SETTING, units, (0.0, high - low), precision=2),
            *self._own_parameters(),
            Parameter("State", Kind.ENUM, Access.READING, labels=STATE_LABELS, description="What it is at"),
            Parameter("Reason", Kind.TEXT, Access.READING, description="Why it holds or waits"),
        )
        place = f"{config.sensor} to {config.actuator}"
        return Declaration(self.name, Role.LOOP, config.kind, place, parameters, config.title)

    def readings(self) -> Sequence[Measured]:
        """Return what it is at, and why. One that holds is a minor alarm."""
        now = self._clock.now()
        holds = self._state is State.HOLDING
        severity, status = (Severity.MINOR, Status.STATE) if holds else (Severity.NO_ALARM, Status.NO_ALARM)
        return [
            Measured("State", int(self._state), now, severity, status, self._reason),
            Measured("Reason", self._reason, now),
        ]

    def settings(self) -> Mapping[str, Value]:
        """Return what holds of every setting."""
        return {"Setpoint": self._setpoint, "Enable": int(self._enabled), "DeadBand": self._dead_band}

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a setting hold. Raises Rejected, and then nothing has changed."""
        match parameter, value:
            case "Setpoint", (int() | float()):
                self._setpoint = float(value)
            case "DeadBand", (int() | float()):
                self._dead_band = float(value)
            case "Enable", _:
                await self._enable(bool(value))
            case _:
                raise Rejected(f"{self.name} has no setting {parameter}")
        self._tell_change()

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        """A loop takes no commands. Raises Rejected."""
        del value, command_id
        raise Rejected(f"{self.name} has no command {parameter}")

    async def run(self, listener: Listener) -> None:
        """Work until cancelled; on the way out the output is let go, and off."""
        self._listener = listener
        try:
            while True:
                if self._enabled:
                    await self._step()
                self._wake.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_STEP_S):
                        await self._wake.wait()
        finally:
            await self._let_go(on_purpose=False)

    @abstractmethod
    def _own_parameters(self) -> tuple[Parameter, ...]:
        """Return the settings that only this kind has."""

    @abstractmethod
    async def _act(self, value: float) -> None:
        """Do what a good reading asks for, and show it. Raises Rejected: the output does not."""

    @abstractmethod
    async def _hold(self) -> None:
        """Do what holding needs. Raises Rejected."""

    async def _step(self) -> None:
        try:
            if not self._taken:
                await self._output.take(self.name)
                self._taken = True
            if self._enabled:  # it may have been switched off while the output was waited for
                await self._hold_or_act()
        except Rejected as error:
            self._show(State.HOLDING if self._enabled else State.OFF, str(error) if self._enabled else "")
        if not self._enabled:  # it was switched off meanwhile
            await self._let_go(on_purpose=True)
            self._show(State.OFF, "")

    async def _hold_or_act(self) -> None:
        value, reason = self._look()
        if value is None:
            self._show(State.HOLDING, reason)
            await self._hold()
        else:
            await self._act(value)

    def _look(self) -> tuple[float | None, str]:
        """Return the value to act on, or why there is none."""
        measured = next((m for m in self._sensor.readings() if m.parameter == self.measures), None)
        what = f"{self._config.sensor}: {self.measures}"
        now = self._clock.monotonic()
        # How old a reading is, is told by when a new one was last seen: its own time is the wall clock's, which jumps.
        if measured is not None and measured.time != self._read_at:
            self._read_at, self._seen_at = measured.time, now
        low, high = self._config.valid_range
        if self._sensor.calibrating:
            return None, f"{self._config.sensor} is being calibrated"
        if measured is None or measured.value is None:
            return None, f"{what} was never read"
        if measured.severity is Severity.INVALID:
            return None, f"{what} is INVALID: {measured.detail or measured.status.name}"
        if now - self._seen_at > (longest := max(STALE_S, self._clock.of_real(_READING_S))):
            return None, f"{what} is stale: nothing new for {longest:g} s"
        if isinstance(measured.value, str | bool):
            return None, f"{what} is no number"
        if not low <= measured.value <= high:  # NaN, too
            return None, f"{what} = {measured.value:g} is outside valid_range, {low:g} to {high:g}"
        return float(measured.value), ""

    async def _enable(self, on: bool) -> None:
        if on and not self._enabled:
            await self._output.take(self.name)
            self._taken = self._enabled = True
            self._show(State.HOLDING, "it has just been switched on")
        elif not on:
            self._enabled = False
            await self._let_go(on_purpose=True)
            self._show(State.OFF, "")
        self._wake.set()

    async def _let_go(self, *, on_purpose: bool) -> None:
        self._taken = False
        try:
            await self._output.release(self.name, on_purpose=on_purpose)
        except Rejected as error:  # the output goes on trying by itself
            _logger.error("%s: %s", self.name, error)

    def _show(self, state: State, reason: str) -> None:
        reason = printable(reason)[:300]
        if (state, reason) == (self._state, self._reason):
            return
        if state is State.HOLDING and reason != self._reason:
            _logger.warning("%s holds: %s", self.name, reason)
        elif self._state is State.HOLDING:
            _logger.info("%s no longer holds", self.name)
        self._state, self._reason = state, reason
        self._tell_change()

    def _tell_change(self) -> None:
        if self._listener is not None:
            self._listener.changed(self)
