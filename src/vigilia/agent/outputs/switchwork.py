"""An output that is on or off, at work: what it is at any moment, its limits, and how it falls to safe."""

import asyncio
import logging
import time
from contextlib import suppress

from vigilia.agent.ledger import LedgerError, Memory
from vigilia.agent.outputs.config import PwmConfig, RelayConfig
from vigilia.agent.outputs.gear import TICK_S, Gear
from vigilia.agent.outputs.hardware import Hardware, Level
from vigilia.agent.outputs.ontime import OnTime
from vigilia.agent.parts import Failed, Listener, Part, Rejected
from vigilia.errors import printable
from vigilia.points import Value

_logger = logging.getLogger(__name__)

_READY_S = 5.0
"""How long a setting waits for the hardware at a start."""
_REOPEN_S = 2.0
_LOOP_SILENT_S = 10.0
"""A loop says each second what it wants; one that does not for so long drives no longer."""


def safe_level(config: PwmConfig | RelayConfig) -> Level:
    """Return what an output is when it is safe."""
    frequency = config.frequency_hz if isinstance(config, PwmConfig) else 1.0
    duty = 100.0 if config.safe.duty is None else config.safe.duty
    return Level(duty if config.safe.on else 0.0, frequency)


class SwitchAtWork(Part):
    """What keeps a PWM output or a relay as it is to be.

    What that is at any moment follows from four things, the first that holds: it is leaving, or fell to safe and stays
    so until a newer setting, a command or Resume; a loop drives it; it is on for a while by OnFor; what people set.
    The methods from `_target` on are for whoever holds the lock.
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

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self._config.name

    @property
    def latched(self) -> str:
        """Why it is safe and stays so; empty: it is not."""
        return self._memory.latched

    @property
    def driver(self) -> str:
        """The loop that drives it, or an empty text."""
        return self._driver

    async def run(self, listener: Listener) -> None:
        """Work until cancelled; on the way out it is left safe. Run again after a fault, it is as after a restart."""
        self._listener = listener
        self._leaving = False
        self._level = self._safe
        self._driven = 0.0
        self._memory = self._restored(self._memory)
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
                    async with asyncio.timeout(max(0.0, min(TICK_S, self._next_event_s()))):
                        await self._wake.wait()
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
        """Tell the guardian, and look after it: its time on, a server that is lost, a put that failed before.

        Who holds the lock may wait for the disk. Nothing waits for that but what must be made safe; and where that
        takes too long, the guardian sees to it.
        """
        await self._renew()
        reason = ""
        if self._on_time.over_in_s <= 0:
            reason = self._on_time.reason()
        elif self._falls_with_server() and self._gear.contact.lost:
            reason = f"no server for {self._gear.contact.failsafe_after_s:g} s"
        if self._driven and time.monotonic() - self._driven_at > _LOOP_SILENT_S:
            _logger.error("%s is switched off: the loop %s is silent", self.name, self._driver)
            self._driven = 0.0
        ended = self._off_at is not None and time.monotonic() >= self._off_at
        if reason or ((ended or self._level != self._target()) and not self._lock.locked()):
            async with self._lock:
                if reason:
                    _logger.warning("%s falls to safe: %s", self.name, reason)
                    await self._latch(reason)
                elif ended:
                    await self._quietly(Memory(self._memory.streak + 1, self._memory.wanted, self.latched))
                else:
                    await self._quietly(self._memory)
        self._on_time.keep()

    async def _renew(self) -> None:
        """Tell the guardian that it is looked after, where it is not safe."""
        if not self._is_away(self._level):
            return
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
        self._ready.clear()
        try:
            async with self._lock:
                self._end_on_for()
                await self._settle()
        except (Rejected, Failed, LedgerError) as error:
            _logger.error("%s could not be left safe: %s", self.name, error)

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
        if turns_on:
            await self._on_time.begin()
        try:
            if turns_on and self._target() != target:  # it has begun to leave meanwhile
                raise Rejected(f"{self.name} is being left safe")
            if self._is_away(target):
                self._gear.guard.renew(self.name)
            self._hardware.put(target)
        except (Rejected, Failed) as error:
            if isinstance(error, Failed):
                self._note_trouble(str(error))
                if self._is_away(target):  # what should have become safe is never put back: the next tick tries again
                    self._put_back()
            if turns_on:
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

    def _put_back(self) -> None:
        """After a put that failed: have what was before, and if that was safe, tell the guardian once it is sure."""
        with suppress(Failed):
            self._hardware.put(self._level)
            if not self._is_away(self._level):
                self._gear.guard.off(self.name)

    async def _change(self, memory: Memory, *, ends_on_for: bool = False) -> None:
        """Have `memory` hold, durably, and the hardware follow. Raises Rejected, and then all is as it was.

        What goes off goes off first, and is written then; what goes on is written first. Hardware that does not become
        safe is the one thing that is not taken back: each tick tries again.
        """
        before, off_at = self._memory, self._off_at
        self._memory = memory
        if ends_on_for:
            self._off_at = None
        try:
            if self._is_away(self._target()):
                if memory != self._gear.ledger.memory(self.name):
                    await self._gear.ledger.remember(self.name, memory)
                await self._settle()
            else:
                await self._settle()
                await self._remember_if_possible()
        except (Rejected, Failed, LedgerError) as error:
            if isinstance(error, Failed) and not self._is_away(self._target()):
                self._tell_on_for()
                await self._remember_if_possible()
                raise Rejected(f"{self.name} does not become safe yet, which is tried again: {error}") from error
            self._memory, self._off_at = before, off_at
            await self._remember_if_possible()
            if isinstance(error, Rejected):
                raise
            raise Rejected(str(error)) from error
        except asyncio.CancelledError:  # whoever asked does not wait any longer: the next tick has all as it was
            self._memory, self._off_at = before, off_at
            raise
        self._tell_on_for()
        self._tell_change()

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

    def _end_on_for(self) -> None:
        self._off_at = None
        self._tell_on_for()

    def _tell_on_for(self) -> None:
        if self._off_at is None:
            self._on_for_ended.set()

    async def _until_ready(self) -> None:
        if self._leaving:
            raise Rejected(f"{self.name} is being left safe")
        try:
            async with asyncio.timeout(_READY_S):
                await self._ready.wait()
        except TimeoutError:
            raise Rejected(f"{self.name} cannot be reached: {self._trouble or 'it is not at work'}") from None

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
