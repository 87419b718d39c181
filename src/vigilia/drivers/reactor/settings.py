"""What a reactor's settings should be, and what it says of them.

Each request has a revision, counted up through all settings of the reactor; of two, the higher one holds. A reactor is
sent what it has not decided on, so that one that was away gets only the newest. What was rejected is not sent again:
the newest value that was applied is, should the reactor have forgotten it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from vigilia.drivers.reactor.inventory import Inventory, Key
from vigilia.drivers.reactor.values import BadValue, value_of, wire_value
from vigilia.errors import InvalidValue
from vigilia.fleet import SettingItem, SettingState
from vigilia.points import Reading, Sample, Severity, Status, Value
from vigilia.store.reactors import SettingRow
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

PENDING, APPLIED, REJECTED = (str(state) for state in SettingState)
HIGHEST_REVISION = 2**53
"""Whoever says more is wrong; what is given here grows by one with each request."""
AGENT = "agent"
"""Who set what the reactor knows by a revision that the service does not."""
_REFUSED = (Severity.INVALID, Status.WRITE)
_GOOD = (Severity.NO_ALARM, Status.NO_ALARM)


class Decided(NamedTuple):
    """What a reactor has decided."""

    row: SettingRow
    """The newest request as it stands now."""
    over_limit: bool
    """Of a rejected one: whether its value breaks a limit."""


class Settings:
    """The settings of one reactor."""

    def __init__(self, reactor: str, rows: Sequence[SettingRow] = ()) -> None:
        self.revision = max((row.revision for row in rows), default=0)
        """The highest that was ever given."""
        self._reactor = reactor
        self._rows: dict[Key, SettingRow] = {(row.part, row.parameter): row for row in rows}
        self._decided: dict[Key, int] = {}
        self._waiting: dict[Key, list[tuple[int, asyncio.Future[Decided]]]] = {}

    def begin(self, revision: int) -> None:
        """Begin anew with an agent that has just started, and says up to which revision it remembers."""
        self._decided.clear()
        self.revision = max(self.revision, revision)

    def ask(self, key: Key, value: Value, now: float, by: str) -> SettingRow:
        """Note what a setting should be; return it with its revision."""
        self.revision += 1
        before = self._rows.get(key)
        row = self._rows[key] = SettingRow(
            self._reactor,
            *key,
            value,
            self.revision,
            PENDING,
            "",
            now,
            by,
            before.held if before else None,
            before.held_revision if before else 0,
        )
        return row

    def withdraw(self, row: SettingRow, before: SettingRow | None) -> None:
        """Take back a request that could not be kept, unless a newer one came."""
        key = (row.part, row.parameter)
        if self._rows.get(key) is row:
            if before is None:
                del self._rows[key]
            else:
                self._rows[key] = before

    def row(self, key: Key) -> SettingRow | None:
        """Return what was asked for last of a setting."""
        return self._rows.get(key)

    def decision(self, row: SettingRow) -> asyncio.Future[Decided]:
        """Return what will be done once the reactor has decided on a request, or on one after it."""
        future: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((row.part, row.parameter), []).append((row.revision, future))
        return future

    def give_up(self) -> None:
        """Have nobody wait any more: the reactor is away."""
        for waiting in self._waiting.values():
            for _, future in waiting:
                future.cancel()
        self._waiting.clear()

    def hear(self, key: Key, state: wire.SettingState, value: Value | None, now: float) -> SettingRow | None:
        """Take what the reactor says of a setting; return its row where that has changed, and is to be kept."""
        row = self._rows.get(key)
        if state.revision > HIGHEST_REVISION:
            return None
        self._decided[key] = max(self._decided.get(key, 0), state.revision)
        self.revision = max(self.revision, state.revision)
        changed = self._changed(key, row, state, value, now)
        if changed is not None:
            self._rows[key] = changed
        self._tell(key, state)
        return changed

    def owed(self, inventory: Inventory) -> list[wire.Setting]:
        """Return what the reactor has not decided on since its agent started."""
        return list(self._owed(inventory))

    def samples(self, inventory: Inventory) -> list[Sample]:
        """Return what the points of the desired values show."""
        known = (row for key, row in self._rows.items() if key in inventory.settings)
        return [shown(row, inventory) for row in known if _fits(row, inventory)]

    def open_items(self, inventory: Inventory) -> list[SettingItem]:
        """Return the settings that do not hold, or not yet."""
        return [
            SettingItem(
                inventory.settings[key].desired.name,
                row.value,
                SettingState(row.state),
                row.reason,
                row.asked_at,
                row.asked_by,
            )
            for key, row in self._rows.items()
            if key in inventory.settings and row.state != APPLIED
        ]

    def _owed(self, inventory: Inventory) -> Iterator[wire.Setting]:
        for key, row in self._rows.items():
            setting = inventory.settings.get(key)
            value, revision = (row.held, row.held_revision) if row.state == REJECTED else (row.value, row.revision)
            if setting is None or value is None or revision <= self._decided.get(key, 0):
                continue
            try:
                value = setting.desired.coerce(value)
            except InvalidValue:  # the parameter is another one by now
                continue
            part, parameter = key
            yield wire.Setting(
                part=part, parameter=parameter, value=wire_value(setting.desired, value), revision=revision
            )

    def _changed(
        self, key: Key, row: SettingRow | None, state: wire.SettingState, value: Value | None, now: float
    ) -> SettingRow | None:
        if row is None or state.revision > row.revision:
            if not state.revision or value is None or state.rejected:
                return None
            # The service has lost what the reactor remembers: of two, the higher revision holds.
            return SettingRow(
                self._reactor, *key, value, state.revision, APPLIED, "", now, AGENT, value, state.revision
            )
        if state.revision < row.revision:
            return None
        if state.rejected:
            reason = state.rejected[:500]
            known = (row.state, row.reason) == (REJECTED, reason)
            return None if known else replace(row, state=REJECTED, reason=reason)
        if row.state == APPLIED:
            return None
        return replace(row, state=APPLIED, reason="", held=row.value, held_revision=row.revision)

    def _tell(self, key: Key, state: wire.SettingState) -> None:
        waiting = self._waiting.get(key)
        row = self._rows.get(key)
        if not waiting or row is None:
            return
        for asked, future in waiting:
            if asked <= state.revision and not future.done():
                future.set_result(Decided(row, state.over_limit))
        left = [entry for entry in waiting if entry[0] > state.revision and not entry[1].done()]
        if left:
            self._waiting[key] = left
        else:
            del self._waiting[key]


def shown(row: SettingRow, inventory: Inventory) -> Sample:
    """Return what the point of a desired value shows: it keeps what was asked for, also where that was rejected."""
    point = inventory.settings[row.part, row.parameter].desired
    alarm = _REFUSED if row.state == REJECTED else _GOOD
    return Sample(point.name, Reading(row.value, row.asked_at, *alarm), row.reason)


def reported(inventory: Inventory, state: wire.SettingState) -> tuple[Key, Value | None] | None:
    """Return which setting a reactor speaks of, and what holds; None for one that it has not declared."""
    key = (state.part, state.parameter)
    setting = inventory.settings.get(key)
    if setting is None:
        return None
    try:
        return key, value_of(setting.reported, state.value)
    except BadValue:
        return key, None


def _fits(row: SettingRow, inventory: Inventory) -> bool:
    try:
        inventory.settings[row.part, row.parameter].desired.coerce(row.value)
    except InvalidValue:
        return False
    return True
