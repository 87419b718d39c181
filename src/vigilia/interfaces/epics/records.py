"""The records of the IOC: made from points by softioc, updated and asked through EPICS base's own C functions.

Runs in the IOC process only. Softioc serves records whose values a Python program owns; what it lacks is done here
with the functions any record support uses (`dbScanLock`, `recGblResetAlarms`, `db_post_events`): showing a put before
it is answered, changing an output record's value and alarm without processing it, and knowing who put.
"""

import asyncio
import ctypes
import itertools
import logging
import re
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_uint, c_ushort, c_void_p
from pathlib import Path
from typing import Any

from epicscorelibs.ioc import dbCore
from softioc import builder as untyped_builder
from softioc import softioc as untyped_softioc

from vigilia.errors import InvalidValue
from vigilia.interfaces.epics.access import READ_GROUP
from vigilia.interfaces.epics.announced import Announced, Channel, TrapMessage
from vigilia.interfaces.epics.names import LONGEST_LABEL
from vigilia.points import Kind, Point, Reading, Severity, Status, Value

builder: Any = untyped_builder
softioc: Any = untyped_softioc
_logger = logging.getLogger(__name__)

LONGEST_LONG_STRING = 512
"""Bytes of a long string; more is cut."""
_LONGEST_STRING = 39
_LONGEST_DESCRIPTION = 40
_LONGEST_UNITS = 15
_DBE_VALUE_AND_LOG = 1 | 2
_CATCH_UP_S = 0.02

Ask = Callable[[int, Value, str, str], Awaitable[bool]]
"""Carries a put (index of the point, value, user, host) to whoever owns the points; returns once the answer has been
shown (`Database.show`), False where none came."""


_TrapListener = CFUNCTYPE(None, POINTER(TrapMessage), c_int)

for _function in (dbCore.dbScanLock, dbCore.dbScanUnlock):
    _function.argtypes = (c_void_p,)
    _function.restype = None
dbCore.db_post_events.argtypes = (c_void_p, c_void_p, c_uint)
dbCore.recGblResetAlarms.argtypes = (c_void_p,)
dbCore.recGblResetAlarms.restype = c_ushort
dbCore.asTrapWriteRegisterListener.argtypes = (_TrapListener,)
dbCore.asTrapWriteRegisterListener.restype = c_void_p
dbCore.asSetFilename.argtypes = (c_char_p,)
dbCore.asSetFilename.restype = c_int


class InputRecord:
    """A record that shows what is read."""

    def __init__(self, name: str, point: Point, reading: Reading) -> None:
        self._point = point
        self._record = _make(name, point, output=False, ASG=READ_GROUP)
        self.show(reading)

    def show(self, reading: Reading) -> None:
        """Give the record a new reading, with its own time."""
        self._record.set(
            _shown(self._point, reading.value),
            severity=int(reading.severity),
            alarm=int(reading.status),
            timestamp=reading.time,
        )


