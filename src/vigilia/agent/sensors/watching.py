"""What a circuit tells of itself besides its readings: its calibration, its supply, and that it started anew."""

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from vigilia.agent.ezo.protocol import RESTARTS, UNASKED
from vigilia.agent.parts import Measured
from vigilia.agent.sensors.calibration import State
from vigilia.agent.sensors.probe import Probe
from vigilia.clock import Clock
from vigilia.errors import BadAnswer
from vigilia.points import Severity, Status, Value

_logger = logging.getLogger(__name__)

LOOK_S = 30.0
"""Real seconds between two looks: at what it says of itself, and at what it is, in turn."""
UNHURRIED_S = 3.0
"""Between two readings: then there is time for one question more."""
ANEW = "it started anew"
RETURNED = "it answers again after it was gone"
_LOST_WITH_IT = ("Voltage", "Calibration")
_POOR = "the slope is that of a worn or dirty probe: clean it, calibrate anew, or exchange it"

Answer = TypeVar("Answer")
Taker = Callable[[Sequence[Measured]], None]


class Watching:
    """Keeps what a circuit tells of itself. Its methods raise Nack, BusError and BadAnswer where they ask it."""

    def __init__(self, name: str, probe: Probe, clock: Clock, keep: Taker, tell: Taker) -> None:
        """`keep` takes a reading as the newest; `tell` does, reports it at once and stores it: it is an event."""
        self._name = name
        self._probe = probe
        self._clock = clock
        self._keep = keep
        self._tell = tell
        self._newest: dict[str, Measured] = {}
        self._restart: str | None = None
        """The letter of the last reason that was told; None: not asked yet."""
        self._suspected = ""
        """How the circuit is known to have started anew; empty: it is not."""
        self._looks = 0
        self._looked_at = self._look_at = clock.monotonic()

    async def begin(self) -> None:
        """Ask everything: the circuit has just been met, for the first time or anew."""
        now = self._clock.monotonic()
        self._looked_at, self._look_at = now, now + self._clock.of_real(LOOK_S)
        forgot = await self._quietly(self._probe.was_restarted())
        if forgot:
            self._suspected = ANEW
        await self._quietly(self._ask_health())
        await self._quietly(self.note_calibration())

    async def look(self) -> None:
        """Take what the circuit said by itself; ask the next question where it is time. Before each reading.

        Two power cuts have one reason; but the temperature that a circuit was told does not survive them. It is asked
        for where there is time for it: of readings that follow each other closely, one fails while a circuit starts.
        """
        for code in self._probe.circuit.heard():
            if code in ("*RE", "*RS"):
                self._suspected = ANEW
            elif code in ("*OV", "*UV"):
                self._show("Voltage", self._last("Voltage"), Severity.MINOR, Status.STATE, UNASKED[code])
        now = self._clock.monotonic()
        since, self._looked_at = now - self._looked_at, now
        if since >= UNHURRIED_S and await self._quietly(self._probe.was_restarted()):
            self._suspected = ANEW
        if self._suspected:
            await self._quietly(self._ask_health())
        if now < self._look_at:
            return
        self._look_at = now + self._clock.of_real(LOOK_S)
        self._looks += 1
        if self._looks % 2:
            await self._quietly(self._ask_health())
        else:
            await self._probe.recognise()

    async def note_calibration(self) -> State:
        """Ask for the state of the calibration, and show it."""
        state = await self._probe.calibration()
        judged = (Severity.MINOR, Status.STATE, _POOR) if state.poor else (Severity.NO_ALARM, Status.NO_ALARM, "")
        known = self._last("Calibration")
        self._show("Calibration", state.text, *judged, event=known is not None and known != state.text)
        return state

    async def save_export(self) -> None:
        """Ask for the calibration as the circuit exports it, and have it stored."""
        self._show("Export", await self._probe.circuit.export(), event=True)

    def suspect(self) -> None:
        """Note that the circuit has missed a command: it may have started anew."""
        self._suspected = ANEW

    def lose(self, why: str, *, gone: bool) -> None:
        """Show that the circuit is out of reach. `gone`: its bus works, and nobody answers."""
        if gone:
            self._suspected = RETURNED
        for name in _LOST_WITH_IT:
            if name in self._newest:
                self._show(name, self._last(name), Severity.INVALID, Status.COMM, why)

    async def _quietly(self, question: Coroutine[Any, Any, Answer]) -> Answer | None:
        """Ask; firmware that does not answer it well is read all the same."""
        try:
            return await question
        except BadAnswer as error:
            _logger.debug("%s: %s", self._name, error)
            return None

    async def _ask_health(self) -> None:
        """Ask for the supply and the reason of the last start; tell of a start that is suspected, or has another."""
        health = await self._probe.health()
        if health.voltage is not None:
            self._show("Voltage", health.voltage)
        known, self._restart = self._restart, health.restart
        detail, self._suspected = self._suspected or ("" if known == health.restart else ANEW), ""
        reason = RESTARTS.get(health.restart, RESTARTS["U"])
        if known is None:  # what was before us is no event
            self._show("Restart", reason)
        elif detail:
            told = self._probe.told_celsius
            detail += f"; it is told {told:.1f} °C again" if told is not None else ""
            _logger.warning("%s: %s: %s: %s", self._name, self._probe.circuit.place, detail, reason)
            self._show("Restart", reason, detail=detail, event=True)

    def _last(self, name: str) -> Value | None:
        return self._newest[name].value if name in self._newest else None

    def _show(
        self,
        name: str,
        value: Value | None,
        severity: Severity = Severity.NO_ALARM,
        status: Status = Status.NO_ALARM,
        detail: str = "",
        *,
        event: bool = False,
    ) -> None:
        self._newest[name] = Measured(name, value, self._clock.now(), severity, status, detail)
        (self._tell if event else self._keep)([self._newest[name]])
