"""What the server asks for: settings are checked, applied and remembered; commands are checked, and done once.

A setting that comes while an older one of the same parameter is being applied takes its turn; of those that wait only
the newest holds. Commands do not wait for each other: a stop overtakes the dose it stops.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from vigilia.agent.memory import Decision, Key, Memory, MemoryFault
from vigilia.agent.parts import Access, Failed, Parameter, Part, Rejected, Role
from vigilia.errors import InvalidValue
from vigilia.points import Point, Value, shorten

_logger = logging.getLogger(__name__)

_MOST_RUNNING = 50
_MOST_REMEMBERED = 1_000
"""Commands whose end was acknowledged, and that are known if they come again."""
_APPLY_S = 60.0
"""A part that takes longer to apply a setting is stuck."""
_STOP_S = 2.0
_COMMAND_S = 7 * 86_400.0
"""No command lasts longer."""
_FORGOTTEN = "the agent does not remember whether this was set before: the output is as its restore says; set it again"


class Wish(NamedTuple):
    """A setting that the server asks for."""

    part: str
    parameter: str
    value: Value | None
    revision: int


class Order(NamedTuple):
    """A command that the server gives."""

    id: str
    part: str
    parameter: str
    value: Value | None
    latest: float
    """When it must have begun, by the event loop's time."""


class Outcome(Enum):
    """How a command fares."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a command."""

    id: str
    outcome: Outcome
    detail: str = ""
    over_limit: bool = False


