"""The faults that the simulated API and the Teams sink can be given at run time, and which of them are in force.

Pure: what a fault does to an answer is done in `api`, `teams` and `disturb`; to a connection, in `serving`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypedDict, Unpack

from vigilia.sim.aruba.faults import FaultError, FaultKind

_TIMES = frozenset({"duration_s", "count"})
_ALL = _TIMES | {"path", "plants"}

_COMMON: dict[str, FaultKind] = {
    "hang": FaultKind("accept and read the request, never answer it", _ALL),
    "reset": FaultKind("TCP reset once the request has arrived", _ALL),
    "refuse": FaultKind("stop listening and reset open connections", frozenset({"duration_s"})),
    "429": FaultKind("answer 429; `retry_after_s` as seconds, or as a date", _ALL | {"retry_after_s", "as_date"}),
    "500": FaultKind("answer 500 with a text", _ALL),
}

API_FAULTS: dict[str, FaultKind] = {
    **_COMMON,
    "503": FaultKind("answer 503 with a JSON message", _ALL),
    "garbage": FaultKind("answer 200 with something that is not JSON", _ALL),
    "html": FaultKind("answer 200 with an HTML page", _ALL),
    "wrong-shape": FaultKind("answer 200 with JSON of another shape", _ALL),
    "error-text": FaultKind("answer 200 with an error text as JSON", _ALL),
    "huge": FaultKind("answer 200 and announce 120 MB", _ALL),
    "huge-stream": FaultKind("answer 200 with 120 MB in chunks, unannounced", _ALL),
    "expire": FaultKind("drop all tokens, now", frozenset[str]()),
    "always-expired": FaultKind("answer 401 to every token", _TIMES | {"path"}),
    "partial-plants": FaultKind("the list of plants lacks `plants`", _TIMES | {"plants"}, "plants"),
    "empty-plants": FaultKind("the list of plants is empty", _TIMES),
    "repeat-last": FaultKind("the last record of each equipment comes four times", _ALL),
    "out-of-order": FaultKind("a day's records come in another order", _ALL),
    "duplicates": FaultKind("each record comes twice", _ALL),
    "late": FaultKind("each record appears `minutes` after its time", _ALL | {"minutes", "every"}, "minutes"),
    "missing-day": FaultKind("a day, or `day` only, has no records", _ALL | {"day"}),
}
"""Every fault of the API. With neither duration_s nor count a fault lasts until cleared; `path` restricts it to
requests whose path contains that text, `plants` to those plants' days. `every`: only each so-many-th time is late."""

TEAMS_FAULTS: dict[str, FaultKind] = {
    **{kind: FaultKind(fault.text, fault.takes - {"path", "plants"}) for kind, fault in _COMMON.items()},
    "delivery-failed": FaultKind("answer 200 with a body that says delivery failed; the card is lost", _TIMES),
    "lost-answer": FaultKind("take the card, then reset the connection", _TIMES),
    "legacy": FaultKind("answer 200 with the body 1, as the old connector did", _TIMES),
    "redirect": FaultKind("answer 307 to `location`", _TIMES | {"location"}, "location"),
}
"""Every fault of the Teams sink. A card is kept only under `lost-answer` and `legacy`."""

DATA_FAULTS = frozenset({"repeat-last", "out-of-order", "duplicates", "late", "missing-day"})
"""The faults of a day's records; all that are in force apply together."""
LIST_FAULTS = frozenset({"partial-plants", "empty-plants"})
"""The faults of the list of plants."""
_APART = DATA_FAULTS | LIST_FAULTS | {"refuse", "expire", "always-expired"}


class FaultOptions(TypedDict, total=False):
    """The parameters of a fault; which of them a fault takes say `API_FAULTS` and `TEAMS_FAULTS`."""

    duration_s: float | None
    count: int | None
    path: str | None
    plants: Iterable[int] | None
    retry_after_s: float | None
    as_date: bool | None
    minutes: float | None
    every: int | None
    day: date | None
    location: str | None


