"""What the store says, read beside the service or without it; nothing is changed there."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select

from vigilia.alarms.machine import Base, Event, State
from vigilia.errors import StartError
from vigilia.language import tr
from vigilia.notices import NoticeKind
from vigilia.points import Severity
from vigilia.store import Store, StoreError, incidents, notices, schema
from vigilia.store.auditing import AuditFilter
from vigilia.store.database import Row
from vigilia.store.file import seen_by_readers
from vigilia.store.incidents import Incident, Position
from vigilia.store.outbox import backlog_of_all
from vigilia.store.url import SQLITE, shown
from vigilia.tui.model import Alarm, Point

_AT_ONCE = 500
"""Rows that are taken before the keyboard gets its turn."""
_FIRST_WAIT_S = 8.0
"""A server that is silent is given up after this; the store's own deadlines are shorter, one after the other not."""

Signature = tuple[object, ...]


class StoreReader:
    """The store, as one who only reads sees it. Its methods raise StoreError with a sentence; each call starts anew."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store: Store | None = None
        self._identity: tuple[int, ...] | None = None
        self._one_call = asyncio.Lock()
        self.name = shown(url).removeprefix(SQLITE)

    async def signature(self) -> Signature:
        """Return something that changes whenever alarms, incidents or deliveries do."""
        alarms, outbox, incident = schema.alarms.c, schema.outbox.c, schema.incidents.c
        async with self._open() as store, store.reading() as connection:
            # The sum: after a clock was set back, the newest change is not the latest.
            of_alarms = select(func.count(), func.max(alarms.changed_at), func.sum(alarms.changed_at))
            of_notices = select(func.count(), func.max(outbox.id), func.count(outbox.delivered_at))
            of_incidents = select(func.count(), func.max(incident.found_at))
            found = [(await connection.execute(query)).one() for query in (of_alarms, of_notices, of_incidents)]
        return tuple(tuple(row) for row in found)

    async def newest_change(self) -> float | None:
        """Return when an alarm changed last, seconds UTC; None where none ever did."""
        async with self._open() as store, store.reading() as connection:
            return await connection.scalar(select(func.max(schema.alarms.c.changed_at)))

    async def alarms(self) -> list[Alarm]:
        """Return the alarms that are not normal."""
        table = schema.alarms.c
        async with self._open() as store:
            told = await _told(store)
            kept: list[tuple[str, str, str, dict[str, Any]]] = []
            async with store.reading() as connection:
                rows = await connection.stream(select(table.id, table.rule, table.point, table.state))
                async for portion in rows.partitions(_AT_ONCE):
                    kept += [(row.id, row.rule, row.point, row.state) for row in portion if not _plain(row.state)]
                    await asyncio.sleep(0)
            latest = [str(state.get("incident", "")) for _, _, _, state in kept]
            known = {found.id: found for found in await incidents.of_ids(store, [one for one in latest if one])}
        active = {key for key, _, _, state in kept if state.get("base") in (Base.UNACKNOWLEDGED, Base.ACKNOWLEDGED)}
        return [_alarm(*row, known.get(str(row[3].get("incident", ""))), active, told) for row in kept]

    async def points(self) -> dict[str, Point]:
        """Return the points that drivers declared, without readings, which the store does not keep."""
        table = schema.known_points.c
        found: dict[str, Point] = {}
        async with self._open() as store, store.reading() as connection:
            rows = await connection.stream(select(table.name, table.driver, table.definition).order_by(table.name))
            async for portion in rows.partitions(_AT_ONCE):
                found |= {row.name: _point(row.name, row.driver, row.definition) for row in portion}
                await asyncio.sleep(0)
        return found

    async def incidents(self, before: Position | None, limit: int) -> list[Incident]:
        """Return incidents, the newest first, those that follow `before`."""
        async with self._open() as store:
            return await incidents.newest(store, start=None, end=None, before=before, limit=limit)

    async def notices_of(self, incident: str) -> list[Row]:
        """Return the notices of one incident, the oldest first: one row for each channel."""
        outbox = schema.outbox
        query = select(outbox).where(outbox.c.incident == incident).order_by(outbox.c.id).limit(100)
        async with self._open() as store, store.reading() as connection:
            return [notices.notice_row(row) for row in (await connection.execute(query)).mappings()]

    async def acts_on(self, point: str, rule: str) -> list[Row]:
        """Return what operators did about a rule's alarm of a point, the newest first."""
        async with self._open() as store:
            rows = await store.audit(AuditFilter(point=point), limit=100)
        return [row for row in rows if isinstance(row["value"], str) and f" {rule}" in row["value"].partition(":")[0]]

    async def waiting(self) -> tuple[int, float | None]:
        """Return how many notices are not delivered, and when the oldest of them was queued (seconds UTC)."""
        async with self._open() as store:
            return await backlog_of_all(store)

    async def close(self) -> None:
        """Let go of the database."""
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Store]:
        """Give the store to one call at a time; after an error the next call opens it anew. Raises StoreError."""
        async with self._one_call:
            store = await self._opened()
            try:
                yield store
            except StoreError as error:
                await self.close()
                said = tr("the store {name} does not answer: {reason}")
                raise StoreError(said.format(name=self.name, reason=error)) from error
            except (KeyError, TypeError, ValueError, AttributeError) as error:  # JSON in it that is not as we write it
                said = tr("the store {name} holds what this version cannot read: {reason}")
                raise StoreError(said.format(name=self.name, reason=repr(error))) from error

    async def _opened(self) -> Store:
        identity = _identity(self._url)
        if self._store is not None and identity == self._identity:
            return self._store
        await self.close()
        try:
            async with asyncio.timeout(_FIRST_WAIT_S):
                store = self._store = await Store.look(self._url)
        except StartError as error:
            raise StoreError(str(error)) from error
        except TimeoutError as error:
            raise StoreError(tr("the store gives no answer")) from error
        self._identity = identity
        return store


