"""Keeps a pH by doses."""

import time
from collections.abc import Mapping

from vigilia.agent.ledger import Ledger
from vigilia.agent.limits import DAY_S, Budget
from vigilia.agent.loops.config import PhDosingConfig
from vigilia.agent.loops.loop import Loop, Probe, State
from vigilia.agent.outputs.orders import LEAST_ML
from vigilia.agent.outputs.pump import Pump
from vigilia.agent.parts import Access, Failed, Parameter, Rejected
from vigilia.clock import Clock
from vigilia.points import Kind, Value

_AGAIN_S = 5.0
"""After a dose was refused, the next one is not asked for sooner."""
_AGAIN_AFTER_LIMIT_S = 60.0
"""Nor is one that a limit refused."""


class PhDosing(Loop):
    """One dose while the pH is beyond the set point by more than the dead band, on the side that the pump can mend.

    After each dose, be it one that people asked for, it waits `min_interval_s`; after its own for a reading newer than
    the dose, too, so that what was given has mixed.
    A dose that a limit refuses, the pump's or `max_day_ml`, is not made smaller: the loop holds, and asks again later.
    """

    measures = "pH"

    def __init__(self, config: PhDosingConfig, sensor: Probe, output: Pump, clock: Clock, ledger: Ledger) -> None:
        super().__init__(config, sensor, output, clock)
        self._doses = config
        self._pump = output
        self._ledger = ledger
        self._dose_ml = float(config.dose_ml)
        self._budget = Budget(config.max_day_ml, DAY_S, f"{config.name}: max_day_ml", config.name)
        self._dosed_at = 0.0
        """When the last dose ended, by the clock's monotonic time."""
        self._not_before = 0.0
        """When the next dose may be asked for after one was refused, by real monotonic time."""
        self._last_failure = ""

    def settings(self) -> Mapping[str, Value]:
        """Return what holds of every setting."""
        return {**super().settings(), "Dose": self._dose_ml}

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a setting hold. Raises Rejected, and then nothing has changed."""
        if parameter == "Dose" and isinstance(value, int | float):
            self._dose_ml = float(value)
            self._not_before = 0.0
            self._tell_change()
        else:
            await super().apply(parameter, value)

    def _own_parameters(self) -> tuple[Parameter, ...]:
        most = next(p.limits[1] for p in self._pump.declaration.parameters if p.name == "Dose" and p.limits)
        if self._doses.max_day_ml:
            most = min(most, self._doses.max_day_ml)
        return (Parameter("Dose", Kind.NUMBER, Access.SETTING, "ml", (LEAST_ML, max(LEAST_ML, most)), precision=2),)

    async def _hold(self) -> None:
        """A pump that is not asked stands."""

    async def _act(self, value: float) -> None:
        error = value - self._setpoint if self._doses.direction == "down" else self._setpoint - value
        if error <= self._dead_band:
            self._show(State.STEADY, "")
            return
        if self._pump.held_up:
            self._show(State.HOLDING, self._pump.held_up)
            return
        since = self._ledger.since_dose(self._pump.name)
        if since is not None and since < self._doses.min_interval_s:
            failure = f"; the last one failed: {self._last_failure}" if self._last_failure else ""
            self._show(State.WAITING, f"min_interval_s = {self._doses.min_interval_s:g} since the last dose{failure}")
            return
        if self._seen_at <= self._dosed_at:
            self._show(State.WAITING, "for a reading newer than the last dose")
            return
        if time.monotonic() < self._not_before:
            return  # it goes on showing why it holds
        await self._dose()

    async def _dose(self) -> None:
        self._show(State.ACTING, f"{self._dose_ml:g} ml")
        self._last_failure = ""
        try:
            await self._pump.dose(self._dose_ml, self.name, [self._budget])
        except Rejected as error:
            self._not_before = time.monotonic() + (_AGAIN_AFTER_LIMIT_S if error.over_limit else _AGAIN_S)
            raise
        except Failed as error:
            self._last_failure = str(error)
        self._dosed_at = self._clock.monotonic()
        self._show(State.WAITING, f"min_interval_s = {self._doses.min_interval_s:g} since the last dose")
