"""Takes over from the plant monitor before this one: its state file becomes rows of the store, and back.

What that monitor judged is not judged again: where something of a plant is carried over, records count from its last
scan on. How many readings it had counted goes on being counted; when they were, its file does not say.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alarms.counters import Counters, Run
from vigilia.alarms.judge import Side
from vigilia.alarms.keeping import Channels
from vigilia.alarms.machine import Base, State
from vigilia.clock import Clock
from vigilia.config import Config
from vigilia.datadir import hold, make_data_dir
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.mapping import INVERTER, RELAY, Catalogue, Family, parse_name, power, relay_status
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.drivers.pvoperation.progress import OVERLAP_S, Progress
from vigilia.drivers.pvoperation.rules import INVERTER_FAILURE, relay_rule_name, rules_of
from vigilia.drivers.pvoperation.watch import SOURCE
from vigilia.errors import StartError
from vigilia.language import tr
from vigilia.notices import Notice, NoticeKind
from vigilia.notify.routes import Routes
from vigilia.points import Checkpoint, Point
from vigilia.rules import Rule
from vigilia.state_file import CLASSES, InverterState, MonitorState, read, write
from vigilia.store import Store, known, schema
from vigilia.store.alarms import (
    AlarmRow,
    load_alarms,
    load_checkpoints,
    save_alarms,
    save_checkpoints,
    save_incidents,
)
from vigilia.store.outbox import queue

_INTERVAL_S = 300.0
"""What is taken for the time between two readings that the file only counts."""
_CLASS_NAMES: dict[str, str] = dict(
    zip(CLASSES, ("Overvoltage", "Undervoltage", "Frequency", "Thermal", "Lockout", "Other"), strict=True)
)
_CLASSES = {relay_rule_name(name): kind for kind, name in _CLASS_NAMES.items()}
_FAMILIES: Mapping[str, Family] = {RELAY.name: RELAY, INVERTER.name: INVERTER}


@dataclass(slots=True)
class _Found:
    """What is put into the store."""

    points: dict[str, Point] = field(default_factory=dict[str, Point])
    alarms: list[Alarm] = field(default_factory=list[Alarm])
    checkpoints: list[tuple[str, Checkpoint]] = field(default_factory=list[tuple[str, Checkpoint]])


class _Import:
    """One file on its way into the store."""

    def __init__(self, state: MonitorState, config: PvOperationConfig, zone: tzinfo, now: float) -> None:
        self._state = state
        self._catalogue = Catalogue(config, zone)
        self._rules: dict[str, Rule] = {rule.name: rule for rule in rules_of(config, "vigilia")}
        self._now = now
        self.found = _Found()

    def run(self) -> _Found:
        """Return what the file amounts to."""
        for plant, relay, kind in self._state.relay_alarms:
            self._relay_alarm(plant, relay, _CLASS_NAMES[kind])
        for (plant, inverter), state in self._state.inverters.items():
            self._inverter(plant, inverter, state)
        carried_relays = {plant for plant, _, _ in self._state.relay_alarms}
        carried_inverters = {plant for (plant, _), state in self._state.inverters.items() if _carries(state)}
        named = carried_relays | {plant for plant, _ in self._state.inverters}
        for family, scans, carried in (
            (RELAY, self._state.relay_scans, carried_relays),
            (INVERTER, self._state.inverter_scans, carried_inverters),
        ):
            for plant in sorted(scans.keys() | named):
                self._checkpoint(family, plant, carried=plant in carried)
        return self.found

    def _scan(self, family: Family, plant: str) -> float | None:
        """Return when a plant was scanned last, as far as the file tells."""
        if family is RELAY:
            return self._state.relay_scans.get(plant, self._state.relay_scan)
        return self._state.inverter_scans.get(plant, self._state.inverter_scan)

    def _checkpoint(self, family: Family, plant: str, *, carried: bool) -> None:
        scan = self._scan(family, plant)
        if scan is None and not carried:
            return  # it is as if it had never been asked: from midnight on
        moment = self._now if scan is None else scan
        # Late records from before are judged where nothing was counted from them.
        progress = Progress(moment if carried else moment - OVERLAP_S, moment)
        self.found.checkpoints.append((SOURCE, Checkpoint(f"{family.name}:{plant}", progress.dump())))

    def _alarm(self, family: Family, rule: str, plant: str, equipment: str, name: str) -> Alarm:
        whole = Plant(plant, plant, "", int(plant) if plant.isdecimal() else plant)
        for point in (self._catalogue.of_plant(whole), *self._catalogue.of(family, whole, equipment)):
            self.found.points[point.name] = point
        alarm = Alarm(self._rules[rule], self.found.points[name])
        self.found.alarms.append(alarm)
        return alarm

    def _relay_alarm(self, plant: str, relay: str, class_name: str) -> None:
        name = relay_status(plant, relay, class_name)
        alarm = self._alarm(RELAY, relay_rule_name(class_name), plant, relay, name)
        self._stand(alarm, self._scan(RELAY, plant) or self._now)

    def _inverter(self, plant: str, inverter: str, state: InverterState) -> None:
        alarm = self._alarm(INVERTER, INVERTER_FAILURE, plant, inverter, power(plant, inverter))
        scan = self._scan(INVERTER, plant) or self._now
        side, length = _run(state, alarm.rule)
        since = scan - length * _INTERVAL_S
        if length:
            alarm.counters = Counters(run=Run(side, length, since))
        if state.active:
            self._stand(alarm, since - _INTERVAL_S)

    @staticmethod
    def _stand(alarm: Alarm, began: float) -> None:
        """Have an alarm stand that people were told of: nothing is told of it but its end.

        When it began the file does not say: `began` is a guess, and marked as one.
        """
        alarm.state = State(Base.UNACKNOWLEDGED, told=True)
        alarm.since = alarm.last_seen = began
        alarm.incident = Incident(began, began, alarm.rule.severity, "", told=True, start_known=False)


async def take_over(config: Config, clock: Clock, file: str) -> str:
    """Put the file's content into the configured store; return in a sentence what it was.

    Raises AlreadyRunning while the service runs, StateFileError, StartError or StoreError.
    """
    plants = _plants_config(config)
    lock = hold(make_data_dir(config.data_dir))
    try:
        state = read(Path(file), config.zone)
        store = await Store.open(config.store.url.get_secret_value())
        try:
            channels = Routes.of(config.notify).channels_for
            return await import_state(store, state, plants, config.zone, channels, clock.now())
        finally:
            await store.close()
    finally:
        lock.release()


async def give_back(config: Config, clock: Clock, file: str) -> str:
    """Write what the configured store says into the file; "-" has it returned instead. The service may be running.

    Raises StartError where there is no store or the file cannot be written, or StoreError.
    """
    del clock
    store = await Store.look(config.store.url.get_secret_value())
    try:
        text = write(await export_state(store), config.zone)
    finally:
        await store.close()
    if file == "-":
        return text.rstrip("\n")
    try:
        await asyncio.to_thread(Path(file).write_text, text, encoding="utf-8")
    except OSError as error:
        raise StartError(f"{file} cannot be written ({error.strerror}): name another") from error
    return ""


def _plants_config(config: Config) -> PvOperationConfig:
    if SOURCE not in config.drivers:
        raise StartError(f"{config.source}: [pvoperation] is missing: add it, so that the plants are watched")
    section = config.drivers[SOURCE][1]
    return cast(PvOperationConfig, section)


async def import_state(
    store: Store, state: MonitorState, config: PvOperationConfig, zone: tzinfo, channels: Channels, now: float
) -> str:
    """Put what the file says into the store, all or nothing; return in a sentence what it was.

    Raises StartError where the store knows of plants already, StoreError where it takes nothing.
    """
    found = _Import(state, config, zone, now).run()
    async with store.writing() as connection:
        await _refuse_if_known(connection)
        await known.add(connection, SOURCE, list(found.points.values()), now)
        await save_alarms(connection, [alarm.row(now) for alarm in found.alarms])
        incidents = [alarm.incident_row(alarm.incident) for alarm in found.alarms if alarm.incident]
        await save_incidents(connection, incidents)
        await save_checkpoints(connection, found.checkpoints, now)
        notices = [_pending(text, now) for text in state.pending]
        await queue(connection, [(notice, channels(notice)) for notice in notices], now)
    return (
        f"{len(found.checkpoints)} checkpoints, {len(incidents)} active alarms, {len(state.inverters)} inverters, "
        f"{len(notices)} notices taken over"
    )


async def export_state(store: Store) -> MonitorState:
    """Return what the store knows of plants, as the file of the monitor before says it. Raises StoreError."""
    scans: dict[str, dict[str, float]] = {name: {} for name in _FAMILIES}
    for key, value in (await load_checkpoints(store, SOURCE)).items():
        family, _, plant = key.partition(":")
        if family in scans:
            progress = Progress.load(value)
            scans[family][plant] = progress.since if progress.until is None else progress.until
    relay_alarms: list[tuple[str, str, str]] = []
    inverters: dict[tuple[str, str], InverterState] = {}
    for row in await load_alarms(store):
        place = parse_name(row.point)
        if place is None or place.family is None:
            continue
        if row.rule == INVERTER_FAILURE:
            inverters[place.plant, place.equipment] = _inverter_state(row)
        elif row.rule in _CLASSES and _is_active(row):
            relay_alarms.append((place.plant, place.equipment, _CLASSES[row.rule]))
    return MonitorState(
        relay_scans=scans[RELAY.name],
        inverter_scans=scans[INVERTER.name],
        relay_alarms=tuple(sorted(relay_alarms)),
        inverters=inverters,
        pending=tuple(await _waiting(store)),
    )


async def _refuse_if_known(connection: AsyncConnection) -> None:
    incidents, checkpoints = schema.incidents.c, schema.checkpoints.c
    for query in (
        select(incidents.id).where(incidents.system == SOURCE),
        select(checkpoints.key).where(checkpoints.driver == SOURCE),
    ):
        if (await connection.execute(query.limit(1))).first() is not None:
            raise StartError(
                "the store knows of plants already, and they would be mixed up with those of the file: take over "
                "before the service's first run, or into another store ([store] url)"
            )


def _carries(state: InverterState) -> bool:
    return state.active or state.zeros > 0


def _run(state: InverterState, rule: Rule) -> tuple[Side, int]:
    """Return the readings in a row that go on being counted: too few to decide anything by themselves."""
    if state.active and state.recoveries:
        return Side.GOOD, min(state.recoveries, rule.off_count - 1)
    if state.active:
        return Side.BAD, 0
    return Side.BAD, min(state.zeros, rule.on_count - 1)


def _is_active(row: AlarmRow) -> bool:
    return State(Base(row.state["base"])).active


def _inverter_state(row: AlarmRow) -> InverterState:
    counters = Counters.from_json(row.counters)
    side, length = counters.run.side, counters.run.length
    for this in counters.sides[counters.start :]:
        if this != Side.NEITHER:
            side, length = this, length + 1 if this == side else 1
    active = _is_active(row)
    zeros = length if side == Side.BAD and not active else 0
    return InverterState(active, zeros, length if side == Side.GOOD and active else 0)


def _pending(text: str, now: float) -> Notice:
    return Notice(NoticeKind.SERVICE, tr("Notice of the monitor before"), "", text, now, system=SOURCE)


async def _waiting(store: Store) -> Iterable[str]:
    """Return the texts of the notices that wait, each once however many channels it waits for."""
    outbox = schema.outbox.c
    query = select(outbox.notice).where(outbox.delivered_at.is_(None)).order_by(outbox.id)
    async with store.reading() as connection:
        notices = [dict[str, Any](row) for row in await connection.scalars(query)]
    texts = {json.dumps(notice, sort_keys=True): _text(notice) for notice in notices}
    return texts.values()


def _text(notice: Mapping[str, Any]) -> str:
    if notice["kind"] == NoticeKind.SERVICE.value and notice["system"] == SOURCE:
        return notice["line"]  # as the monitor before wrote it
    return ": ".join(
        text for text in (" – ".join(filter(None, (notice["title"], notice["area"]))), notice["line"]) if text
    )
