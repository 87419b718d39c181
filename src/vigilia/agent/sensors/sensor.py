"""What every sensor has in common: its rhythm, what it read last, and how a failure shows."""

import asyncio
import contextlib
import dataclasses
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from vigilia.agent.buses import BusError, Nack
from vigilia.agent.parts import Access, Declaration, Listener, Measured, Parameter, Rejected, Role
from vigilia.agent.sensors.config import INTERVAL_S
from vigilia.agent.sensors.rhythm import Rhythm
from vigilia.clock import Clock
from vigilia.errors import BadAnswer, VigiliaError, printable
from vigilia.points import Kind, Severity, Status, Value

_logger = logging.getLogger(__name__)

LONGEST_TITLE = 60
LONGEST_RAW = 120
_LONGEST_DETAIL = 300

COMMON_PARAMETERS = (
    Parameter("Interval", Kind.NUMBER, Access.SETTING, "s", INTERVAL_S, description="Time between two samples"),
    Parameter("Title", Kind.TEXT, Access.SETTING, description="What people call it"),
    Parameter("Raw", Kind.TEXT, Access.READING, description="What the equipment answered last, as it did"),
)


class Sensor(ABC):
    """A part that measures. Subclasses say how; a reading that fails is INVALID and says why, and is tried again."""

    def __init__(self, declaration: Declaration, interval_s: float, clock: Clock) -> None:
        self._declaration = declaration
        self._clock = clock
        self._rhythm = Rhythm(clock, interval_s)
        self._readings: dict[str, Measured] = {}
        self._listener: Listener | None = None
        self._wake = asyncio.Event()
        self._talk = asyncio.Lock()
        """Held by whoever has a conversation of several commands with the equipment."""
        self._quiet_until = 0.0
        """No reading before that, by the clock's monotonic time."""
        self._trouble: Status | None = None
        self._was_read = asyncio.Event()

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self._declaration.name

    @property
    def declaration(self) -> Declaration:
        """What it is and can do."""
        return self._declaration

    @property
    def calibrating(self) -> bool:
        """Whether the probe is being calibrated: what it reads is not what the vessel holds."""
        return False

    def readings(self) -> Sequence[Measured]:
        """Return the newest of every reading that has one; what is lost keeps its last value, INVALID."""
        return list(self._readings.values())

    def reading(self, parameter: str) -> Measured | None:
        """Return the newest of one reading; None before there is one."""
        return self._readings.get(parameter)

    async def until_read(self, within_s: float) -> None:
        """Wait until it has been read once, well or not, or for so many real seconds."""
        if not self._was_read.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._was_read.wait()

    def settings(self) -> Mapping[str, Value]:
        """Return what holds of every setting."""
        return {"Interval": self._rhythm.interval_s, "Title": self._declaration.title or self.name}

    async def apply(self, parameter: str, value: Value) -> None:
        """Have a setting hold from now on. Raises Rejected, and then nothing has changed."""
        match parameter, value:
            case "Interval", (int() | float()) as interval_s:
                self._rhythm.interval_s = float(interval_s)
                self._wake.set()
            case "Title", str() as title:
                if len(title) > LONGEST_TITLE or not title.isprintable():
                    raise Rejected(f"a title has {LONGEST_TITLE} printable characters at the most", over_limit=True)
                self._declaration = dataclasses.replace(self._declaration, title=title.strip())
            case _:
                raise Rejected(f"{self.name} has no setting {parameter}")
        self._tell_change()

    async def command(self, parameter: str, value: Value, command_id: str) -> str:
        """Do what a command asks. A sensor has none, but for those that subclasses add. Raises Rejected."""
        del value, command_id
        raise Rejected(f"{self.name} has no command {parameter}")

    async def run(self, listener: Listener) -> None:
        """Read until cancelled."""
        self._listener = listener
        while True:
            await self._until_due()
            sample = self._rhythm.begin()
            async with self._talk:
                await self._read_once(sample=sample)

    @abstractmethod
    async def _measure(self) -> Sequence[Measured]:
        """Return one reading of each quantity that the equipment gives. Raises Nack, BusError or BadAnswer."""

    @abstractmethod
    def _quantities(self) -> Sequence[str]:
        """Return the parameters that a reading is expected to give."""

    async def _until_due(self) -> None:
        while (wait_s := max(self._rhythm.wait_s(), self._quiet_until - self._clock.monotonic())) > 0:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                # Not wait_for: a cancellation that meets a wake is lost in it before Python 3.12.
                async with asyncio.timeout(wait_s / self._clock.speed):
                    await self._wake.wait()

    async def _read_once(self, *, sample: bool) -> None:
        try:
            samples = await self._measure()
        except (Nack, BusError) as error:
            samples = self._fail(Status.COMM, error)
        except BadAnswer as error:
            samples = self._fail(Status.READ, error)
        else:
            self._keep(samples)
            if self._trouble is not None:
                self._trouble = None
                _logger.info("%s: reads again", self.name)
        self._was_read.set()
        if sample and self._listener is not None:
            self._listener.sampled(self, samples)

    def _fail(self, status: Status, error: VigiliaError) -> list[Measured]:
        """Show that nothing could be read; return what is to be stored of it."""
        detail = printable(str(error))[:_LONGEST_DETAIL]
        log = _logger.debug if self._trouble is status else _logger.warning
        log("%s: %s", self.name, detail)
        self._trouble = status
        now = self._clock.now()
        lost = [Measured(name, None, now, Severity.INVALID, status, detail) for name in self._quantities()]
        self._keep([self._with_last_value(measured) for measured in lost])
        return lost

    def _with_last_value(self, lost: Measured) -> Measured:
        last = self._readings.get(lost.parameter)
        return lost if last is None else lost._replace(value=last.value)

    def _keep(self, readings: Sequence[Measured]) -> None:
        """Take readings as the newest; tell of it at once where more than a number has changed."""
        changed = False
        for new in readings:
            old = self._readings.get(new.parameter)
            self._readings[new.parameter] = new
            changed = changed or old is None or old[3:] != new[3:]
        if changed:
            self._tell_change()

    def _tell_event(self, readings: Sequence[Measured]) -> None:
        """Take readings as the newest, tell of them at once, and have them stored."""
        self._keep(readings)
        self._tell_change()
        if self._listener is not None:
            self._listener.sampled(self, readings)

    def _tell_change(self) -> None:
        if self._listener is not None:
            self._listener.changed(self)


def sensor_declaration(name: str, kind: str, place: str, parameters: Sequence[Parameter]) -> Declaration:
    """Return what a sensor declares: its own parameters, and those that every sensor has."""
    return Declaration(name, Role.SENSOR, kind, place, (*parameters, *COMMON_PARAMETERS))