class OutputRecord:
    """A record that takes puts. A put shows at once, and completes with the answer of whoever owns the point."""

    def __init__(self, index: int, name: str, point: Point, reading: Reading, ask: Ask) -> None:
        self._index = index
        self._point = point
        self._ask = ask
        self._latest = reading
        self._held: Reading | None = None
        self._loop = asyncio.get_running_loop()
        self._announced: dict[int, Announced] = {}
        self._last_announced: Announced | None = None
        self._processed_by_hand = 0
        self._writer = ("", "")
        self._record: Any = None
        self._catching_up = False
        wrapper = _make(
            name,
            point,
            output=True,
            on_update=self._put,
            validate=self._accept,
            always_update=True,  # a put of the value already there is a request like any other
            blocking=True,
            initial_value=_shown(point, reading.value),
        )
        self._device: Any = wrapper._RecordWrapper__device

    def start(self) -> int:
        """Take and return the address that the record has since iocInit; show its first reading."""
        self._record = self._device._record
        address: int = self._record.record.value
        self._field = address + self._record.fields["VAL"][0]
        self.show(self._latest)
        return address

    def announce(self, number: int, message: TrapMessage, field: int) -> None:
        """Note who is about to put what to the record's `field`. Called by EPICS's threads before each put."""
        if field != self._field:
            self._processed_by_hand += 1
            return
        announced = Announced.read(self._point, message)
        self._announced[number] = announced
        if announced.changes_value:
            self._last_announced = announced

    def conclude(self, number: int, field: int) -> None:
        """Forget an announcement: its put is over. Called by EPICS's threads."""
        if field != self._field:
            self._processed_by_hand -= 1
        self._announced.pop(number, None)

    def show(self, reading: Reading) -> None:
        """Give the record a new reading. While a put is in flight this waits until it is over."""
        self._latest = reading
        if self._record is None:
            return
        with self._locked():
            if not self._record.PACT:
                self._hold(reading)
                self._post(dbCore.recGblResetAlarms(self._record.record) | _DBE_VALUE_AND_LOG)
                return
        if not self._catching_up:
            self._catching_up = True
            self._loop.call_later(_CATCH_UP_S, self._catch_up)

    def _catch_up(self) -> None:
        self._catching_up = False
        if self._held != self._latest:
            self.show(self._latest)

    def _accept(self, _device: object, value: Any) -> bool:
        """Say whether the record may take `value`; where not, softioc puts back the one before.

        Called by EPICS's threads while the record is locked. The put is the first that was announced and is not over;
        with none, several without completion came while another was in flight, and the last of them counts.
        """
        if self._processed_by_hand and value == self._device.get():
            return False  # a put to PROC processes the record, and asks for nothing
        first = next(iter(self._announced), None)
        announced = self._last_announced if first is None else self._announced.pop(first)
        if announced is None:
            _logger.error("a put that was not announced is refused: the access security rules lack TRAPWRITE")
            return False
        asked = value if announced.asked is None else announced.asked
        try:
            self._point.coerce(asked)
        except InvalidValue:
            # Asked all the same, so that the refusal is on record; but the value never shows.
            asyncio.run_coroutine_threadsafe(self._refuse(asked, announced.user, announced.host), self._loop)
            return False
        self._writer = (announced.user, announced.host)
        return True

    async def _refuse(self, value: Any, user: str, host: str) -> None:
        await self._ask(self._index, value, user, host)

    async def _put(self, value: Any) -> None:
        """Show the put, ask for it, and leave the answer to the completion of the record to publish."""
        with self._locked():
            self._post(_DBE_VALUE_AND_LOG)
        if not await self._ask(self._index, value, *self._writer):
            self._latest = Reading(value, None, Severity.INVALID, Status.WRITE)
        with self._locked():
            # RPRO: another put without completion has set the value meanwhile and is processed next: its value stays.
            self._hold(self._latest, value_too=not self._record.RPRO)

    def _hold(self, reading: Reading, *, value_too: bool = True) -> None:
        """Put a reading into the record, to be published by `_post` or by the record's completion."""
        self._held = reading if value_too else None
        value = self._device._value[0]
        if value_too:
            value = self._device._value_to_epics(_shown(self._point, reading.value))
            self._device._write_value(self._record, value)
        severity, status = int(reading.severity), int(reading.status)
        self._device._value = (value, severity, status)
        self._record.UDF = 0
        self._record.NSEV = severity
        self._record.NSTA = status
        if reading.time is not None:
            self._record.TIME = reading.time

    def _post(self, mask: int) -> None:
        """Tell clients of the value as it stands. The completion of the record tells of what differs from it."""
        if "MLST" in self._record.fields:
            self._record.MLST = self._device._read_value(self._record).value
        dbCore.db_post_events(self._record.record, self._field, mask)

    @contextmanager
    def _locked(self) -> Generator[None]:
        dbCore.dbScanLock(self._record.record)
        try:
            yield
        finally:
            dbCore.dbScanUnlock(self._record.record)


Record = InputRecord | OutputRecord


