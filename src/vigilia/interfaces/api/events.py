"""Server-sent events: the present reading of points, then every change, as they come.

A stream begins with a snapshot, so a client that lost it need only connect again: there is nothing to catch up on,
and the `id` of an event merely counts. A slow client gets the newest value of each point, not every one.

There are two kinds. The plain one says of a point all that the API says of it, event by event. The compact one is what
pages live on: see `vigilia.interfaces.api.live`.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.types import Send

from vigilia.interfaces.api.answers import Failed, encode, failures
from vigilia.interfaces.api.eventmodels import StreamEvents
from vigilia.interfaces.api.feeding import EventResponse, send_events
from vigilia.interfaces.api.live import CompactStream, Hub
from vigilia.interfaces.api.parts import ApiParts, Parts
from vigilia.interfaces.api.points import PointFilter, point_json
from vigilia.interfaces.api.selections import Selection
from vigilia.interfaces.api.topics import TopicName
from vigilia.points import Point, Reading
from vigilia.table import PointTable, Subscription

_KEEP_ALIVE_S = 15.0
_GATHER_S = 0.05
"""Pause between two writes, in which changes gather, so that a burst of them makes one write."""
_EVENTS_AT_ONCE = 500

router = APIRouter(prefix="/api/v1", tags=["events"])


class EventQuery(PointFilter):
    """Which points' changes, and what else."""

    name: list[str] = Field(default=[], max_length=1000, description="only the points of these names")
    compact: bool = Field(default=False, description="short events, as pages take them")
    system: str = Field(default="", max_length=200, description="of a compact stream: only the points of this system")
    points: bool = Field(default=True, description="of a compact stream: whether points are followed at all")
    watch: list[TopicName] = Field(default=[], max_length=10, description="of a compact stream: what else is followed")

    def wanted(self, table: PointTable) -> Callable[[Point], bool] | None:
        """Return what tells whether a point is meant, None where all are. Raises UnknownPoint."""
        if not self.name:
            return None if self.selects_all else self.means
        names = {table.point(name).name for name in self.name}
        return lambda point: point.name in names and self.means(point)

    def selection(self) -> Selection | None:
        """Return which points a compact stream follows; None: none."""
        return Selection(self.q, self.device, self.link, self.system, frozenset(self.name)) if self.points else None


class EventStream(EventResponse[Subscription]):
    """The plain kind."""

    def __init__(self, parts: ApiParts, wanted: Callable[[Point], bool] | None) -> None:
        super().__init__(parts)
        self._wanted = wanted

    def open(self) -> Subscription:
        """Subscribe."""
        return self.parts.table.subscribe(where=self._wanted)

    async def feed(self, source: Subscription, send: Send) -> None:
        """Send changes until cancelled."""
        sent = 0
        while True:
            try:
                async with asyncio.timeout(_KEEP_ALIVE_S):
                    changed = await source.changes()
            except TimeoutError:
                await send_events(send, b": nothing new\n\n")
                continue
            for readings in _parcels(changed):
                await send_events(
                    send, b"".join(self._event(sent + n, *change) for n, change in enumerate(readings, 1))
                )
                sent += len(readings)
            await asyncio.sleep(_GATHER_S)

    def _event(self, number: int, name: str, reading: Reading) -> bytes:
        table = self.parts.table
        shown = point_json(table.point(name), reading, table.system(name))
        return b"event: point\nid: %d\ndata: %b\n\n" % (number, encode(shown))


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {
            "model": StreamEvents,
            "description": "server-sent events, each with an `event` and its `data`; the schema has the data of each "
            "event under its name. Events named `point`, each with one point as `/api/v1/points/{name}` gives it; of a "
            "compact stream `points`, `gone`, `defined`, `beat`, and one named as each topic that is watched",
        },
        **failures(
            _404="no point has one of these names; a compact stream takes any",
            _422="a parameter is not as described",
            _503="too many streams are open",
        ),
    },
)
async def follow_points(parts: Parts, query: Annotated[EventQuery, Query()], request: Request) -> Response:
    """Follow points: their present readings, then every change; points that come later belong to it as well."""
    if not query.compact:
        if query.watch or query.system or not query.points:
            raise Failed(422, "invalid-request", "watch, system and points=false go with compact=true")
        return EventStream(parts, query.wanted(parts.table))
    hub: Hub = request.app.state.hub
    return CompactStream(parts, hub, query.selection(), query.watch)


def _parcels(changed: Mapping[str, Reading]) -> Iterator[list[tuple[str, Reading]]]:
    """Give the changes in parcels that are quickly turned into events."""
    changes = iter(changed.items())
    while parcel := list(islice(changes, _EVENTS_AT_ONCE)):
        yield parcel
