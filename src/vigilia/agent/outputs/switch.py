"""Outputs that are on or off: PWM and relays. What they are to be, what they may be, and how they fall to safe."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from vigilia.agent.ledger import LedgerError, Memory
from vigilia.agent.outputs.config import PwmConfig, RelayConfig
from vigilia.agent.outputs.gear import TICK_S, Gear
from vigilia.agent.outputs.hardware import Hardware, Level
from vigilia.agent.outputs.ontime import OnTime
from vigilia.agent.parts import Access, Declaration, Failed, Listener, Measured, Parameter, Part, Rejected, Role
from vigilia.errors import printable
from vigilia.points import Kind, Severity, Status, Value

_logger = logging.getLogger(__name__)

SAFE_LABELS = ("Normal", "Safe")
_READY_S = 5.0
"""How long a setting waits for the hardware at a start."""
_REOPEN_S = 2.0
_LOOP_SILENT_S = 10.0
"""A loop says each second what it wants; one that does not for so long drives no longer."""
_LONGEST_ON_FOR_S = 86_400.0

SAFE = Parameter("Safe", Kind.ENUM, Access.READING, labels=SAFE_LABELS, description="Whether it fell to safe and stays")
RESUME = Parameter(
    "Resume", Kind.BOOLEAN, Access.COMMAND, takes_value=False, description="Have it go on after a fall to safe"
)
_POWER = Parameter("Power", Kind.ENUM, Access.SETTING, labels=("Off", "On"), description="Whether it is on")
_ON_TIME = Parameter(
    "OnTime", Kind.NUMBER, Access.READING, "s", precision=0, description="Time on within the last 24 hours"
)


def safe_level(config: PwmConfig | RelayConfig) -> Level:
    """Return what an output is when it is safe."""
    frequency = config.frequency_hz if isinstance(config, PwmConfig) else 1.0
    duty = 100.0 if config.safe.duty is None else config.safe.duty
    return Level(duty if config.safe.on else 0.0, frequency)


class Switch(Part):
    """A PWM output or a relay.

    What it is at any moment follows from four things, the first that holds: it is leaving, or fell to safe and stays so
    until a newer setting, a command or Resume; a loop drives it; it is on for a while by OnFor; what people set.
    """

    def __init__(self, config: PwmConfig | RelayConfig, hardware: Hardware, gear: Gear) -> None:
        self._config = config
        self._hardware = hardware
        self._gear = gear
        self._listener: Listener | None = None
        self._safe = safe_level(config)
        self._level = self._safe
        """What the hardware was put to last."""
        self._memory = self._restored(gear.ledger.memory(config.name))
        self._on_time = OnTime(config.name, config.max_on_s, gear.ledger)
        self._driver = ""
        self._driven: float = 0.0
        self._driven_at = 0.0
        """When the loop last said so, by real monotonic time."""
        self._off_at: float | None = None
        """When OnFor ends, by real monotonic time."""
        self._on_for_ended = asyncio.Event()
        self._leaving = False
        self._trouble = ""
        self._ready = asyncio.Event()
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()

    # ---- What it is

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self._config.name

    @property
    def declaration(self) -> Declaration:
        """What it is and can do."""
        own = self._pwm_parameters() if isinstance(self._config, PwmConfig) else self._relay_parameters()
        parameters = (*own, _POWER, SAFE, _ON_TIME, RESUME)
        config = self._config
        return Declaration(self.name, Role.ACTUATOR, config.kind, self._hardware.place, parameters, config.title)

    @property
    def latched(self) -> str:
        """Why it is safe and stays so; empty: it is not."""
        return self._memory.latched

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

    # ---- What people ask

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a setting hold. It ends a stay in safe. Raises Rejected, and then nothing has changed."""
        await self._until_ready()
        async with self._lock:
            if self._driver and parameter != "Frequency":
                await self._apply_against_loop(parameter, value)
                return
            off = parameter == "Power" and not value
            await self._change(
                Memory(
                    self._memory.streak + int(off or bool(self.latched)), {**self._memory.wanted, parameter: value}, ""
                ),
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

    # ---- What loops ask

    @property
    def driver(self) -> str:
        """The loop that drives it, or an empty text."""
        return self._driver

    async def take(self, by: str) -> None:
        """Have the loop `by` drive it from now on: it is off, and what people had set of Power is over.

        Raises Rejected where another loop does.
        """
        await self._until_ready()
        async with self._lock:
            if self._driver not in ("", by):
                raise Rejected(f"{self.name} is driven by the loop {self._driver}: switch that off first")
            before, self._driver, self._driven = self._driver, by, 0.0
            try:
                await self._change(Memory(self._memory.streak, {**self._memory.wanted, "Power": 0}, self.latched))
            except Rejected:
                self._driver = before
                raise

    async def drive(self, duty: float, by: str) -> None:
        """Drive it: 0 to 100 %, of a relay on where above 0. Raises Rejected: it is safe, or `by` does not drive it."""
        async with self._lock:
            if self._driver != by:
                raise Rejected(f"{self.name} is not driven by the loop {by}")
            if self.latched and duty:
                raise Rejected(f"{self.name} is safe: {self.latched}")
            self._driven_at = time.monotonic()
            if duty == self._driven:
                return
            before, self._driven = self._driven, duty
            try:
                await self._change(Memory(self._memory.streak + int(not duty), self._memory.wanted, self.latched))
            except Rejected:
                self._driven = before if duty else 0.0
                raise

    async def release(self, by: str) -> None:
        """End the driving by a loop: it is off."""
        async with self._lock:
            if self._driver == by:
                self._driver, self._driven = "", 0.0
                await self._change(Memory(self._memory.streak + 1, self._memory.wanted, self.latched))

    # ---- At work

    async def run(self, listener: Listener) -> None:
        """Work until cancelled; on the way out it is left safe."""
        self._listener = listener
        self._gear.guard.arm(self.name, self._hardware.operations(self._safe))
        try:
            await self._open()
            async with self._lock:
                try:
                    await self._settle()
                except (Rejected, Failed, LedgerError) as error:
                    await self._latch(f"could not be restored: {error}")
            self._ready.set()
            while True:
                await self._tick()
                self._wake.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), max(0.0, min(TICK_S, self._next_event_s())))
        finally:
            await self._leave()

    def _restored(self, memory: Memory) -> Memory:
        """Return what is to hold after a restart, by the restore policy."""
        wanted: dict[str, Value] = {"Power": 0, "Duty": 0.0, "Frequency": self._safe.frequency_hz} | dict(memory.wanted)
        match self._config.restore:
            case "off":
                wanted["Power"] = 0
            case bool() as on:
                wanted["Power"] = int(on)
            case (int() | float()) as duty:
                wanted |= {"Power": int(duty > 0), "Duty": float(duty)}
            case _:  # as it was last
                pass
        return Memory(memory.streak, wanted, memory.latched)

    async def _open(self) -> None:
        while True:
            try:
                await self._hardware.open(self._safe)
            except Failed as error:
                self._note_trouble(str(error))
                await asyncio.sleep(_REOPEN_S)
            else:
                self._note_trouble("")
                return

    async def _tick(self) -> None:
        """Look after it: its time on, a server that is lost, a put that failed before; and tell the guardian."""
        reason = ""
        if self._on_time.over_in_s <= 0:
            reason = self._on_time.reason()
        elif self._falls_with_server() and self._gear.contact.lost:
            reason = f"no server for {self._gear.contact.failsafe_after_s:g} s"
        if self._driven and time.monotonic() - self._driven_at > _LOOP_SILENT_S:
            _logger.error("%s is switched off: the loop %s is silent", self.name, self._driver)
            self._driven = 0.0
        ended = self._off_at is not None and time.monotonic() >= self._off_at
        if reason or ended or self._level != self._target():
            async with self._lock:
                if reason:
                    _logger.warning("%s falls to safe: %s", self.name, reason)
                    await self._latch(reason)
                elif ended:
                    await self._quietly(Memory(self._memory.streak + 1, self._memory.wanted, self.latched))
                else:
                    await self._quietly(self._memory)
        self._on_time.keep()
        if self._is_away(self._level):
            try:
                self._gear.guard.renew(self.name)
            except Rejected as error:
                async with self._lock:
                    await self._latch(str(error), durable=False)

    def _falls_with_server(self) -> bool:
        return (
            self._config.on_lost_server == "safe"
            and not self._driver
            and not self.latched
            and self._is_away(self._target())
        )

    def _next_event_s(self) -> float:
        return min(self._on_time.over_in_s, TICK_S if self._off_at is None else self._off_at - time.monotonic())

    async def _leave(self) -> None:
        """Put it safe, whatever else happens."""
        self._leaving = True
        try:
            async with self._lock:
                self._end_on_for()
                await self._settle()
        except (Rejected, Failed, LedgerError) as error:
            _logger.error("%s could not be left safe: %s", self.name, error)
        finally:
            with suppress(Failed):
                self._hardware.close()

    # ---- Under the lock

    def _target(self) -> Level:
        frequency = float(self._memory.wanted["Frequency"])
        if self._leaving or self.latched:
            return self._safe
        if self._driver:
            return Level(self._driven, frequency)
        if self._off_at is not None:
            return Level(100.0, frequency)
        duty = float(self._memory.wanted["Duty"]) if isinstance(self._config, PwmConfig) else 100.0
        return Level(duty if self._memory.wanted["Power"] else 0.0, frequency)

    def _is_away(self, level: Level) -> bool:
        """Say whether a level is not the safe one: the guardian then must know that it is looked after."""
        return level.duty != self._safe.duty

    async def _settle(self) -> None:
        """Put the hardware to what it is to be. Raises Rejected, Failed or LedgerError: no more is on than before."""
        target = self._target()
        if target == self._level:
            return
        turns_on = target.duty > 0 and not self._level.duty
        if self._is_away(target):
            self._gear.guard.renew(self.name)
        if turns_on:
            await self._on_time.begin()
            if self._target() != target:  # it has begun to leave meanwhile
                await self._on_time.end()
                raise Rejected(f"{self.name} is being left safe")
        try:
            self._hardware.put(target)
        except Failed as error:
            self._note_trouble(str(error))
            if turns_on:
                with suppress(Failed):
                    self._hardware.put(self._level)
                await self._on_time.end()
            raise
        self._note_trouble("")
        turned_off = self._level.duty > 0 and not target.duty
        self._level = target
        if not self._is_away(target):
            self._gear.guard.off(self.name)
        if turned_off:
            await self._on_time.end()
        self._tell_change()

    async def _change(self, memory: Memory, *, ends_on_for: bool = False) -> None:
        """Have `memory` hold, durably, and the hardware follow. Raises Rejected, and then all is as it was.

        What goes off goes off first, and is written then; what goes on is written first.
        """
        before, off_at = self._memory, self._off_at
        self._memory = memory
        if ends_on_for:
            self._end_on_for()
        try:
            if self._is_away(self._target()):
                if memory != self._gear.ledger.memory(self.name):
                    await self._gear.ledger.remember(self.name, memory)
                await self._settle()
            else:
                await self._settle()
                await self._remember_if_possible()
        except (Rejected, Failed, LedgerError) as error:
            self._memory, self._off_at = before, off_at
            await self._remember_if_possible()
            if isinstance(error, Rejected):
                raise
            raise Rejected(str(error)) from error
        self._tell_change()

    async def _apply_against_loop(self, parameter: str, value: Value) -> None:
        """A loop drives it: people may only switch it off, which holds the loop, and on again, which lets it go on."""
        if parameter == "Power" and not value:
            await self._latch(f"switched off by hand while the loop {self._driver} drives it")
        elif parameter == "Power" and self.latched:
            await self._change(Memory(self._memory.streak + 1, self._memory.wanted, ""))
        else:
            raise Rejected(f"{self.name} is driven by the loop {self._driver}: switch that off first")

    async def _latch(self, reason: str, *, durable: bool = True) -> None:
        """Fall to safe and stay there."""
        self._memory = Memory(self._memory.streak, self._memory.wanted, printable(reason)[:200])
        self._driven = 0.0
        self._end_on_for()
        try:
            await self._settle()
        except (Rejected, Failed, LedgerError) as error:  # the next tick tries again
            _logger.error("%s does not fall to safe: %s", self.name, error)
        if durable:
            await self._remember_if_possible()
        self._tell_change()

    async def _quietly(self, memory: Memory) -> None:
        """Have `memory` hold; what fails is tried again at the next tick, and shown meanwhile."""
        self._memory = memory
        if self._off_at is not None and time.monotonic() >= self._off_at:
            self._end_on_for()
        with suppress(Rejected, Failed, LedgerError):
            await self._settle()
        await self._remember_if_possible()

    async def _remember_if_possible(self) -> None:
        try:
            if self._memory != self._gear.ledger.memory(self.name):
                await self._gear.ledger.remember(self.name, self._memory)
        except LedgerError as error:
            _logger.error("%s: %s", self.name, error)

    # ---- Commands

    async def _resume(self) -> str:
        async with self._lock:
            if not self.latched:
                return "it was not safe"
            await self._change(Memory(self._memory.streak + 1, self._memory.wanted, ""))
            return "goes on"

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
            except Rejected:
                self._off_at = None
                raise
        self._wake.set()
        try:
            await self._on_for_ended.wait()
        except asyncio.CancelledError:
            self._off_at = time.monotonic() if self._off_at == off_at else self._off_at
            self._wake.set()
            raise
        early_s = off_at - time.monotonic()
        if early_s > TICK_S:
            raise Failed(f"off {early_s:.1f} s before the end of {seconds:g} s: {self.latched or 'it was stopped'}")
        return f"was on for {seconds:g} s"

    def _end_on_for(self) -> None:
        self._off_at = None
        self._on_for_ended.set()

    # ---- Small things

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
            Parameter("Stop", Kind.BOOLEAN, Access.COMMAND, takes_value=False, description="Off, at once"),
        )

    async def _until_ready(self) -> None:
        try:
            await asyncio.wait_for(self._ready.wait(), _READY_S)
        except TimeoutError:
            raise Rejected(f"{self.name} cannot be reached: {self._trouble or 'it is not at work'}") from None
        if self._leaving:
            raise Rejected(f"{self.name} is being left safe")

    def _note_trouble(self, text: str) -> None:
        text = printable(text)[:200]
        if text == self._trouble:
            return
        if text:
            _logger.error("%s: %s", self.name, text)
        else:
            _logger.info("%s: works again", self.name)
        self._trouble = text
        self._tell_change()

    def _tell_change(self) -> None:
        self._wake.set()
        if self._listener is not None:
            self._listener.changed(self)
