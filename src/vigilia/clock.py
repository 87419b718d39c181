"""Time as a parameter: the real clock, and one that starts elsewhere and runs faster for drills and replays.

`VIGILIA_CLOCK="2026-03-10T05:50:00 x120"` starts the service's clock at that site time, at 120 times the real speed.
Schedules, intervals, waits and time stamps follow the clock; the deadline of a single request stays real, because the
equipment does not run faster.
"""

import asyncio
import time
from datetime import datetime, tzinfo

from vigilia.errors import StartError

_FASTEST = 100_000.0


class Clock:
    """The service's clock. `start` (seconds UTC) and `speed` place it elsewhere than now at speed 1."""

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        self.speed = speed
        self._offset = None if start is None and speed == 1.0 else (start if start is not None else time.time())
        self._began = time.monotonic()

    def now(self) -> float:
        """Return the time in seconds UTC since 1970."""
        if self._offset is None:
            return time.time()
        return self._offset + (time.monotonic() - self._began) * self.speed

    def monotonic(self) -> float:
        """Return seconds that never step back, at this clock's speed, from an arbitrary zero."""
        return time.monotonic() * self.speed

    def of_real(self, real_s: float) -> float:
        """Return how many of this clock's seconds pass in `real_s` real ones."""
        return real_s * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)


def parse_clock(text: str, zone: tzinfo) -> Clock:
    """Return the clock that `text` asks for: empty, a site time, a speed `xN`, or both.

    Raises StartError where the text is neither.
    """
    start: float | None = None
    speed = 1.0
    for word in text.split():
        try:
            if word.startswith("x"):
                speed = float(word[1:])
            else:
                moment = datetime.fromisoformat(word)
                start = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        except ValueError:
            speed = 0.0
        if not 0 < speed <= _FASTEST:
            raise StartError(
                f'VIGILIA_CLOCK: {text!r} is no clock; write a site time, a speed, or both: "2026-03-10T05:50:00 x120"'
            )
    return Clock(start, speed)


def moment(text: str) -> float:
    """Return what an ISO 8601 time with its zone says, in seconds UTC. Raises ValueError where it is no such time."""
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is not None:
            return parsed.timestamp()
    except OverflowError:  # the year 1, or 9999, in another zone
        pass
    raise ValueError("no time with a zone")


def iso(moment: float) -> str:
    """Return seconds UTC as ISO 8601 with milliseconds and `Z`."""
    whole, millis = divmod(round(moment * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{millis:03d}Z"
