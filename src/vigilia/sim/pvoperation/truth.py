"""What a perfect monitor must tell about a script: the oracle of crash tests.

Written from the rules for relays and inverters, straight from the script, and sharing nothing with the service. Times
are those of the records that decide.
"""

import math
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

from vigilia.sim.pvoperation.readings import Slot, flags_of, in_window, is_recorded, pac_kw, slots
from vigilia.sim.pvoperation.script import INTERVAL_S, Inverter, Plant, Relay, Script, spans

READINGS = 3
"""So many readings in a row make a failure, and so many a recovery."""
GAP_S = 2 * INTERVAL_S
"""A longer time between two readings of an inverter starts both counts anew."""

_CLASSES = {
    "SOBRETENSÃO": {"r59A", "r59B", "r59C", "r59N"},
    "SUBTENSÃO": {"r27A", "r27B", "r27C", "r27_0"},
    "FREQUÊNCIA": {"r81O", "r81U"},
    "TÉRMICO": {"r49", "r49_2"},
    "BLOQUEIO": {"rAR", "rBA", "rDO"},
}
_OTHERS = "OUTROS"
MAJOR = frozenset({"SOBRETENSÃO", "TÉRMICO", "BLOQUEIO"})


class Dropped(NamedTuple):
    """Names a failure of an inverter whose notice was never sent; `raised` is its time."""

    plant: int
    equipment: str
    raised: float


@dataclass(slots=True)
class Alarm:
    """An alarm from raise to clear (None: not yet). `flags`: all that were seen under it, of a relay.

    `suppressed`: when a relay alarm of the plant began while an inverter's failure was open: if its notice had not been
    sent by then, it is closed there and never told, and what follows is the truth with it in `dropped`.
    """

    kind: Literal["relay", "inverter"]
    plant: int
    equipment: str
    raised: float
    relay_class: str | None = None
    flags: tuple[str, ...] = ()
    cleared: float | None = None
    suppressed: float | None = None
    dropped: bool = False


def class_of(flags: list[str]) -> str | None:
    """The class of an alarm with these flags, the first that matches; None without a flag."""
    for name, members in _CLASSES.items():
        if members.intersection(flags):
            return name
    return _OTHERS if flags else None


def truth(script: Script, until: float | None = None, dropped: Container[tuple[int, str, float]] = ()) -> list[Alarm]:
    """Every alarm by the records up to `until` (None: a day after the last change), in order of their raise."""
    found: list[Alarm] = []
    for plant in script.plants.values():
        is_sunny = plant.dawn < plant.window[0] and plant.window[1] < plant.dusk
        if is_sunny and not spans(plant):
            continue  # a healthy plant has nothing to tell
        read = _slots(script, plant, until)
        relays = [alarm for relay in plant.relays.values() for alarm in _relay_alarms(plant, relay, read)]
        found += relays
        judged = [slot for slot in read if in_window(plant, slot.moment)]
        failing = [inverter for inverter in plant.inverters.values() if inverter.outages or not is_sunny]
        for inverter in failing:
            found += _inverter_alarms(plant, inverter, judged, relays, dropped)
    return sorted(found, key=lambda alarm: (alarm.raised, alarm.plant, alarm.equipment))


def _slots(script: Script, plant: Plant, until: float | None) -> list[Slot]:
    if until is None:
        changes = [script.begins(plant)]
        for span in spans(plant):
            changes += [moment for moment in (span.start, span.end) if moment < math.inf]
        until = max(changes) + 86_400
    day = script.first_day
    found: list[Slot] = []
    while plant.midnight(day) <= until:
        found += [slot for slot in slots(plant, day) if slot.moment <= until]
        day += timedelta(days=1)
    return found


def _relay_alarms(plant: Plant, relay: Relay, read: list[Slot]) -> list[Alarm]:
    found: list[Alarm] = []
    active: dict[str, Alarm] = {}
    for slot in read:
        if not is_recorded(plant, relay, slot.moment):
            continue
        flags = flags_of(relay, slot.moment)
        relay_class = class_of(flags)
        if relay_class is None:
            for alarm in active.values():
                alarm.cleared = slot.moment
            active.clear()
            continue
        if relay_class not in active:
            alarm = Alarm("relay", plant.plant_id, relay.relay_id, slot.moment, relay_class)
            active[relay_class] = alarm
            found.append(alarm)
        alarm = active[relay_class]
        alarm.flags = tuple(dict.fromkeys([*alarm.flags, *flags]))
    return found


def _inverter_alarms(
    plant: Plant, inverter: Inverter, read: list[Slot], relays: list[Alarm], dropped: Container[tuple[int, str, float]]
) -> list[Alarm]:
    found: list[Alarm] = []
    open_alarm: Alarm | None = None
    zeros = positives = 0
    last = -math.inf
    for slot in read:
        now = slot.moment
        if not is_recorded(plant, inverter, now):
            continue
        if now - last > GAP_S:
            zeros = positives = 0
        begun = [alarm for alarm in relays if alarm.raised <= now]
        ends = [math.inf if alarm.cleared is None else alarm.cleared for alarm in begun]
        if any(end > last for end in ends):
            zeros = 0  # a reading of the sequence so far is not later than the relay's normal one
        if open_alarm is not None and _suppress(open_alarm, begun, dropped):
            open_alarm = None
        if pac_kw(inverter, now, slot.share) <= 0:
            positives = 0
            if open_alarm is None and all(end < now for end in ends):
                zeros += 1
            if zeros == READINGS:
                open_alarm = Alarm("inverter", plant.plant_id, inverter.inverter_id, now)
                found.append(open_alarm)
                zeros = 0
        else:
            zeros = 0
            positives += 1
            if open_alarm is not None and positives >= READINGS:
                open_alarm.cleared = now
                open_alarm = None
        last = now
    if open_alarm is not None:
        _suppress(open_alarm, relays, dropped)
    return found


def _suppress(failure: Alarm, relays: list[Alarm], dropped: Container[tuple[int, str, float]]) -> bool:
    """Note when a relay alarm began under an open failure; whether the failure is thereby closed, never told."""
    failure.suppressed = min((alarm.raised for alarm in relays if alarm.raised > failure.raised), default=None)
    name = (failure.plant, failure.equipment, failure.raised)
    failure.dropped = failure.suppressed is not None and name in dropped
    return failure.dropped
