"""Scripts as files, JSON or TOML: read, checked, and shown again."""

import math
import tomllib
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vigilia.sim.pvoperation.script import Inverter, Outage, Plant, Relay, Script, Span, Trip

_LONGEST_FILE = 10_000_000

Moment = Annotated[str, Field(max_length=40)]
"""A plant-local time: `HH:MM` or `HH:MM:SS` of the first day, or an ISO date and time."""
_Id = Annotated[str, Field(min_length=1, max_length=64)]


class ScriptFileError(ValueError):
    """A file is no script; the text says where and why."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Span(_Model):
    start: Moment = Field(alias="from")
    end: Moment | None = Field(default=None, alias="to")


class _Trip(_Span):
    flags: tuple[str, ...]


class _Outage(_Span):
    pac_kw: float = 0.0


class _Relay(_Model):
    id: _Id
    trips: list[_Trip] = []
    stops: list[_Span] = []


class _Inverter(_Model):
    id: _Id
    rated_kw: float = 100.0
    outages: list[_Outage] = []
    stops: list[_Span] = []


class _Plant(_Model):
    id: Annotated[int, Field(ge=1)]
    name: str
    timezone: str = "America/Sao_Paulo"
    capacity_kwp: float = 1000.0
    dawn: time = time(5, 40)
    dusk: time = time(18, 20)
    window: tuple[time, time] = (time(6, 30), time(17, 30))
    stops: list[_Span] = []
    relays: list[_Relay] = []
    inverters: list[_Inverter] = []


class _File(_Model):
    day: date
    plants: Annotated[list[_Plant], Field(min_length=1)]


def read_script(path: Path) -> Script:
    """Return the script of a file, `.toml` or JSON; raises ScriptFileError, OSError."""
    data = path.read_bytes()
    if len(data) > _LONGEST_FILE:
        raise ScriptFileError(f"{path} has {len(data)} bytes: give a script of at most {_LONGEST_FILE}")
    try:
        if path.suffix == ".toml":
            return _script(_File.model_validate(tomllib.loads(data.decode())))
        return _script(_File.model_validate_json(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ScriptFileError(f"{path}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise ScriptFileError(f"{path}: {error}") from error


def _script(file: _File) -> Script:
    return Script([_plant(plant, file.day) for plant in file.plants], file.day)


def _plant(given: _Plant, day: date) -> Plant:
    try:
        zone = ZoneInfo(given.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"plant {given.id}: no time zone {given.timezone!r}: give one like America/Cuiaba") from error
    plant = Plant(given.id, given.name, zone, {}, {}, given.capacity_kwp)
    plant.dawn, plant.dusk, plant.window = given.dawn, given.dusk, given.window
    if not plant.dawn < plant.dusk or not plant.window[0] < plant.window[1]:
        raise ValueError(f"plant {given.id}: dawn must come before dusk, and a window open before it closes")
    plant.stops = _spans(plant, given.stops, day)
    for relay in given.relays:
        trips = [Trip(*times(plant, trip.start, trip.end, day), trip.flags) for trip in relay.trips]
        plant.relays[relay.id] = Relay(relay.id, trips, _spans(plant, relay.stops, day))
    for inverter in given.inverters:
        outages = [Outage(*times(plant, one.start, one.end, day), one.pac_kw) for one in inverter.outages]
        stops = _spans(plant, inverter.stops, day)
        plant.inverters[inverter.id] = Inverter(inverter.id, inverter.rated_kw, outages, stops)
    if len(plant.relays) != len(given.relays) or len(plant.inverters) != len(given.inverters):
        raise ValueError(f"plant {given.id}: two relays or two inverters have the same id")
    return plant


def _spans(plant: Plant, given: list[_Span], day: date) -> list[Span]:
    return [Span(*times(plant, span.start, span.end, day)) for span in given]


def times(plant: Plant, start: str, end: str | None, day: date) -> tuple[float, float]:
    """The times meant by two texts (see `Moment`); no end: for good. Raises ValueError."""
    return _moment(plant, start, day), math.inf if end is None else _moment(plant, end, day)


def _moment(plant: Plant, text: str, day: date) -> float:
    try:
        if "-" in text:
            return plant.moment(datetime.fromisoformat(text))
        return plant.moment(datetime.combine(day, time.fromisoformat(text)))
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: give HH:MM, or a date and time like 2026-03-10T10:15:00") from error


def describe_script(script: Script) -> dict[str, Any]:
    """The script as JSON data, which `read_script` reads."""
    return {"day": str(script.first_day), "plants": [describe_plant(plant) for plant in script.plants.values()]}


def describe_plant(plant: Plant) -> dict[str, Any]:
    """One plant of a script as JSON data."""
    return {
        "id": plant.plant_id,
        "name": plant.name,
        "timezone": plant.zone.key,
        "capacity_kwp": plant.capacity_kwp,
        "dawn": str(plant.dawn),
        "dusk": str(plant.dusk),
        "window": [str(plant.window[0]), str(plant.window[1])],
        "stops": [_shown(plant, stop) for stop in plant.stops],
        "relays": [
            {
                "id": relay.relay_id,
                "trips": [_shown(plant, trip) | {"flags": list(trip.flags)} for trip in relay.trips],
                "stops": [_shown(plant, stop) for stop in relay.stops],
            }
            for relay in plant.relays.values()
        ],
        "inverters": [
            {
                "id": inverter.inverter_id,
                "rated_kw": inverter.rated_kw,
                "outages": [_shown(plant, outage) | {"pac_kw": outage.pac_kw} for outage in inverter.outages],
                "stops": [_shown(plant, stop) for stop in inverter.stops],
            }
            for inverter in plant.inverters.values()
        ],
    }


def _shown(plant: Plant, span: Span) -> dict[str, Any]:
    end = None if span.end == math.inf else plant.local(span.end).isoformat()
    return {"from": plant.local(span.start).isoformat(), "to": end}
