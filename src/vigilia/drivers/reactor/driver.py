"""The reactor driver: puts the parts together, carries writes, publishes what is heard, and notices who is silent."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, cast

from vigilia.calibration import CalibrationItem
from vigilia.drivers import Surroundings
from vigilia.drivers.reactor.calibrating import calibration_of
from vigilia.drivers.reactor.commands import Unknown
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.drivers.reactor.coordinator import Coordinator
from vigilia.drivers.reactor.gate import Gate
from vigilia.drivers.reactor.inventory import BadInventory, Inventory, unpack
from vigilia.drivers.reactor.keeper import Keeper
from vigilia.drivers.reactor.listener import Listener
from vigilia.drivers.reactor.manager import Manager
from vigilia.drivers.reactor.reactor import Reactor
from vigilia.drivers.reactor.recent import Recent
from vigilia.drivers.reactor.registry import Registry
from vigilia.drivers.reactor.remembering import PARTS, Remembering
from vigilia.drivers.reactor.rules import SYSTEM, ReactorPoints, rules_of
from vigilia.drivers.reactor.samples import SampleSink
from vigilia.drivers.reactor.view import view_of
from vigilia.drivers.reactor.writes import Writes
from vigilia.errors import StartError, UnknownReactor
from vigilia.fleet import ReactorItem
from vigilia.language import tr
from vigilia.link import Link
from vigilia.points import Batch, Checkpoint, Origin, Point, Sample, Severity, Status, Value, shorten
from vigilia.rules import Rule
from vigilia.settings import Section
from vigilia.store import StoreError
from vigilia.store.reactors import load_reactors, load_settings
from vigilia.views import ReactorsView
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

_logger = logging.getLogger(__name__)

DROPPED = "dropped:"
"""Begins the key of the checkpoint that holds how many samples a reactor's agent has dropped."""
_LOOKS_AN_INTERVAL = 25
"""How often in a status interval it is looked who has gone silent."""
_SHOWN_EVERY_S = 1.0
_RETRY_S = 60.0
_LOST = (Severity.INVALID, Status.TIMEOUT)


