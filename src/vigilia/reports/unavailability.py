"""How long plants and their equipment were unavailable in a week: a pure function of its incidents.

What is summed is described in docs/how-to/weekly-report.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vigilia.points import Window
from vigilia.reports.week import Week
from vigilia.store.incidents import Incident
from vigilia.sun import openings

Interval = tuple[float, float]
"""From, to; seconds UTC."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted of a plant, of its equipment or of all. A moment counts once, however many incidents hold it."""

    seconds: float
    """Within the week."""
    window_seconds: float | None
    """Of these, within the hours of the plant's solar window; None where it has none."""
    window_of: float | None
    """Seconds that the solar window is open in the week, as far as it has passed."""
    incidents: int
    still_open: int
    """How many of the incidents last at the end of what is reported."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """One device of a plant."""

    name: str
    families: tuple[str, ...]
    """The kinds of its incidents, in English."""
    figures: Figures


@dataclass(frozen=True, slots=True)
class Plant:
    """One area, by the name people use: of plants, the plant."""

    name: str
    figures: Figures
    """Of the plant as a whole: the time in which any of its equipment was unavailable."""
    equipment: tuple[Equipment, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One incident, and how much of it lies in the week."""

    incident: Incident
    plant: str
    seconds: float
    window_seconds: float | None
    zone: str
    """The name of the plant's time zone; empty: the site's."""


@dataclass(frozen=True, slots=True)
class Unavailability:
    """The whole of a week."""

    week: Week
    until: float
    """The end of the week, or of what has passed of it: seconds UTC."""
    plants: tuple[Plant, ...]
    """Those with incidents, by name."""
    occurrences: tuple[Occurrence, ...]
    """By plant, start and equipment."""

    @property
    def total(self) -> Figures:
        """The sums over the plants."""
        windows = [plant.figures.window_seconds for plant in self.plants if plant.figures.window_seconds is not None]
        openings_of = [plant.figures.window_of for plant in self.plants if plant.figures.window_of is not None]
        return Figures(
            sum(plant.figures.seconds for plant in self.plants),
            sum(windows) if windows else None,
            sum(openings_of) if openings_of else None,
            len(self.occurrences),
            sum(plant.figures.still_open for plant in self.plants),
        )


def unavailability(
    incidents: Iterable[Incident], week: Week, windows: Mapping[str, Window], now: float
) -> Unavailability:
    """Return how long each plant and its equipment were unavailable in `week`.

    `incidents` that do not touch the week are left out. One that is still open counts until `now`, or until the week's
    end where that is earlier. `windows`: the solar window of each area that has one.
    """
    until = max(week.start, min(now, week.end))
    by_plant: dict[str, list[tuple[Incident, Interval]]] = {}
    for incident in incidents:
        if (interval := _within(incident, week, until)) is not None:
            by_plant.setdefault(plant_of(incident), []).append((incident, interval))
    plants: list[Plant] = []
    occurrences: list[Occurrence] = []
    for name in sorted(by_plant, key=lambda name: (name.casefold(), name)):
        window = windows.get(name)
        opened = None if window is None else openings(window, week.start, week.end)
        found = sorted(by_plant[name], key=lambda pair: (pair[0].began_at, equipment_of(pair[0]), pair[0].id))
        plants.append(Plant(name, _figures(found, opened, week, until), _equipment(found, opened, week, until)))
        occurrences += [
            Occurrence(
                incident, name, interval[1] - interval[0], _inside([interval], opened), window.zone if window else ""
            )
            for incident, interval in found
        ]
    return Unavailability(week, until, tuple(plants), tuple(occurrences))


def plant_of(incident: Incident) -> str:
    """Return the name of the plant an incident belongs to; of what has no area, the equipment's."""
    return incident.area or equipment_of(incident)


def equipment_of(incident: Incident) -> str:
    """Return what people call the incident's device."""
    return incident.equipment or incident.device


def _within(incident: Incident, week: Week, until: float) -> Interval | None:
    """Return the part of an incident that lies in the week; None where none does."""
    ended = incident.ended_at
    if incident.began_at >= week.end or (ended is not None and ended <= week.start and incident.began_at < week.start):
        return None
    begin = max(incident.began_at, week.start)
    end = until if ended is None else min(ended, week.end)
    return begin, max(begin, end)


def _equipment(
    found: Sequence[tuple[Incident, Interval]], opened: Sequence[Interval] | None, week: Week, until: float
) -> tuple[Equipment, ...]:
    # By device and name: two devices of a plant may be called the same.
    by_device: dict[tuple[str, str], list[tuple[Incident, Interval]]] = {}
    for incident, interval in found:
        by_device.setdefault((equipment_of(incident), incident.device), []).append((incident, interval))
    return tuple(
        Equipment(
            name,
            tuple(sorted({incident.family for incident, _ in mine if incident.family})),
            _figures(mine, opened, week, until),
        )
        for (name, _), mine in sorted(by_device.items())
    )


def _figures(
    found: Sequence[tuple[Incident, Interval]], opened: Sequence[Interval] | None, week: Week, until: float
) -> Figures:
    merged = _union(interval for _, interval in found)
    return Figures(
        sum(end - begin for begin, end in merged),
        _inside(merged, opened),
        _inside([(week.start, until)], opened),
        len(found),
        sum(_lasts(incident, week) for incident, _ in found),
    )


def _lasts(incident: Incident, week: Week) -> bool:
    return incident.ended_at is None or incident.ended_at > week.end


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the moments that any of the intervals holds, as intervals that do not touch, in order."""
    merged: list[Interval] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged


def _inside(intervals: Sequence[Interval], opened: Sequence[Interval] | None) -> float | None:
    """Return how many seconds of the intervals lie within the openings; neither overlap among themselves."""
    if opened is None:
        return None
    return sum(max(0.0, min(end, closes) - max(begin, opens)) for begin, end in intervals for opens, closes in opened)
