"""What a plant's answers come to: which records are new, how far its data was received, what was of no use. Pure.

It is computed in another process (see `reader`), so both the question and the digest can be packed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

import orjson

from vigilia.drivers.pvoperation import passes
from vigilia.drivers.pvoperation.loads import parse_json
from vigilia.drivers.pvoperation.progress import Progress
from vigilia.drivers.pvoperation.records import INVERTERS, RELAYS, Day, Form, Record, parse_day
from vigilia.errors import BadAnswer

_FORMS: Mapping[str, Form] = {"relay": RELAYS, "inverter": INVERTERS}

Powers = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""For each inverter the times of its powers (seconds UTC), in order, and the powers (kW)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the answers to one plant's requests are to be read for."""

    family: str
    """"relay" or "inverter"."""
    request: str
    """What was asked, for messages."""
    zone: str
    """The name of the plant's time zone."""
    now: float
    """Seconds UTC."""
    progress: Progress

    def pack(self) -> bytes:
        """Return it as JSON."""
        return orjson.dumps([self.family, self.request, self.zone, self.now, self.progress.dump()])

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Return what `pack` gave."""
        family, request, zone, now, progress = orjson.loads(packed)
        return cls(family, request, zone, now, Progress.load(progress))


@dataclass(frozen=True, slots=True)
class Digest:
    """What the answers of a plant's days say."""

    received: int
    """Days whose answer could be read."""
    records: int
    """Usable records in them."""
    skipped: Mapping[str, int]
    """Items of no use, by reason."""
    trouble: str
    """Why a day could not be read, the first of them; empty: each could."""
    present: frozenset[str]
    """The equipment that has records."""
    fresh: int
    """Records that are new."""
    equipment: Sequence[str]
    """That of the new records, each once."""
    newest: float | None
    """The time of the newest of the new records, seconds UTC."""
    relays: Sequence[Record]
    """The new records of relays, ordered by their times."""
    powers: Powers
    """What the new records of inverters say; one without a usable power says nothing."""
    progress: Progress
    """How far the data was received, once what is new is published."""

    @classmethod
    def of_nothing(cls, progress: Progress) -> Self:
        """Return what follows where nobody was asked."""
        return cls(0, 0, {}, "", frozenset(), 0, (), None, (), {}, progress)

    def pack(self) -> bytes:
        """Return it as JSON."""
        relays = [(record.time, record.equipment, record.flags) for record in self.relays]
        return orjson.dumps(
            [
                self.received,
                self.records,
                self.skipped,
                self.trouble,
                sorted(self.present),
                self.fresh,
                self.equipment,
                self.newest,
                relays,
                self.powers,
                self.progress.dump(),
            ]
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Return what `pack` gave."""
        received, records, skipped, trouble, present, fresh, equipment, newest, relays, powers, progress = orjson.loads(
            packed
        )
        return cls(
            received,
            records,
            skipped,
            trouble,
            frozenset(present),
            fresh,
            equipment,
            newest,
            [Record(time, relay, tuple(flags)) for time, relay, flags in relays],
            {name: (times, values) for name, (times, values) in powers.items()},
            Progress.load(progress),
        )


def digest(question: Question, bodies: Sequence[bytes | None]) -> Digest:
    """Return what the answers for the local days on end say; None stands for a day without an answer.

    The progress stays before a day without one, and before a day whose answer cannot be read.
    """
    progress, now = question.progress, question.now
    zone, start = ZoneInfo(question.zone), progress.start(now)
    change = passes.set_back_between(start - passes.LONGEST_S, now, zone)
    since = start - change.by_s if change is not None else start  # as the text of a second pass has it
    form = _FORMS[question.family]
    days: list[Day | None] = []
    troubles: list[str] = []
    for body in bodies:
        day: Day | None = None
        try:
            if body is not None:
                day = parse_day(form, parse_json(body, question.request), zone=zone, now=now, since=since)
        except BadAnswer as error:
            troubles.append(str(error))
        if day is not None and change is not None:
            day = progress.tell_passes_apart(day, change, now)
        days.append(day)
    fresh, advanced = progress.advance(days, start)
    received = [day for day in days if day is not None]
    skipped = sum((day.skipped for day in received), Counter[str]())
    return Digest(
        received=len(received),
        records=sum(len(day.records) for day in received),
        skipped=dict(skipped),
        trouble=troubles[0] if troubles else "",
        present=frozenset(record.equipment for day in received for record in day.records),
        fresh=len(fresh),
        equipment=list(dict.fromkeys([record.equipment for record in fresh])),
        newest=fresh[-1].time if fresh else None,
        relays=fresh if form is RELAYS else [],
        powers=_powers(fresh) if form is INVERTERS else {},
        progress=advanced,
    )


def _powers(records: Sequence[Record]) -> dict[str, tuple[list[float], list[float]]]:
    columns: dict[str, tuple[list[float], list[float]]] = {}
    for time, inverter, _, kw in records:
        if kw is not None:
            if inverter not in columns:
                columns[inverter] = [], []
            times, values = columns[inverter]
            times.append(time)
            values.append(kw)
    return columns