def _identity(url: str) -> tuple[int, ...] | None:
    """Return which file a store is in, told from another that comes into its place; None for a server, and for none."""
    if not url.startswith(SQLITE):
        return None
    try:
        return seen_by_readers(Path(url.removeprefix(SQLITE)))
    except OSError:
        return None


async def _told(store: Store) -> dict[str, float]:
    """Return when people were first told of each incident, those over included."""
    outbox = schema.outbox.c
    raised = (outbox.kind == NoticeKind.RAISED.value) & outbox.delivered_at.is_not(None)
    query = select(outbox.incident, func.min(outbox.delivered_at)).where(raised).group_by(outbox.incident)
    async with store.reading() as connection:
        return {row[0]: row[1] for row in await connection.execute(query)}


def _plain(state: Mapping[str, Any]) -> bool:
    return state.get("base") == Base.NORMAL and not (state.get("shelved") or state.get("out_of_service"))


def _alarm(
    key: str,
    rule: str,
    point: str,
    state: Mapping[str, Any],
    incident: Incident | None,
    active: set[str],
    told: Mapping[str, float],
) -> Alarm:
    # The store keeps no suppression of alarms, for a start finds it out anew; an incident keeps what began it.
    cause = incident.suppressed_by if incident is not None and incident.suppressed_by in active else ""
    stands = State(
        Base(state["base"]), bool(state["told"]), bool(state["shelved"]), bool(cause), bool(state["out_of_service"])
    )
    return Alarm(
        id=key,
        point=point,
        device=(incident.equipment or incident.device) if incident else "",
        name=_name(incident, rule),
        state=stands.name,
        severity=Severity(incident.severity if incident else state.get("severity", Severity.MAJOR)),
        since=float(state["since"]),
        system=incident.system if incident else "",
        area=incident.area if incident else "",
        suppressed_by=cause,
        acknowledged_by=_acknowledged_by(state) if stands.base is Base.ACKNOWLEDGED else "",
        shelved_until=state.get("shelved_until"),
        detail=(incident.detail if incident else "") or str(state.get("detail", "")),
        told_at=told.get(incident.id) if incident else None,
        incident=incident.id if incident else "",
        latest=str(state.get("incident", "")),
        began=incident.began_at if incident else None,
    )


def _acknowledged_by(state: Mapping[str, Any]) -> str:
    """Return who acknowledged an alarm last; an earlier version kept nothing else of it."""
    act = state.get("acts", {}).get(str(Event.ACKNOWLEDGE))
    return str(act[0] if act else state.get("acknowledged_by", ""))


def _name(incident: Incident | None, rule: str) -> str:
    """Return what an alarm is called as far as the store knows: its rule's title is the service's alone."""
    if incident is None or not (incident.family or incident.label):
        return rule
    family = incident.family
    title = tr(family) if family else rule
    return f"{title}: {tr(incident.label)}" if incident.label else title


def _point(name: str, driver: str, definition: Mapping[str, Any]) -> Point:
    limits = definition.get("limits")
    return Point(
        name=name,
        kind=str(definition.get("kind", "")),
        device=str(definition.get("device", "")),
        link=str(definition.get("link", "")),
        system=driver,
        area=str(definition.get("area") or ""),
        description=str(definition.get("description") or ""),
        units=str(definition.get("units") or ""),
        labels=tuple(str(label) for label in cast("Sequence[object]", definition.get("labels") or ())),
        limits=(float(limits[0]), float(limits[1])) if limits else None,
        writable=bool(definition.get("writable")),
    )
