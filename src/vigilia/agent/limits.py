"""How much an output may do, and how time is counted for it: by what can only be too short, never too long.

A Pi has no clock of its own: after a power cut it wakes with an old time, and network time then moves it by hours. A
budget "per hour" or "per day" that followed the wall clock would be given twice by such a jump. So time is counted by
what a boot counts of itself (`CLOCK_BOOTTIME`: it never jumps). Only from one boot to the next must the wall clock say
how long the computer was off, and of what it says an hour is not believed, nor any move of it that was seen.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

HOUR_S = 3600.0
DAY_S = 86_400.0
MARGIN_S = HOUR_S
"""How far the wall clock may have moved unseen between two boots."""
_ROUNDING_ML = 1e-6
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Times(Protocol):
    """The clocks that budgets are counted by."""

    def boot(self) -> str:
        """Return what tells this boot of the computer from every other."""
        ...

    def elapsed(self) -> float:
        """Return the real seconds since that boot; they never jump."""
        ...

    def wall(self) -> float:
        """Return seconds UTC since 1970, as the computer believes."""
        ...


class SystemTimes:
    """The clocks of this computer."""

    def __init__(self) -> None:
        self._boot = _BOOT_ID.read_text().strip()

    def boot(self) -> str:
        """Return the kernel's boot id."""
        return self._boot

    def elapsed(self) -> float:
        """Return the seconds since the boot, those of a suspend included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> float:
        """Return the time of the wall clock."""
        return time.time()


@dataclass(frozen=True, slots=True)
class Boot:
    """What is known of one boot: how far it came, and where the wall clock stood meanwhile."""

    id: str
    last: float
    """The latest moment that something was noted, in seconds since the boot."""
    low: float
    """The least that the wall clock was ahead of the seconds since the boot."""
    high: float
    """The most."""

    def seen(self, elapsed: float, wall: float) -> "Boot":
        """Return it with one more look at the clocks."""
        ahead = wall - elapsed
        return replace(self, last=max(self.last, elapsed), low=min(self.low, ahead), high=max(self.high, ahead))


def first_seen(boot: str, elapsed: float, wall: float) -> Boot:
    """Return a boot at the first look at its clocks."""
    return Boot(boot, elapsed, wall - elapsed, wall - elapsed)


class Timeline:
    """All boots in a row, as one axis of seconds on which two moments are never further apart than they really were."""

    def __init__(self, boots: Sequence[Boot]) -> None:
        """`boots`: in their order; the last one is the present one."""
        self._begins: list[float] = []
        position = 0.0
        previous: Boot | None = None
        for boot in boots:
            if previous is not None:
                position += previous.last + time_off(previous, boot)
            self._begins.append(position)
            previous = boot

    def position(self, number: int, elapsed: float) -> float:
        """Return where on the axis a moment of the boot `number` (from 0) is."""
        return self._begins[number] + elapsed


def time_off(before: Boot, after: Boot) -> float:
    """Return how long the computer was off between two boots at the very least."""
    return max(0.0, after.low - (before.high + before.last) - MARGIN_S)


@dataclass(frozen=True, slots=True)
class Given:
    """Millilitres that count, and when."""

    ml: float
    by: str
    """Who asked: the name of a loop, or empty for people."""
    ended: float | None
    """Where on the timeline the dose ended; None: it has not, or nobody knows."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many millilitres within any `window_s` seconds."""

    most_ml: float
    """0: no limit, on purpose."""
    window_s: float
    key: str
    """What the configuration calls it, for messages."""
    by: str | None = None
    """Only what this loop asked for counts; None: everything."""

    def spent(self, given: Iterable[Given], now: float) -> float:
        """Return what counts of it at `now`, on the timeline: a dose does until a window after its end."""
        return sum(
            dose.ml
            for dose in given
            if (self.by is None or dose.by == self.by) and (dose.ended is None or now - dose.ended < self.window_s)
        )

    def refusal(self, asked_ml: float, given: Iterable[Given], now: float) -> str:
        """Return why `asked_ml` more would be too much, or an empty text."""
        if not self.most_ml:
            return ""
        spent = self.spent(given, now)
        if spent + asked_ml <= self.most_ml + _ROUNDING_ML:
            return ""
        span = "hour" if self.window_s == HOUR_S else "day"
        return (
            f"{asked_ml:g} ml would be over {self.key} = {self.most_ml:g}: {spent:g} ml count for the last {span}; "
            f"{max(0.0, self.most_ml - spent):g} ml are left"
        )