@dataclass(slots=True)
class Fault:
    """A fault in force. `until`: monotonic seconds of the clock; `left`: how many more times, None for no limit."""

    kind: str
    until: float = math.inf
    left: int | None = None
    path: str | None = None
    plants: frozenset[int] = frozenset()
    retry_after_s: float | None = None
    as_date: bool = False
    minutes: float = 0.0
    every: int = 1
    day: date | None = None
    location: str | None = None

    def concerns(self, path: str, plant: int | None) -> bool:
        """Whether the fault is meant for such a request."""
        if self.plants and plant not in self.plants and self.kind not in LIST_FAULTS:
            return False
        return self.path is None or self.path in path


class Faults:
    """The faults in force on one server, oldest first; `kinds` are those it knows."""

    def __init__(self, kinds: Mapping[str, FaultKind]) -> None:
        self.kinds = kinds
        self.whole = frozenset(kinds) - _APART
        """The faults that replace the treatment of a whole request; at most one applies to each."""
        self._faults: list[Fault] = []

    def inject(self, kind: str, now: float, **options: Unpack[FaultOptions]) -> Fault:
        """Put a fault in force; raises FaultError where the request makes no sense."""
        given = {name: value for name, value in options.items() if value is not None}
        _check(self.kinds, kind, given.keys())
        plants = frozenset(options.get("plants") or ())
        if "plants" in given and not plants:
            raise FaultError("plants is empty: give at least one plant, or leave it out")
        duration_s, count = options.get("duration_s"), options.get("count")
        retry_after_s, minutes, every = options.get("retry_after_s"), options.get("minutes"), options.get("every")
        _check_above("duration_s", duration_s, 0)
        _check_above("minutes", minutes, 0)
        if retry_after_s is not None and not 0 <= retry_after_s < 1e7:
            raise FaultError(f"retry_after_s is {retry_after_s}: give seconds from 0")
        for name, number in (("count", count), ("every", every)):
            if number is not None and number < 1:
                raise FaultError(f"{name} is {number}: give 1 or more, or leave it out")
        fault = Fault(
            kind,
            math.inf if duration_s is None else now + duration_s,
            count,
            options.get("path"),
            plants,
            retry_after_s,
            bool(options.get("as_date")),
            minutes or 0.0,
            every or 1,
            options.get("day"),
            options.get("location"),
        )
        if kind != "expire":
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def take(self, kinds: Iterable[str], path: str, plant: int | None, now: float) -> Fault | None:
        """The oldest fault of these kinds that concerns such a request, counted as used once."""
        found = next((fault for fault in self._concerning(kinds, path, plant, now)), None)
        return None if found is None else _used(found)

    def take_all(self, kinds: Iterable[str], path: str, plant: int | None, now: float) -> list[Fault]:
        """Every fault of these kinds that concerns such a request, each counted as used once."""
        return [_used(fault) for fault in self._concerning(kinds, path, plant, now)]

    def active(self, now: float) -> list[Fault]:
        """The faults in force at `now`."""
        self._faults = [fault for fault in self._faults if fault.until > now and fault.left != 0]
        return self._faults

    def refused_until(self, now: float) -> float:
        """Until when connections are refused: -inf = they are not, inf = until cleared."""
        return max((fault.until for fault in self.active(now) if fault.kind == "refuse"), default=-math.inf)

    def _concerning(self, kinds: Iterable[str], path: str, plant: int | None, now: float) -> list[Fault]:
        return [fault for fault in self.active(now) if fault.kind in kinds and fault.concerns(path, plant)]


def _used(fault: Fault) -> Fault:
    if fault.left is not None:
        fault.left -= 1
    return fault


def _check(kinds: Mapping[str, FaultKind], kind: str, given: Iterable[str]) -> None:
    known = kinds.get(kind)
    if known is None:
        raise FaultError(f"unknown fault {kind!r}: the faults are {', '.join(kinds)}")
    surplus = sorted(set(given) - known.takes)
    if surplus:
        takes = ", ".join(sorted(known.takes)) or "no parameter"
        raise FaultError(f"fault {kind!r} does not take {', '.join(surplus)}: it takes {takes}")
    if known.needs is not None and known.needs not in set(given):
        raise FaultError(f"fault {kind!r} needs {known.needs}")


def _check_above(name: str, value: float | None, low: float) -> None:
    if value is not None and not low < value < math.inf:
        raise FaultError(f"{name} is {value}: give a number above {low}, or leave it out")
