"""Stores and histories filled by the project's own code, with what a test wants to see."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vigilia.history.backend import Keeping, PointInfo, Row
from vigilia.history.open import open_backend
from vigilia.notices import Notice, NoticeKind
from vigilia.points import Kind, Point, Severity, Status
from vigilia.store import Store, outbox
from vigilia.store.alarms import AlarmRow, IncidentRow, save_alarms, save_incidents

KEEPING = Keeping(0, 0, 0)


def alarm_row(rule: str, point: str, since: float, incident: str = "", base: str = "unacknowledged") -> AlarmRow:
    state: dict[str, Any] = {
        "base": base,
        "told": False,
        "shelved": False,
        "out_of_service": False,
        "incident": incident,
        "since": since,
        "acts": {"acknowledge": ["ana", since, ""]} if base == "acknowledged" else {},
        "shelved_until": None,
        "unconfirmed": False,
        "dated": False,
        "detail": "",
        "last_seen": since,
        "severity": 2,
    }
    return AlarmRow(f"{rule}@{point}", rule, point, state, {"known": []}, since)


def incident_row(number: str, rule: str, point: Point, system: str, began: float, **more: Any) -> IncidentRow:
    values: dict[str, Any] = {
        "id": number,
        "alarm": f"{rule}@{point.name}",
        "rule": rule,
        "system": system,
        "point": point.name,
        "device": point.device,
        "area": point.area,
        "equipment": point.equipment or point.device,
        "family": "",
        "label": "",
        "severity": 2,
        "began_at": began,
        "ended_at": None,
        "last_seen_at": began,
        "detail": "",
        "suppressed_by": "",
        "brief": False,
        "told": False,
        "outage": True,
        "found_at": began,
    }
    return IncidentRow(**(values | more))


def notice(alarm: str, incident: str, title: str, at: float) -> Notice:
    return Notice(
        kind=NoticeKind.RAISED,
        system="pvoperation",
        severity=Severity.MAJOR,
        title=title,
        area="",
        line=title,
        at=at,
        alarm=alarm,
        incident=incident,
    )


async def fill_store(
    url: str,
    points: dict[str, Sequence[Point]],
    alarms: Sequence[AlarmRow] = (),
    incidents: Sequence[IncidentRow] = (),
    notices: Sequence[tuple[Notice, float | None]] = (),
) -> None:
    """Make a store with points by driver, alarms, incidents, and notices with when they were delivered."""
    store = await Store.open(url)
    try:
        for driver, its in points.items():
            await store.remember_points(driver, its, 1.0)
        async with store.writing() as connection:
            await save_alarms(connection, alarms)
            await save_incidents(connection, incidents)
            for said, _ in notices:
                await outbox.queue(connection, [(said, ["teams"])], said.at)
        for waiting, (_, delivered_at) in zip(await outbox.waiting(store, "teams", 1000), notices, strict=True):
            if delivered_at is not None:
                (card,) = await outbox.claim(store, "teams", [[waiting.id]], delivered_at) or [0]
                await outbox.attempt(store, "teams", card, [delivered_at])
                await outbox.delivered(store, "teams", card, delivered_at)
    finally:
        await store.close()


async def fill_history(url: str, points: dict[str, Sequence[Point]], rows: Sequence[Row]) -> None:
    """Make a history with these rows."""
    backend = await open_backend(url, KEEPING)
    try:
        await backend.describe(
            [
                PointInfo(
                    *(p.name, p.kind.value, p.units or "", p.description, p.device, p.link, p.area, system, p.labels)
                )
                for system, its in points.items()
                for p in its
            ]
        )
        for start in range(0, len(rows), 2000):
            await backend.write(rows[start : start + 2000])
    finally:
        await backend.close()


def good(point: str, time: float, value: float | None, text: str | None = None) -> Row:
    return Row(point, round(time * 1000), value, text, Severity.NO_ALARM, Status.NO_ALARM)


def urls_in(folder: Path) -> tuple[str, str]:
    state = folder / "state"
    state.mkdir(exist_ok=True)
    return f"sqlite:///{state / 'vigilia.db'}", f"sqlite:///{state / 'history.db'}"


def number_point(name: str, device: str, **more: Any) -> Point:
    return Point(name, Kind.NUMBER, device, **more)
