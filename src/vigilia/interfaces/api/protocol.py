"""HTTP with limits: uvicorn's protocol, which of itself bounds neither a request's head nor the wait for it.

Nor does it bound how long a client may keep a connection without reading its answer or ending its request: a few
hundred of those would be all the connections there are, for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vigilia.addresses import is_loopback
from vigilia.interfaces.api.answers import encode
from vigilia.interfaces.api.guard import SECURITY_HEADERS
from vigilia.interfaces.auth.limits import place_of

LARGEST_HEAD_BYTES = 65_536
"""Of one request: its line, its headers, and what frames its body."""
HEAD_S = 10.0
"""Seconds that a client may take to send a request's head; and the rest of one that has its answer already."""
STUCK_S = 60.0
"""Seconds within which a client must take some of an answer that waits for it: so much that the kernel has room again,
which may be a megabyte."""
MOST_OF_ONE_ADDRESS = 250
"""Connections: half of all there are. An address of this machine may have more: that may be a proxy."""
_LAST_LOOKS = 5
"""So many times STUCK_S it may take all that is left over TLS, once the connection is being closed."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._receiving = False
        """Whether a request has begun that has not ended."""
        self._watch: asyncio.TimerHandle | None = None
        self._took_much = False
        """Whether the client has taken most of what was waiting for it, since `_look` looked last."""
        self._last_looks = 0
        self._place = ""
        """What counts as one address."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin: the first request's head is awaited."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        if host and not is_loopback(host):
            self._place = place_of(host)
            if sum(getattr(one, "_place", "") == self._place for one in self.connections) > MOST_OF_ONE_ADDRESS:
                transport.abort()
                return
        self._await_head()
        self._watch = self.loop.call_later(STUCK_S, self._look, 0)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._have_head()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends, unless its request has too much around its body."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > LARGEST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"a request's head may have at most {LARGEST_HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """Await the rest of the head."""
        super().on_message_begin()
        self._receiving = True
        self._await_head()

    def on_headers_complete(self) -> None:
        """Have the head."""
        self._have_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, which the routes limit."""
        self._head_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Have the whole request."""
        self._head_bytes = 0
        self._receiving = False
        self._have_head()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Have sent an answer; whoever still sends the request may do so for a while, lest the answer be lost."""
        super().on_response_complete()
        if self._receiving and not self.transport.is_closing():
            self._await_head()

    def resume_writing(self) -> None:
        """Know that the client has taken most of what was waiting for it."""
        self._took_much = True
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, in the API's one shape for errors, and close."""
        body = encode({"error": "bad-request", "detail": msg})
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"{name}: {value}\r\n" for name, value in (SECURITY_HEADERS | headers).items()]
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + "".join(lines).encode() + b"\r\n" + body)
        self.transport.close()

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_S, self.timeout_keep_alive_handler)

    def _look(self, before: int) -> None:
        """Cut off a client that does not take what waits for it; `before`: how much that was last time, in bytes."""
        left = self._waiting()
        if before and left >= before and not self._took_much:
            self.transport.abort()
            return
        if self.scheme == "https" and self.transport.is_closing():
            self._last_looks += 1
            if self._last_looks >= _LAST_LOOKS:
                self.transport.abort()
                return
        self._took_much = False
        self._watch = self.loop.call_later(STUCK_S, self._look, left)

    def _waiting(self) -> int:
        """Return how much waits to be taken, with nothing being added to it meanwhile; bytes."""
        if not self.transport.is_closing():
            return self.transport.get_write_buffer_size() if self.flow.write_paused else 0
        # Of TLS nobody can tell: below it waits what asyncio has encrypted already.
        return self.transport.get_write_buffer_size() if self.scheme == "http" else 0

    def _have_head(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
