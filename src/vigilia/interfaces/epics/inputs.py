"""Records that show what is read: plain ones of EPICS base, given their readings through its own functions.

Softioc could serve them; but of a record of its own it keeps some 4 KB of Python besides, and of these there may be
tens of thousands. See docs/decisions/0003-own-posting-to-output-records.md. IOC process only.
"""

import ctypes
import struct
from collections.abc import Callable
from typing import NamedTuple

from vigilia.interfaces.epics.access import READ_GROUP
from vigilia.interfaces.epics.base import VALUE_AND_LOG, core, fields_of, find, locked, pack_time
from vigilia.interfaces.epics.shown import LONGEST_LONG_STRING, LONGEST_STRING, description, labels, shown, units
from vigilia.points import Kind, Point, Reading, Value

_STATES = ("ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV", "EI", "NI", "TE", "EL", "TV", "TT", "FT", "FF")
"""What the fields of an mbbi's states begin with (`mbbiRecord.dbd`)."""


class _Form(NamedTuple):
    """A type of records, and how its value lies in memory."""

    record_type: str
    kind: Kind
    pack: Callable[[Value], bytes]
    long_text: bool = False


def _pack_text(value: Value) -> bytes:
    return str(value).encode()[:LONGEST_STRING].ljust(LONGEST_STRING + 1, b"\0")


def _pack_long_text(value: Value) -> bytes:
    return str(value).encode()[: LONGEST_LONG_STRING - 1] + b"\0"


_AI = _Form("ai", Kind.NUMBER, struct.Struct("=d").pack)
_LONGIN = _Form("longin", Kind.INTEGER, struct.Struct("=i").pack)
_BI = _Form("bi", Kind.ENUM, struct.Struct("=H").pack)
_MBBI = _Form("mbbi", Kind.ENUM, struct.Struct("=H").pack)
_STRINGIN = _Form("stringin", Kind.TEXT, _pack_text)
_WAVEFORM = _Form("waveform", Kind.TEXT, _pack_long_text, long_text=True)


class InputRecord:
    """A record that shows what is read. `find` it once EPICS has loaded its definition, `start` it after iocInit."""

    __slots__ = ("_address", "_blank", "_form", "_latest", "_name")

    def __init__(self, name: str, point: Point, reading: Reading) -> None:
        self._form = _form_of(point)
        self._blank = point.blank
        self._latest: Reading | None = reading
        self._name = name
        self._address = 0

    def find(self) -> None:
        """Take the record's address, and put the first reading into it before anybody can read it."""
        self._address = find(self._name)
        if self._latest is not None and self._form is not _WAVEFORM:  # whose memory EPICS makes only when it starts
            self._fill(self._latest, "SEVR", "STAT")

    def start(self) -> None:
        """Show readings at once from now on, and the newest one that came before."""
        latest, self._latest = self._latest, None
        if latest is not None:
            self.show(latest)

    def show(self, reading: Reading) -> None:
        """Give the record a new reading, with its own time; it shows from `start` on."""
        if self._latest is not None:
            self._latest = reading
            return
        address = self._address
        with locked(address):
            self._fill(reading, "NSEV", "NSTA")
            mask: int = core.recGblResetAlarms(address) | VALUE_AND_LOG
            core.db_post_events(address, address + fields_of(self._form.record_type)["VAL"].offset, mask)

    def _fill(self, reading: Reading, severity: str, status: str) -> None:
        """Put a reading into the record's memory, its alarm into the two fields named."""
        form, address = self._form, self._address
        fields = fields_of(form.record_type)
        value = form.pack(shown(form.kind, self._blank, reading.value, long_text=form.long_text))
        place = address + fields["VAL"].offset
        if form.long_text:
            place = ctypes.c_void_p.from_address(address + fields["BPTR"].offset).value or 0
            ctypes.c_uint32.from_address(address + fields["NORD"].offset).value = len(value)
        ctypes.memmove(place, value, len(value))
        ctypes.c_uint16.from_address(address + fields[severity].offset).value = reading.severity
        ctypes.c_uint16.from_address(address + fields[status].offset).value = reading.status
        ctypes.c_uint8.from_address(address + fields["UDF"].offset).value = 0
        if reading.time is not None:
            ctypes.memmove(address + fields["TIME"].offset, pack_time(reading.time), 8)


def definition(name: str, point: Point) -> str:
    """Return the record of a point that is only read, as a database file has it."""
    form = _form_of(point)
    # DISP: nothing may be put, whatever the access security file of the site allows.
    fields = {"DESC": description(point), "ASG": READ_GROUP, "DISP": "1"}
    if form.kind is not Kind.TEXT and form.kind is not Kind.ENUM:
        fields["EGU"] = units(point)
        if point.limits:
            fields["LOPR"], fields["HOPR"] = (_number(form, limit) for limit in point.limits)
    information = ""
    match form.record_type:
        case "ai":
            fields["PREC"] = str(point.precision)
        case "bi":
            fields["ZNAM"], fields["ONAM"] = labels(point)
        case "mbbi":
            for number, label in enumerate(labels(point)):
                fields[f"{_STATES[number]}VL"], fields[f"{_STATES[number]}ST"] = str(number), label
        case "waveform":
            fields["FTVL"], fields["NELM"] = "CHAR", str(LONGEST_LONG_STRING)
            information = '  info(Q:form, "String")\n'  # so that PV Access shows it as text
        case _:
            pass
    lines = "".join(f"  field({field}, {_quote(text)})\n" for field, text in fields.items() if text)
    return f"record({form.record_type}, {_quote(name)}) {{\n{lines}{information}}}\n"


def _form_of(point: Point) -> _Form:
    match point.kind:
        case Kind.ENUM | Kind.BOOLEAN:
            return _BI if len(labels(point)) == 2 else _MBBI
        case Kind.NUMBER:
            return _AI
        case Kind.INTEGER:
            return _LONGIN
        case Kind.TEXT:
            return _WAVEFORM if point.long_text else _STRINGIN


def _number(form: _Form, limit: float) -> str:
    return str(int(limit)) if form is _LONGIN else repr(float(limit))


def _quote(text: str) -> str:
    """Return a text between quotation marks as EPICS's database files have it; control characters cannot be there."""
    return '"' + "".join("\\" + c if c in '"\\' else c if c.isprintable() else " " for c in text) + '"'