class Desk:
    """Takes what is asked for. `news` is called when something was decided, or ended."""

    def __init__(self, parts: Sequence[Part], memory: Memory, news: Callable[[], None]) -> None:
        self._parts = {part.declaration.name: part for part in parts}
        self._memory = memory
        self._news = news
        self._waiting: dict[Key, Wish] = {}
        self._at_work: dict[str, asyncio.Task[None]] = {}
        """By part: what applies settings to it, one after the other."""
        self._turns: dict[str, asyncio.Lock] = {}
        self._applying: dict[Key, int] = {}
        self._fates: dict[str, Fate] = {}
        """Commands, until their end was acknowledged."""
        self._heard: dict[str, None] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def fates(self) -> Sequence[Fate]:
        """What there is to say of commands."""
        return list(self._fates.values())

    def decisions(self) -> Mapping[Key, Decision]:
        """Return every setting that there is: what holds of it now, and what was decided last."""
        found: dict[Key, Decision] = {}
        for name, part in self._parts.items():
            for parameter, value in part.settings().items():
                last = self._memory.decisions.get((name, parameter))
                found[name, parameter] = last._replace(value=value) if last else Decision(value, 0)
        for key, decision in self._memory.decisions.items():
            if key not in found and decision.rejected:  # of a part that there is not: the asker is told so
                found[key] = decision
        return found

    def turn(self, part: str) -> asyncio.Lock:
        """Return what whoever applies a setting to a part holds, from looking at what is wished to having it decided.

        So a setting from before a restart, which waited for its output, never comes after a newer one.
        """
        return self._turns.setdefault(part, asyncio.Lock())

    async def take_registered(self, wishes: Iterable[Wish]) -> None:
        """Decide on the settings that the answer to a registration brings.

        An agent whose memory is new cannot tell a wish for an output that came while it was away from one that it had
        been given before a power loss, after which `restore` says what holds. It rejects what may switch something on:
        nothing goes on unasked. An off is always taken.
        """
        others = list(wishes)
        if not self._memory.registered:
            for wish in [wish for wish in others if wish.value and self._is_output(wish.part)]:
                others.remove(wish)
                self._reject(wish, None, _FORGOTTEN)
            self._memory.registered = True
            self._news()
            await self._memory.save_if_possible()
        self.take_settings(others)

    def take_settings(self, wishes: Iterable[Wish]) -> None:
        """Decide on settings, those not decided on before; parts begin with theirs in the order they were asked for.

        So a loop that was switched off, and then its output on, is not in the way of that.
        """
        for wish in sorted(wishes, key=lambda it: it.revision):
            key = wish.part, wish.parameter
            last = self._memory.decisions.get(key)
            newest = max(
                last.revision if last else 0,
                self._applying.get(key, 0),
                self._waiting[key].revision if key in self._waiting else 0,
            )
            if wish.revision > newest:
                self._waiting[key] = wish
                if wish.part not in self._at_work:
                    task = asyncio.create_task(self._apply_all(wish.part), name=f"settings of {wish.part}")
                    self._at_work[wish.part] = task

    def take_commands(self, orders: Iterable[Order]) -> None:
        """Begin commands, those not seen before."""
        for order in orders:
            if order.id in self._fates or order.id in self._heard:
                continue
            if len(self._running) >= _MOST_RUNNING and not self._is_at_once(order):
                self._end(order.id, Outcome.REFUSED, f"{_MOST_RUNNING} commands are being done already")
                continue
            self._fates[order.id] = Fate(order.id, Outcome.RUNNING)
            task = asyncio.create_task(self._do(order), name=f"command {order.id}")
            self._running[order.id] = task

    def forget(self, command_ids: Iterable[str]) -> None:
        """Say no more of commands whose end was heard; they are known if they come again."""
        for command_id in command_ids:
            fate = self._fates.get(command_id)
            if fate is not None and fate.outcome is not Outcome.RUNNING:
                del self._fates[command_id]
                self._heard[command_id] = None
        while len(self._heard) > _MOST_REMEMBERED:
            del self._heard[next(iter(self._heard))]

    async def stop(self) -> None:
        """Break off whatever is being done; what does not end in time is left to the end of the program."""
        tasks = [*self._at_work.values(), *self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_S)

    async def _apply_all(self, part: str) -> None:
        """Apply what waits for a part, the lowest revision first, until nothing does."""
        try:
            while wishes := [wish for key, wish in self._waiting.items() if key[0] == part]:
                wish = min(wishes, key=lambda it: it.revision)
                key = wish.part, wish.parameter
                del self._waiting[key]
                self._applying[key] = wish.revision
                try:
                    await self._decide(wish)
                finally:
                    del self._applying[key]
                self._news()
        finally:
            del self._at_work[part]

    async def _decide(self, wish: Wish) -> None:
        key = wish.part, wish.parameter
        last = self._memory.decisions.get(key)
        try:
            part, parameter = self._find(wish.part, wish.parameter, Access.SETTING)
            value = checked(wish.part, parameter, wish.value)
            if value and self._is_output(wish.part):
                # On the disk before anything goes on: else it would come again after a power loss, as if it were new.
                self._memory.begun[key] = wish.revision
                await self._memory.save()
            async with asyncio.timeout(_APPLY_S), self.turn(wish.part):
                await part.apply(wish.parameter, value)
                self._memory.decide(key, Decision(value, wish.revision))
            _logger.info("%s %s is %s (revision %d)", *key, shorten(value), wish.revision)
        except MemoryFault as error:
            self._reject(wish, last, f"nothing was set: {error}")
        except (Rejected, Failed, TimeoutError) as error:
            over_limit = isinstance(error, Rejected) and error.over_limit
            self._reject(wish, last, str(error) or f"it was not applied within {_APPLY_S:g} s", over_limit=over_limit)
        except Exception as error:  # a fault of one part stops neither the others nor the talk with the server
            _logger.critical("%s %s: applying it met a fault of the program", *key, exc_info=error)
            self._reject(wish, last, f"a fault of the program: {error!r}"[:500])
        await self._memory.save_if_possible()

    def _reject(self, wish: Wish, last: Decision | None, reason: str, *, over_limit: bool = False) -> None:
        key = wish.part, wish.parameter
        self._memory.decide(key, Decision(last.value if last else None, wish.revision, reason, over_limit))
        _logger.warning("%s %s was not set to %s: %s", *key, shorten(wish.value), reason)

    def _is_at_once(self, order: Order) -> bool:
        """Say whether a command is one that nothing may keep back: a stop above all."""
        try:
            return self._find(order.part, order.parameter, Access.COMMAND)[1].at_once
        except Rejected:
            return False

    async def _do(self, order: Order) -> None:
        """Do a command, once, and say how it ended."""
        try:
            part, parameter = self._find(order.part, order.parameter, Access.COMMAND)
            value = checked(order.part, parameter, order.value) if parameter.takes_value else True
            if not parameter.at_once:
                await self._take(order)
            if asyncio.get_running_loop().time() >= order.latest:
                self._end(order.id, Outcome.LATE, "it came too late, and was not begun")
                return
            _logger.info("%s %s: %s (%s)", order.part, order.parameter, shorten(value), order.id)
            async with asyncio.timeout(_COMMAND_S):
                detail = await part.command(order.parameter, value, order.id)
            self._end(order.id, Outcome.DONE, detail)
        except Rejected as error:
            self._end(order.id, Outcome.REFUSED, str(error), over_limit=error.over_limit)
        except MemoryFault as error:
            self._end(order.id, Outcome.REFUSED, f"nothing was done: {error}")
        except (Failed, TimeoutError) as error:
            self._end(order.id, Outcome.FAILED, str(error) or "it did not end")
        except asyncio.CancelledError:
            self._end(order.id, Outcome.FAILED, "the agent ends: what was done of it is not known")
            raise
        except Exception as error:
            _logger.critical("%s %s: a fault of the program", order.part, order.parameter, exc_info=error)
            self._end(order.id, Outcome.FAILED, "a fault of the program ended it: what was done of it is not known")
        finally:
            self._running.pop(order.id, None)

    async def _take(self, order: Order) -> None:
        """Have it be known that a command was taken: one that comes again after a crash is not done again."""
        if self._memory.knows_command(order.id):
            raise Failed("the agent was started anew since this was begun: what was done of it is not known")
        self._memory.note_command(order.id)
        await self._memory.save()

    def _end(self, command_id: str, outcome: Outcome, detail: str, *, over_limit: bool = False) -> None:
        if outcome is not Outcome.DONE:
            _logger.warning("command %s: %s: %s", command_id, outcome.value, detail)
        self._fates[command_id] = Fate(command_id, outcome, detail, over_limit)
        self._news()

    def _is_output(self, part: str) -> bool:
        found = self._parts.get(part)
        return found is not None and found.declaration.role is Role.ACTUATOR

    def _find(self, part: str, name: str, access: Access) -> tuple[Part, Parameter]:
        found = self._parts.get(part)
        if found is None:
            raise Rejected(f"there is no part {part!r} on this reactor")
        for parameter in found.declaration.parameters:
            if (parameter.name, parameter.access) == (name, access):
                return found, parameter
        raise Rejected(f"{part} has no {access} {name!r}")


def checked(part: str, parameter: Parameter, value: Value | None) -> Value:
    """Return a value as a parameter takes it. Raises Rejected where its kind or a limit is against it."""
    point = Point(
        f"{part} {parameter.name}",
        parameter.kind,
        part,
        units=parameter.units or None,
        labels=parameter.labels,
        limits=parameter.limits,
    )
    try:
        return point.coerce(value)
    except InvalidValue as error:
        raise Rejected(str(error), over_limit=True) from error
