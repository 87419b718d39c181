"""Points: the list, a single one, and the way to write to one."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any, cast

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from vigilia.clock import iso
from vigilia.errors import Changed, Pending, WriteTimeout
from vigilia.interfaces.api.answers import Failed, JsonAnswer, failures
from vigilia.interfaces.api.bodies import BODY_FAILURES, read_json
from vigilia.interfaces.api.models import ChangedAnswer, ErrorAnswer, NewValue, Page, PendingAnswer, PointAnswer
from vigilia.interfaces.api.moments import moment_of
from vigilia.interfaces.api.pages import PageQuery, cursor, invalid_cursor
from vigilia.interfaces.api.parts import Parts
from vigilia.interfaces.auth.caller import AskedBy
from vigilia.language import tr
from vigilia.points import Point, Reading, shorten
from vigilia.table import Check, PointTable

_ANSWER_S = 30.0
"""Longer than any link takes to answer a write: what waits longer is a fault of a driver."""
_CONDITIONS = ("expected", "expected_timestamp")
_PENDING = "a setting is kept for its reactor, or a command has begun and goes on: `detail` says which"
_CONFLICT = "refused by the point's present state: its link is down, too many writes wait, or it is not as expected"
_POINTS_AT_ONCE = 500
"""How many points are turned into JSON before others get their turn on the event loop."""

PointName = Annotated[str, Path(max_length=1000, description="slashes included, as they are or as %2F")]

router = APIRouter(prefix="/api/v1", tags=["points"])


class PointFilter(BaseModel):
    """Which points are meant."""

    q: str = Field(default="", max_length=200, description="part of the name or the description, in either case")
    device: str = Field(default="", max_length=200, description="the device's name")
    link: str = Field(default="", max_length=200, description="the link's name")

    def means(self, point: Point) -> bool:
        """Whether `point` is one of those that are meant."""
        wanted = self.q.casefold()
        return (
            (not self.device or point.device == self.device)
            and (not self.link or point.link == self.link)
            and (not wanted or wanted in point.name.casefold() or wanted in point.description.casefold())
        )

    @property
    def selects_all(self) -> bool:
        """Whether every point is meant."""
        return not (self.q or self.device or self.link)


class PointPageQuery(PointFilter, PageQuery):
    """Which points, and which page of them."""


def point_json(point: Point, reading: Reading, system: str) -> dict[str, Any]:
    """Return a point of a system and its reading as the API shows them: a number that is not finite as null."""
    value = None if isinstance(reading.value, float) and not math.isfinite(reading.value) else reading.value
    return {
        "name": point.name,
        "value": value,
        "label": point.label(value),
        "units": point.units,
        "severity": reading.severity.name,
        "status": reading.status.name,
        "timestamp": None if reading.time is None else iso(reading.time),
        "access": "rw" if point.writable else "r",
        "device": point.device,
        "link": point.link,
        "description": point.description,
        "kind": point.kind.value,
        "labels": point.labels,
        "limits": point.limits,
        "precision": point.precision,
        "system": system,
    }


@router.get("/points", response_model=Page[PointAnswer], responses=failures(_422="a parameter is not as described"))
async def list_points(parts: Parts, query: Annotated[PointPageQuery, Query()]) -> Response:
    """List points with their latest readings."""
    points = _from(query.start(), filter(query.means, parts.table.points()), parts.table)
    page = points[: query.limit]
    items: list[dict[str, Any]] = []
    for start in range(0, len(page), _POINTS_AT_ONCE):
        items += [_present(parts.table, point.name) for point in page[start : start + _POINTS_AT_ONCE]]
        await asyncio.sleep(0)
    return JsonAnswer({"items": items, "next": cursor(page[-1].name) if len(points) > len(page) else None})


@router.put(
    "/points/{name:path}/value",
    response_model=PointAnswer,
    responses={202: {"model": PendingAnswer, "description": _PENDING}}
    | {409: {"model": ErrorAnswer | ChangedAnswer, "description": _CONFLICT}}
    | failures(
        _404="no point has that name",
        _405="the point is read-only",
        _422="the value has the wrong type or is outside the limits",
        _502="the equipment refused",
        _504="no answer came in time: it may or may not have been done",
        **BODY_FAILURES,
    ),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": NewValue.model_json_schema()}}}
    },
)
async def write_point(name: PointName, request: Request, parts: Parts, origin: AskedBy) -> Response:
    """Write to a point; the answer comes once the equipment has confirmed it, or will be sure to be told."""
    value, check = await _asked(request)
    try:
        async with asyncio.timeout(_ANSWER_S):
            reading = await parts.table.write(name, value, origin, check)
    except Changed as error:
        present = _present(parts.table, name)
        return JsonAnswer({"error": "changed", "detail": str(error), "point": present}, 409)
    except Pending as pending:
        return JsonAnswer(_present(parts.table, name) | {"pending": True, "detail": str(pending)}, 202)
    except TimeoutError as error:
        text = tr("{point}: no answer within {seconds} s; the audit will say how it ended")
        raise WriteTimeout(text.format(point=name, seconds=f"{_ANSWER_S:g}")) from error
    return JsonAnswer(point_json(parts.table.point(name), reading, parts.table.system(name)))


@router.get(
    "/points/{name:path}",
    response_model=PointAnswer,
    responses=failures(_404="no point has that name", _422="no name is that long"),
)
async def get_point(name: PointName, parts: Parts) -> Response:
    """Give one point with its latest reading."""
    return JsonAnswer(_present(parts.table, name))


def _present(table: PointTable, name: str) -> dict[str, Any]:
    return point_json(table.point(name), table.reading(name), table.system(name))


def _from(last: str | None, points: Iterable[Point], table: PointTable) -> list[Point]:
    """Return those of `points` that follow the point named `last`, in the table's order."""
    if last is None:
        return list(points)
    order = {point.name: position for position, point in enumerate(table.points())}
    if last not in order:
        raise invalid_cursor()
    return [point for point in points if order[point.name] > order[last]]


