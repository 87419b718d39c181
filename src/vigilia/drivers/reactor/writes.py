"""Writes to reactors: settings are kept, then sent until the reactor has decided; commands are sent once, or not."""

import asyncio
import logging

from vigilia.clock import Clock
from vigilia.drivers.reactor.inventory import Key
from vigilia.drivers.reactor.keeper import Keeper
from vigilia.drivers.reactor.reactor import Reactor
from vigilia.drivers.reactor.registry import Registry
from vigilia.drivers.reactor.settings import REJECTED
from vigilia.drivers.reactor.values import wire_value
from vigilia.errors import Begun, InvalidValue, NotWritable, Pending, WriteError
from vigilia.language import tr
from vigilia.points import Batch, Origin, Point, Reading, Sample, Value
from vigilia.store import StoreError
from vigilia.store.reactors import SettingRow
from vigilia.table import PointTable

_logger = logging.getLogger(__name__)

DECIDE_S = 15.0
"""Real seconds for which whoever asked for a setting waits until the reactor has decided on it."""


class Writes:
    """Carries writes to reactors."""

    def __init__(self, registry: Registry, keeper: Keeper, clock: Clock, table: PointTable) -> None:
        self.stopping = False
        """Set when the service stops: nobody could be waited for any more."""
        self._registry = registry
        self._keeper = keeper
        self._clock = clock
        self._table = table

    async def write(self, point: Point, value: Value, origin: Origin) -> None:
        """Have a reactor take a setting, or do a command. Raises WriteError."""
        if self.stopping:
            raise NotWritable(tr("{point}: the service is stopping").format(point=point.name))
        reactor = self._registry.reactors.get(point.link)
        key = reactor.inventory.key(point.name) if reactor else None
        if reactor is None or key is None:
            raise NotWritable(tr("{point}: the reactor does not have it any more").format(point=point.name))
        if point.setpoint:
            await self._set(reactor, key, point, value, origin)
        else:
            await self._command(reactor, key, point, value)

    async def _set(self, reactor: Reactor, key: Key, point: Point, value: Value, origin: Origin) -> None:
        before = reactor.settings.row(key)
        row = reactor.settings.ask(key, value, self._clock.now(), str(origin)[:200])
        decision = reactor.settings.decision(row)  # it may come before the store has answered
        try:
            await self._keep(reactor, row, before)
            if not reactor.liveness.alive:
                text = tr("{reactor} is away: the setting is kept, and applied when it is back")
                raise Pending(text.format(reactor=reactor.id))
            reactor.nudge()
            await asyncio.wait([decision], timeout=DECIDE_S)
            if not decision.done() or decision.cancelled():
                text = tr("{reactor} has not decided on it yet: the setting is kept, and applied when it does")
                raise Pending(text.format(reactor=reactor.id))
            decided = decision.result()
        finally:
            decision.cancel()
        # A newer one has taken its place where the revisions differ: last writer wins, and the point shows it.
        if decided.row.revision == row.revision and decided.row.state == REJECTED:
            refusal = InvalidValue if decided.over_limit else NotWritable
            text = tr("{point}: {reactor} rejected it: {error}")
            raise refusal(text.format(point=point.name, reactor=reactor.id, error=decided.row.reason))

    async def _keep(self, reactor: Reactor, row: SettingRow, before: SettingRow | None) -> None:
        """Keep a setting. One for a reactor that is there is sent all the same where the store is away."""
        try:
            await self._keeper.keep(row)
        except StoreError as error:
            if reactor.liveness.alive:
                _logger.error("%s: a setting is sent although the store has not kept it yet: %s", reactor.id, error)
                return
            reactor.settings.withdraw(row, before)
            self._keeper.forget(row)
            text = tr("{reactor} is away, and the store does not keep the setting: {error}")
            raise NotWritable(text.format(reactor=reactor.id, error=error)) from error

    async def _command(self, reactor: Reactor, key: Key, point: Point, value: Value) -> None:
        command = reactor.inventory.commands[key]
        if not command.takes_value and not value:
            text = tr("{point} is asked for with 1 ({label})")
            raise InvalidValue(text.format(point=point.name, label=point.label(1)))
        if not reactor.liveness.alive:
            text = tr("{reactor} is away: a command is not kept for its return")
            raise NotWritable(text.format(reactor=reactor.id))
        asked = reactor.commands.ask(key, wire_value(point, value), at_once=command.at_once)
        reactor.nudge()
        shown = value if command.takes_value else False  # one without a value is over, and can be asked for again
        try:
            await reactor.commands.end(asked)
        except Begun:
            await self._show(Sample(point.name, Reading(shown, self._clock.now())))
            raise
        except InvalidValue:
            raise  # nothing about the equipment has changed
        except WriteError as error:
            await self._show(reactor.failed_command(point, self._table.reading, str(error)))
            raise
        await self._show(Sample(point.name, Reading(shown, self._clock.now())))

    async def _show(self, sample: Sample) -> None:
        await self._table.publish(Batch("reactor", [sample]))
