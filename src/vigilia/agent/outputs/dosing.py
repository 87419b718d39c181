"""A dosing pump at work: one dose at a time, in the ledger before it is given, and stopped whatever happens."""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from vigilia.agent.ezo.protocol import WrongKind
from vigilia.agent.ledger import Dose, LedgerError
from vigilia.agent.ledgerfile import Memory
from vigilia.agent.limits import DAY_S, HOUR_S, Budget
from vigilia.agent.outputs.config import PmpConfig
from vigilia.agent.outputs.endings import End, LastEnd, given_by
from vigilia.agent.outputs.gear import TICK_S, Gear
from vigilia.agent.outputs.orders import Order
from vigilia.agent.outputs.pmp import Pmp, PumpCircuit
from vigilia.agent.outputs.tally import Tally
from vigilia.agent.parts import Failed, Listener, Measured, Part, Rejected
from vigilia.errors import VigiliaError, printable
from vigilia.points import Severity, Status

_logger = logging.getLogger(__name__)

_LEAST_MOTOR_V = 10.0
"""The motor is for 12 to 24 V (data sheet); on less it does not turn, or not as it was calibrated."""
_POLL_S = 10.0
_FOLLOW_S = 0.5
_LOOK_S = 5.0
"""How often its total and supply are read during a dose: seconds."""
_HALT_S = 3.0
"""How long stopping it is tried before a dose is given up as of unknown outcome; the tick goes on trying."""
_MOST_FAILURES = 3
"""So many unanswered questions in a row, and the dose is stopped."""
_SHORT_ML = 0.05
_SHORT_PART = 0.02
"""A dose that is short of what was asked by more than both has failed."""


