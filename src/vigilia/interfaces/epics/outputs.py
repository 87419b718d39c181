"""Records that take puts: softioc's, updated and asked through EPICS base's own functions. IOC process only.

Softioc serves records whose values a Python program owns; what it lacks is done here with the functions any record
support uses (`dbScanLock`, `recGblResetAlarms`, `db_post_events`): showing a put before it is answered, changing an
output record's value and alarm without processing it, and knowing who put.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from softioc import builder as untyped_builder

from vigilia.errors import InvalidValue
from vigilia.interfaces.epics.announced import Announced, TrapMessage
from vigilia.interfaces.epics.base import VALUE_AND_LOG, core, locked
from vigilia.interfaces.epics.shown import LONGEST_LONG_STRING, description, labels, shown, units
from vigilia.points import Kind, Point, Reading, Severity, Status, Value

builder: Any = untyped_builder
_logger = logging.getLogger(__name__)

_CATCH_UP_S = 0.02

Ask = Callable[[int, Value, str, str], Awaitable[bool]]
"""Carries a put (index of the point, value, user, host) to whoever owns the points; returns once the answer has been
shown (`Database.show`), False where none came."""


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
        self._address: int = self._record.record.value
        self._field = self._address + self._record.fields["VAL"][0]
        self.show(self._latest)
        return self._address

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
        with locked(self._address):
            if not self._record.PACT:
                self._hold(reading)
                self._post(core.recGblResetAlarms(self._record.record) | VALUE_AND_LOG)
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
        with locked(self._address):
            self._post(VALUE_AND_LOG)
        if not await self._ask(self._index, value, *self._writer):
            self._latest = Reading(value, None, Severity.INVALID, Status.WRITE)
        with locked(self._address):
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
        core.db_post_events(self._record.record, self._field, mask)


def _make(name: str, point: Point, **options: Any) -> Any:
    """Make the record that suits a point: bo, mbbo, ao, longout, stringout, or a long string."""
    options["DESC"] = description(point)
    if point.units and point.kind is not Kind.TEXT:
        options["EGU"] = units(point)
    match point.kind:
        case Kind.ENUM | Kind.BOOLEAN if len(texts := labels(point)) == 2:
            return builder.boolOut(name, *texts, **options)
        case Kind.ENUM | Kind.BOOLEAN:
            return builder.mbbOut(name, *labels(point), **options)
        case Kind.NUMBER:
            if point.limits:
                options["LOPR"], options["HOPR"] = point.limits
            return builder.aOut(name, PREC=point.precision, **options)
        case Kind.INTEGER:
            if point.limits:
                options["LOPR"], options["HOPR"] = (int(limit) for limit in point.limits)
            return builder.longOut(name, **options)
        case Kind.TEXT if point.long_text:
            return builder.longStringOut(name, length=LONGEST_LONG_STRING, **options)
        case Kind.TEXT:
            return builder.stringOut(name, **options)


def _shown(point: Point, value: Value | None) -> Value:
    return shown(point.kind, point.blank, value, long_text=point.long_text)
