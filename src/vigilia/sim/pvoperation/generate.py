"""Scripts from a seed: plants of different sizes and a day on which the things happen that a monitor must tell apart.

A generated script has one answer only: trips of one relay do not overlap, each has one class, and at a plant nothing
begins within an hour of what came before it, so that a failure has been told before a relay alarm could hide it.
"""

import math
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vigilia.sim.pvoperation.script import Inverter, Outage, Plant, Relay, Script, Span, Trip

_FIRST_PLANT = 19478
_FLAGS = (
    *(("r59A",), ("r59A", "r59B"), ("r27A", "r27B", "r27C"), ("r81O",), ("r81U",)),
    *(("r49",), ("rAR",), ("r86",), ("r67N_1", "r78")),
)
_NAMES = (
    "Alvorada",
    "Boa Vista",
    "Cedro",
    "Dourada",
    "Esperança",
    "Figueira",
    "Girassol",
    "Horizonte",
    "Ipê",
    "Jatobá",
)


def generate(
    plants: int = 3,
    inverters: int = 4,
    relays: int = 2,
    *,
    seed: int = 1,
    first_day: date,
    zones: Sequence[ZoneInfo],
    events: bool = True,
) -> Script:
    """Return the script that belongs to `seed`; plants take the `zones` in turn. Without `events` all stays well."""
    chance = random.Random(seed)
    made = [_plant(number, inverters, relays, zones[number % len(zones)], chance) for number in range(plants)]
    script = Script(made, first_day)
    if events:
        for plant in made:
            _happen(script, plant, chance)
    return script


def _plant(number: int, inverters: int, relays: int, zone: ZoneInfo, chance: random.Random) -> Plant:
    plant_id = _FIRST_PLANT + number
    rated = float(chance.choice((60, 100, 125, 250)))
    name = f"UFV {_NAMES[number % len(_NAMES)]}{f' {number // len(_NAMES) + 1}' if number >= len(_NAMES) else ''}"
    return Plant(
        plant_id,
        name,
        zone,
        {name: Relay(name) for name in (f"{plant_id}9{k:03d}" for k in range(1, relays + 1))},
        {name: Inverter(name, rated) for name in (f"{plant_id}7{k:03d}" for k in range(1, inverters + 1))},
        capacity_kwp=round(rated * inverters * 1.2, 1),
    )


def _happen(script: Script, plant: Plant, chance: random.Random) -> None:
    """Give a plant's day its events, one after the other."""
    day = datetime.combine(script.first_day, time())
    minute = 6 * 60 + 45 + 5 * chance.randrange(12)
    # What begins by then has ended, and been told, before the window closes.
    while minute < 14 * 60 + 30:
        event = chance.choice(_EVENTS)
        start = plant.moment(day + timedelta(minutes=minute, seconds=chance.randrange(300)))
        end = event(plant, start, chance)
        minute += math.ceil((end - start) / 60) + 60 + 5 * chance.randrange(12)
    if chance.random() < 0.3 and plant.relays:
        start = plant.moment(day + timedelta(hours=22, minutes=5 * chance.randrange(12)))
        _relay(plant, chance).trips.append(Trip(start, start + 3 * 3600, chance.choice(_FLAGS)))


def _trip(plant: Plant, start: float, chance: random.Random) -> float:
    """A relay trips for some time."""
    end = start + 60 * chance.randrange(15, 90)
    if plant.relays:
        _relay(plant, chance).trips.append(Trip(start, end, chance.choice(_FLAGS)))
    return end


def _brief_trip(plant: Plant, start: float, chance: random.Random) -> float:
    """A relay trips and is back before the next scan, most often."""
    end = start + 300
    if plant.relays:
        _relay(plant, chance).trips.append(Trip(start, end, chance.choice(_FLAGS)))
    return end


def _outage(plant: Plant, start: float, chance: random.Random) -> float:
    """Some inverters produce nothing for some time."""
    end = start + 60 * chance.randrange(30, 150)
    for inverter in _some(plant, chance):
        inverter.outages.append(Outage(start, end, chance.choice((0.0, 0.0, -0.4))))
    return end


def _dip(plant: Plant, start: float, chance: random.Random) -> float:
    """Some inverters read 0 once or twice, which is no failure."""
    end = start + 300 * chance.randrange(1, 3)
    for inverter in _some(plant, chance):
        inverter.outages.append(Outage(start, end))
    return end


def _trip_with_inverters(plant: Plant, start: float, chance: random.Random) -> float:
    """A relay takes every inverter with it; some need longer to come back."""
    end = start + 60 * chance.randrange(20, 60)
    if plant.relays:
        _relay(plant, chance).trips.append(Trip(start, end, chance.choice(_FLAGS)))
    last = end
    for inverter in plant.inverters.values():
        back = end + chance.choice((0, 0, 300, 2400))
        inverter.outages.append(Outage(start, back))
        last = max(last, back)
    return last


def _logger_stop(plant: Plant, start: float, chance: random.Random) -> float:
    """The records of some inverters stop for some time."""
    end = start + 60 * chance.randrange(20, 60)
    for inverter in _some(plant, chance):
        inverter.stops.append(Span(start, end))
    return end


def _silence(plant: Plant, start: float, chance: random.Random) -> float:
    """No records of the whole plant for some time."""
    end = start + 60 * chance.randrange(50, 120)
    plant.stops.append(Span(start, end))
    return end


_Event = Callable[[Plant, float, random.Random], float]
_EVENTS: tuple[_Event, ...] = (
    *(_trip, _brief_trip, _outage, _outage, _dip),
    *(_trip_with_inverters, _logger_stop, _silence),
)


def _relay(plant: Plant, chance: random.Random) -> Relay:
    return chance.choice([*plant.relays.values()])


def _some(plant: Plant, chance: random.Random) -> list[Inverter]:
    inverters = [*plant.inverters.values()]
    return chance.sample(inverters, chance.randint(min(1, len(inverters)), min(3, len(inverters))))
