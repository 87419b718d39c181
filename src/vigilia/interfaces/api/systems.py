"""The systems that are watched, at a glance and as their equipment is looked at."""

import asyncio
from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from vigilia.clock import iso
from vigilia.fleet import Fleet, Presence
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.models import Page
from vigilia.interfaces.api.parts import ApiParts, Parts, System
from vigilia.interfaces.api.reactors import reactor_json
from vigilia.interfaces.api.viewmodels import SystemAnswer, SystemView
from vigilia.language import tr
from vigilia.link import Contact
from vigilia.points import Severity, shorten
from vigilia.rules import AlarmItem
from vigilia.views import MOST_LISTED, DriverView, PlantsView, PlantView, PoeView, ReactorsView, ReactorView, Viewed

OWN = "vigilia"
"""The system of what the service says of itself."""
_STANDING = ("unacknowledged", "acknowledged", "returned")
_POINTS_AT_ONCE = 2_000

router = APIRouter(prefix="/api/v1", tags=["systems"])


@router.get("/systems", response_model=Page[SystemAnswer])
async def list_systems(parts: Parts) -> Response:
    """List what is watched, the service itself last."""
    counts = await _points_of(parts)
    standing: dict[str, list[AlarmItem]] = {}
    for item in parts.alarms.items() if parts.alarms else ():
        if item.state in _STANDING:
            standing.setdefault(item.system, []).append(item)
    names = [*parts.systems, OWN]
    return JsonAnswer(
        {"items": [_system_json(parts, name, counts, standing.get(name, [])) for name in names], "next": None}
    )


@router.get(
    "/systems/{name}",
    response_model=SystemView,
    responses=failures(_404="no system has that name", _422="no name is that long"),
)
async def show_system(name: Annotated[str, Path(max_length=200)], parts: Parts) -> Response:
    """Show the equipment of one system; points are named, and followed apart."""
    system = parts.systems.get(name)
    if system is None and name != OWN:
        known = ", ".join([*parts.systems, OWN])
        raise Failed(404, "unknown-system", f"no system is named {shorten(name)}: there are {known}")
    head = {"name": name, "title": _title(name, system)}
    if isinstance(system, Viewed):
        return JsonAnswer(head | _view_json(system.view()))
    points = [point.name for point in parts.table.points() if parts.table.system(point.name) == name]
    left_out = max(0, len(points) - MOST_LISTED)
    return JsonAnswer(head | {"kind": "other", "left_out": left_out, "points": points[:MOST_LISTED]})


async def _points_of(parts: ApiParts) -> dict[str, int]:
    """Count the points of each system."""
    counts: dict[str, int] = {}
    for number, point in enumerate(list(parts.table.points())):
        system = parts.table.system(point.name)
        counts[system] = counts.get(system, 0) + 1
        if number % _POINTS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return counts


def _system_json(parts: ApiParts, name: str, counts: dict[str, int], alarms: list[AlarmItem]) -> dict[str, Any]:
    system = parts.systems.get(name)
    contacts = list(_contacts(system)) if system is not None else []
    active = (item.severity for item in alarms if item.state != "returned")
    return {
        "name": name,
        "title": _title(name, system),
        "points": counts.get(name, 0),
        "worst": max(active, default=Severity.NO_ALARM).name,
        "alarms": len(alarms),
        "links": {"connected": sum(contacts), "total": len(contacts)},
    }


def _title(name: str, system: System | None) -> str:
    if isinstance(system, Viewed):
        return system.title
    return tr("The watch itself") if name == OWN else name


def _contacts(system: System) -> Iterator[bool]:
    """Give for each link of a system whether there is contact; for reactors, for each that is accepted."""
    yield from (link.contact is Contact.CONNECTED for link in system.links)
    if isinstance(system, Fleet):
        items = system.reactors()
        yield from (item.presence is Presence.CONNECTED for item in items if item.presence is not Presence.WAITING)


def _view_json(view: DriverView) -> dict[str, Any]:
    """Return a view as the API shows it; what is frozen data within it becomes JSON as it is."""
    head = {"kind": view.kind, "left_out": view.left_out}
    match view:
        case PoeView():
            return head | {"rooms": view.rooms}
        case PlantsView():
            return head | {"plants": [_plant_json(plant) for plant in view.plants]}
        case ReactorsView():
            return head | {"reactors": [_reactor_view_json(reactor) for reactor in view.reactors]}


def _plant_json(plant: PlantView) -> dict[str, Any]:
    shown = {field.name: getattr(plant, field.name) for field in fields(plant)}
    for name in ("sunrise", "sunset", "last_data"):
        shown[name] = _iso(shown[name])
    shown["inverters"] = [
        {field.name: getattr(each, field.name) for field in fields(each)} | {"last_data": _iso(each.last_data)}
        for each in plant.inverters
    ]
    return shown


def _iso(time: float | None) -> str | None:
    return None if time is None else iso(time)


def _reactor_view_json(reactor: ReactorView) -> dict[str, Any]:
    return reactor_json(reactor.item) | {"own": reactor.points, "parts": reactor.parts}
