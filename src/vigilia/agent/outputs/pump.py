"""A dosing pump, EZO-PMP: it gives what it is asked and not a drop over its limits, and every drop is in the ledger."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from vigilia.agent.limits import Budget
from vigilia.agent.outputs.dosing import PumpAtWork
from vigilia.agent.outputs.orders import LEAST_ML, Order, continuous, dose_over, single_dose, steady_rate
from vigilia.agent.outputs.switch import RESUME, SAFE
from vigilia.agent.parts import Access, Declaration, Failed, Measured, Parameter, Rejected, Role
from vigilia.errors import VigiliaError
from vigilia.points import Kind, Severity, Status, Value

_MOST_ML = 10_000.0
"""Of one dose, where no limit says less."""


def _limited(name: str, units: str, description: str, most: float = 0.0) -> Parameter:
    limits = (0.0, most) if most else None
    return Parameter(name, Kind.NUMBER, Access.READING, units, limits, precision=2, description=description)


class Pump(PumpAtWork):
    """One EZO-PMP, as people and loops see it."""

    @property
    def declaration(self) -> Declaration:
        """What it is and can do."""
        hour, day = self._budgets
        most = min((budget.most_ml for budget in self._budgets if budget.most_ml), default=_MOST_ML)
        text = (Kind.TEXT, Access.COMMAND)
        parameters = [
            Parameter("Dose", Kind.NUMBER, Access.COMMAND, "ml", (LEAST_ML, max(LEAST_ML, most)), precision=2),
            Parameter("DoseOver", *text, description='A dose over a time: "ml,minutes"'),
            Parameter("Rate", *text, description='A steady rate for a time: "ml/min,minutes"'),
            Parameter(
                "Stop", Kind.BOOLEAN, Access.COMMAND, takes_value=False, at_once=True, description="Stop, at once"
            ),
            Parameter("Calibrate", *text, description='What the last dose truly gave, ml; or "clear"'),
            Parameter(
                "Clear", Kind.BOOLEAN, Access.COMMAND, takes_value=False, description="Set the pump's total to 0"
            ),
            RESUME,
            SAFE,
            _limited("Dosed", "ml", "All that it ever gave: confirmed, and of a dose under way so far"),
            _limited("Total", "ml", "The pump's own total"),
            _limited("DoseHour", "ml", "What counts against max_dose_ml_hour", hour.most_ml),
            _limited("DoseDay", "ml", "What counts against max_dose_ml_day", day.most_ml),
            _limited("Voltage", "V", "Of the motor's supply"),
        ]
        if self._config.max_on_s:
            what = f"Pump until told otherwise, {self._config.max_on_s:g} s at the most"
            parameters.append(Parameter("Continuous", Kind.BOOLEAN, Access.COMMAND, description=what))
        config = self._config
        return Declaration(self.name, Role.ACTUATOR, config.kind, self._pump.place, tuple(parameters), config.title)

    @property
    def driver(self) -> str:
        """The loop that drives it, or an empty text."""
        return self._driver

    def readings(self) -> Sequence[Measured]:
        """Return the ledger's sums, the pump's own total, and whether it is safe."""
        now = self._gear.clock.now()
        ledger, hour, day = self._gear.ledger, *self._budgets
        safe = Measured("Safe", int(bool(self.latched)), now)
        if self._trouble:
            safe = safe._replace(severity=Severity.INVALID, status=Status.COMM, detail=self._trouble)
        elif self.latched:
            safe = safe._replace(severity=Severity.MINOR, status=Status.STATE, detail=self.latched)
        return [
            safe,
            Measured("Dosed", round(self._tally.dosed_ml(self._total), 3), now),
            Measured("DoseHour", round(ledger.spent(self.name, hour), 3), now),
            Measured("DoseDay", round(ledger.spent(self.name, day), 3), now),
            *(self._as_known(measured) for measured in (self._total, self._voltage) if measured),
        ]

    def settings(self) -> Mapping[str, Value]:
        """A pump has none: it is asked, not set."""
        return {}

    async def apply(self, parameter: str, value: Value) -> None:
        """A pump has no settings. Raises Rejected."""
        del value
        raise Rejected(f"{self.name} has no setting {parameter}")

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        """Do what a command asks; a dose has ended when this returns. Raises Rejected or Failed."""
        match parameter, value:
            case "Dose", (int() | float()) as ml:
                return await self._ask(single_dose(float(ml)), command_id)
            case "DoseOver", str() as text:
                return await self._ask(dose_over(text), command_id)
            case "Rate", str() as text:
                return await self._ask(steady_rate(text), command_id)
            case "Continuous", True if self._config.max_on_s:
                return await self._ask(continuous(self._config.max_on_s), command_id)
            case ("Stop", _) | ("Continuous", False):
                return await self._stop_by_hand()
            case "Calibrate", str() as text:
                return await self._between_doses(lambda: self._pump.calibrate(text))
            case "Clear", _:
                return await self._between_doses(self._clear)
            case "Resume", _:
                return await self._resume()
            case _:
                raise Rejected(f"{self.name} has no command {parameter}")

    async def take(self, by: str) -> None:
        """Have the loop `by` drive it from now on. Raises Rejected where another does, or it cannot be reached."""
        self._require_ready()
        if self._driver not in ("", by):
            raise Rejected(f"{self.name} is driven by the loop {self._driver}: switch that off first")
        self._driver = by

    async def release(self, by: str, *, on_purpose: bool) -> None:
        """End the driving by a loop. `on_purpose`: somebody switched the loop off; else it just ends."""
        if self._driver == by:
            self._driver = ""
        if self._giving_for == by:
            self._interrupt(f"the loop {by} {'was switched off' if on_purpose else 'ended'}")

    async def dose(self, ml: float, by: str, budgets: Sequence[Budget] = ()) -> str:
        """Give a dose for the loop `by`, within `budgets` and the pump's own; return what there is to say of it.

        Raises Rejected, and nothing was given; or Failed, and the ledger knows what was.
        """
        if self.latched:
            raise Rejected(f"{self.name} is safe: {self.latched}")
        return await self._give(single_dose(ml), "", by, budgets)

    async def _ask(self, order: Order, command_id: str) -> str:
        """Give what a person asks: it is newer than any fall to safe, and ends it, unless it is refused."""
        return await self._give(order, command_id, "", ())

    async def _stop_by_hand(self) -> str:
        """Stop at once. While a loop drives it, it stays stopped until Resume, or it would go on at the next chance."""
        self._interrupt("stopped by hand")
        if self._driver:
            self._memory = self._with_latch(f"stopped by hand while the loop {self._driver} drives it")
        try:
            await self._pump.stop()
        except VigiliaError as error:
            raise Failed(f"{self.name} does not stop yet, which is tried again: {error}") from error
        finally:
            await self._keep_memory()
        async with self._dosing:  # what was under way is in the ledger by then
            return "stands"

    async def _resume(self) -> str:
        if not self.latched:
            return "it was not safe"
        self._memory = self._with_latch("")
        await self._keep_memory()
        return "takes doses again"

    async def _clear(self) -> str:
        await self._pump.clear()
        await self._read_both()
        return "its total is 0"

    async def _between_doses(self, work: Callable[[], Awaitable[str]]) -> str:
        """Do what may not come between a dose and the reading of its total. Raises Rejected or Failed."""
        if self._giving_for is not None:
            raise Rejected(f"{self.name} is giving a dose: wait for its end, or stop it")
        async with self._dosing:
            try:
                return await work()
            except (Rejected, Failed):
                raise
            except VigiliaError as error:
                raise Failed(str(error)) from error

    def _as_known(self, measured: Measured) -> Measured:
        """Return what was read last, INVALID while the pump cannot be reached."""
        if not self._trouble:
            return measured
        return measured._replace(severity=Severity.INVALID, status=Status.COMM, detail=self._trouble)
