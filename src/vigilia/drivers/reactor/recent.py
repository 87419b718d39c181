"""The newest readings of probes that are being calibrated: what nobody calibrates is not kept."""

import math
from collections import deque
from collections.abc import Iterable, Sequence

from vigilia.calibration import WINDOW_S, Seen
from vigilia.points import Sample

MOST_READINGS = 120
"""Of a probe: two each second."""
MOST_PROBES = 100
"""At one time; of more, the one that was asked for longest ago is forgotten."""
ASKED_S = 120.0
"""So long after it was last asked for a probe's readings are kept: clock seconds."""


class Recent:
    """Readings by point, of those that somebody asked for lately."""

    def __init__(self) -> None:
        self._wanted: dict[str, float] = {}
        """When each point was asked for last, the newest last."""
        self._seen: dict[str, deque[Seen]] = {}

    def want(self, point: str, now: float) -> None:
        """Keep the readings of a point from now on, for as long as somebody goes on asking."""
        self._wanted.pop(point, None)
        self._wanted[point] = now
        self._seen.setdefault(point, deque(maxlen=MOST_READINGS))
        for old in [name for name, at in self._wanted.items() if not 0 <= now - at <= ASKED_S]:
            self._forget(old)
        while len(self._wanted) > MOST_PROBES:
            self._forget(next(iter(self._wanted)))

    def note(self, samples: Iterable[Sample]) -> None:
        """Take readings of any points."""
        if not self._wanted:
            return
        for sample in samples:
            seen = self._seen.get(sample.name)
            reading = sample.reading
            if seen is None or reading.time is None or isinstance(reading.value, bool | str | None):
                continue
            later = not seen or reading.time > seen[-1].time
            if later and math.isfinite(reading.value):
                seen.append(Seen(reading.time, float(reading.value), reading.severity))

    def of(self, point: str, now: float) -> Sequence[Seen]:
        """Return the readings of the last minute, in order."""
        return [seen for seen in self._seen.get(point, ()) if now - WINDOW_S <= seen.time <= now]

    def _forget(self, point: str) -> None:
        del self._wanted[point]
        del self._seen[point]
