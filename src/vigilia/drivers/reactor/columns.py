"""The columns of a message of samples: checked, and read as what their points hold."""

import math
from collections.abc import Iterator
from itertools import pairwise

from vigilia.errors import VigiliaError, printable
from vigilia.points import (
    INTEGER_RANGE,
    LONGEST_TEXT,
    Kind,
    Point,
    Reading,
    Run,
    Sample,
    Severity,
    Status,
    Value,
    shorten,
)
from vigilia.wire.reactor.v1.reactor_pb2 import SampleBatch, SampleColumn

MOST_SAMPLES = 10_000
"""In one message."""
MOST_COLUMNS = 1_000
MOST_BYTES = 1_000_000
"""Of one message. A text takes a thousand of them at the most, a number some ten."""
_LONGEST_STORE_ID = 64
_LARGEST_OFFSET = 2**63 - 1
_GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
_UNDEFINED = (Severity.INVALID, Status.UDF)
_STATUSES = {int(status): status for status in Status}


class BadSamples(VigiliaError):
    """A message that breaks a limit, or is at odds with itself; nothing of it was taken."""


class Column:
    """A column of numbers or texts with its times, as it is read."""

    def __init__(self, column: SampleColumn, base_ms: int, skip: int) -> None:
        self._times = [base_ms + offset for offset in column.times_ms[skip:]]
        self.values: list[float | str] = list((column.texts or column.values)[skip:])
        self._alarms = list(column.alarms[skip:])

    def drop_times_outside(self, earliest_ms: int, latest_ms: int) -> int:
        """Leave out samples that are not of this time; return how many."""
        if not self._times or (earliest_ms <= min(self._times) and max(self._times) <= latest_ms):
            return 0
        kept = [place for place, time in enumerate(self._times) if earliest_ms <= time <= latest_ms]
        dropped = len(self._times) - len(kept)
        self._times = [self._times[place] for place in kept]
        self.values = [self.values[place] for place in kept]
        self._alarms = [self._alarms[place] for place in kept] if self._alarms else []
        return dropped

    def run(self, name: str) -> Run | None:
        """Return them as a run, where they are finite numbers without an alarm, in the order of their times."""
        numbers = [value for value in self.values if isinstance(value, float) and math.isfinite(value)]
        if any(self._alarms) or len(numbers) < len(self.values):
            return None
        if any(earlier > later for earlier, later in pairwise(self._times)):
            return None
        return Run(name, [time / 1000 for time in self._times], numbers)

    def samples(self, point: Point) -> Iterator[Sample]:
        """Give them one by one."""
        for place, time in enumerate(self._times):
            value = _value(point, self.values[place])
            alarm = _alarm(self._alarms[place]) if self._alarms else _GOOD
            if value is None and alarm[0] is Severity.NO_ALARM:
                alarm = _UNDEFINED
            yield Sample(point.name, Reading(value, time / 1000, *alarm))


def check(reactor: str, batch: SampleBatch, store_id: str) -> None:
    """Raise BadSamples where a message breaks a limit, or is at odds with itself."""
    if wrong := _wrong(reactor, batch, store_id):
        raise BadSamples(f"{reactor}: a message of samples {wrong}")


def _wrong(reactor: str, batch: SampleBatch, store_id: str) -> str:
    if batch.ByteSize() > MOST_BYTES:
        return f"has {batch.ByteSize()} bytes: send at most {MOST_BYTES}"
    if batch.reactor_id not in ("", reactor):
        return f"is of {shorten(batch.reactor_id)}"
    if not (batch.store_id or store_id) or len(batch.store_id) > _LONGEST_STORE_ID or not batch.store_id.isprintable():
        return f"names no store: the first message has a store_id of 1 to {_LONGEST_STORE_ID} characters"
    if len(batch.columns) > MOST_COLUMNS:
        return f"has {len(batch.columns)} columns: send at most {MOST_COLUMNS}"
    count = sum(len(column.times_ms) for column in batch.columns)
    if count > MOST_SAMPLES:
        return f"has {count} samples: send at most {MOST_SAMPLES}"
    if not batch.first_offset <= batch.next_offset <= _LARGEST_OFFSET or count > batch.next_offset - batch.first_offset:
        return f"has {count} samples between the offsets {batch.first_offset} and {batch.next_offset}"
    if len({(column.part, column.parameter) for column in batch.columns}) < len(batch.columns):
        return "has two columns of one parameter"
    return next((wrong for column in batch.columns if (wrong := _wrong_in(column))), "")


def _wrong_in(column: SampleColumn) -> str:
    times, values, texts, alarms = (
        len(column.times_ms),
        len(column.values),
        len(column.texts),
        len(column.alarms),
    )
    if (values and texts) or values + texts != times or alarms not in (0, times):
        return f"has {times} times, {values} values, {texts} texts and {alarms} alarms of {label(column)}"
    if any(code >> 5 > Severity.INVALID for code in column.alarms):
        return f"has a severity that there is not, of {label(column)}"
    return ""


def known_of(batch: SampleBatch, offset: int) -> int:
    """Return how many samples of each column, its first ones, are known here before `offset`.

    Where several columns share the offsets, it is not said which of them has which: those known come once more then,
    and replace themselves in the history.
    """
    known = max(0, offset - batch.first_offset)
    dense = len(batch.columns) == 1 and len(batch.columns[0].times_ms) == batch.next_offset - batch.first_offset
    return known if dense else 0


def label(column: SampleColumn) -> str:
    """Return what a column is of, for log lines and errors."""
    return printable(f"{column.part}:{column.parameter}"[:80])


def _alarm(code: int) -> tuple[Severity, Status]:
    """Return the alarm that a sample was stored with: severity * 32 + status."""
    return Severity(code >> 5), _STATUSES.get(code & 31, Status.UDF)


def _value(point: Point, value: float | str) -> Value | None:
    """Return a sample's value as its point has it; None where it is none such."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if not math.isfinite(value):
        return None
    if point.kind is Kind.NUMBER:
        return value
    whole = int(value)
    if whole != value:
        return None
    match point.kind:
        case Kind.BOOLEAN:
            return bool(whole) if whole in (0, 1) else None
        case Kind.ENUM:
            return whole if 0 <= whole < len(point.labels) else None
        case _:
            return whole if INTEGER_RANGE[0] <= whole <= INTEGER_RANGE[1] else None
