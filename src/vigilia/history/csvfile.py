"""The history as CSV: one line for each reading, in the form in which it is also taken back.

    point,time,value,text,severity,status
    T1:Power-Mon,2026-03-10T08:50:00.120Z,12.5,,NO_ALARM,NO_ALARM

A text is quoted where CSV needs it, and where it is empty: nothing at all between two commas means that there was none.
"""

import csv
import math
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from vigilia.clock import iso, moment
from vigilia.history.acceptance import LONGEST_NAME, LONGEST_TEXT
from vigilia.history.backend import SECOND_MS, Row
from vigilia.points import Severity, Status, shorten

COLUMNS = ("point", "time", "value", "text", "severity", "status")
HEADER = ",".join(COLUMNS)

_LONGEST_LINE = 65_536
"""Bytes: more than the longest name and text take, quoted and each of their characters in four bytes."""
_SPECIAL = frozenset('",\r\n')
_SEVERITIES = {"": Severity.NO_ALARM} | Severity.__members__
_STATUSES = {"": Status.NO_ALARM} | Status.__members__


class Record(NamedTuple):
    """One line of a file; a quoted text may make several of them one."""

    line: int
    """The number of its first line, from 1 on."""
    text: str
    wrong: str = ""
    """Why it is none: too long, not UTF-8."""


def line_of(row: Row) -> str:
    """Return the line that says `row`, with its end."""
    value = "" if row.value is None else repr(row.value).removesuffix(".0")
    text = "" if row.text is None else _quoted(row.text) or '""'
    time = iso(row.time_ms / SECOND_MS)
    return f"{_quoted(row.point)},{time},{value},{text},{row.severity.name},{row.status.name}\n"


def _quoted(text: str) -> str:
    return text if _SPECIAL.isdisjoint(text) else '"' + text.replace('"', '""') + '"'


def records(file: BinaryIO) -> Iterator[Record]:
    """Give the records of a file, one after another, however long its lines are; blank lines are none.

    A quote that is never closed costs the line it is in, not those after it.
    """
    lines = _lines(file)
    waiting: deque[Record] = deque()
    while first := waiting.popleft() if waiting else next(lines, None):
        if first.wrong or first.text.count('"') % 2 == 0:
            if first.wrong or first.text.strip():
                yield first
            continue
        taken, text = 0, first.text
        closed = False
        while not closed:
            if taken == len(waiting):
                following = next(lines, None)
                if following is None:
                    break
                waiting.append(following)
            following = waiting[taken]
            if following.wrong or len(text) + len(following.text) > _LONGEST_LINE:
                break
            taken, text = taken + 1, text + following.text
            closed = text.count('"') % 2 == 0
        if not closed:
            yield first._replace(wrong="a quote in it is never closed")
            continue
        for _ in range(taken):
            waiting.popleft()
        yield first._replace(text=text)


def _lines(file: BinaryIO) -> Iterator[Record]:
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(_LONGEST_LINE)
            yield Record(number, "", f"it is longer than {_LONGEST_LINE} bytes")
            continue
        try:
            yield Record(number, line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError:
            yield Record(number, "", "it is not UTF-8")


def row_of(text: str, latest_ms: int) -> Row:
    """Return the row that a line says; it may not be later than `latest_ms`.

    Raises ValueError with what is wrong, as what may follow "line 7: ".
    """
    bare = text.rstrip("\r\n")
    fields = bare.split(",") if '"' not in bare else _fields(bare)
    if len(fields) != len(COLUMNS):
        raise ValueError(f"it has {len(fields)} fields: there must be {len(COLUMNS)}: {HEADER}")
    point, time, value, said, severity, status = fields
    if not 0 < len(point) <= LONGEST_NAME or not point.isprintable():
        raise ValueError(f"{shorten(point)} is no point's name: write 1 to {LONGEST_NAME} printable characters")
    if len(said) > LONGEST_TEXT or "\0" in said:
        raise ValueError(f"the text has {len(said)} characters: write at most {LONGEST_TEXT}, and no NUL among them")
    if said and value:
        raise ValueError("it has a value and a text: a reading is one or the other")
    if severity not in _SEVERITIES:
        raise ValueError(f"{shorten(severity)} is no severity: write {', '.join(Severity.__members__)}")
    if status not in _STATUSES:
        raise ValueError(f"{shorten(status)} is no status: write {', '.join(Status.__members__)}")
    is_text = bool(said) or (not value and bare.endswith(f',"",{severity},{status}'))
    return Row(
        point,
        _time_ms(time, latest_ms),
        _value(value) if value else None,
        said if is_text else None,
        _SEVERITIES[severity],
        _STATUSES[status],
    )


def _fields(bare: str) -> list[str]:
    try:
        (fields,) = csv.reader([bare], strict=True)
    except csv.Error as error:
        raise ValueError(f"it is not CSV: {error}") from None
    return fields


def _time_ms(text: str, latest_ms: int) -> int:
    try:
        time_ms = round(moment(text) * SECOND_MS)
    except ValueError:
        right = "write it with its zone, such as 2026-03-10T08:50:00Z"
        raise ValueError(f"{shorten(text)} is no time: {right}") from None
    if not 0 <= time_ms <= latest_ms:
        raise ValueError(f"{shorten(text)} is before 1970, or yet to come")
    return time_ms


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{shorten(text)} is no value: write a finite number, or nothing")
    return value