class ReactorDriver:
    """All reactors."""

    def __init__(self, config: ReactorConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._surroundings = surroundings
        self._table = surroundings.table
        self._clock = surroundings.clock
        self._keeper = Keeper(surroundings.store)
        self._registry = Registry(config, self._keeper, self._clock, surroundings.instance)
        self._writes = Writes(self._registry, self._keeper, self._clock, self._table)
        self._inventories = _kept(surroundings.checkpoints)
        self._dropped = {
            key.removeprefix(DROPPED): count
            for key, count in surroundings.checkpoints.items()
            if key.startswith(DROPPED) and isinstance(count, int)
        }
        """What is kept of it, by reactor."""
        self._dropped_shown = dict(self._dropped)
        self._remembering = Remembering(surroundings.declare, self._table, self._inventories)
        self._recent = Recent()
        self._coordinator = Coordinator(config, self._registry, self._clock, declare=self._declare, begun=self._begun)
        self._samples = SampleSink(self._table, self._clock, surroundings.checkpoints, SYSTEM)
        manager = Manager(
            self._registry, self._clock, config.status_interval_s, heard=self._heard, samples=self._samples
        )
        self._listener = Listener(config, self._coordinator, manager, Gate(self._registry))

    @property
    def points(self) -> Sequence[Point]:
        """The points known at the start; others are declared as reactors register."""
        return [
            point
            for reactor, inventory in self._inventories.items()
            for point in (*inventory.points, *ReactorPoints(self._surroundings.instance, reactor).all)
        ]

    @property
    def links(self) -> Sequence[Link]:
        """None: reactors call, and are not called."""
        return ()

    @property
    def rules(self) -> Sequence[Rule]:
        """Reactors that are lost or restarted, samples lost, outputs that fell to safe, bus errors."""
        return rules_of(self._surroundings.instance)

    @property
    def address(self) -> tuple[str, int]:
        """Where agents find the coordinator, once it listens."""
        return self._config.host, self._listener.port

    async def write(self, point: Point, value: Value, origin: Origin) -> None:
        """Have a reactor take a setting or do a command. Raises WriteError."""
        await self._writes.write(point, value, origin)

    # What calls

    async def listen(self) -> None:
        """Take the ports, and take up what was kept. Raises StartError."""
        if self._surroundings.store is not None:
            try:
                rows = await load_reactors(self._surroundings.store)
                settings = await load_settings(self._surroundings.store)
            except StoreError as error:
                raise StartError(f"the store does not give the reactors: {error}") from error
            self._registry.load(rows, settings, self._inventories, self._dropped)
        await self._listener.bind()
        if not self._config.on_loopback and self._config.insecure:
            _logger.warning("[reactor] insecure = true: whoever reaches %s can pass for a reactor", self._config.listen)
        now = self._clock.now()
        samples: list[Sample] = []
        for reactor in self._registry.reactors.values():
            if reactor.declared:
                samples += reactor.status(now) + reactor.settings.samples(reactor.inventory)
        await self._publish(samples)

    async def serve(self) -> None:
        """Answer agents until cancelled."""
        await self._listener.start()
        try:
            await _until_one_fails(
                self._keeper.run(),
                self._remembering.run(),
                self._look_for_silence(),
                self._show_status(),
                self._keep_counts(),
                self._listener.watch(),
            )
        finally:
            await self.close()

    async def close(self) -> None:
        """Part from all agents; whoever waits for one gets an answer."""
        self._writes.stopping = True
        for reactor in self._registry.reactors.values():
            reactor.commands.give_up(tr("the service has stopped"))
            reactor.settings.give_up()
        await self._listener.stop()
        await self._samples.close()

    def missing(self) -> list[str]:
        """Return what is missing: a listener that answers, a store that keeps what is asked of reactors."""
        failure = self._keeper.failure
        kept = [tr("the store does not take reactors' settings: {error}").format(error=failure)] if failure else []
        failure = self._remembering.failure
        text = tr("the store does not take the points of reactors, for the next start: {error}")
        known = [text.format(error=failure)] if failure else []
        return self._listener.missing() + kept + known

    # The fleet, and how it is looked at

    @property
    def title(self) -> str:
        """What people call what it watches."""
        return tr("Reactors")

    def view(self) -> ReactorsView:
        """Return the reactors with their parts."""
        return view_of(self._registry.items(), self._registry.reactors)

    def reactors(self) -> Sequence[ReactorItem]:
        """Return every reactor, by id."""
        return self._registry.items()

    async def accept(self, reactor: str, by: Origin) -> ReactorItem:
        """Accept a reactor that waits. Raises UnknownReactor or StoreError."""
        return await self._registry.accept(reactor, by)

    async def enrol(self, reactor: str, by: Origin) -> str:
        """Accept a reactor and return its token. Raises UnknownReactor or StoreError."""
        return await self._registry.enrol(reactor, by)

    def calibration(self, reactor: str, part: str) -> CalibrationItem:
        """Return all that is needed to calibrate a part. Raises UnknownReactor or UnknownPart."""
        found = self._registry.reactors.get(reactor)
        if found is None:
            raise UnknownReactor(f"no reactor {shorten(reactor)} is accepted")
        return calibration_of(found.inventory, part, self._recent, self._clock.now())

    # Inside

    def _declare(self, reactor: Reactor, inventory: Inventory) -> None:
        """Make a reactor's points known, now; and at the next start, once the store answers. Raises ValueError."""
        if not reactor.declared:
            for point in self._table.points():
                if point.link == reactor.id and self._table.system(point.name) != SYSTEM:
                    raise ValueError(f"{reactor.id} is also the name of a link of [{self._table.system(point.name)}]")
        declare = self._surroundings.declare
        if declare is None:
            return
        declare.put([*inventory.points, *reactor.points.all])
        reactor.declared = True
        self._remembering.put(inventory)

    async def _begun(self, reactor: Reactor, before: Inventory, unknown: Sequence[Unknown]) -> None:
        """Show that a reactor has registered; what it had before and has no more is not read any more."""
        self._keeper.put(reactor.row)
        now = self._clock.now()
        there = {point.name for point in reactor.inventory.points}
        gone = [
            Sample(point.name, self._table.reading(point.name)._replace(time=now, severity=_LOST[0], status=_LOST[1]))
            for point in before.points
            if point.name not in there and self._table.reading(point.name).status is not Status.UDF
        ]
        ends = reactor.unknown(unknown, self._table.reading)
        await self._publish([*gone, *ends, *reactor.status(now), *reactor.settings.samples(reactor.inventory)])

    async def _heard(self, reactor: Reactor, report: wire.ReportRequest) -> list[str]:
        """Publish what a report says; return the ids of the commands whose end was heard."""
        ended: list[str] = []
        samples, rows = reactor.hear(report, self._table.reading)
        for row in rows:
            self._keeper.put(row)
        for state in report.commands:
            over, more = reactor.end_of(state, self._table.reading)
            samples += more
            ended += [state.id] if over else []
        dropped = reactor.dropped
        self._recent.note(samples)
        await self._publish(samples)
        if dropped is not None:
            self._dropped_shown[reactor.id] = dropped
        return ended

    async def _publish(self, samples: Sequence[Sample]) -> None:
        if samples:
            await self._table.publish(Batch(SYSTEM, samples))

    async def _look_for_silence(self) -> None:
        """Mark what is read of a reactor that has gone silent, until cancelled."""
        loop = asyncio.get_running_loop()
        pause_s = self._config.status_interval_s / _LOOKS_AN_INTERVAL
        while True:
            await asyncio.sleep(pause_s)
            now = loop.time()
            for reactor in [found for found in self._registry.reactors.values() if found.liveness.expire(now)]:
                unknown = reactor.lose()
                _logger.warning("%s has stopped reporting", reactor.id)
                await self._table.lose(reactor.id)
                ends = reactor.unknown(unknown, self._table.reading)
                await self._publish([*ends, *reactor.status(self._clock.now())])

    async def _show_status(self) -> None:
        """Show how it stands with every reactor, again and again: alarms count readings; until cancelled."""
        while True:
            await self._clock.sleep(_SHOWN_EVERY_S)
            now = self._clock.now()
            away = [r for r in self._registry.reactors.values() if r.declared and not r.liveness.alive]
            await self._publish([reactor.contact(now) for reactor in away])

    async def _keep_counts(self) -> None:
        """Keep how many samples agents have dropped, once that was shown and judged; until cancelled.

        A kill in between has it shown again. It waits while the store is away, which holds up nothing else.
        """
        while True:
            await asyncio.sleep(_SHOWN_EVERY_S)
            fresh = [(name, count) for name, count in self._dropped_shown.items() if count != self._dropped.get(name)]
            try:
                for name, count in fresh:
                    await self._table.publish(Batch(SYSTEM, [], checkpoint=Checkpoint(DROPPED + name, count)))
                    self._dropped[name] = count
            except StoreError as error:
                _logger.error("how many samples reactors have lost is not kept yet: %s", error)
                await asyncio.sleep(_RETRY_S)


def build(config: Section, surroundings: Surroundings) -> ReactorDriver:
    """Make the driver from its validated section."""
    return ReactorDriver(cast(ReactorConfig, config), surroundings)


def _kept(checkpoints: Mapping[str, Any]) -> dict[str, Inventory]:
    """Return the inventories that were kept; one that this version cannot read is forgotten until it is told anew."""
    found: dict[str, Inventory] = {}
    for key, packed in checkpoints.items():
        if key.startswith(PARTS):
            name = key.removeprefix(PARTS)
            try:
                found[name] = unpack(name, packed)
            except (BadInventory, TypeError, ValueError) as error:
                _logger.error("%s: what is kept of its inventory cannot be read: %s", name, error)
    return found


async def _until_one_fails(*work: Coroutine[Any, Any, None]) -> None:
    """Run all of `work` until one of them raises; cancel the others, and raise that."""
    tasks = [asyncio.create_task(part) for part in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
