"""Server-sent events: the present reading of points, then every change, as they come.

A stream begins with a snapshot, so a client that lost it need only connect again: there is nothing to catch up on,
and the `id` of an event merely counts. A slow client gets the newest value of each point, not every one.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field
from starlette.types import Receive, Scope, Send

from vigilia.interfaces.api.answers import encode, failure, failures
from vigilia.interfaces.api.parts import ApiParts, Parts
from vigilia.interfaces.api.points import PointFilter, point_json
from vigilia.interfaces.api.streams import MOST_STREAMS
from vigilia.points import Point, Reading
from vigilia.table import PointTable, Subscription

_log = logging.getLogger(__name__)

_RECONNECT_MS = 2000
_KEEP_ALIVE_S = 15.0
_STUCK_S = 30.0
"""How long a client may leave what was sent to it unread."""
_GATHER_S = 0.05
"""Pause between two writes, in which changes gather, so that a burst of them makes one write."""
_EVENTS_AT_ONCE = 500

router = APIRouter(prefix="/api/v1", tags=["events"])


class EventQuery(PointFilter):
    """Which points' changes."""

    name: list[str] = Field(default=[], max_length=1000, description="only the points of these names")

    def wanted(self, table: PointTable) -> Callable[[Point], bool] | None:
        """Return what tells whether a point is meant, None where all are. Raises UnknownPoint."""
        if not self.name:
            return None if self.selects_all else self.means
        names = {table.point(name).name for name in self.name}
        return lambda point: point.name in names and self.means(point)


class EventStream(Response):
    """The answer that goes on until the client leaves or the service stops."""

    media_type = "text/event-stream"

    def __init__(self, parts: ApiParts, wanted: Callable[[Point], bool] | None) -> None:
        # Response's own __init__ would declare the length of a body.
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._parts = parts
        self._wanted = wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Feed the client."""
        streams = self._parts.streams
        if streams.full or streams.ended:
            why = "the service is stopping" if streams.ended else f"{MOST_STREAMS} event streams are open already"
            await failure(503, "no-stream", f"{why}: try again later", {"Retry-After": "5"})(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        subscription = self._parts.table.subscribe(where=self._wanted)
        feed = asyncio.create_task(self._feed(subscription, send), name="event stream")
        left = asyncio.create_task(_client_left(receive), name="event stream's client")
        try:
            with streams.opened(feed, subscription):
                await asyncio.wait((feed, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            subscription.close()
            feed.cancel()
            left.cancel()
            ends = await asyncio.gather(feed, left, return_exceptions=True)
        match ends[0]:
            case TimeoutError():
                _log.info("an event stream ends: its client has not read for %g s", _STUCK_S)
            case Exception() as error:
                raise error
            case _:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _feed(self, subscription: Subscription, send: Send) -> None:
        """Send changes until cancelled. Raises TimeoutError where the client does not read."""
        await _send(send, b"retry: %d\n\n" % _RECONNECT_MS)
        sent = 0
        while True:
            try:
                async with asyncio.timeout(_KEEP_ALIVE_S):
                    changed = await subscription.changes()
            except TimeoutError:
                await _send(send, b": nothing new\n\n")
                continue
            for readings in _parcels(changed):
                await _send(send, b"".join(self._event(sent + n, *change) for n, change in enumerate(readings, 1)))
                sent += len(readings)
            await asyncio.sleep(_GATHER_S)

    def _event(self, number: int, name: str, reading: Reading) -> bytes:
        table = self._parts.table
        return b"event: point\nid: %d\ndata: %b\n\n" % (
            number,
            encode(point_json(table.point(name), reading, table.system(name))),
        )


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "events named `point`, each with one point as `/api/v1/points/{name}` gives it",
        },
        **failures(
            _404="no point has one of these names",
            _422="a parameter is not as described",
            _503="too many streams are open",
        ),
    },
)
async def follow_points(parts: Parts, query: Annotated[EventQuery, Query()]) -> Response:
    """Follow points: their present readings, then every change; points that come later belong to it as well."""
    return EventStream(parts, query.wanted(parts.table))


async def _send(send: Send, body: bytes) -> None:
    async with asyncio.timeout(_STUCK_S):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _parcels(changed: Mapping[str, Reading]) -> Iterator[list[tuple[str, Reading]]]:
    """Give the changes in parcels that are quickly turned into events."""
    changes = iter(changed.items())
    while parcel := list(islice(changes, _EVENTS_AT_ONCE)):
        yield parcel
