"""Announcements of puts: what EPICS base tells of each put before it does it (`asTrapWrite`).

They are how a put has an author, and how it is known what a client really asked for, before EPICS makes the record's
type of it.
"""

import ctypes
from ctypes import Structure, c_char_p, c_int, c_void_p
from dataclasses import dataclass
from typing import Any

from vigilia.points import Kind, Point, Value

_LONGEST_STRING = 40
_DBR_STRING = 0
_CA_NUMBERS: dict[int, Any] = {
    1: ctypes.c_int16,
    2: ctypes.c_float,
    3: ctypes.c_uint16,
    4: ctypes.c_int8,
    5: ctypes.c_int32,
    6: ctypes.c_double,
}
"""The number types of Channel Access (`db_access.h`: DBR_SHORT to DBR_DOUBLE)."""


class TrapMessage(Structure):
    """`asTrapWriteMessage` of EPICS base's `asTrapWrite.h`."""

    _fields_ = (
        ("user", c_char_p),
        ("host", c_char_p),
        ("channel", c_void_p),
        ("private", c_void_p),
        ("dbr_type", c_int),
        ("elements", c_int),
        ("data", c_void_p),
    )


class Channel(Structure):
    """`struct dbChannel` of EPICS base's `dbChannel.h`, down to the two addresses that are used."""

    _fields_ = (("name", c_char_p), ("record", c_void_p), ("field", c_void_p))


@dataclass(frozen=True, slots=True)
class Announced:
    """A put that EPICS is about to do: who, and what before EPICS makes the record's type of it (1.7 becomes 1)."""

    user: str
    host: str
    asked: Value | None
    """What was put; None where only the record's value will tell."""
    changes_value: bool
    """False for a text that EPICS cannot read: with completion it processes the record all the same."""

    @classmethod
    def read(cls, point: Point, message: TrapMessage) -> "Announced":
        """Read an announcement. Channel Access gives the data in its own types; PV Access gives none."""
        who = ((message.user or b"").decode(errors="replace"), (message.host or b"").decode(errors="replace"))
        if not message.data or message.elements < 1 or point.kind is Kind.TEXT:
            return cls(*who, None, changes_value=True)
        if message.dbr_type == _DBR_STRING:
            raw = ctypes.string_at(message.data, _LONGEST_STRING)
            text = raw.split(b"\0")[0].decode(errors="replace").strip()
            asked = _read_text(point, text)
            return cls(*who, asked, changes_value=_readable(point, asked))
        number_type = _CA_NUMBERS.get(message.dbr_type)
        if number_type is None:  # an alarm acknowledgement: no value at all
            return cls(*who, None, changes_value=False)
        return cls(*who, number_type.from_address(message.data).value, changes_value=True)


def _read_text(point: Point, text: str) -> Value:
    """Return a text put to a point that is no text as the number it stands for; a label, or what is none, as it is."""
    if text in point.labels:
        return text
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return text


def _readable(point: Point, asked: Value) -> bool:
    """Say whether EPICS can read what a text stands for: a label or an index of one, or else any number."""
    if point.labels:
        return asked in point.labels or (isinstance(asked, int) and 0 <= asked < len(point.labels))
    return not isinstance(asked, str)
