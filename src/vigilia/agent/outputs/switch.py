"""Outputs that are on or off: PWM and relays. What they are to be, what they may be, and how they fall to safe."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vigilia.agent.ledger import LedgerError, Memory
from vigilia.agent.outputs.config import PwmConfig
from vigilia.agent.outputs.gear import TICK_S
from vigilia.agent.outputs.switchwork import SwitchAtWork
from vigilia.agent.parts import Access, Declaration, Failed, Measured, Parameter, Rejected, Role
from vigilia.points import Kind, Severity, Status, Value

SAFE_LABELS = ("Normal", "Safe")
_LONGEST_ON_FOR_S = 86_400.0

SAFE = Parameter("Safe", Kind.ENUM, Access.READING, labels=SAFE_LABELS, description="Whether it fell to safe and stays")
RESUME = Parameter(
    "Resume", Kind.BOOLEAN, Access.COMMAND, takes_value=False, description="Have it go on after a fall to safe"
)
_POWER = Parameter("Power", Kind.ENUM, Access.SETTING, labels=("Off", "On"), description="Whether it is on")
_ON_TIME = Parameter(
    "OnTime", Kind.NUMBER, Access.READING, "s", precision=0, description="Time on within the last 24 hours"
)


class Switch(SwitchAtWork):
    """A PWM output or a relay, as people and loops see it."""

    @property
    def declaration(self) -> Declaration:
        """What it is and can do."""
        own = self._pwm_parameters() if isinstance(self._config, PwmConfig) else self._relay_parameters()
        parameters = (*own, _POWER, SAFE, _ON_TIME, RESUME)
        config = self._config
        return Declaration(self.name, Role.ACTUATOR, config.kind, self._hardware.place, parameters, config.title)

    def readings(self) -> Sequence[Measured]:
        """Return whether it is safe, and its time on."""
        now = self._gear.clock.now()
        latched = self._memory.latched
        safe = Measured("Safe", int(bool(latched)), now)
        if self._trouble:
            safe = Measured("Safe", int(bool(latched)), now, Severity.INVALID, Status.COMM, self._trouble)
        elif latched:
            safe = Measured("Safe", 1, now, Severity.MINOR, Status.STATE, latched)
        return [safe, Measured("OnTime", round(self._gear.ledger.on_s(self.name), 1), now)]

    def settings(self) -> Mapping[str, Value]:
        """Return what holds: whether it is on, whoever had it so, and with what duty."""
        on = self._level.duty > 0
        if not isinstance(self._config, PwmConfig):
            return {"Power": int(on)}
        wanted = self._memory.wanted
        duty = self._level.duty if on else wanted["Duty"]
        return {"Power": int(on), "Duty": duty, "Frequency": wanted["Frequency"]}

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a setting hold. Power and duty end a stay in safe. Raises Rejected, and then nothing has changed."""
        await self._until_ready()
        async with self._lock:
            wanted = {**self._memory.wanted, parameter: value}
            if parameter == "Frequency":  # which says neither on nor off
                await self._change(replace(self._memory, wanted=wanted))
            elif self._driver:
                await self._apply_against_loop(parameter, value)
            else:
                off = parameter == "Power" and not value
                await self._change(
                    Memory(self._memory.streak + int(off or bool(self.latched)), wanted, ""),
                    ends_on_for=parameter == "Power",
                )

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        """Do what a command asks. Raises Rejected or Failed."""
        await self._until_ready()
        match parameter, value:
            case "Resume", _:
                return await self._resume()
            case "OnFor", (int() | float()) as seconds:
                return await self._be_on_for(float(seconds), command_id)
            case "Stop", _:
                await self.apply("Power", 0)
                return "off"
            case _:
                raise Rejected(f"{self.name} has no command {parameter}")

    async def take(self, by: str) -> None:
        """Have the loop `by` drive it from now on: it is off, and what people had set of Power is over, as is OnFor.

        Raises Rejected where another loop does.
        """
        await self._until_ready()
        async with self._lock:
            if self._driver not in ("", by):
                raise Rejected(f"{self.name} is driven by the loop {self._driver}: switch that off first")
            before, self._driver, self._driven = self._driver, by, 0.0
            try:
                await self._change(
                    Memory(self._memory.streak, {**self._memory.wanted, "Power": 0}, self.latched), ends_on_for=True
                )
            except Rejected:
                self._driver = before
                raise

    async def drive(self, duty: float, by: str, *, enough: bool = False) -> None:
        """Drive it: 0 to 100 %, of a relay on where above 0. Raises Rejected: it is safe, or `by` does not drive it.

        `enough`: it is off because it has done what it was on for; its time on is then counted anew. That it is off for
        any other reason, such as a probe that cannot be read for a moment, says nothing for it.
        """
        async with self._lock:
            if self._driver != by:
                raise Rejected(f"{self.name} is not driven by the loop {by}")
            if self.latched and duty:
                raise Rejected(f"{self.name} is safe: {self.latched}")
            self._driven_at = time.monotonic()
            counts_anew = enough and not duty and self._gear.ledger.streak_s(self.name) > 0
            if duty == self._driven and not counts_anew:
                return
            before, self._driven = self._driven, duty
            try:
                await self._change(replace(self._memory, streak=self._memory.streak + int(counts_anew)))
            except Rejected:
                self._driven = before if duty else 0.0
                raise

    async def release(self, by: str, *, on_purpose: bool) -> None:
        """End the driving by a loop: it is off. `on_purpose`: somebody switched the loop off; else it just ends."""
        async with self._lock:
            if self._driver == by:
                self._driver, self._driven = "", 0.0
                # Power may be on again since it was taken: after a fault `restore` says what it is.
                wanted = {**self._memory.wanted, "Power": 0}
                await self._change(Memory(self._memory.streak + int(on_purpose), wanted, self.latched))

    async def _apply_against_loop(self, parameter: str, value: Value) -> None:
        """A loop drives it: people may only switch it off, which holds the loop, and on again, which lets it go on."""
        if parameter == "Power" and not value:
            await self._latch(f"switched off by hand while the loop {self._driver} drives it")
        elif parameter == "Power" and self.latched:
            await self._change(Memory(self._memory.streak + 1, self._memory.wanted, ""))
        else:
            raise Rejected(f"{self.name} is driven by the loop {self._driver}: switch that off first")

    async def _resume(self) -> str:
        async with self._lock:
            if not self.latched:
                return "it was not safe"
            await self._change(Memory(self._memory.streak + 1, self._memory.wanted, ""))
            return "it is as it was set again"

    async def _be_on_for(self, seconds: float, command_id: str) -> str:
        async with self._lock:
            if self._driver:
                raise Rejected(f"{self.name} is driven by the loop {self._driver}: switch that off first")
            if self._memory.wanted["Power"] or self._off_at is not None:
                raise Rejected(f"{self.name} is on already: stop it first")
            cleared = bool(self.latched)
            if not cleared and seconds > self._on_time.left_s:
                raise Rejected(
                    f"{seconds:g} s would be over max_on_s = {self._on_time.most_s:g}: "
                    f"{self._on_time.left_s:g} s are left until it is switched off on purpose",
                    over_limit=True,
                )
            try:
                await self._gear.ledger.take_command(command_id, self.name)
            except LedgerError as error:
                raise Rejected(str(error)) from error
            self._on_for_ended.clear()
            self._off_at = off_at = time.monotonic() + seconds
            try:
                await self._change(Memory(self._memory.streak + int(cleared), self._memory.wanted, ""))
            except (Rejected, asyncio.CancelledError):
                self._off_at = None
                raise
        self._wake.set()
        try:
            await self._on_for_ended.wait()
        except asyncio.CancelledError:
            if self._off_at == off_at:  # the tick switches it off, and counts nothing anew: nobody wished for that
                self._end_on_for()
            self._wake.set()
            raise
        early_s = off_at - time.monotonic()
        if early_s > TICK_S:
            driven = f"the loop {self._driver} drives it now" if self._driver else "it was stopped"
            raise Failed(f"off {early_s:.1f} s before the end of {seconds:g} s: {self.latched or driven}")
        return f"was on for {seconds:g} s"

    def _pwm_parameters(self) -> tuple[Parameter, ...]:
        limits = (
            (0.1, 25_000.0) if isinstance(self._config, PwmConfig) and self._config.pin is None else (1.0, 10_000.0)
        )
        return (
            Parameter("Duty", Kind.NUMBER, Access.SETTING, "%", (0.0, 100.0), precision=1, description="Duty when on"),
            Parameter("Frequency", Kind.NUMBER, Access.SETTING, "Hz", limits, precision=1, description="Of the PWM"),
        )

    def _relay_parameters(self) -> tuple[Parameter, ...]:
        limits = (0.1, self._config.max_on_s or _LONGEST_ON_FOR_S)
        return (
            Parameter("OnFor", Kind.NUMBER, Access.COMMAND, "s", limits, precision=1, description="On for so long"),
            Parameter(
                "Stop", Kind.BOOLEAN, Access.COMMAND, takes_value=False, at_once=True, description="Off, at once"
            ),
        )
