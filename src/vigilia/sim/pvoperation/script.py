"""A scripted time: plants, their relays and inverters, and what happens to each of them and when.

Pure: no sockets and no clock of its own. Times are seconds UTC; records exist from 00:00 plant-local of `first_day` on.
"""

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

KNOWN_FLAGS = (
    *("r27A", "r27B", "r27C", "r27_0", "r32A", "r32A_2", "r32B", "r32B_2", "r32C", "r32C_2", "r46Q", "r47", "r49"),
    *("r49_2", "r59A", "r59B", "r59C", "r59N", "r67A", "r67A_2", "r67B", "r67B_2", "r67C", "r67C_2", "r67N_1"),
    *("r67N_2", "r78", "r81O", "r81U", "r86", "rAR", "rBA", "rDO", "rEPwd", "rERLS", "rEl2t", "rFR", "rGS", "rHLT"),
    *("rRL1", "rRL2", "rRL3", "rRL4", "rRL5", "rRR"),
)
"""The flags a relay's record may carry, as the PVOperation API spells them (ANSI device numbers after the r)."""

INTERVAL_S = 300
"""Seconds from one reading to the next."""


class UnknownEquipmentError(LookupError):
    """The script has no plant, relay or inverter of that id."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which something holds: from `start` to just before `end`; without an end, until it is ended."""

    start: float
    end: float = math.inf

    def __post_init__(self) -> None:
        """Raises ValueError for a span that ends before it begins."""
        if not self.start < self.end:
            raise ValueError(f"an event ends at {self.end}, which is not after its start at {self.start}")

    def holds(self, moment: float) -> bool:
        """Whether `moment` lies in it."""
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Trip(Span):
    """A relay trips: its records carry these flags."""

    flags: tuple[str, ...] = ("r59A",)


@dataclass(frozen=True, slots=True)
class Outage(Span):
    """An inverter produces nothing: its records say `pac_kw`, which is 0 or less."""

    pac_kw: float = 0.0


@dataclass(slots=True)
class Relay:
    """A protection relay. `stops`: times without records of it."""

    relay_id: str
    trips: list[Trip] = field(default_factory=list[Trip])
    stops: list[Span] = field(default_factory=list[Span])


@dataclass(slots=True)
class Inverter:
    """An inverter of `rated_kw`. `stops`: times without records of it."""

    inverter_id: str
    rated_kw: float = 100.0
    outages: list[Outage] = field(default_factory=list[Outage])
    stops: list[Span] = field(default_factory=list[Span])

    def __post_init__(self) -> None:
        """Raises ValueError for an inverter so small that a healthy reading could round to 0."""
        if not 5 <= self.rated_kw < math.inf:
            raise ValueError(f"inverter {self.inverter_id} is rated {self.rated_kw} kW: give 5 or more")


@dataclass(slots=True)
class Plant:
    """A plant. `stops`: times in which it is silent as a whole; `dawn` and `dusk`: healthy production lies between.

    `window`: the plant-local times, both ends in, in which an inverter's readings are judged.
    """

    plant_id: int
    name: str
    zone: ZoneInfo
    relays: dict[str, Relay]
    inverters: dict[str, Inverter]
    capacity_kwp: float = 1000.0
    stops: list[Span] = field(default_factory=list[Span])
    dawn: time = time(5, 40)
    dusk: time = time(18, 20)
    window: tuple[time, time] = (time(6, 30), time(17, 30))

    def relay(self, relay_id: str) -> Relay:
        """The relay of that id; raises UnknownEquipmentError."""
        if relay_id not in self.relays:
            raise UnknownEquipmentError(f"plant {self.plant_id} has no relay {relay_id!r}: {_listed(self.relays)}")
        return self.relays[relay_id]

    def inverter(self, inverter_id: str) -> Inverter:
        """The inverter of that id; raises UnknownEquipmentError."""
        if inverter_id not in self.inverters:
            known = _listed(self.inverters)
            raise UnknownEquipmentError(f"plant {self.plant_id} has no inverter {inverter_id!r}: {known}")
        return self.inverters[inverter_id]

    def midnight(self, day: date) -> float:
        """When `day` begins at the plant."""
        return self.moment(datetime.combine(day, time()))

    def moment(self, local: datetime) -> float:
        """The time of a naive plant-local one."""
        return (local if local.tzinfo else local.replace(tzinfo=self.zone)).timestamp()

    def local(self, moment: float) -> datetime:
        """The plant-local time, naive as the API's records have it."""
        return datetime.fromtimestamp(moment, self.zone).replace(tzinfo=None)


