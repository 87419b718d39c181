"""Which plants' relays report at a pace, so that their silence means something. Pure.

Nothing is known of when loggers send the records of relays: at fixed intervals, or only when something happens. Silence
of the first sort is a fault of the logger, of the second it is peace. So each plant's relays must show of which sort
they are before anything is made of their silence.
"""

from typing import NamedTuple

FRESH_S = 1800.0
"""How old the newest record is at most at each scan, where relays report at a pace."""
STEADY_S = 6 * 3600.0
"""For how long that must be so: trips that follow each other for as long are no peace either."""


class _Run(NamedTuple):
    """Scans in a row that found a fresh record: when the first and the last of them was."""

    first: float
    last: float


class Pace:
    """Follows the scans of each plant's relays. It begins anew with each start; what it found is kept as a point."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def is_steady(self, plant: str, newest: float | None, now: float) -> bool:
        """Take note of a scan that found `newest` (seconds UTC) as the newest record; say whether that is enough."""
        if newest is None or now - newest > FRESH_S:
            self._runs.pop(plant, None)
            return False
        run = self._runs.get(plant)
        if run is None or not 0 <= now - run.last <= FRESH_S:  # what was between is not known
            run = _Run(now, now)
        self._runs[plant] = _Run(run.first, now)
        return now - run.first >= STEADY_S
