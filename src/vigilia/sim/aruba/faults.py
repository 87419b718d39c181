"""The faults that a simulated switch can be given at run time, and which of them are in force.

Pure: what a fault does to a request is done in `rest` (answers) and `server` (connections).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

_ALL = frozenset({"duration_s", "count", "path", "method"})


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a fault does, which parameters it takes and which of them it must have."""

    text: str
    takes: frozenset[str] = _ALL
    needs: str | None = None


FAULTS: dict[str, FaultKind] = {
    "hang": FaultKind("accept and read the request, never answer it"),
    "reset": FaultKind("TCP reset once the request has arrived; it is not carried out"),
    "cut": FaultKind("carry the request out, close the connection after half of the answer's body"),
    "cut-before": FaultKind("close the connection before any byte of an answer; the request is not carried out"),
    "drip": FaultKind("carry the request out, then send the answer's body one byte every 50 ms"),
    "500": FaultKind("answer 500 with a JSON message"),
    "503": FaultKind("answer 503 with a JSON message"),
    "garbage": FaultKind("answer 200 with something that is not JSON"),
    "wrong-shape": FaultKind("answer 200 with valid JSON of another shape"),
    "html400": FaultKind('answer 400 with the HTML page "Please login"'),
    "huge": FaultKind("answer 200 with 10 MB of valid JSON"),
    "redirect": FaultKind("answer 302 to `location`", _ALL | {"location"}, needs="location"),
    "session-full": FaultKind("answer logins with 503", _ALL - {"path", "method"}),
    "reject-put": FaultKind("refuse writes: PUT with 400 and a message, CLI commands with CCS_FAILURE"),
    "put-ignored": FaultKind("answer writes as usual but change nothing"),
    "missing-port": FaultKind("`ports` vanish: not in collections, 404", frozenset({"duration_s", "ports"}), "ports"),
    "close-idle": FaultKind("close kept-alive connections between requests", frozenset({"duration_s", "count"})),
    "refuse": FaultKind("stop listening and reset open connections", frozenset({"duration_s"})),
    "expire": FaultKind("drop all sessions, now", frozenset[str]()),
}
"""Every fault by name. With neither duration_s nor count a fault lasts until cleared; `path` and `method` restrict
it to requests whose path contains that text, or that use that method."""

REQUEST_FAULTS = frozenset(FAULTS) - {
    "session-full",
    "reject-put",
    "put-ignored",
    "missing-port",
    "close-idle",
    "refuse",
    "expire",
}
"""The faults that replace the treatment of a whole request; at most one applies to each."""


class FaultError(ValueError):
    """A fault was asked for that does not exist, or with parameters that it does not take."""


@dataclass(slots=True)
class Fault:
    """A fault in force. `until`: monotonic seconds; `left`: how many more times, or None for no limit."""

    kind: str
    until: float = math.inf
    left: int | None = None
    path: str | None = None
    method: str | None = None
    ports: frozenset[str] = frozenset()
    location: str | None = None

    def concerns(self, method: str, path: str) -> bool:
        """Whether the fault is meant for such a request; `path` is percent-decoded."""
        if self.method is not None and self.method.upper() != method:
            return False
        return self.path is None or unquote(self.path) in path


class Faults:
    """The faults in force on one switch, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def inject(
        self,
        kind: str,
        now: float,
        *,
        duration_s: float | None = None,
        count: int | None = None,
        path: str | None = None,
        method: str | None = None,
        ports: Iterable[str] = (),
        location: str | None = None,
    ) -> Fault:
        """Put a fault in force; raises FaultError where the request makes no sense."""
        names = frozenset(ports)
        given = {
            "duration_s": duration_s,
            "count": count,
            "path": path,
            "method": method,
            "ports": names or None,
            "location": location,
        }
        _check(kind, {name for name, value in given.items() if value is not None}, duration_s, count)
        until = math.inf if duration_s is None else now + duration_s
        fault = Fault(kind, until, count, path, method, names, location)
        if kind != "expire":
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def take(self, kinds: Iterable[str], method: str, path: str, now: float) -> Fault | None:
        """The oldest fault of these kinds that concerns such a request, counted as used once."""
        for fault in self.active(now):
            if fault.kind in kinds and fault.concerns(method, path):
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None

    def active(self, now: float) -> list[Fault]:
        """The faults in force at `now`."""
        self._faults = [fault for fault in self._faults if fault.until > now and fault.left != 0]
        return self._faults

    def refused_until(self, now: float) -> float:
        """Until when connections are refused: -inf = they are not, inf = until cleared."""
        return max((fault.until for fault in self.active(now) if fault.kind == "refuse"), default=-math.inf)

    def missing_ports(self, now: float) -> frozenset[str]:
        """The ports that have vanished."""
        return frozenset[str]().union(*(fault.ports for fault in self.active(now)))


def _check(kind: str, given: set[str], duration_s: float | None, count: int | None) -> None:
    known = FAULTS.get(kind)
    if known is None:
        raise FaultError(f"unknown fault {kind!r}: the faults are {', '.join(FAULTS)}")
    surplus = sorted(given - known.takes)
    if surplus:
        takes = ", ".join(sorted(known.takes)) or "no parameter"
        raise FaultError(f"fault {kind!r} does not take {', '.join(surplus)}: it takes {takes}")
    if known.needs is not None and known.needs not in given:
        raise FaultError(f"fault {kind!r} needs {known.needs}")
    if duration_s is not None and not 0 < duration_s < math.inf:
        raise FaultError(f"duration_s is {duration_s}: give a number of seconds above 0, or leave it out")
    if count is not None and count < 1:
        raise FaultError(f"count is {count}: give 1 or more, or leave it out")
