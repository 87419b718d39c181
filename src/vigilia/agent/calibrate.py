"""`vigilia agent calibrate SENSOR`: leads a person through the calibration of a probe, over its bus directly.

The agent must not run meanwhile: it holds the bus. With the agent running, the same steps are commands of the sensor.
"""

import asyncio
import sys
from collections import deque
from typing import Protocol

from vigilia.agent.buses import Bus
from vigilia.agent.buses.blocking import BlockingThread
from vigilia.agent.ezo import NotUnderstood, circuit_on
from vigilia.agent.sensors.calibration import step_command
from vigilia.agent.sensors.config import Ds18b20Config, SensorConfig, circuit_address
from vigilia.agent.sensors.kinds import EZO_KINDS, EzoKind, Step
from vigilia.agent.sensors.probe import Probe
from vigilia.errors import BadAnswer, StartError
from vigilia.language import tr

SETTLED_READINGS = 6
"""So many readings in a row must agree."""
_MOST_READINGS = 180
_PERIOD_S = 1.0
_PATIENCE_S = 3600.0
"""How long a person is waited for."""
_BAD_ANSWERS = 3
_SKIP, _QUIT = "-", "q"


class Console(Protocol):
    """Whom the calibration talks with."""

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    async def ask(self, prompt: str) -> str:
        """Return what the person writes. Raises EOFError where nobody is there any more."""
        ...


