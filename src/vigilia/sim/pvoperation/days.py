"""The answers to `day_relay` and `day_inverter`: encoded as far as they are asked for, and kept for the next asking."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from vigilia.sim.pvoperation.dialect import Dialect
from vigilia.sim.pvoperation.readings import Slot, flags_of, is_recorded, pac_kw, slots
from vigilia.sim.pvoperation.script import Plant, Script

Kind = Literal["relay", "inverter"]
KEPT_BYTES = 256 * 2**20


class Record(NamedTuple):
    """One record of a day: its time, whose it is, and its JSON."""

    moment: float
    equipment: str
    data: bytes


@dataclass(slots=True)
class _Day:
    """A plant's day: `text` holds the records of the first `len(ends)` times, which end there, each with a comma."""

    slots: list[Slot]
    writers: dict[str, Callable[[str, float], bytes]]
    text: bytearray = field(default_factory=bytearray)
    ends: list[int] = field(default_factory=list[int])


class Days:
    """The records of a script's days up to now. `dialects`: the plants that spell them in their own way.

    What was encoded is kept, the days asked for last, up to `KEPT_BYTES`; a script may change only from now on, and so
    what is kept stays true.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.dialects: dict[int, Dialect] = {}
        self._kept: OrderedDict[tuple[int, Kind, date], _Day] = OrderedDict()
        self._bytes = 0

    def speak(self, plant_id: int, dialect: Dialect) -> None:
        """Have a plant's records spelled like that; raises UnknownEquipmentError."""
        self.script.plant(plant_id)
        self.dialects[plant_id] = dialect
        for key in [key for key in self._kept if key[0] == plant_id]:
            self._bytes -= len(self._kept.pop(key).text)

    def answer(self, plant: Plant, kind: Kind, day: date, now: float) -> bytes:
        """The whole answer: a JSON list of the records up to `now`."""
        found = self._day(plant, kind, day)
        before = len(found.text)
        count = len(found.ends)
        for slot in found.slots[count:]:
            if slot.moment > now:
                break
            for record in self._records(plant, kind, slot, found.writers):
                found.text += record.data
                found.text += b","
            found.ends.append(len(found.text))
        self._bytes += len(found.text) - before
        self._forget()
        past = sum(slot.moment <= now for slot in found.slots[: len(found.ends)])
        end = found.ends[past - 1] if past else 0
        return b"[%b]" % memoryview(found.text)[: max(0, end - 1)]

    def records(self, plant: Plant, kind: Kind, day: date, now: float) -> list[Record]:
        """The records up to `now` one by one, in order, for those who will disturb them."""
        found = self._day(plant, kind, day)
        passed = [slot for slot in found.slots if slot.moment <= now]
        return [record for slot in passed for record in self._records(plant, kind, slot, found.writers)]

    def _day(self, plant: Plant, kind: Kind, day: date) -> _Day:
        key = (plant.plant_id, kind, day)
        if key not in self._kept:
            begins = self.script.begins(plant)
            dialect = self._dialect(plant)
            self._kept[key] = _Day(
                [slot for slot in slots(plant, day) if slot.moment >= begins],
                {name: dialect.inverter_writer(name) for name in plant.inverters} if kind == "inverter" else {},
            )
        self._kept.move_to_end(key)
        return self._kept[key]

    def _dialect(self, plant: Plant) -> Dialect:
        return self.dialects.get(plant.plant_id, _USUAL)

    def _forget(self) -> None:
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1].text)

    def _records(
        self, plant: Plant, kind: Kind, slot: Slot, writers: dict[str, Callable[[str, float], bytes]]
    ) -> Iterator[Record]:
        if kind == "relay":
            dialect = self._dialect(plant)
            for relay in plant.relays.values():
                if is_recorded(plant, relay, slot.moment):
                    data = dialect.relay_record(relay.relay_id, slot.text, flags_of(relay, slot.moment))
                    yield Record(slot.moment, relay.relay_id, data)
            return
        for inverter in plant.inverters.values():
            if is_recorded(plant, inverter, slot.moment):
                data = writers[inverter.inverter_id](slot.text, pac_kw(inverter, slot.moment, slot.share))
                yield Record(slot.moment, inverter.inverter_id, data)


_USUAL = Dialect()
