"""How often sign-ins may fail: who guesses is locked out, and can lock nobody out but themselves.

Failures are counted by what they have in common: the user at one address, the address, the user. A count forgets with
time; one that is full locks out for 15 s, and for twice as long after each further failure, up to a quarter of an hour.

The counts of an address and of a user could be filled by anybody to keep others out. So they do not hold for a browser
in which the user has signed in before: it shows a mark that only we can make, has a count of its own, and none of the
others' failures concerns it. Sessions and tokens are not concerned at all.
"""

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from vigilia.clock import Clock
from vigilia.errors import TooManyAttempts
from vigilia.language import tr
from vigilia.store.accounts import FailureRow

_FIRST_LOCK_S = 15.0
_LONGEST_LOCK_S = 900.0
_ABOVE = 8.0
"""How far above its limit a count goes: more would only be remembered for longer."""
_LEAST_FORGOTTEN = 0.5
"""What a count forgets while it fills makes no further attempt of it."""
_MOST_AT_ONCE = 3
"""Attempts of one address that may be under way at the same time."""
_MOST_COUNTS = 20_000


@dataclass(frozen=True, slots=True)
class _Limit:
    """How many failures fill a count, and in what time it forgets one."""

    most: float
    forgets_s: float


_LIMITS = {
    "pair": _Limit(5, 3600.0),
    "device": _Limit(5, 3600.0),
    "address": _Limit(30, 120.0),
    "user": _Limit(50, 60.0),
}
LONGEST_MEMORY_S = max((limit.most + _ABOVE) * limit.forgets_s for limit in _LIMITS.values())
"""After so long without a failure nothing is left of a count."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that may be tried."""

    keys: tuple[str, ...]
    """The counts that it fills where it fails; the first one is its own, which its success empties."""
    place: str


class Limits:
    """The counts, in memory; what comes out of `failed` is to be kept, so that a restart lifts no lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[float, float]] = {}
        """Level and time of the last failure, by key."""
        self._under_way: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many counts there are."""
        return len(self._counts)

    def load(self, rows: Iterable[FailureRow]) -> None:
        """Take up what was kept, in the place of what is known."""
        self._counts = {row.key: (row.level, row.failed_at) for row in rows}

    def begin(self, user: str, address: str, device: str) -> Attempt:
        """Count an attempt before it is made; `finish` must follow. Raises TooManyAttempts.

        `device`: what names a browser in which the user has signed in before; empty: none that is known.
        """
        place = place_of(address)
        if device:
            keys: tuple[str, ...] = (f"device {user} {_short(device)}",)
        else:
            keys = (f"pair {user} {place}", f"address {place}", f"user {user} ")
        wait_s = max(self._wait_s(key) for key in keys)
        if wait_s > 0:
            raise TooManyAttempts(
                tr("too many sign-ins failed: try again in {seconds} s").format(seconds=int(wait_s) + 1), wait_s
            )
        if self._under_way.get(place, 0) >= _MOST_AT_ONCE:
            raise TooManyAttempts(tr("too many people sign in at this moment: try again"), 1.0)
        self._under_way[place] = self._under_way.get(place, 0) + 1
        return Attempt(keys, place)

    def failed(self, attempt: Attempt) -> list[FailureRow]:
        """Count a failure; return what is to be kept."""
        now = self._clock.now()
        rows: list[FailureRow] = []
        for key in attempt.keys:
            limit = _limit(key)
            level = min(self._level(key, now) + 1, limit.most + _ABOVE)
            self._counts[key] = (level, now)
            rows.append(FailureRow(key, level, now))
        if len(self._counts) > _MOST_COUNTS:
            self._forget(now)
        return rows

    def succeeded(self, attempt: Attempt) -> str:
        """Forget the attempt's own failures; return the key of what is to be forgotten."""
        self._counts.pop(attempt.keys[0], None)
        return attempt.keys[0]

    def finish(self, attempt: Attempt) -> None:
        """End an attempt, however it went."""
        left = self._under_way[attempt.place] - 1
        if left:
            self._under_way[attempt.place] = left
        else:
            del self._under_way[attempt.place]

    def _wait_s(self, key: str) -> float:
        level, failed_at = self._counts.get(key, (0.0, 0.0))
        now = self._clock.now()
        if failed_at > now:  # the clock was set back: nobody is locked out for as long as it was wrong
            failed_at = now
            self._counts[key] = (level, now)
        over = level - _limit(key).most
        if over < -_LEAST_FORGOTTEN:
            return 0.0
        lock_s = min(_LONGEST_LOCK_S, _FIRST_LOCK_S * 2 ** max(0.0, over))
        return failed_at + lock_s - now

    def _level(self, key: str, now: float) -> float:
        level, failed_at = self._counts.get(key, (0.0, now))
        return max(0.0, level - max(0.0, now - failed_at) / _limit(key).forgets_s)

    def _forget(self, now: float) -> None:
        """Drop the counts that are empty, and the oldest of the others until there is room."""
        kept = {key: count for key, count in self._counts.items() if self._level(key, now) > 0}
        newest = sorted(kept.items(), key=lambda item: item[1][1], reverse=True)
        self._counts = dict(newest[: _MOST_COUNTS // 2])


def place_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the /64 that one subscriber has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return _short(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _limit(key: str) -> _Limit:
    return _LIMITS[key.partition(" ")[0]]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