class Database:
    """All records of the IOC. Made once in a process, from within its running event loop."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._records: list[Record] = []
        self._outputs: dict[int, OutputRecord] = {}
        self._numbers = itertools.count(1)

    def add(self, name: str, point: Point, reading: Reading) -> None:
        """Make the record of the next point, called `name`, with the reading it begins with."""
        if point.writable:
            self._records.append(OutputRecord(len(self._records), name, point, reading, self._ask))
        else:
            self._records.append(InputRecord(name, point, reading))

    def load(self) -> None:
        """Have EPICS make the records. Raises AssertionError where it refuses one; its message stands above then."""
        # As root, iocInit would lock every thread's whole stack into memory: 180 MB for nothing.
        c_int.in_dll(dbCore, "dbThreadRealtimeLock").value = 0
        builder.LoadDatabase()

    def start(self, access_file: Path) -> None:
        """Start the IOC with its Channel Access and PV Access servers, after `load`. Raises OSError if it refuses."""
        # Hosts are known by the address they call from, not by the name they claim.
        c_int.in_dll(dbCore, "asCheckClientIP").value = 1
        if dbCore.asSetFilename(str(access_file).encode()):
            raise OSError(f"EPICS cannot use the access security file {access_file}")
        softioc.iocInit(_Dispatcher(asyncio.get_running_loop()))
        if not c_int.in_dll(dbCore, "asActive").value:
            raise OSError("EPICS refused the access security file: its message stands above")
        self._listener = _TrapListener(self._trap)
        dbCore.asTrapWriteRegisterListener(self._listener)
        for record in self._records:
            if isinstance(record, OutputRecord):
                self._outputs[record.start()] = record

    def show(self, index: int, reading: Reading) -> None:
        """Give the record of point `index` a new reading."""
        self._records[index].show(reading)

    def _trap(self, pointer: Any, after: int) -> None:
        message: TrapMessage = pointer.contents
        channel = ctypes.cast(message.channel, POINTER(Channel)).contents
        record = self._outputs.get(channel.record)
        if record is None:
            return
        if after:
            record.conclude(message.private or 0, channel.field)
        else:
            message.private = next(self._numbers)
            record.announce(message.private, message, channel.field)


class _Dispatcher:
    """Runs softioc's callbacks on the event loop (softioc's own keeps a thread and a loop for them)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(
        self,
        function: Callable[..., Awaitable[None]],
        func_args: tuple[Any, ...] = (),
        completion: Callable[..., None] | None = None,
        completion_args: tuple[Any, ...] = (),
    ) -> None:
        async def run() -> None:
            try:
                await function(*func_args)
            except Exception:  # a record left incomplete would take no put ever again
                _logger.exception("a put failed")
            finally:
                if completion:
                    completion(*completion_args)

        asyncio.run_coroutine_threadsafe(run(), self._loop)


def _make(name: str, point: Point, *, output: bool, **fields: Any) -> Any:
    """Make the record that suits a point: bi/bo, mbbi/mbbo, ai/ao, longin/longout, stringin/stringout, long string."""
    fields["DESC"] = _field(point.description, _LONGEST_DESCRIPTION)
    if point.units:
        fields["EGU"] = _field(point.units, _LONGEST_UNITS)
    labels = [_field(label, LONGEST_LABEL) for label in point.labels]
    if point.kind is Kind.BOOLEAN and not labels:
        labels = ["False", "True"]
    match point.kind:
        case Kind.ENUM | Kind.BOOLEAN if len(labels) == 2:
            make = builder.boolOut if output else builder.boolIn
            return make(name, *labels, **fields)
        case Kind.ENUM | Kind.BOOLEAN:
            make = builder.mbbOut if output else builder.mbbIn
            return make(name, *labels, **fields)
        case Kind.NUMBER:
            if point.limits:
                fields["LOPR"], fields["HOPR"] = point.limits
            make = builder.aOut if output else builder.aIn
            return make(name, PREC=point.precision, **fields)
        case Kind.INTEGER:
            if point.limits:
                fields["LOPR"], fields["HOPR"] = (int(limit) for limit in point.limits)
            make = builder.longOut if output else builder.longIn
            return make(name, **fields)
        case Kind.TEXT if point.long_text:
            fields.pop("EGU", None)
            make = builder.longStringOut if output else builder.longStringIn
            return make(name, length=LONGEST_LONG_STRING, **fields)
        case Kind.TEXT:
            fields.pop("EGU", None)
            make = builder.stringOut if output else builder.stringIn
            return make(name, **fields)


def _shown(point: Point, value: Value | None) -> Value:
    """Return what a record shows for a value; for none, the point's blank or what suits its kind.

    A text where none belongs is none: the point is of another kind by now, and this IOC about to be replaced.
    """
    if value is None or (isinstance(value, str) and point.kind is not Kind.TEXT):
        value = point.blank
    match point.kind:
        case Kind.TEXT:
            return _cut(str(value or ""), LONGEST_LONG_STRING - 1 if point.long_text else _LONGEST_STRING)
        case Kind.NUMBER:
            return float(value or 0.0)
        case _:
            return int(value or 0)


def _field(text: str, most_bytes: int) -> str:
    """Return `text` as a field of a database file holds it: without what would begin a macro, and cut."""
    return _cut(re.sub(r"\$+(?=[({])", "", text), most_bytes)


def _cut(text: str, most_bytes: int) -> str:
    """Return `text` cut to `most_bytes` of UTF-8, between two characters."""
    return text.encode(errors="replace")[:most_bytes].decode(errors="ignore")
