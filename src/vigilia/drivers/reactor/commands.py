"""Commands on their way to a reactor: each is done once, soon, or not at all; none is stored or repeated.

A command waits for the reactor's next report, which is nudged; the reactor says that it has taken it, and how it ended.
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field

from vigilia.drivers.reactor.inventory import Key
from vigilia.errors import InvalidValue, NotWritable, Refused, WriteError, WriteTimeout, printable
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

_logger = logging.getLogger(__name__)

BEGIN_S = 8.0
"""Real seconds within which a reactor must have begun: longer than the pause between two of its reports."""
_MARGIN_S = 2.0
"""How much later its answer may come."""
RUNNING_S = 15.0
"""Real seconds for which whoever asked waits for the end of a command that has begun."""
MOST_COMMANDS = 32
"""Of one reactor, under way."""
_LONGEST_DETAIL = 500
_ENDS = (wire.CommandState.DONE, wire.CommandState.REFUSED, wire.CommandState.FAILED, wire.CommandState.LATE)


@dataclass(slots=True, eq=False)
class Asked:
    """A command that was asked for."""

    key: Key
    value: wire.Value
    latest: float
    """When it must have begun, by the event loop's time."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    told: bool = False
    """Whether the reactor may know of it."""
    begun: bool = False
    ended: asyncio.Future[wire.CommandState] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    detached: bool = False
    """Whether whoever asked has its answer already: that it has begun."""


class Commands:
    """The commands of one reactor that are under way."""

    def __init__(self, reactor: str) -> None:
        self._reactor = reactor
        self._asked: dict[str, Asked] = {}

    def ask(self, key: Key, value: wire.Value) -> Asked:
        """Have a command be sent with the next report. Raises NotWritable where too many are under way."""
        if len(self._asked) >= MOST_COMMANDS:
            raise NotWritable(f"{self._reactor} has {len(self._asked)} commands under way already: try again later")
        asked = Asked(key, value, asyncio.get_running_loop().time() + BEGIN_S)
        self._asked[asked.id] = asked
        return asked

    @property
    def waiting(self) -> bool:
        """Whether there is one that the reactor has said nothing of."""
        return any(not asked.begun for asked in self._asked.values())

    def owed(self) -> list[wire.Command]:
        """Return what the reactor has said nothing of; from now on it may know of it."""
        now = asyncio.get_running_loop().time()
        found: list[wire.Command] = []
        for asked in self._asked.values():
            within_s = asked.latest - now
            if not asked.begun and within_s > 0:
                asked.told = True
                part, parameter = asked.key
                within_ms = max(1, int(within_s * 1000))
                found.append(
                    wire.Command(id=asked.id, part=part, parameter=parameter, value=asked.value, within_ms=within_ms)
                )
        return found

    def hear(self, state: wire.CommandState) -> tuple[bool, Asked | None]:
        """Take what the reactor says of a command; return whether that is its end, and the command if it is ours."""
        over = state.outcome in _ENDS
        asked = self._asked.get(state.id)
        if asked is not None:
            asked.begun = True
            if over:
                del self._asked[state.id]
                if not asked.ended.done():
                    asked.ended.set_result(state)
        return over, asked

    async def end(self, asked: Asked) -> bool:
        """Wait for the end of a command; return False where it has begun, and goes on. Raises WriteError."""
        loop = asyncio.get_running_loop()
        await asyncio.wait([asked.ended], timeout=asked.latest + _MARGIN_S - loop.time())
        if not asked.ended.done() and asked.begun:
            await asyncio.wait([asked.ended], timeout=RUNNING_S)
        if not asked.ended.done():
            if asked.begun:
                asked.detached = True
                return False
            self._asked.pop(asked.id, None)
            raise self._silence(asked, "gave no answer in time")
        if asked.ended.cancelled():
            raise self._silence(asked, "was lost")
        error = failure(asked.ended.result(), self._reactor)
        if error is not None:
            raise error
        return True

    def give_up(self) -> None:
        """End all waiting: the reactor is away, or another start of its agent, which knows none of them."""
        for asked in self._asked.values():
            asked.ended.cancel()
        self._asked.clear()

    def _silence(self, asked: Asked, what: str) -> WriteError:
        if asked.told:
            return WriteTimeout(f"{self._reactor} {what}: it may or may not have been done")
        return NotWritable(f"{self._reactor} {what}: nothing was done")


def failure(state: wire.CommandState, reactor: str) -> WriteError | None:
    """Return what went wrong with a command that has ended; None: nothing."""
    detail = printable(state.detail[:_LONGEST_DETAIL])
    match state.outcome:
        case wire.CommandState.REFUSED if state.over_limit:
            return InvalidValue(f"{reactor} refused it: {detail}")
        case wire.CommandState.REFUSED:
            return NotWritable(f"{reactor} refused it: {detail}")
        case wire.CommandState.FAILED:
            return Refused(f"{reactor} failed: {detail}")
        case wire.CommandState.LATE:
            return WriteTimeout(f"{reactor} heard of it too late: nothing was done" + (f": {detail}" if detail else ""))
        case _:
            return None
