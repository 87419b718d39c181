"""What choices start from where that is what an archive last saw of them: asked once, and never waited for long."""

import logging
from collections.abc import Mapping

from vigilia.drivers import Surroundings
from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.drivers.aruba.mapping import OFF_ON, selector
from vigilia.errors import VigiliaError
from vigilia.points import Reading, Severity, Status

_logger = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""How long choices wait for the archive's answer: what is read of the ports shows meanwhile."""


class ArchivedChoices:
    """The archive's answer for all ports. Without an archive to ask it is there at once, and nothing in it."""

    def __init__(self, config: ArubaConfig, surroundings: Surroundings) -> None:
        self._url = config.archiver_url or ""
        self._names = [selector(port.device) for switch in config.switches for port in switch.ports]
        self._at = surroundings.clock.now()
        """The archive sees our own PVs from now on, and they have nothing to say yet."""
        self._archive = surroundings.archive if config.selector_from == "archiver" else None
        self._choices: Mapping[str, Reading] | None = None if self._archive else {}

    @property
    def known(self) -> bool:
        """Whether the answer is there, or will not come."""
        return self._choices is not None

    def choice(self, name: str) -> Reading | None:
        """Return what a choice was, or None where the archive does not say."""
        return (self._choices or {}).get(name)

    async def ask(self) -> None:
        """Ask, where there is an archive to ask; what comes of it is logged."""
        if self._archive is None:
            return
        try:
            found = await self._archive.last(self._url, self._names, self._at, PATIENCE_S)
        except VigiliaError as error:
            _logger.warning("%s: every choice starts from what its port delivers", error)
            self._choices = {}
            return
        choices = {name: usable for name, reading in found.items() if (usable := _usable(reading))}
        self._log_missing(choices)
        self._choices = choices

    def _log_missing(self, choices: Mapping[str, Reading]) -> None:
        missing = [name for name in self._names if name not in choices]
        if missing:
            _logger.warning(
                "the archiver at %s does not know %d of %d choices, %s first: they start from what their ports deliver",
                self._url,
                len(missing),
                len(self._names),
                missing[0],
            )
        else:
            _logger.info("all %d choices start from what the archiver at %s has", len(self._names), self._url)


def _usable(reading: Reading) -> Reading | None:
    """Return what was chosen, with the alarm of a write that failed; None for what was no choice."""
    value = reading.value
    if isinstance(value, str):
        value = OFF_ON.index(value) if value in OFF_ON else None
    if value not in (0, 1):
        return None
    if reading.severity is Severity.INVALID and reading.status is not Status.WRITE:
        return None  # it was shown before anybody had chosen
    failed = reading.status is Status.WRITE
    alarm = (Severity.INVALID, Status.WRITE) if failed else (Severity.NO_ALARM, Status.NO_ALARM)
    return Reading(int(value), reading.time, *alarm)
