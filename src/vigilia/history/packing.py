"""Rows as they wait on disk: one record of the spool holds many, column by column, each name once."""

from collections.abc import Iterator, Sequence
from typing import Any

from vigilia.history.backend import Row
from vigilia.points import Severity, Status
from vigilia.spool import Record

_EXACT = 2**53
"""Beyond it a float is whole by necessity, and shorter with its exponent."""
_ALARM = 100
"""Severity and status are one number: the severity's times so much, and the status."""
_ALARMS = {severity * _ALARM + status: (severity, status) for severity in Severity for status in Status}


def pack(rows: Sequence[Row], now: float) -> Record:
    """Return rows as a record, in their order; `now` (seconds UTC) is when they were put by."""
    numbers: dict[str, int] = {}
    base = rows[0].time_ms
    point: list[int] = []
    time: list[int] = []
    value: list[float | str | None] = []
    alarm: list[int] = []
    for row in rows:
        point.append(numbers.setdefault(row.point, len(numbers)))
        time.append(row.time_ms - base)
        value.append(_short(row.value) if row.text is None else row.text)
        alarm.append(row.severity * _ALARM + row.status)
    return {
        "at": now,
        "names": list(numbers),
        "base": base,
        "point": point,
        "time": time,
        "value": value,
        "alarm": alarm,
    }


def unpack(record: Record) -> tuple[list[Row], float]:
    """Return a record's rows, and when they were put by. Raises ValueError for a record that is none of ours."""
    try:
        names: list[str] = record["names"]
        base: int = record["base"]
        columns: Iterator[tuple[int, int, Any, int]] = zip(
            record["point"], record["time"], record["value"], record["alarm"], strict=True
        )
        return [_row(names[point], base + time, value, alarm) for point, time, value, alarm in columns], float(
            record["at"]
        )
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a record of no rows: {error!r}") from error


def _short(number: float | None) -> float | None:
    """Return a number as its shorter spelling in JSON: most are whole."""
    return int(number) if number is not None and -_EXACT < number < _EXACT and number == int(number) else number


def _row(name: str, time_ms: int, value: Any, alarm: int) -> Row:
    severity, status = _ALARMS[alarm]
    if value is None or isinstance(value, str):
        return Row(name, time_ms, None, value, severity, status)
    return Row(name, time_ms, float(value), None, severity, status)
