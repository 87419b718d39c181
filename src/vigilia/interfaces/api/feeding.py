"""An answer that goes on until the client leaves or the service stops: what all event streams have in common."""

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from fastapi import Response
from starlette.types import Receive, Scope, Send

from vigilia.interfaces.api.answers import failure
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.api.streams import Counted
from vigilia.interfaces.auth.caller import PASSAGE, Passage
from vigilia.interfaces.auth.roles import Role

_log = logging.getLogger(__name__)

_RECONNECT_MS = 2000
_STUCK_S = 30.0
"""How long a client may leave what was sent to it unread."""


class Source(Counted, Protocol):
    """Where what is sent comes from."""

    def close(self) -> None:
        """Give it up."""
        ...


SourceT = TypeVar("SourceT", bound=Source)


class EventResponse(Response, ABC, Generic[SourceT]):
    """The answer. Subclasses say where the events come from."""

    media_type = "text/event-stream"

    def __init__(self, parts: ApiParts) -> None:
        # Response's own __init__ would declare the length of a body.
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.parts = parts

    @abstractmethod
    def open(self) -> SourceT:
        """Return what the stream is fed from; it is closed when the stream ends."""

    @abstractmethod
    async def feed(self, source: SourceT, send: Send) -> None:
        """Send events until cancelled or done. Raises TimeoutError where the client does not read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Feed the client."""
        streams = self.parts.streams
        whose = _whose(scope)
        if why := streams.refusal(whose):
            await failure(503, "no-stream", f"{why}: try again later", {"Retry-After": "5"})(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        source = self.open()
        feed = asyncio.create_task(self._begin(source, send), name="event stream")
        left = asyncio.create_task(_client_left(receive), name="event stream's client")
        try:
            with streams.opened(feed, source, whose):
                await asyncio.wait((feed, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            source.close()
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

    async def _begin(self, source: SourceT, send: Send) -> None:
        await send_events(send, b"retry: %d\n\n" % _RECONNECT_MS)
        await self.feed(source, send)


async def send_events(send: Send, events: bytes) -> None:
    """Send whole events. Raises TimeoutError where the client does not read."""
    async with asyncio.timeout(_STUCK_S):
        await send({"type": "http.response.body", "body": events, "more_body": True})


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _whose(scope: Scope) -> str:
    """Return whose a stream is; empty where nobody has to sign in, so that nobody is told from others."""
    passage: Passage = scope[PASSAGE]
    caller = passage.caller
    return caller.user or ("" if caller.role is Role.ADMIN else "those who have not signed in")
