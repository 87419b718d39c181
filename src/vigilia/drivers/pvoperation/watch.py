"""The watch over the plants: asks for what is missing of one, publishes what is new, and keeps how far it has come."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from vigilia.clock import iso
from vigilia.drivers import Surroundings
from vigilia.drivers.pvoperation import hours, mapping
from vigilia.drivers.pvoperation.client import PvOperationClient
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.digest import Digest, Question
from vigilia.drivers.pvoperation.mapping import INVERTER, LAG_S, RELAY, Catalogue, Family
from vigilia.drivers.pvoperation.pace import Pace
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.drivers.pvoperation.progress import Progress, days_between
from vigilia.drivers.pvoperation.reader import Reader
from vigilia.drivers.pvoperation.records import CLASSES, FlagClass
from vigilia.drivers.pvoperation.rules import INVERTER_FAILURE, relay_rule_name
from vigilia.drivers.pvoperation.sweep import Outcome
from vigilia.errors import BadAnswer, ConnectionLost, LinkError, LoginRefused
from vigilia.points import Batch, Checkpoint, Point, Reading, Sample, Severity, Status, Window
from vigilia.rules import Standing

_logger = logging.getLogger(__name__)

SOURCE = "pvoperation"
MOST_EQUIPMENT = 1_000
"""Relays, and inverters, of one plant: more ids than that are nonsense, not equipment."""


class PlantWatch:
    """Reads plants and publishes them. It keeps nothing of an answer but the times of its newest records."""

    def __init__(
        self, config: PvOperationConfig, client: PvOperationClient, reader: Reader, surroundings: Surroundings
    ) -> None:
        self._client = client
        self._reader = reader
        self._table = surroundings.table
        self._clock = surroundings.clock
        self._alarms = surroundings.alarms
        self._declare = surroundings.declare
        self._checkpoints: Mapping[str, Any] = surroundings.checkpoints
        self._catalogue = Catalogue(config, surroundings.zone)
        self.usual_silence_s = 2 * config.inverter_interval_s + LAG_S
        """For how long nothing new of an inverter says nothing."""
        self._relay_plants = config.relay_plant_ids
        self._pace = Pace()
        self._progress: dict[str, Progress] = {}
        self._equipment: dict[str, set[str]] = {}
        self._declared: dict[str, Point] = {}
        self._refused: set[str] = set()
        """The names of points that somebody else has: they are left out until the next start."""

    def remember(self, plants: Mapping[str, Plant], known: Sequence[Point]) -> list[Point]:
        """Return the points of equipment known from before, as they are to be under the present configuration."""
        points: dict[str, Point] = {}
        for point in known:
            place = mapping.parse_name(point.name)
            plant = plants.get(place.plant) if place else None
            if place is None or plant is None:
                continue
            found = [self._catalogue.of_plant(plant)]
            if point.name == mapping.last_relay_record(plant.id):
                if self._relay_plants is not None and plant.id not in self._relay_plants:
                    continue  # nobody asks for them any more: their silence means nothing
                found.append(self._catalogue.of_relays(plant))
            if place.family is not None:
                found += self._catalogue.of(place.family, plant, place.equipment)
                self._equipment.setdefault(_key(place.family, plant.id), set()).add(place.equipment)
            points |= {point.name: point for point in found}
        self._declared |= points
        return list(points.values())

    async def meet(self, plants: Sequence[Plant]) -> None:
        """Make the points of plants known that were not listed before: one without any record is noticed as well.

        A plant that was renamed, or has another capacity, gets its points and those of its equipment anew. Raises
        StoreError.
        """
        points: list[Point] = []
        for plant in plants:
            own = self._catalogue.of_plant(plant)
            if self._declared.get(own.name) != own:
                # The plant's own point comes last, as it says that the others are done.
                points += [*self._of_equipment(plant), own]
        await self._make_known(points)

    async def read(self, family: Family, plant: Plant, deadline: float) -> Outcome:
        """Ask for a plant's records since its checkpoint and publish the new ones.

        Nothing is asked for after `deadline` of the loop's time. Raises LinkError where no day was received, and
        StoreError where new points cannot be kept; the checkpoint then stays where it is.
        """
        now = self._clock.now()
        progress = self._progress_of(family, plant.id, now)
        start = progress.start(now)
        zone = self._catalogue.window(plant.id).zone
        bodies, trouble = await self._ask(family, plant, days_between(start, now, ZoneInfo(zone)), deadline)
        if trouble is not None and not any(bodies):
            raise trouble
        question = Question(family.name, f"POST {family.path}", zone, now, progress)
        found = await self._reader.digest(question, bodies)
        trouble = trouble or (BadAnswer(found.trouble) if found.trouble else None)
        if trouble is not None and not found.received:
            raise trouble
        advanced = found.progress
        if family is INVERTER:
            known = self._equipment.get(_key(family, plant.id), ())
            judging = trouble is None and hours.is_open(self._catalogue.window(plant.id), now)
            advanced = advanced.count_absences(known, found.present, counting=judging)
        await self._publish(family, plant, found, progress, advanced)
        skipped = sum(found.skipped.values())
        if skipped:
            reasons = ", ".join(f"{count} {reason}" for reason, count in found.skipped.items())
            family.log.warning("%s (%s): %d items of no use: %s", plant.name, plant.id, skipped, reasons)
        return Outcome(found.records, found.fresh, skipped, len(bodies) - found.received)

    async def miss(self, family: Family, plant: Plant) -> None:
        """Take note that the list of plants lacks a plant known from before: none of its inverters was seen."""
        now = self._clock.now()
        if family is RELAY or not hours.is_open(self._catalogue.window(plant.id), now):
            return
        progress = self._progress_of(family, plant.id, now)
        advanced = progress.count_absences(self._equipment.get(_key(family, plant.id), ()), (), counting=True)
        await self._publish(family, plant, Digest.of_nothing(progress), progress, advanced)

    # How it stands with a plant

    def window(self, plant: str) -> Window:
        """Return the hours in which a plant's inverters are judged."""
        return self._catalogue.window(plant)

    def equipment(self, family: Family, plant: str) -> list[str]:
        """Return the ids of a plant's relays or inverters that are known."""
        return sorted(self._equipment.get(_key(family, plant), ()))

    def relay_alarms(self, plant: str) -> Iterator[tuple[str, FlagClass]]:
        """Give each alarm of a plant's relays that is active: which relay, and which class."""
        alarms = self._alarms
        for relay in self.equipment(RELAY, plant) if alarms else ():
            for flags in CLASSES:
                name = mapping.relay_status(plant, relay, flags.name)
                if alarms and alarms.standing(relay_rule_name(flags.name), name) is Standing.ACTIVE:
                    yield relay, flags

    def is_suppressed(self, plant: str, inverter: str) -> bool:
        """Whether an inverter's failure would not be told, by design."""
        alarms = self._alarms
        if alarms is None:
            return False
        return alarms.standing(INVERTER_FAILURE, mapping.power(plant, inverter)) is Standing.SUPPRESSED

    # Inside

    async def _ask(
        self, family: Family, plant: Plant, days: Sequence[date], deadline: float
    ) -> tuple[list[bytes | None], LinkError | None]:
        """Return the answer for each local day, None for one not received, and the first trouble.

        A day that fails does not keep the later ones from being seen: what happens now matters most.
        """
        bodies: list[bytes | None] = []
        trouble: LinkError | None = None
        for day in days:
            try:
                async with asyncio.timeout_at(deadline):
                    bodies.append((await self._client.day(family.path, plant.key, day)).body)
            except LoginRefused:
                raise
            except LinkError as error:
                trouble = trouble or error
                bodies.append(None)
            except TimeoutError:
                trouble = trouble or ConnectionLost("the scan's time was up")
                bodies.append(None)
        return bodies, trouble

    async def _publish(self, family: Family, plant: Plant, found: Digest, before: Progress, after: Progress) -> None:
        """Publish what is new of a plant together with its checkpoint, then what follows for its inverters' states."""
        await self._declare_new(family, plant, found.equipment)
        now = self._clock.now()
        samples = mapping.samples_of(plant.id, found, partial(self._is_active, plant.id))
        if family is RELAY and self._equipment.get(_key(INVERTER, plant.id)):
            # Relays that go on reporting must not hide that the inverters' logger has stopped.
            samples = [sample for sample in samples if sample.name != mapping.last_record(plant.id)]
        if family is RELAY:
            samples += await self._newest_of_relays(plant, found.newest, after, now)
        samples = [sample for sample in samples if sample.name in self._declared]
        runs = [run for run in mapping.runs_of(plant.id, found) if run.name in self._declared]
        lost = [self._unconfirmed(plant.id, name, now) for name in after.absent if _was_lost(name, before, after)]
        if lost:  # all others are in order as they are
            samples += [sample for sample in lost if sample.name in self._declared]
            samples.sort(key=lambda sample: sample.reading.time or 0)
        key = _key(family, plant.id)
        max_age_s = self._max_age_s(plant.id, now) if family is INVERTER else None
        if samples or runs or after != before:
            checkpoint = Checkpoint(key, after.dump())
            batch = Batch(SOURCE, samples, max_age_s=max_age_s, checkpoint=checkpoint, runs=runs)
            await self._table.publish(batch)
        self._progress[key] = after
        await self._publish_states(family, plant.id)

    async def _newest_of_relays(self, plant: Plant, fresh: float | None, after: Progress, now: float) -> list[Sample]:
        """Return the time of the newest record of a plant's relays, where they report at a pace. Raises StoreError.

        `fresh` is that of the newest that is new, None where none is.
        """
        newest, name = max(fresh or 0.0, after.until or 0.0) or None, mapping.last_relay_record(plant.id)
        if self._declare is None or name in self._refused:
            return []
        if name not in self._declared:
            if not self._pace.is_steady(plant.id, newest, now):
                return []
            _logger.info("pvoperation: the relays of %s (%s) report at a pace: silence is told", plant.name, plant.id)
            await self._make_known([self._catalogue.of_relays(plant)])
        elif fresh is None:
            return []
        return [] if newest is None else [Sample(name, Reading(iso(newest), newest))]

    async def _declare_new(self, family: Family, plant: Plant, equipment: Sequence[str]) -> None:
        """Make the points of equipment known that was not seen before. Raises StoreError."""
        known = self._equipment.setdefault(_key(family, plant.id), set())
        found = [name for name in equipment if name not in known]
        if not found or self._declare is None:
            return
        room = MOST_EQUIPMENT - len(known)
        if len(found) > room:
            family.log.error("%s (%s): more than %d ids: the rest is left out", plant.name, plant.id, MOST_EQUIPMENT)
        points = [self._catalogue.of_plant(plant)]
        for name in found[:room]:
            points += self._catalogue.of(family, plant, name)
        await self._make_known(points)
        known.update(found[:room])

    def _of_equipment(self, plant: Plant) -> list[Point]:
        """Return the points of all equipment of a plant that is known, and of its relays as a whole."""
        relays = [self._catalogue.of_relays(plant)] if mapping.last_relay_record(plant.id) in self._declared else []
        return relays + [
            point
            for family in (RELAY, INVERTER)
            for equipment in sorted(self._equipment.get(_key(family, plant.id), ()))
            for point in self._catalogue.of(family, plant, equipment)
        ]

    async def _make_known(self, points: Sequence[Point]) -> None:
        """Declare those of `points` that are new or changed; a name that somebody else has is left out, once for all.

        Raises StoreError.
        """
        changed = [p for p in points if p.name not in self._refused and self._declared.get(p.name) != p]
        if not changed or self._declare is None:
            return
        try:
            await self._declare(changed)
        except ValueError:  # nothing was done: one by one the others are
            for point in changed:
                try:
                    await self._declare([point])
                except ValueError as error:
                    _logger.error("pvoperation: %s is left out: %s", point.name, error)
                    self._refused.add(point.name)
                else:
                    self._declared[point.name] = point
        else:
            self._declared |= {point.name: point for point in changed}

    async def _publish_states(self, family: Family, plant: str) -> None:
        """Publish the inverters' states; after a scan of relays only those that it changed."""
        inverters = self._equipment.get(_key(INVERTER, plant))
        if not inverters:
            return
        now = self._clock.now()
        progress = self._progress_of(INVERTER, plant, now)
        tripped = next(self.relay_alarms(plant), None) is not None
        samples: list[Sample] = []
        for inverter in sorted(inverters):
            if mapping.state(plant, inverter) not in self._declared:
                continue
            value = mapping.NO_DATA if progress.is_lost(inverter) else self._judged(plant, inverter, tripped=tripped)
            sample = mapping.state_sample(plant, inverter, value, now)
            if family is INVERTER or self._table.reading(sample.name).value not in (value, None):
                samples.append(sample)
        if samples:
            await self._table.publish(Batch(SOURCE, samples, max_age_s=self._max_age_s(plant, now)))

    def _judged(self, plant: str, inverter: str, *, tripped: bool) -> int:
        standing = Standing.NORMAL
        if self._alarms is not None:
            standing = self._alarms.standing(INVERTER_FAILURE, mapping.power(plant, inverter))
        if tripped or standing is Standing.SUPPRESSED:
            return mapping.SUPPRESSED
        return mapping.FAILED if standing is Standing.ACTIVE else mapping.NORMAL

    def _is_active(self, plant: str, relay: str, class_name: str) -> bool:
        """Whether a relay's alarm is active: by its point or, as after a start, by what is kept of the alarm."""
        name = mapping.relay_status(plant, relay, class_name)
        if name in self._declared and self._table.reading(name).value == 1:
            return True
        alarms = self._alarms
        return alarms is not None and alarms.standing(relay_rule_name(class_name), name) is not Standing.NORMAL

    def _unconfirmed(self, plant: str, inverter: str, now: float) -> Sample:
        """Return an inverter's last power as one that nothing confirms any more."""
        name = mapping.power(plant, inverter)
        kept = self._table.reading(name).value if name in self._declared else None
        return Sample(name, Reading(kept, now, Severity.INVALID, Status.TIMEOUT))

    def _max_age_s(self, plant: str, now: float) -> float:
        return hours.silence_s(self._catalogue.window(plant), now, self.usual_silence_s)

    def _progress_of(self, family: Family, plant: str, now: float) -> Progress:
        """Return how far a plant's data was received: as kept in memory, else by its checkpoint, else not at all."""
        key = _key(family, plant)
        if key not in self._progress:
            zone = ZoneInfo(self._catalogue.window(plant).zone)
            self._progress[key] = Progress.begin(now, zone)
            if (kept := self._checkpoints.get(key)) is not None:
                try:
                    self._progress[key] = Progress.load(kept)
                except ValueError as error:
                    _logger.error("pvoperation: %s begins anew: %s", key, error)
        return self._progress[key]


def _was_lost(equipment: str, before: Progress, after: Progress) -> bool:
    return after.is_lost(equipment) and not before.is_lost(equipment)


def _key(family: Family, plant: str) -> str:
    return f"{family.name}:{plant}"
