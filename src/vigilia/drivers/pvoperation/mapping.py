"""The points of plants, relays and inverters, as data, and the samples that records give them."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import NamedTuple

from vigilia.clock import iso
from vigilia.drivers.pvoperation.config import PlantConfig, PvOperationConfig
from vigilia.drivers.pvoperation.digest import Digest
from vigilia.drivers.pvoperation.plants import Plant
from vigilia.drivers.pvoperation.records import CLASSES, Record, classify
from vigilia.language import tr
from vigilia.points import Kind, Point, Reading, Run, Sample, Severity, Status, Window

LINK = "pvoperation"
NORMAL_ACTIVE = ("Normal", "Active")
STATES = ("Normal", "Failed", "Suppressed", "NoData")
NORMAL, FAILED, SUPPRESSED, NO_DATA = range(4)
IsActive = Callable[[str, str], bool]
"""Whether the point of a relay (by its id) and of a class (by its name) is Active by what was published so far."""
LAG_S = 900.0
"""How long a record usually takes to reach the API, at most, and an answer to reach us."""

_STATE_ALARMS = {
    FAILED: (Severity.MAJOR, Status.STATE),
    NO_DATA: (Severity.INVALID, Status.TIMEOUT),
}
_NO_ALARM = (Severity.NO_ALARM, Status.NO_ALARM)


@dataclass(frozen=True, slots=True)
class Family:
    """One sort of equipment: how it is asked for, and where is told of it."""

    name: str
    """Begins its checkpoints' keys."""
    path: str
    device: str
    """Begins its devices' names, after the plant's id."""
    log: logging.Logger


RELAY = Family("relay", "day_relay", "Relay", logging.getLogger("vigilia.log.rele"))
INVERTER = Family("inverter", "day_inverter", "Inverter", logging.getLogger("vigilia.log.inversor"))

_NAME = re.compile(r"^([^:]+):(?:(Relay|Inverter)-(.+):[A-Za-z]+-(?:Sts|Mon)|Last(?:Relay)?Record-Mon)$")


class Place(NamedTuple):
    """What a point's name says: the plant's id, and the device's family and id; None for a point of the plant."""

    plant: str
    family: Family | None
    equipment: str


def parse_name(name: str) -> Place | None:
    """Return what a point's name says; None where it is none of ours."""
    match = _NAME.match(name)
    if match is None:
        return None
    family = {"Relay": RELAY, "Inverter": INVERTER}.get(match[2] or "")
    return Place(match[1], family, match[3] or "")


def relay_status(plant: str, relay: str, class_name: str) -> str:
    """Return the name of the point of one class of a relay's alarms."""
    return f"{plant}:Relay-{relay}:{class_name}-Sts"


def power(plant: str, inverter: str) -> str:
    """Return the name of an inverter's power."""
    return f"{plant}:Inverter-{inverter}:Pac-Mon"


def state(plant: str, inverter: str) -> str:
    """Return the name of an inverter's state."""
    return f"{plant}:Inverter-{inverter}:State-Sts"


def last_record(plant: str) -> str:
    """Return the name of the time of a plant's newest record."""
    return f"{plant}:LastRecord-Mon"


def last_relay_record(plant: str) -> str:
    """Return the name of the time of the newest record of a plant's relays."""
    return f"{plant}:LastRelayRecord-Mon"


def group(plant: str) -> str:
    """Return the group that the alarms of a plant's relays cover."""
    return f"plant:{plant}"


