"""What a script's equipment reads: the times of a day's records, the power of an inverter, the flags of a relay."""

import math
import zlib
from datetime import date, time, timedelta
from typing import NamedTuple

from vigilia.sim.pvoperation.script import INTERVAL_S, Inverter, Plant, Relay


class Slot(NamedTuple):
    """One time of reading: seconds UTC, the text of the records, and the share of its peak a healthy inverter gives."""

    moment: float
    text: str
    share: float


def slots(plant: Plant, day: date) -> list[Slot]:
    """The times at which equipment of `plant` is read on a plant-local `day`."""
    moment, end = plant.midnight(day), plant.midnight(day + timedelta(days=1))
    found: list[Slot] = []
    while moment < end:
        local = plant.local(moment)
        found.append(Slot(moment, local.strftime("%Y-%m-%d %H:%M:%S"), sun_share(plant, local.time())))
        moment += INTERVAL_S
    return found


def sun_share(plant: Plant, local: time) -> float:
    """The share of its peak that a healthy inverter gives: a bell between dawn and dusk, 0 outside."""
    dawn, dusk, now = _minutes(plant.dawn), _minutes(plant.dusk), _minutes(local)
    if not dawn < now < dusk:
        return 0.0
    return math.sin(math.pi * (now - dawn) / (dusk - dawn)) ** 1.2


def pac_kw(inverter: Inverter, moment: float, share: float) -> float:
    """What an inverter's record says at `moment`, to two decimals, in kW."""
    for outage in inverter.outages:
        if outage.holds(moment):
            return outage.pac_kw
    # No two inverters of a plant are quite the same.
    likeness = 0.9 + zlib.crc32(inverter.inverter_id.encode()) % 1000 / 10_000
    return round(inverter.rated_kw * share * likeness, 2)


def flags_of(relay: Relay, moment: float) -> list[str]:
    """The flags that a relay's record carries at `moment`."""
    return list(dict.fromkeys(flag for trip in relay.trips if trip.holds(moment) for flag in trip.flags))


def is_recorded(plant: Plant, equipment: Relay | Inverter, moment: float) -> bool:
    """Whether there is a record of `equipment` of that time."""
    return not any(stop.holds(moment) for stop in plant.stops) and not any(
        stop.holds(moment) for stop in equipment.stops
    )


def in_window(plant: Plant, moment: float) -> bool:
    """Whether inverters of `plant` are judged at that time."""
    opens, closes = plant.window
    return opens <= plant.local(moment).time() <= closes


def _minutes(local: time) -> float:
    return local.hour * 60 + local.minute + local.second / 60