class Script:
    """Plants and what happens to them from `first_day` on; more may be made to happen while it runs."""

    def __init__(self, plants: list[Plant], first_day: date) -> None:
        self.plants = {plant.plant_id: plant for plant in plants}
        self.first_day = first_day
        if len(self.plants) != len(plants):
            raise ValueError("two plants of the script have the same id: give each its own")
        for plant in plants:
            self._check(plant)

    def plant(self, plant_id: int) -> Plant:
        """The plant of that id; raises UnknownEquipmentError."""
        if plant_id not in self.plants:
            raise UnknownEquipmentError(f"no plant {plant_id}: {_listed(self.plants)}")
        return self.plants[plant_id]

    def begins(self, plant: Plant) -> float:
        """The time of the plant's first record."""
        return plant.midnight(self.first_day)

    def trip(self, plant_id: int, relay_id: str, trip: Trip, now: float = -math.inf) -> None:
        """Have a relay trip. Raises UnknownEquipmentError; ValueError for a start before `now`: the past is told."""
        plant = self.plant(plant_id)
        relay = plant.relay(relay_id)
        check_flags(trip.flags)
        self._check_start(plant, trip, now)
        relay.trips.append(trip)

    def outage(self, plant_id: int, inverter_id: str, outage: Outage, now: float = -math.inf) -> None:
        """Have an inverter fail; raises as `trip` does."""
        plant = self.plant(plant_id)
        inverter = plant.inverter(inverter_id)
        _check_pac(outage)
        self._check_start(plant, outage, now)
        inverter.outages.append(outage)

    def stop(self, plant_id: int, equipment: str | None, span: Span, now: float = -math.inf) -> None:
        """Have a relay, an inverter, or (None) the whole plant fall silent; raises as `trip` does."""
        plant = self.plant(plant_id)
        place = self._equipment(plant, equipment)
        self._check_start(plant, span, now)
        place.stops.append(span)

    def end(self, plant_id: int, equipment: str | None, now: float) -> int:
        """End at `now` what holds of a relay, an inverter or (None) the plant's silence; returns how many ended."""
        place = self._equipment(self.plant(plant_id), equipment)
        ended = 0
        for position, stop in enumerate(place.stops):
            if stop.start < now < stop.end:
                place.stops[position] = Span(stop.start, now)
                ended += 1
        if isinstance(place, Relay):
            for position, trip in enumerate(place.trips):
                if trip.start < now < trip.end:
                    place.trips[position] = Trip(trip.start, now, trip.flags)
                    ended += 1
        if isinstance(place, Inverter):
            for position, outage in enumerate(place.outages):
                if outage.start < now < outage.end:
                    place.outages[position] = Outage(outage.start, now, outage.pac_kw)
                    ended += 1
        return ended

    def _equipment(self, plant: Plant, equipment: str | None) -> Plant | Relay | Inverter:
        if equipment is None:
            return plant
        return plant.relays.get(equipment) or plant.inverter(equipment)

    def _check(self, plant: Plant) -> None:
        twice = plant.relays.keys() & plant.inverters.keys()
        if twice:
            raise ValueError(f"plant {plant.plant_id} has a relay and an inverter of the same id: {', '.join(twice)}")
        for relay in plant.relays.values():
            for trip in relay.trips:
                check_flags(trip.flags)
        for inverter in plant.inverters.values():
            for outage in inverter.outages:
                _check_pac(outage)
        for span in spans(plant):
            self._check_start(plant, span, -math.inf)

    def _check_start(self, plant: Plant, span: Span, now: float) -> None:
        if span.start < self.begins(plant):
            raise ValueError(
                f"an event of plant {plant.plant_id} starts before {self.first_day}, the script's first day: "
                "give a later start"
            )
        if span.start < now:
            raise ValueError(
                f"an event of plant {plant.plant_id} starts at {plant.local(span.start)}, which has passed: "
                f"give {plant.local(now)} or later"
            )


def spans(plant: Plant) -> list[Span]:
    """Everything that happens at a plant."""
    found = [*plant.stops]
    for relay in plant.relays.values():
        found += [*relay.trips, *relay.stops]
    for inverter in plant.inverters.values():
        found += [*inverter.outages, *inverter.stops]
    return found


def check_flags(flags: tuple[str, ...]) -> None:
    """Raises ValueError where a flag is none that relays have."""
    unknown = [flag for flag in flags if flag not in KNOWN_FLAGS]
    if unknown or not flags:
        raise ValueError(f"flags are {', '.join(flags) or 'missing'}: give some of {', '.join(KNOWN_FLAGS)}")


def _check_pac(outage: Outage) -> None:
    if not -math.inf < outage.pac_kw <= 0:
        raise ValueError(f"an outage has {outage.pac_kw} kW: give 0 or less")


def _listed(known: dict[str, Relay] | dict[str, Inverter] | dict[int, Plant]) -> str:
    names = [str(name) for name in known]
    return f"there are {', '.join(names[:10])}{' …' if len(names) > 10 else ''}" if names else "there is none"
