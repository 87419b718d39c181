"""When a sensor reads, and which of its readings are samples."""

import math

from vigilia.clock import Clock

LIVE_S = 5.0
"""Readings come at least so often, whatever the interval of samples: people and loops see the newest."""
LIVE_IN_CALIBRATION_S = 1.0


class Rhythm:
    """By the clock's monotonic time: samples on a grid of `interval_s`, and live readings between them."""

    def __init__(self, clock: Clock, interval_s: float) -> None:
        self.live_s = LIVE_S
        self._clock = clock
        self._interval_s = interval_s
        self._live_at = self._sample_at = clock.monotonic()

    @property
    def interval_s(self) -> float:
        """Seconds between two samples."""
        return self._interval_s

    @interval_s.setter
    def interval_s(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._sample_at = min(self._sample_at, self._clock.monotonic() + interval_s)

    def hurry(self) -> None:
        """Have the next reading come at once."""
        self._live_at = self._clock.monotonic()

    def wait_s(self) -> float:
        """Return the clock seconds until the next reading; 0 or less: now."""
        return min(self._live_at, self._sample_at) - self._clock.monotonic()

    def begin(self) -> bool:
        """Note that a reading begins; return whether it is a sample. Samples that were missed are not made up for."""
        now = self._clock.monotonic()
        self._live_at = now + self.live_s
        if now < self._sample_at:
            return False
        missed = math.floor((now - self._sample_at) / self._interval_s)
        self._sample_at += (missed + 1) * self._interval_s
        return True
