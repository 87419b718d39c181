"""Which probes are being calibrated, kept across restarts: a probe stays in its buffer while the agent starts anew.

Circuits tell nothing of it. Without this a loop would take the buffer for the vessel, and dose.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from vigilia.agent.ledger import Ledger, LedgerError
from vigilia.agent.sensors.calibration import LASTS_S

_logger = logging.getLogger(__name__)

_LOOK_S = 0.5
_NOTE_S = 30.0
"""How often it is noted that a calibration goes on: so much later may it end after a restart."""


class Probe(Protocol):
    """A sensor that can be calibrated."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        ...

    @property
    def calibrating(self) -> bool:
        """Whether it is being calibrated."""
        ...

    def resume_calibration(self, left_s: float) -> None:
        """Be in calibration for so many seconds more, or until its end is asked for."""
        ...


class Calibrations:
    """Notes in the ledger, whose time no clock that is set can shorten, which probes are being calibrated."""

    def __init__(self, probes: Sequence[Probe], ledger: Ledger) -> None:
        self._probes = probes
        self._ledger = ledger
        self._noted: dict[str, float] = {}
        """When each was last noted to be in calibration, by the ledger's time."""

    def resume(self) -> None:
        """Have probes be in calibration again that were when the agent ended. Before anything works."""
        now = self._ledger.now()
        for probe in self._probes:
            noted = self._ledger.calibrating_at(probe.name)
            if noted is None:
                continue
            self._noted[probe.name] = noted
            if (left_s := noted + LASTS_S - now) > 0:
                _logger.warning("%s was being calibrated when the agent ended: it still is", probe.name)
                probe.resume_calibration(left_s)

    async def run(self) -> None:
        """Note what begins, goes on and ends, until cancelled."""
        while True:
            try:
                for probe in self._probes:
                    await self._look_at(probe)
            except LedgerError as error:
                _logger.error("that a probe is being calibrated is not kept for a restart: %s", error)
            await asyncio.sleep(_LOOK_S)

    async def _look_at(self, probe: Probe) -> None:
        now, noted = self._ledger.now(), self._noted.get(probe.name)
        if probe.calibrating and (noted is None or not 0 <= now - noted < _NOTE_S):
            await self._ledger.note_calibrating(probe.name, now)
            self._noted[probe.name] = now
        elif noted is not None and not probe.calibrating:
            await self._ledger.note_calibrating(probe.name, None)
            del self._noted[probe.name]
