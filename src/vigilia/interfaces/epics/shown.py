"""What a record shows of a point: its texts cut to what EPICS holds, and a value for every reading."""

import re

from vigilia.interfaces.epics.names import LONGEST_LABEL
from vigilia.points import Kind, Point, Value

LONGEST_LONG_STRING = 512
"""Bytes of a long string, its end among them; more is cut."""
LONGEST_STRING = 39
_LONGEST_DESCRIPTION = 40
_LONGEST_UNITS = 15


def description(point: Point) -> str:
    """Return the field DESC."""
    return field_text(point.description, _LONGEST_DESCRIPTION)


def units(point: Point) -> str:
    """Return the field EGU."""
    return field_text(point.units or "", _LONGEST_UNITS)


def labels(point: Point) -> list[str]:
    """Return the texts of the states of an enum or a boolean."""
    if point.kind is Kind.BOOLEAN and not point.labels:
        return ["False", "True"]
    return [field_text(label, LONGEST_LABEL) for label in point.labels]


def shown(kind: Kind, blank: Value | None, value: Value | None, *, long_text: bool = False) -> Value:
    """Return what a record shows for a value; for none, the point's blank or what suits its kind.

    A text where none belongs is none: the point is of another kind by now, and this IOC about to be replaced.
    """
    if value is None or (isinstance(value, str) and kind is not Kind.TEXT):
        value = blank
    match kind:
        case Kind.TEXT:
            return cut(str(value or ""), LONGEST_LONG_STRING - 1 if long_text else LONGEST_STRING)
        case Kind.NUMBER:
            return float(value or 0.0)
        case _:
            return int(value or 0)


def field_text(text: str, most_bytes: int) -> str:
    """Return `text` as a field of a database file holds it: without what would begin a macro, and cut."""
    return cut(re.sub(r"\$+(?=[({])", "", text), most_bytes)


def cut(text: str, most_bytes: int) -> str:
    """Return `text` cut to `most_bytes` of UTF-8, between two characters."""
    return text.encode(errors="replace")[:most_bytes].decode(errors="ignore")
