"""Rows as they wait on disk: one record of the spool holds many, a column for each point, so each name stands once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from vigilia.history.backend import SECOND_MS, Row
from vigilia.points import LONGEST_TEXT, Reading, Severity, Status, Value
from vigilia.spool import Record, Spool
from vigilia.store.text import storable

ALARM = 100
"""Severity and status are one number: the severity's times so much, and the status."""
_ALARMS = {severity * ALARM + status: (severity, status) for severity in Severity for status in Status}
_NUMBERS = {int, float, bool}
_GOOD, _FINE = Severity.NO_ALARM, Status.NO_ALARM

Column = tuple[list[float], list[Value | None], list[int]]
"""Of one point: times in seconds UTC, values, and severities with statuses."""
Columns = dict[str, Column]
"""By the points' names."""


class Unpacked(NamedTuple):
    """What a record holds."""

    rows: list[Row]
    """In the order in which they came, for each point."""
    at: float
    """When they were put by, seconds UTC."""


def column_of(columns: Columns, name: str) -> Column:
    """Return the column of a point, to be extended."""
    column = columns.get(name)
    if column is None:
        column = columns[name] = ([], [], [])
    return column


def put(column: Column, moment: float, reading: Reading) -> None:
    """Add a reading of a moment."""
    value, _, severity, status = reading
    moments, values, alarms = column
    moments.append(moment)
    values.append(storable(value[:LONGEST_TEXT]) if isinstance(value, str) else value)
    alarms.append(0 if severity is _GOOD and status is _FINE else severity * ALARM + status)


def extend(column: Column, times: Sequence[float], numbers: Sequence[float]) -> None:
    """Add readings without an alarm."""
    moments, values, alarms = column
    moments += times
    values += numbers
    alarms += repeat(0, len(times))


def append(spool: Spool, columns: Columns, now: float) -> None:
    """Put columns into a spool; `now` (seconds UTC) is when. Raises OSError."""
    try:
        spool.append(pack(columns, now))
    except TypeError:  # an integer that JSON's readers do not all take
        for _, values, _ in columns.values():
            values[:] = [value if isinstance(value, str) else _number(value) for value in values]
        spool.append(pack(columns, now))


def pack(columns: Mapping[str, Column], now: float) -> Record:
    """Return columns by the points' names as a record; `now` (seconds UTC) is when they are put by.

    A value that is not finite may be left as it is: JSON has none such, and it is taken for no value.
    """
    base = round(now * SECOND_MS)
    return {
        "at": now,
        "base": base,
        "columns": [
            [name, [round(moment * SECOND_MS) - base for moment in moments], values, alarms if any(alarms) else 0]
            for name, (moments, values, alarms) in columns.items()
        ],
    }


def unpack(record: Record) -> Unpacked:
    """Return what a record holds. Raises ValueError for one that is none of ours."""
    try:
        rows: list[Row] = []
        base: int = record["base"]
        columns: Iterable[tuple[str, list[int], list[Any], list[int] | int]] = record["columns"]
        for name, offsets, values, alarms in columns:
            rows += _rows(name, [base + offset for offset in offsets], values, alarms)
        return Unpacked(rows, float(record["at"]))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a record of no rows: {error!r}") from error


def _rows(name: str, times: list[int], values: list[Any], alarms: list[int] | int) -> Iterator[Row]:
    """Give one point's rows; those of the usual kind, numbers without an alarm, cost little."""
    if len(times) != len(values) or (alarms and len(times) != len(alarms)):  # type: ignore[arg-type]
        raise ValueError(f"the column of {name!r} has not as many values as times")
    if not alarms and _NUMBERS.issuperset(map(type, values)):
        good = repeat(Severity.NO_ALARM), repeat(Status.NO_ALARM)
        return map(Row._make, zip(repeat(name), times, map(float, values), repeat(None), *good))
    codes = alarms if isinstance(alarms, list) else repeat(0)
    return (_row(name, time_ms, value, code) for time_ms, value, code in zip(times, values, codes))  # noqa: B905 - endless


def _row(name: str, time_ms: int, value: Any, code: int) -> Row:
    """Return one row. A value that is none, without an alarm, is not defined, as EPICS has it."""
    severity, status = _ALARMS[code]
    if isinstance(value, str):
        return Row(name, time_ms, None, value, severity, status)
    if value is None:
        known = severity is not Severity.NO_ALARM
        return Row(name, time_ms, None, None, *((severity, status) if known else (Severity.INVALID, Status.UDF)))
    return Row(name, time_ms, float(value), None, severity, status)


def _number(value: Value | None) -> float | None:
    """Return a value that is no text as a number that every database takes; None where it is none."""
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None
