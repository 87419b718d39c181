"""Commands on their way to a reactor: each is done once, soon, or not at all; none is stored or repeated.

A command waits for the reactor's next report, which is nudged; the reactor says that it has taken it, and how it ended.
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field

from vigilia.drivers.reactor.inventory import Key
from vigilia.errors import Begun, InvalidValue, NotWritable, Refused, WriteError, WriteTimeout, printable
from vigilia.language import tr
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
MOST_OF_ONE = 8
"""Of one command that waits for no other, under way: others of its kind are then on their way already."""
_LONGEST_DETAIL = 500
_ENDS = (wire.CommandState.DONE, wire.CommandState.REFUSED, wire.CommandState.FAILED, wire.CommandState.LATE)


Unknown = tuple[Key, WriteError]
"""A command that had begun, and what there is to say of its end, which nobody knows."""


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
    later: asyncio.Future[WriteError | None] | None = None
    """Set once whoever asked has an answer, that it has begun: what will say how it ended."""


class Commands:
    """The commands of one reactor that are under way."""

    def __init__(self, reactor: str) -> None:
        self._reactor = reactor
        self._asked: dict[str, Asked] = {}

    def ask(self, key: Key, value: wire.Value, *, at_once: bool = False) -> Asked:
        """Have a command be sent with the next report. Raises NotWritable where too many are under way.

        One that is to be done `at_once`, a stop above all, is not kept back by others.
        """
        same = [asked for asked in self._asked.values() if not at_once or asked.key == key]
        if len(same) >= (MOST_OF_ONE if at_once else MOST_COMMANDS):
            text = tr("{reactor} has {count} commands under way already: try again later")
            raise NotWritable(text.format(reactor=self._reactor, count=len(same)))
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
                _settle(asked, failure(state, self._reactor))
        return over, asked

    async def end(self, asked: Asked) -> None:
        """Wait for the end of a command. Raises WriteError: Begun where it has begun, and goes on."""
        loop = asyncio.get_running_loop()
        await asyncio.wait([asked.ended], timeout=asked.latest + _MARGIN_S - loop.time())
        if not asked.ended.done() and asked.begun:
            await asyncio.wait([asked.ended], timeout=RUNNING_S)
        if not asked.ended.done():
            if asked.begun:
                asked.later = loop.create_future()
                text = tr("{reactor} has begun, and is at it: the point and the audit show its end")
                raise Begun(text.format(reactor=self._reactor), asked.later)
            self._asked.pop(asked.id, None)
            raise self._silence(asked, tr("no answer in time"))
        if asked.ended.cancelled():
            raise self._silence(asked, tr("contact was lost"))
        error = failure(asked.ended.result(), self._reactor)
        if error is not None:
            raise error

    def lose(self) -> list[Unknown]:
        """Have nobody wait: the reactor is away. Return those that it was at, and what there is to say of them.

        Their end is still taken, should the same start of its agent be back and tell it.
        """
        left = {asked.id: asked for asked in self._asked.values() if asked.later is not None}
        for asked in self._asked.values():
            asked.ended.cancel()
        self._asked = left
        return [(asked.key, self._unknown(tr("contact was lost while it was at it"))) for asked in left.values()]

    def give_up(self, why: str) -> list[Unknown]:
        """End all: nobody will tell how they ended. Return those that it was at, and what there is to say of them."""
        left = self.lose()
        error = self._unknown(why)
        for asked in self._asked.values():
            _settle(asked, error)
        self._asked.clear()
        return [(key, error) for key, _ in left]

    def _unknown(self, why: str) -> WriteTimeout:
        text = tr("{reactor} had begun, and {why}: how far it came is not known")
        return WriteTimeout(text.format(reactor=self._reactor, why=why))

    def _silence(self, asked: Asked, what: str) -> WriteError:
        if asked.told:
            text = tr("{reactor}: {what}: it may or may not have been done")
            return WriteTimeout(text.format(reactor=self._reactor, what=what))
        return NotWritable(tr("{reactor}: {what}: nothing was done").format(reactor=self._reactor, what=what))


def _settle(asked: Asked, error: WriteError | None) -> None:
    """Say how a command ended whose beginning was the answer."""
    if asked.later is not None and not asked.later.done():
        asked.later.set_result(error)


def failure(state: wire.CommandState, reactor: str) -> WriteError | None:
    """Return what went wrong with a command that has ended; None: nothing."""
    detail = printable(state.detail[:_LONGEST_DETAIL])
    match state.outcome:
        case wire.CommandState.REFUSED if state.over_limit:
            return InvalidValue(tr("{reactor} refused it: {error}").format(reactor=reactor, error=detail))
        case wire.CommandState.REFUSED:
            return NotWritable(tr("{reactor} refused it: {error}").format(reactor=reactor, error=detail))
        case wire.CommandState.FAILED:
            return Refused(tr("{reactor} failed: {error}").format(reactor=reactor, error=detail))
        case wire.CommandState.LATE:
            late = tr("{reactor} heard of it too late: nothing was done").format(reactor=reactor)
            return WriteTimeout(f"{late}: {detail}" if detail else late)
        case _:
            return None
