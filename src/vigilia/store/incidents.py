"""What the store knows of incidents: alarms from start to end, by the equipment's times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from vigilia.points import Severity, Window
from vigilia.store import schema
from vigilia.store.database import Store

_AT_ONCE = 1000
"""How many rows are taken from the database before others get their turn on the event loop."""

_WINDOW = {part.name for part in fields(Window)}

_incidents = schema.incidents.c


@dataclass(frozen=True, slots=True)
class Incident:
    """One alarm from start to end. Times in seconds UTC, as the equipment gave them."""

    id: str
    alarm: str
    """The alarm's id."""
    rule: str
    system: str
    point: str
    device: str
    area: str
    """The plant, room or reactor. May be empty."""
    equipment: str
    """What people call the device."""
    family: str
    """What kind of alarm, in English: the rule's `family`."""
    label: str
    """Which of that kind, in English: the rule's `label`."""
    severity: Severity
    began_at: float
    ended_at: float | None
    """None while it lasts."""
    last_seen_at: float
    detail: str
    suppressed_by: str
    """The id of the alarm that suppresses it by design; empty: none."""
    brief: bool
    """Whether it was over when it was found, so that no card was sent."""
    told: bool
    """Whether a notice of its start was queued."""
    outage: bool
    """Whether the equipment counts as unavailable while it lasts."""
    found_at: float
    """When the watch learnt of it, by its clock, seconds UTC."""
    start_known: bool = True
    """False where `began_at` is a guess: it was taken over from the monitor before, which did not tell."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of incidents ended: the start and the id of its last one."""

    began_at: float
    id: str


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents are wanted; what is left empty takes everything."""

    system: str = ""
    area: str = ""
    """Part of the area, the equipment or the device, in either case."""
    state: str = ""
    """"open": those that last; "closed"."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must be."""
        found = [_incidents.system == self.system] if self.system else []
        if self.area:
            places = (_incidents.area, _incidents.equipment, _incidents.device)
            found.append(or_(*(place.icontains(self.area, autoescape=True) for place in places)))
        if self.state:
            found.append(_incidents.ended_at.is_(None) if self.state == "open" else _incidents.ended_at.is_not(None))
        return found


EVERY_INCIDENT = IncidentFilter()


async def overlapping(store: Store, start: float, end: float) -> list[Incident]:
    """Return the incidents that were open at any time from `start` until before `end`, the oldest first.

    Those still open are among them. Raises StoreError.
    """
    query = select(schema.incidents).where(*_touches(start, end)).order_by(_incidents.began_at, _incidents.id)
    return await _read(store, query)


async def newest(
    store: Store,
    wanted: IncidentFilter = EVERY_INCIDENT,
    *,
    start: float | None,
    end: float | None,
    before: Position | None = None,
    limit: int = 100,
) -> list[Incident]:
    """Return the incidents that are wanted and were open between `start` and `end` (None: no bound), the newest first.

    At most `limit`. `before`: only those that follow this position. Raises StoreError.
    """
    query = select(schema.incidents).order_by(_incidents.began_at.desc(), _incidents.id.desc()).limit(limit)
    query = query.where(*_touches(start, end), *wanted.conditions())
    if before is not None:
        earlier = _incidents.began_at < before.began_at
        query = query.where(or_(earlier, and_(_incidents.began_at == before.began_at, _incidents.id < before.id)))
    return await _read(store, query)


async def active(store: Store, family: str = "") -> list[Incident]:
    """Return the incidents that are open now, of one family or of all, by area, equipment and start.

    Raises StoreError.
    """
    query = select(schema.incidents).where(_incidents.ended_at.is_(None))
    if family:
        query = query.where(_incidents.family == family)
    return await _read(store, query.order_by(_incidents.area, _incidents.equipment, _incidents.began_at, _incidents.id))


async def of_ids(store: Store, ids: Sequence[str]) -> list[Incident]:
    """Return the incidents of these ids, in no order. Raises StoreError."""
    found: list[Incident] = []
    for start in range(0, len(ids), _AT_ONCE):
        found += await _read(store, select(schema.incidents).where(_incidents.id.in_(ids[start : start + _AT_ONCE])))
    return found


async def brief_since(store: Store, since: float) -> list[Incident]:
    """Return the incidents that were over when they were found, at `since` or later, the oldest first.

    Raises StoreError.
    """
    query = select(schema.incidents).where(_incidents.brief, _incidents.found_at >= since)
    return await _read(store, query.order_by(_incidents.ended_at, _incidents.id))


async def first_outage(store: Store) -> float | None:
    """Return when the first incident began that counts as an outage; None where there was none. Raises StoreError."""
    query = select(_incidents.began_at).where(_incidents.outage).order_by(_incidents.began_at).limit(1)
    async with store.reading() as connection:
        return await connection.scalar(query)


async def windows(store: Store) -> dict[str, Window]:
    """Return the window of each area that has points with one, from the points as they were last remembered.

    Raises StoreError.
    """
    found: dict[str, Window] = {}
    async with store.reading() as connection:
        rows = await connection.stream(select(schema.known_points.c.definition).order_by(schema.known_points.c.name))
        async for portion in rows.scalars().partitions(_AT_ONCE):
            for definition in portion:
                # Points remembered by an earlier version have neither, by a later one perhaps more.
                window, area = definition.get("window"), definition.get("area")
                if window and area and area not in found:
                    found[area] = Window(**{name: window[name] for name in _WINDOW & window.keys()})
    return found


def _touches(start: float | None, end: float | None) -> list[Any]:
    """Return the conditions for being open between two moments; one that lasted no time at all counts at its moment."""
    conditions: list[Any] = []
    if start is not None:
        conditions.append(or_(_incidents.ended_at.is_(None), _incidents.ended_at > start, _incidents.began_at >= start))
    if end is not None:
        conditions.append(_incidents.began_at < end)
    return conditions


async def _read(store: Store, query: Select[Any]) -> list[Incident]:
    found: list[Incident] = []
    async with store.reading() as connection:
        rows = await connection.stream(query)
        async for portion in rows.mappings().partitions(_AT_ONCE):
            found += [_incident(row) for row in portion]
    return found


def _incident(row: Mapping[Any, Any]) -> Incident:
    values: dict[str, Any] = {str(column): value for column, value in row.items()}
    values["severity"] = Severity(values["severity"])
    return Incident(**values)