class Catalogue:
    """Makes the points of whatever equipment there is, as the configuration has it."""

    def __init__(self, config: PvOperationConfig, site_zone: tzinfo) -> None:
        self._config = config
        self._site_zone = str(site_zone) if site_zone is not UTC else "UTC"
        self._relay_max_age_s = 2 * config.relay_interval_s + LAG_S

    def window(self, plant: str) -> Window:
        """Return the hours in which a plant's inverters are judged."""
        own = self._config.plants.get(plant, PlantConfig())
        start, end = own.window or self._config.window
        return Window(
            start, end, own.timezone or self._site_zone, own.latitude, own.longitude, self._config.least_irradiance
        )

    def of_plant(self, plant: Plant) -> Point:
        """Return the point of a plant as a whole."""
        return Point(
            last_record(plant.id),
            Kind.TEXT,
            plant.id,
            LINK,
            tr("Time of the newest record of {plant}").format(plant=plant.name),
            area=plant.name,
            equipment=plant.name,
            facts=_facts(plant),
            window=self.window(plant.id),
            covers=_data_group(plant.id),
        )

    def of_relays(self, plant: Plant) -> Point:
        """Return the point of a plant's relays as a whole, for plants whose relays report at a pace.

        Where the whole plant is silent, that is what is told.
        """
        return Point(
            last_relay_record(plant.id),
            Kind.TEXT,
            plant.id,
            LINK,
            tr("Time of the newest record of the relays of {plant}").format(plant=plant.name),
            area=plant.name,
            equipment=tr("Relays"),
            facts=_facts(plant),
            window=self.window(plant.id),
            under=(_data_group(plant.id),),
        )

    def of(self, family: Family, plant: Plant, equipment: str) -> tuple[Point, ...]:
        """Return the points of one relay or inverter."""
        return self._relay(plant, equipment) if family is RELAY else self._inverter(plant, equipment)

    def _relay(self, plant: Plant, relay: str) -> tuple[Point, ...]:
        where = tr("Relay {id}").format(id=relay)
        return tuple(
            Point(
                relay_status(plant.id, relay, flags.name),
                Kind.ENUM,
                f"{plant.id}:Relay-{relay}",
                LINK,
                f"{tr(flags.label)}, {where}, {plant.name}",
                labels=NORMAL_ACTIVE,
                max_age_s=self._relay_max_age_s,
                area=plant.name,
                equipment=where,
                facts=_facts(plant),
                zone=self.window(plant.id).zone,
                covers=group(plant.id),
            )
            for flags in CLASSES
        )

    def _inverter(self, plant: Plant, inverter: str) -> tuple[Point, ...]:
        """Their staleness is each batch's: it depends on the hour; see `hours.silence_s`."""
        where = tr("Inverter {id}").format(id=inverter)
        device, facts = f"{plant.id}:Inverter-{inverter}", _facts(plant)
        return (
            Point(
                power(plant.id, inverter),
                Kind.NUMBER,
                device,
                LINK,
                f"{tr('Active power')}, {where}, {plant.name}",
                "kW",
                precision=2,
                area=plant.name,
                equipment=where,
                facts=facts,
                window=self.window(plant.id),
                under=(group(plant.id),),
            ),
            Point(
                state(plant.id, inverter),
                Kind.ENUM,
                device,
                LINK,
                f"{tr('State')}, {where}, {plant.name}",
                labels=STATES,
                area=plant.name,
                equipment=where,
                facts=facts,
            ),
        )


def samples_of(plant: str, found: Digest, is_active: IsActive) -> list[Sample]:
    """Return what new records of a plant's relays say, in the order of their times; and the time of the newest."""
    samples = _of_relays(plant, found.relays, is_active)
    if found.newest is not None:
        samples.append(Sample(last_record(plant), Reading(iso(found.newest), found.newest)))
    return samples


def runs_of(plant: str, found: Digest) -> list[Run]:
    """Return the powers that new records of a plant's inverters tell."""
    return [Run(power(plant, inverter), times, values) for inverter, (times, values) in found.powers.items()]


def state_sample(plant: str, inverter: str, value: int, now: float) -> Sample:
    """Return an inverter's state."""
    return Sample(state(plant, inverter), Reading(value, now, *_STATE_ALARMS.get(value, _NO_ALARM)))


def _of_relays(plant: str, records: Sequence[Record], is_active: IsActive) -> list[Sample]:
    """A record has one class at most: the first that matches. Only one without any makes every point Normal.

    One with a class says nothing of another that is Active. `said` has the points that the records before it made
    Active. What was Active before them all gets nothing from such a record even if one between them was without a
    flag: that one has told the end, and may be older than what made the point Active.
    """
    samples: list[Sample] = []
    said: set[str] = set()
    names: dict[str, tuple[str, ...]] = {}
    for record in records:
        time, relay = record.time, record.equipment
        if relay not in names:
            names[relay] = tuple(relay_status(plant, relay, flags.name) for flags in CLASSES)
        found = classify(record.flags)
        if found is None:
            said.difference_update(names[relay])
            normal = Reading(0, time)
            samples += [Sample(name, normal) for name in names[relay]]
            continue
        for name, flags in zip(names[relay], CLASSES, strict=True):
            if found[0] is flags:
                said.add(name)
                samples.append(Sample(name, Reading(1, time, flags.severity, Status.STATE), ", ".join(found[1])))
            elif name not in said and not is_active(relay, flags.name):
                samples.append(Sample(name, Reading(0, time)))
    return samples


def _facts(plant: Plant) -> tuple[tuple[str, str], ...]:
    return ((tr("Capacity"), plant.capacity),) if plant.capacity else ()


def _data_group(plant: str) -> str:
    """Return the group that an alarm of a plant's missing data covers."""
    return f"data:{plant}"