class Terminal:
    """The terminal that the command was started from."""

    def __init__(self) -> None:
        self._thread = BlockingThread("terminal")

    def say(self, text: str) -> None:
        """Write a line."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    async def ask(self, prompt: str) -> str:
        """Return the next line of the standard input. Raises EOFError at its end, Overdue after an hour."""
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = await self._thread.call(sys.stdin.readline, _PATIENCE_S)
        if not line:
            raise EOFError
        return line.strip()


class Quit(Exception):
    """The person has had enough."""


async def run_calibration(config: SensorConfig, bus: Bus, console: Console) -> int:
    """Lead through the calibration of a sensor; return the exit code: 1 where the person ended it before its time.

    Raises StartError for a sensor that is not calibrated, and Nack, BusError or BadAnswer as the circuit does.
    """
    if isinstance(config, Ds18b20Config):
        raise StartError(f"{config.name} is a DS18B20, which is not calibrated")
    kind = EZO_KINDS[config.kind]
    probe = Probe(kind, circuit_on(bus, circuit_address(config, bus.kind), kind.type))
    await probe.meet()
    guide = _Guide(config.name, kind, probe, console)
    try:
        await guide.lead()
    except (Quit, EOFError):
        console.say(tr("Ended. What was calibrated before stays."))
        await guide.show_state()
        return 1
    return 0


class _Guide:
    """One guided calibration."""

    def __init__(self, name: str, kind: EzoKind, probe: Probe, console: Console) -> None:
        self._name = name
        self._kind = kind
        self._probe = probe
        self._console = console
        self._celsius: float | None = None

    async def lead(self) -> None:
        """Go through every step."""
        say = self._console.say
        text = tr("{name}: {type} circuit at {place}, firmware {firmware}")
        place = self._probe.circuit.place
        say(text.format(name=self._name, type=self._kind.type, place=place, firmware=self._probe.firmware))
        await self.show_state()
        say(tr('Enter goes on, "{skip}" skips a step, "{quit}" ends.').format(skip=_SKIP, quit=_QUIT))
        if await self._agrees(tr("Clear the present calibration first?")):
            await self._probe.circuit.ask(f"{self._kind.calibrated_by},clear")
        if self._kind.compensated:
            self._celsius = await self._number(tr("Temperature of the solutions, °C"), 25.0, (0.0, 100.0))
        for step in self._kind.steps:
            await self._do(step)
        say(tr("Done."))
        await self.show_state()
        if self._kind.exports:
            kept = await self._probe.circuit.export()
            say(tr("The calibration as the circuit exports it, to be kept: {text}").format(text=kept))

    async def show_state(self) -> None:
        """Say what is calibrated, and the slope."""
        state = await self._probe.calibration()
        self._console.say(tr("Calibration: {text}").format(text=state.text))
        if state.poor:
            self._console.say(tr("The slope is that of a worn or dirty probe: clean it, or exchange it."))

    async def _do(self, step: Step) -> None:
        self._console.say("")
        self._console.say(f"{step.name}: {tr(step.instruction)}")
        if step.points_before and (await self._probe.calibration()).points < step.points_before:
            first = self._kind.steps[0].name
            self._console.say(tr("Skipped: {first} must be calibrated before.").format(first=first))
            return
        command, value = await self._command(step)
        if not command or not await self._settles(value):
            self._console.say(tr("Skipped."))
            return
        try:
            await self._probe.circuit.ask(command)
        except NotUnderstood:
            self._console.say(tr("The circuit refuses this step: the probe is in another solution, or worn."))
        await self.show_state()

    async def _command(self, step: Step) -> tuple[str, float | None]:
        """Return what the circuit is to be told, and the value that the probe should read; no command: skip."""
        if step.limits is None:
            answer = await self._ask(tr("Enter when it is there"))
            return ("" if answer == _SKIP else step.command), None
        value = await self._number(tr("Its value, {units}").format(units=self._units), step.usual, step.limits)
        return ("", None) if value is None else (step_command(self._kind, step, f"{value:.2f}"), value)

    async def _settles(self, expected: float | None) -> bool:
        """Read until the probe has settled; return whether its reading is to be taken."""
        newest: deque[float] = deque(maxlen=SETTLED_READINGS)
        bad = 0
        for _ in range(_MOST_READINGS):
            try:
                values = await self._probe.read(self._celsius)
                bad = 0
            except BadAnswer as error:
                bad += 1
                if bad >= _BAD_ANSWERS:
                    raise
                self._console.say(str(error))
                continue
            # A humidity sensor may be set to leave out the temperature that is calibrated.
            shown = self._kind.calibrated if self._kind.calibrated.parameter in values else self._kind.quantities[0]
            newest.append(values[shown.parameter])
            self._console.say(f"  {newest[-1]:.{shown.precision}f} {shown.units}")
            if len(newest) == SETTLED_READINGS and self._agree(newest):
                return await self._plausible(newest[-1], expected)
            await asyncio.sleep(_PERIOD_S)
        return await self._agrees(tr("The reading does not settle. Take it all the same?"))

    def _agree(self, readings: deque[float]) -> bool:
        within = self._kind.settles_within
        if self._kind.settles_relative:
            within *= max(abs(reading) for reading in readings)
        return max(readings) - min(readings) <= within

    async def _plausible(self, reading: float, expected: float | None) -> bool:
        limit = self._kind.plausible_within
        if limit is None or expected is None or abs(reading - expected) <= limit:
            return True
        text = tr("It reads {reading:g}, and {expected:g} was said. Is it the right solution?")
        return await self._agrees(text.format(reading=reading, expected=expected))

    @property
    def _units(self) -> str:
        return self._kind.calibrated.units

    async def _number(self, prompt: str, usual: float | None, limits: tuple[float, float]) -> float | None:
        """Return a number that the person gives, or the usual one; None: skip."""
        low, high = limits
        while (answer := await self._ask(f"{prompt} [{usual:g}]" if usual is not None else prompt)) != _SKIP:
            try:
                value = usual if not answer else float(answer.replace(",", "."))
            except ValueError:
                value = None
            if value is not None and low <= value <= high:
                return value
            self._console.say(tr("Write a number of {low:g} to {high:g}.").format(low=low, high=high))
        return None

    async def _agrees(self, question: str) -> bool:
        return (await self._ask(f"{question} (y/N)")).lower() in ("y", "yes", "s", "sim")

    async def _ask(self, prompt: str) -> str:
        answer = await self._console.ask(f"{prompt}: ")
        if answer.lower() == _QUIT:
            raise Quit
        return answer