async def _asked(request: Request) -> tuple[object, Check | None]:
    """Return the value that a request asks for, and what it makes that depend on. Raises Failed."""
    body = await read_json(request)
    fields = cast(dict[str, object], body) if isinstance(body, dict) else {}
    if "value" not in fields or not fields.keys() <= {"value", *_CONDITIONS}:
        right = 'send {"value": …}, with "expected" or "expected_timestamp" if you like, and nothing else'
        raise Failed(422, "invalid-request", right)
    if any(isinstance(fields.get(name), dict | list) for name in ("value", "expected")):
        raise Failed(422, "invalid-value", "a value is a number, a text, true or false")
    conditions = {name: fields[name] for name in _CONDITIONS if name in fields}
    time = conditions.get("expected_timestamp")
    if time is not None:
        if not isinstance(time, str):
            raise Failed(422, "invalid-request", f"expected_timestamp: {shorten(time)} is no time: write it as a text")
        conditions["expected_timestamp"] = round(1000 * moment_of(time, "expected_timestamp"))
    return fields["value"], partial(_check_unchanged, conditions) if conditions else None


def _check_unchanged(expected: Mapping[str, object], point: Point, reading: Reading) -> None:
    """Raise Changed where a point is not as it was expected to be."""
    shown = point_json(point, reading, system="")
    value, label = shown["value"], shown["label"]
    if "expected" in expected and not _is_same(expected["expected"], value, label):
        text = tr("{point} is {value} by now, not {expected}")
        now, then = shorten(label or value), shorten(expected["expected"])
        raise Changed(text.format(point=point.name, value=now, expected=then))
    time = None if reading.time is None else round(1000 * reading.time)
    if "expected_timestamp" in expected and expected["expected_timestamp"] != time:
        text = tr("{point} was read or chosen again since: at {time}")
        raise Changed(text.format(point=point.name, time=shown["timestamp"] or tr("no time")))


def _is_same(expected: object, value: object, label: str | None) -> bool:
    """Whether a value is the one that was expected: a text is no number, an enum's label is as good as its index."""
    if isinstance(expected, str) != isinstance(value, str):
        return label is not None and expected == label
    return expected == value
