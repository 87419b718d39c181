"""A clock that stands still until the service has come: started together by hand, they still agree."""

from vigilia.clock import Clock, iso


class HeldClock(Clock):
    """Stands at `start` until `release`, then runs at `speed` like the service's own; other waits run as usual."""

    def __init__(self, start: float, speed: float = 1.0) -> None:
        super().__init__(start, speed)
        self._start = start
        self._running: Clock | None = None

    @property
    def is_held(self) -> bool:
        """Whether it still stands."""
        return self._running is None

    def now(self) -> float:
        """Return the time in seconds UTC since 1970."""
        return self._start if self._running is None else self._running.now()

    def move(self, moment: float) -> None:
        """Go on from a later `moment`; raises ValueError for an earlier one, because the past has been told."""
        if moment < self.now():
            raise ValueError(f"the clock is at {iso(self.now())}: give a later time")
        self._start = moment
        if self._running is not None:
            self._running = Clock(moment, self.speed)

    def release(self) -> None:
        """Run from now on; once it runs, nothing."""
        if self._running is None:
            self._running = Clock(self._start, self.speed)
