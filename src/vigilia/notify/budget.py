"""The rate budget of a channel: at most so many requests in any so many seconds, part of it kept in reserve."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence


class Budget:
    """Counts requests against windows of (requests, seconds). Times are seconds UTC, told by the caller.

    A fifth of each window is kept for what is urgent: recoveries and heartbeats.
    """

    def __init__(self, windows: Sequence[tuple[int, float]], sent: Iterable[float] = ()) -> None:
        self._windows = windows
        self._longest = max(seconds for _, seconds in windows)
        self._sent = sorted(sent)

    @property
    def sent(self) -> list[float]:
        """When the requests of the longest window were sent: to be kept for the next start."""
        return list(self._sent)

    def wait(self, now: float, *, urgent: bool) -> float:
        """Return how many seconds must pass before another request; 0: none."""
        self._forget(now)
        longest = 0.0
        for count, seconds in self._windows:
            allowed = count if urgent else count - reserve(count)
            if len(self._sent) >= allowed:
                longest = max(longest, self._sent[-allowed] + seconds - now)
        return longest

    def spend(self, now: float) -> None:
        """Count a request that is about to be sent."""
        self._forget(now)
        self._sent.append(now)

    def settle(self, now: float) -> None:
        """Count the last request as sent now, for it has been answered: when it arrived is not known better."""
        if self._sent:
            self._sent[-1] = now  # before anything is forgotten: the request may have taken longer than a window
        self._forget(now)

    def lately(self, now: float, seconds: float) -> int:
        """Return how many requests were sent in the last `seconds`."""
        return len(self._sent) - bisect_right(self._sent, now - seconds)

    def _forget(self, now: float) -> None:
        """Drop what no window reaches, and take what lies ahead, after the clock was set back, as sent now."""
        ahead = bisect_right(self._sent, now)
        self._sent[ahead:] = [now] * (len(self._sent) - ahead)
        del self._sent[: bisect_right(self._sent, now - self._longest)]


def reserve(count: int) -> int:
    """Return how many of `count` requests are kept for what is urgent."""
    return max(1, count // 5) if count > 1 else 0
