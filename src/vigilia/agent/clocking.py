"""Whether the agent's clock is right, and what to do with samples while it is not.

A Pi has no clock that runs without power: it starts at some time in the past, and steps once the network has told it
better. The clock is *right* where the kernel says that it is synchronised, or where the server's agrees with it. Until
then samples belong to an *era*: their times are those of a clock that begins at the machine's and never steps, and the
era's correction is added once it is known. It is settled once and never moved, so that a sample has one time for ever;
a clock that turns out to be off again begins another era.
"""

import ctypes
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from vigilia.agent.samplefile import Correction
from vigilia.clock import Clock

_logger = logging.getLogger(__name__)

LOOK_PERIOD_S = 10.0
"""Real seconds between two looks at the clock."""
_EARLIEST = 1_767_225_600.0
"""2026-01-01: no clock that is right says less, for this program is younger."""
_OFF_S = 1.0
"""A clock that differs by more is not right."""
_LONGEST_TRIP_S = 2.0
"""An answer that took longer says too little of the time."""
_LONGEST_AGE_S = 60.0
_BEHIND_S = 3600.0
"""A synchronised clock that is further behind what was seen before is not believed."""
_TIME_ERROR = 5
_STA_UNSYNC = 0x40


class EraKeeper(Protocol):
    """Who writes eras down: the store of samples. Neither call waits or raises."""

    def begin_era(self, boot: str, base_ms: int, mono_ms: int, correction_ms: int | None) -> int:
        """Note an era that begins; return its number."""
        ...

    def correct(self, correction: Correction) -> None:
        """Note what was learned of eras without a correction."""
        ...


class Clocking:
    """Knows whether the clock is right. `synchronised` is asked of the machine; `floor` is a time that is past."""

    def __init__(
        self, clock: Clock, keeper: EraKeeper, boot: str, synchronised: Callable[[], bool], floor: float = 0.0
    ) -> None:
        self._clock = clock
        self._keeper = keeper
        self._boot = boot
        self._synchronised = synchronised
        self._floor = max(floor - _BEHIND_S, _EARLIEST)
        self._wall, self._mono = clock.now(), clock.monotonic()
        """At this moment of the machine's monotonic clock it was that time, by the clock that never steps."""
        self._era = 0
        self._correction: float | None = 0.0
        self._told_off = False
        if not self._by_kernel():
            self._begin(None)

    @property
    def trusted(self) -> bool:
        """Whether the clock is right."""
        return self._era == 0

    def right_ms(self) -> int | None:
        """Return the time, ms; None while it is not known for certain."""
        return None if self._era else round(self._clock.now() * 1000)

    def stamp(self, moment: float) -> tuple[int, int]:
        """Return when a sample was taken (ms) that was measured at `moment` by the clock, and the era (0: right)."""
        now = self._clock.now()
        if not self._era and abs(now - self._own()) > _OFF_S:
            self.look()
        if not self._era:
            return round(moment * 1000), 0
        age = now - moment
        return round((self._own() - (age if 0 <= age <= _LONGEST_AGE_S else 0.0)) * 1000), self._era

    def look(self) -> None:
        """See whether the machine's clock has become right, or was set."""
        now = self._clock.now()
        if self._by_kernel():
            if self._era:
                self._learn(now)
            self._end()
        elif not self._era:
            if abs(now - self._own()) > _OFF_S:
                _logger.warning("the clock was set by %+.1f s: samples keep the time it had before", now - self._own())
                self._begin(0.0)  # what it said before was right
            else:
                self._anchor()

    def server_said(self, server_ms: int, asked: float, answered: float) -> None:
        """Compare with the server's time, which an answer brought; `asked`, `answered`: our clock's `monotonic()`."""
        trip = answered - asked
        if trip > self._clock.of_real(_LONGEST_TRIP_S):
            return
        true = server_ms / 1000 + trip / 2
        off = true - self._clock.now()
        if self._by_kernel():
            self._tell_off(off)
            return
        if self._era and self._correction is None:
            self._learn(true)
        bearable = _OFF_S * max(1.0, self._clock.speed)
        if abs(off) <= bearable:
            self._end()
        elif not self._era or abs(true - self._own() - (self._correction or 0.0)) > bearable:
            _logger.warning("the clock is off by %+.1f s: samples are given the server's time", -off)
            self._begin(true - self._own())

    def _by_kernel(self) -> bool:
        return self._synchronised() and self._clock.now() >= self._floor

    def _own(self) -> float:
        """Return the time by the clock that never steps."""
        return self._wall + self._clock.monotonic() - self._mono

    def _anchor(self) -> None:
        self._wall, self._mono = self._clock.now(), self._clock.monotonic()

    def _begin(self, correction: float | None) -> None:
        """Begin an era whose clock goes on from where the last one is."""
        base, mono = self._own(), self._clock.monotonic()
        settled = None if correction is None else round(correction * 1000)
        self._era = self._keeper.begin_era(self._boot, round(base * 1000), round(mono * 1000), settled)
        self._correction = correction

    def _learn(self, true: float) -> None:
        """Settle the era, and those before it that were not."""
        if self._correction is None:
            self._correction = true - self._own()
            if abs(self._correction) > _OFF_S:
                _logger.info("the clock was off by %+.1f s: samples taken since are corrected", -self._correction)
            mono_ms = round(self._clock.monotonic() * 1000)
            self._keeper.correct(Correction(self._boot, mono_ms, round(true * 1000)))

    def _end(self) -> None:
        """The machine's clock is right from now on."""
        if self._era:
            _logger.info("the clock is right")
        self._era, self._correction = 0, 0.0
        self._anchor()

    def _tell_off(self, off: float) -> None:
        """Say once that two clocks which ought to be right are not the same."""
        if abs(off) > 5.0 and not self._told_off:
            _logger.warning("the server's clock is %+.1f s from ours, which is synchronised: check the server's", off)
        self._told_off = abs(off) > 5.0


class _Timex(ctypes.Structure):
    """The kernel's `struct timex`, as far as its status; room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def kernel_synchronised() -> bool:
    """Say whether the kernel holds its clock for synchronised (adjtimex(2)); False where it cannot be asked."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR and not timex.status & _STA_UNSYNC


def machine_boot() -> str:
    """Return the id of the machine's present boot; a new one each time where it cannot be read."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"unknown-{time.monotonic_ns()}"
