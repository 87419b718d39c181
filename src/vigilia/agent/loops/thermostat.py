"""Keeps a temperature by switching a heater or a cooler."""

from collections.abc import Mapping

from vigilia.agent.loops.config import ThermostatConfig
from vigilia.agent.loops.loop import Loop, Probe, State
from vigilia.agent.outputs.switch import Switch
from vigilia.agent.parts import Access, Parameter, Rejected
from vigilia.clock import Clock
from vigilia.points import Kind, Value


class Thermostat(Loop):
    """On beyond the set point by more than the dead band, off beyond it by as much on the other side; else as it was.

    That is hysteresis, of PWM outputs too, at `duty` while on. A proportional duty would keep a heater on for days, a
    little; then nothing tells a heater that is about right from one that cannot manage, or hangs in the air. Here one
    that is on for `max_on_s` without reaching the upper edge is at fault, and its output falls to safe. So the time on
    is counted until that edge is reached, however often it was off in between because the loop held, or ended.

    While it holds, the output is off; then it is as it was.
    """

    measures = "Temp"

    def __init__(self, config: ThermostatConfig, sensor: Probe, output: Switch, clock: Clock) -> None:
        super().__init__(config, sensor, output, clock)
        self._heats = config.direction == "up"
        self._switch = output
        self._duty = float(config.duty)
        self._has_duty = any(parameter.name == "Duty" for parameter in output.declaration.parameters)
        self._on = False

    def settings(self) -> Mapping[str, Value]:
        """Return what holds of every setting."""
        own: dict[str, Value] = {"Duty": self._duty} if self._has_duty else {}
        return {**super().settings(), **own}

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a setting hold. Raises Rejected, and then nothing has changed."""
        if parameter == "Duty" and self._has_duty and isinstance(value, int | float):
            self._duty = float(value)
            self._wake.set()
            self._tell_change()
        else:
            await super().apply(parameter, value)

    def _own_parameters(self) -> tuple[Parameter, ...]:
        if not self._has_duty:
            return ()
        return (Parameter("Duty", Kind.NUMBER, Access.SETTING, "%", (1.0, 100.0), precision=1, description="While on"),)

    async def _hold(self) -> None:
        await self._switch.drive(0.0, self.name)

    async def _act(self, value: float) -> None:
        lack = self._setpoint - value if self._heats else value - self._setpoint
        reached = lack < -self._dead_band
        if reached:
            self._on = False
        elif lack > self._dead_band:
            self._on = True
        try:
            await self._switch.drive(self._duty if self._on else 0.0, self.name, enough=reached)
        except Rejected:
            self._on = False
            raise
        self._show(State.ACTING if self._on else State.STEADY, "")