class PumpAtWork(Part):
    """One EZO-PMP. One dose at a time; what is over a limit is refused whole.

    Each dose: the motor's supply is checked, the pump's total read, the dose written to the ledger, and only then is
    the pump told; at its end the total is read again, and says what was given. `D,*` is never sent: with both our
    processes gone nothing would end it. What people ask as continuous is a dose of what the pump can give in
    `max_on_s`.
    """

    def __init__(self, config: PmpConfig, circuit: PumpCircuit, gear: Gear) -> None:
        self._config = config
        self._pump = Pmp(circuit)
        self._gear = gear
        self._memory = gear.ledger.memory(config.name)
        self._budgets = (
            Budget(config.max_dose_ml_hour, HOUR_S, "max_dose_ml_hour"),
            Budget(config.max_dose_ml_day, DAY_S, "max_dose_ml_day"),
        )
        self._driver = ""
        self._listener: Listener | None = None
        self._dosing = asyncio.Lock()
        """Held by the dose under way, and by what may not come between."""
        self._giving_for: str | None = None
        """Whose dose is under way, or about to be: a loop's, or people's (""). A second one does not wait its turn."""
        self._work: asyncio.Task[str] | None = None
        """The dose under way, or the last one."""
        self._moved = False
        """Whether it was seen moving for the dose under way."""
        self._running = False
        """Whether it may be moving: from before it is told to until it is known to stand."""
        self._must_end_at = 0.0
        self._stop_reason = ""
        self._last_end = LastEnd(config.name, gear.ledger)
        self._stop = asyncio.Event()
        self._total: Measured | None = None
        self._voltage: Measured | None = None
        self._trouble = ""
        self._ready = False
        self._tally = Tally(config.name, gear.ledger)
        self._lost = asyncio.Event()
        """Set when it may be moving, and nobody but the poll is left to stop it."""
        self._leaving = False

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self._config.name

    @property
    def latched(self) -> str:
        """Why it is safe and stays so; empty: it is not."""
        return self._memory.latched

    @property
    def held_up(self) -> str:
        """Why it would give a loop nothing at present; empty: it would."""
        if self.latched:
            return f"{self.name} is safe: {self.latched}"
        if not self._ready:
            return f"{self.name} cannot be reached: {self._trouble or 'it was not found yet'}"
        return self._last_end.unsettled

    async def run(self, listener: Listener) -> None:
        """Work until cancelled; on the way out it stands. Run again after a fault, it is as after a restart."""
        self._listener = listener
        self._leaving = self._ready = False
        self._gear.guard.arm(self.name, [self._pump.stop_operation])
        # Nobody knows yet whether it stands: until then it is one that must be looked after.
        self._running, self._must_end_at = True, math.inf
        polling = asyncio.create_task(self._poll(), name=f"{self.name}: poll")
        try:
            while True:
                self._tick()
                if polling.done():
                    polling.result()
                await asyncio.sleep(TICK_S)
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            await self._leave()

    def _tick(self) -> None:
        """Tell the guardian of a pump that runs, and that somebody sees to its end."""
        if not self._running:
            return
        if self._ready and self._giving_for is None:  # nobody sees to its end: the poll does
            self._ready = False
            self._lost.set()
        if time.monotonic() >= self._must_end_at:
            self._interrupt("it did not end in its time")
        elif (
            self._giving_for is not None
            and self._gear.contact.lost
            and self._config.on_lost_server == "safe"
            and not self._driver
        ):
            self._interrupt(f"no server for {self._gear.contact.failsafe_after_s:g} s", latch=True)
        try:
            self._gear.guard.renew(self.name)
        except Rejected as error:
            self._interrupt(str(error))

    async def _poll(self) -> None:
        """Make it stand at the start; settle what a crash left open; then read its total and supply, now and then."""
        while True:
            try:
                await self._gear.ledger.look()
            except LedgerError as error:
                _logger.error("%s: %s", self.name, error)
            try:
                async with self._dosing:
                    if not self._ready:
                        await self._begin()
                    with suppress(LedgerError):  # which is told, and shown by its loop
                        await self._last_end.settle()
                    await self._read_both()
            except VigiliaError as error:
                self._note_trouble(str(error))
            else:
                self._note_trouble("")
            self._lost.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S if self._ready else _FOLLOW_S):
                    await self._lost.wait()

    async def _begin(self) -> None:
        try:
            await self._pump.stand()
        except WrongKind:
            self._stands()  # or there is no pump
            raise
        self._stands()
        ledger = self._gear.ledger
        await self._last_end.settle()
        total = await self._pump.total()
        for dose in ledger.open_doses(self.name):
            given = given_by(dose, total, same_boot=dose.boot == ledger.boot)
            known = "the pump's total says so" if given is not None else "the pump's total cannot tell"
            counted = dose.asked_ml if given is None else given
            outcome = "unknown" if given is None else "stopped"
            await ledger.settle(dose, outcome, f"the agent ended; {known}", given, counted, total)
            _logger.warning("%s: of %g ml that were cut off %g count: %s", self.name, dose.asked_ml, counted, known)
        self._ready = True

    def _stands(self) -> None:
        self._running = False
        self._gear.guard.off(self.name)

    async def _read_both(self) -> None:
        await self._pump.make_sure()
        now = self._gear.clock.now()
        total, voltage = await self._pump.total(), await self._pump.supply()
        self._total = Measured("Total", total, now)
        self._voltage = Measured("Voltage", voltage, now)
        if voltage < _LEAST_MOTOR_V:
            detail = f"no motor supply: {voltage:g} V, and the motor needs 12 V"
            self._voltage = Measured("Voltage", voltage, now, Severity.MAJOR, Status.STATE, detail)

    async def _leave(self) -> None:
        """Have it stand, whatever else happens."""
        self._leaving = True
        self._interrupt("the agent ends")
        with suppress(TimeoutError):
            # The dose under way stops the pump and settles itself; whoever asked for it still waits for it.
            async with asyncio.timeout(_HALT_S):
                async with self._dosing:
                    pass
        if self._running:
            await self._halt()
        self._ready = False

    async def _give(self, order: Order, command_id: str, by: str, budgets: Sequence[Budget]) -> str:
        if self._leaving:
            raise Rejected(f"{self.name} is being left safe")
        if self._giving_for is not None:
            raise Rejected(f"{self.name} is giving a dose: wait for its end, or stop it")
        self._giving_for = by
        self._stop.clear()
        self._stop_reason = ""
        # A task of its own: whoever asked may be cancelled, and more than once, but not what sees to the dose's end.
        work = asyncio.create_task(self._see_through(order, command_id, by, budgets), name=f"{self.name}: dose")
        self._work = work  # the loop itself holds tasks but weakly
        work.add_done_callback(self._note_end)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._interrupt("whoever asked gave up")
            raise

    async def _see_through(self, order: Order, command_id: str, by: str, budgets: Sequence[Budget]) -> str:
        try:
            async with self._dosing:
                before = await self._check()
                dose = self._tally.dose = await self._begin_dose(order, command_id, by, budgets, before)
                if self.latched and not self._stop.is_set():  # a person's, or it would not have come so far
                    self._memory = self._with_latch("")
                return await self._finish(dose, order, await self._dispense(order))
        finally:
            self._giving_for = self._tally.dose = None

    def _note_end(self, work: "asyncio.Task[str]") -> None:
        """Have a failure known even where nobody waits for it any longer: the ledger has it."""
        if not work.cancelled() and (error := work.exception()) is not None:
            _logger.info("%s", error)

    async def _begin_dose(
        self, order: Order, command_id: str, by: str, budgets: Sequence[Budget], before: float
    ) -> Dose:
        try:
            return await self._gear.ledger.begin(
                self.name, command_id, by, order.ml, (*budgets, *self._budgets), before
            )
        except LedgerError as error:
            raise Rejected(str(error)) from error

    async def _check(self) -> float:
        """Return the pump's total, once it is known to have what it needs. Raises Rejected."""
        self._require_ready()
        try:
            await self._last_end.settle()
            await self._read_both()
        except LedgerError as error:
            raise Rejected(self._last_end.unsettled) from error
        except VigiliaError as error:
            self._note_trouble(str(error))
            raise Rejected(f"{self.name} cannot be reached: {error}") from error
        if self._voltage is None or self._total is None or self._voltage.detail:
            raise Rejected(
                f"{self.name} has {self._voltage.detail if self._voltage else 'no motor supply'}: check its plug"
            )
        return float(self._total.value or 0.0)

    def _require_ready(self) -> None:
        if not self._ready:
            raise Rejected(f"{self.name} cannot be reached: {self._trouble or 'it was not found yet'}")

    async def _dispense(self, order: Order) -> str:
        """Tell the pump, and follow it to its end; return what went wrong, or an empty text."""
        if self._stop.is_set():  # while the ledger was written
            return ""
        self._must_end_at = time.monotonic() + order.within_s
        self._moved = False
        try:
            self._gear.guard.renew(self.name)
            self._running = True
            self._tell_change()
            await self._pump.tell(order.text)
        except VigiliaError as error:
            return str(error)
        failures, loop = 0, asyncio.get_running_loop()
        looked = loop.time()
        while not self._stop.is_set():
            try:
                if not await self._pump.is_running():
                    break
                failures, self._moved = 0, True
                if loop.time() - looked >= _LOOK_S:
                    await self._read_both()
                    looked = loop.time()
                self._note_trouble("")
            except VigiliaError as error:
                self._note_trouble(str(error))
                failures += 1
                if failures == _MOST_FAILURES:
                    return str(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_FOLLOW_S):
                    await self._stop.wait()
        return ""

    async def _finish(self, dose: Dose, order: Order, failure: str) -> str:
        """Have the pump stand, and write what its total says; return that, or raise Failed."""
        stood = not self._running or await self._halt()
        total: float | None = None
        if stood:
            with suppress(VigiliaError):
                total = await self._pump.total()
        given = None if total is None else given_by(dose, total, same_boot=total > 0 or not self._moved)
        if not failure and not order.continuous:
            short = given is not None and order.ml - given > max(_SHORT_ML, order.ml * _SHORT_PART)
            failure = self._stop_reason or ("the pump ended early" if short else "")
        if given is None:
            outcome, counted = "unknown", dose.asked_ml
        elif failure or order.continuous:
            outcome, counted = "stopped" if self._stop_reason else "failed" if failure else "done", given
        else:
            outcome, counted = "done", max(given, dose.asked_ml)
        with suppress(LedgerError):  # which is told; the poll tries again
            await self._last_end.settle(End(dose, outcome, failure, given, counted, total))
        await self._keep_memory()
        self._tell_change()
        if given is None:
            raise Failed(
                f"{self.name} gave an unknown part of {order.ml:g} ml, all of which counts: "
                f"{failure or 'its total cannot be read'}"
            )
        if failure:
            raise Failed(f"{self.name} gave {given:g} of {order.ml:g} ml: {failure}")
        return f"{given:g} ml given"

    async def _halt(self) -> bool:
        """Stop the pump; return whether it stands. The tick meanwhile tells the guardian that we are at it."""
        until = time.monotonic() + _HALT_S
        while True:
            try:
                await self._pump.stop()
            except VigiliaError as error:
                self._note_trouble(f"it does not stop: {error}")
                if time.monotonic() >= until:
                    self._ready = False  # the poll goes on stopping it, and nothing is given before that
                    self._lost.set()
                    return False
                await asyncio.sleep(0.1)
            else:
                self._stands()
                return True

    def _interrupt(self, reason: str, *, latch: bool = False) -> None:
        """Have the dose under way stopped."""
        if latch and not self.latched:
            self._memory = self._with_latch(reason)
        if not self._stop.is_set():
            self._stop_reason = reason
            self._stop.set()

    def _with_latch(self, reason: str) -> Memory:
        self._tell_change()
        return replace(self._memory, latched=printable(reason)[:200])

    async def _keep_memory(self) -> None:
        try:
            if self._memory != self._gear.ledger.memory(self.name):
                await self._gear.ledger.remember(self.name, self._memory)
        except LedgerError as error:
            _logger.error("%s: %s", self.name, error)

    def _note_trouble(self, text: str) -> None:
        text = printable(text)[:200]
        if text:
            self._pump.doubt()
        if text == self._trouble:
            return
        if text:
            _logger.error("%s: %s", self.name, text)
        else:
            _logger.info("%s: answers again", self.name)
        self._trouble = text
        self._tell_change()

    def _tell_change(self) -> None:
        if self._listener is not None:
            self._listener.changed(self)
