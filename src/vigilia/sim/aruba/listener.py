"""The TCP side of a simulated switch: its listening socket, which may go and come back, and its connections."""

import asyncio
import select
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

_LINGER_NONE = struct.pack("ii", 1, 0)
_STOP_S = 0.5


class Connection:
    """One accepted TCP connection. `busy`: a request of it is being treated; `gone` is set once it has ended."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.busy = False
        self.gone = asyncio.Event()

    def close(self) -> None:
        """End it in good order, after what was written has been sent."""
        self.transport.close()

    def reset(self) -> None:
        """End it with a TCP reset; what was not sent is lost."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and not self.gone.is_set():
            # Lingering for 0 s makes the kernel send RST instead of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self.transport.abort()

    def is_open(self) -> bool:
        """Whether both ends still hold it. A client's close counts at once, not when the loop comes to read it."""
        sock = self.transport.get_extra_info("socket")
        if self.gone.is_set() or self.transport.is_closing() or sock is None or sock.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLRDHUP)
        return not poll.poll(0)


class _Protocols(web.Server):
    """aiohttp's HTTP server, telling the listener of each connection that comes and goes."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        super().__init__(handler, access_log=None)
        self.open: dict[web.RequestHandler, Connection] = {}
        self.accepted = 0
        self.max_open = 0

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self.open[handler] = Connection(transport)
        self.accepted += 1
        self.max_open = max(self.max_open, self.count())

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.open.pop(handler).gone.set()

    def count(self) -> int:
        return sum(connection.is_open() for connection in self.open.values())


class Listener:
    """Listens for HTTP on one address, can stop and listen again there, and keeps count of its connections."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        """Takes the address; raises OSError when it is not free."""
        self._tls = tls
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # A bound socket that never listens: no other program is given the port while this one does not listen.
        self._holder = self._bound_socket((host, port))
        self.host = host
        self.port: int = self._holder.getsockname()[1]
        self._protocols = _Protocols(handler)
        self._server: asyncio.Server | None = None

    @property
    def listening(self) -> bool:
        """Whether connections are accepted; else they are refused."""
        return self._server is not None

    @property
    def accepted(self) -> int:
        """Connections accepted since the start."""
        return self._protocols.accepted

    @property
    def max_open(self) -> int:
        """The most connections that were ever open at the same time."""
        return self._protocols.max_open

    def open_count(self) -> int:
        """Connections open now."""
        return self._protocols.count()

    def connections(self) -> list[Connection]:
        """The connections that have not ended."""
        return list(self._protocols.open.values())

    def connection_of(self, request: web.BaseRequest) -> Connection | None:
        """The connection a request came on, or None if it has ended already."""
        return self._protocols.open.get(request.protocol)

    async def listen(self) -> None:
        """Begin to accept connections; raises OSError when the address is not free."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        sock = self._bound_socket((self.host, self.port))
        try:
            self._server = await loop.create_server(self._protocols, sock=sock, ssl=self._tls, backlog=128)
        except BaseException:
            sock.close()
            raise

    def refuse(self) -> None:
        """Stop accepting connections and reset those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self.connections():
            connection.reset()

    async def close(self) -> None:
        """Stop for good and give the port back."""
        self.refuse()
        self._holder.close()
        self._protocols.pre_shutdown()
        await self._protocols.shutdown(_STOP_S)

    def _bound_socket(self, address: tuple[str, int]) -> socket.socket:
        sock = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
        except (OSError, OverflowError) as error:
            sock.close()
            raise OSError(f"cannot listen on {address[0]}:{address[1]}: {error}") from error
        return sock
