"""The web server: uvicorn on our own socket, in the service's event loop, without signal handlers."""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Generator
from typing import cast

import uvicorn

from vigilia.addresses import is_loopback, join_address
from vigilia.errors import StartError
from vigilia.interfaces.api.app import build_app
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.api.guard import Guard
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.api.protocol import LimitedProtocol
from vigilia.interfaces.auth.proxies import Proxies
from vigilia.language import tr

_log = logging.getLogger(__name__)

_START_S = 10.0
_GRACE_S = 1
"""How long a stop lets answers under way come to their end."""
_STOP_S = 1.7
_AFTER_CANCEL_S = 0.2
_MOST_CONNECTIONS = 500
_BACKLOG = 128
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names them, binds nothing


class WebServer:
    """Serves the API: `bind()`, `start()`, `stop()`."""

    def __init__(self, config: WebConfig, parts: ApiParts) -> None:
        self._config = config
        self._parts = parts
        self._socket: socket.socket | None = None
        self._tls: ssl.SSLContext | None = None
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._first = ""

    def bind(self) -> None:
        """Take the address to listen on. Raises StartError where it cannot be had or TLS cannot be set up."""
        self._tls = _tls_context(self._config)
        self._socket = _listen(self._config)

    @property
    def address(self) -> str:
        """The address under which a program on this machine reaches the server, known once bound."""
        if self._socket is None:
            raise RuntimeError("the web server has no address before bind()")
        host: str = self._socket.getsockname()[0]
        port: int = self._socket.getsockname()[1]
        return f"{'https' if self._tls else 'http'}://{join_address(_WILDCARDS.get(host, host), port)}"

    @property
    def greeting(self) -> list[str]:
        """What whoever starts the service is told besides its address, once: how the first administrator comes in."""
        if not self._first:
            return []
        link = f"{self._config.public_url or self.address}/sign-in#first={self._first}"
        return [tr("nobody can sign in yet; the first administrator, once and within a day: {link}").format(link=link)]

    async def start(self) -> None:
        """Serve; return once clients get answers. Raises StartError where a package is missing."""
        if self._socket is None:
            raise RuntimeError("the web server needs bind() before start()")
        if (auth := self._parts.sign_in.auth) is not None:
            self._first = await auth.start(self._socket.getsockname()[1])
        tls = self._tls
        application = Guard(build_app(self._parts), self._config)
        server = _Server(
            uvicorn.Config(
                Proxies(application, self._config.trusted_proxies) if self._config.trusted_proxies else application,
                http=LimitedProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,  # Proxies sees to them
                server_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=_GRACE_S,
                ssl_context_factory=(lambda _config, _default: tls) if tls else None,
            )
        )
        self._server = server
        self._task = asyncio.create_task(server.serve([self._socket]), name="web server")
        ready = asyncio.create_task(server.ready.wait(), name="web server ready")
        try:
            await asyncio.wait((self._task, ready), timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                await self._task
            if not server.ready.is_set():
                raise StartError(f"the web listener on {self.address} did not start within {_START_S:g} s")
            _log.info("the pages and the API are at %s: %s", self.address, _who_comes_in(self._config))
        finally:
            ready.cancel()

    async def wait(self) -> None:
        """Wait until the server ends, or sign-in; they do so only when they are stopped, or fail.

        Raises what they failed with.
        """
        auth = self._parts.sign_in.auth
        tasks = [task for task in (self._task, auth and auth.task) if task is not None]
        if tasks:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def stop(self) -> None:
        """End event streams, let answers under way end, close. Takes 2 s at the most."""
        self._parts.streams.end()
        if self._server is not None and self._task is not None:
            await _end(self._server, self._task)
            self._server = self._task = None
        if (auth := self._parts.sign_in.auth) is not None:
            await auth.stop()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Server(uvicorn.Server):
    """Uvicorn's server, which leaves signals alone and tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve `sockets`."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the supervisor."""
        yield


def _who_comes_in(config: WebConfig) -> str:
    """Return for the log who may come in, and what is dangerous about it."""
    if config.signs_in:
        plain = "" if config.secure or is_loopback(config.host) else ", WITHOUT TLS: anybody between can read passwords"
        looking = "who has not may look" if config.signs_in.anonymous == "viewer" else "nobody else comes in"
        return f"people sign in, {looking}{plain}"
    if not is_loopback(config.host):
        return "OPEN to anybody who can reach it, as insecure = true says; [web.auth] has people sign in"
    if config.public_url or config.trusted_proxies:
        return "OPEN to anybody whom a proxy lets through, and on this machine; [web.auth] has people sign in"
    return "open to every program on this machine, without sign-in; [web.auth] has people sign in"


async def _end(server: _Server, serving: asyncio.Task[None]) -> None:
    """Have `server` stop; what is still under way after its grace is cancelled and cut off."""
    server.should_exit = True
    _, running = await asyncio.wait([serving], timeout=_STOP_S)
    if running:
        serving.cancel()
    await asyncio.wait([serving, *server.server_state.tasks], timeout=_AFTER_CANCEL_S)
    for connection in list(server.server_state.connections):
        cast(LimitedProtocol, connection).transport.abort()
    if serving.done() and not serving.cancelled() and (error := serving.exception()):
        _log.error("the web server had failed: %s", error, exc_info=error)


def _listen(config: WebConfig) -> socket.socket:
    """Return a listening socket. Raises StartError."""
    place = f"[web] listen = {config.listen!r}"
    try:
        found = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may have both kinds of address; more clients speak IPv4.
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StartError(f"{place}: {error.strerror}: write an address of this machine") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        match error.errno:
            case errno.EADDRINUSE:
                remedy = "end the program that listens there, or write another port"
            case errno.EACCES:
                remedy = "write a port above 1023, or give the service the right to use this one"
            case _:
                remedy = "write an address of this machine"
        raise StartError(f"{place}: {error.strerror}: {remedy}") from error
    return listener


def _tls_context(config: WebConfig) -> ssl.SSLContext | None:
    """Return the server's side of TLS, None for plain HTTP. Raises StartError."""
    if config.tls_cert is None or config.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except OSError as error:  # ssl.SSLError is one
        raise StartError(
            f"[web] tls_cert = {config.tls_cert!r}, tls_key = {config.tls_key!r}: {error.strerror or error}: "
            "name a certificate chain and its key, both PEM, the key without a password"
        ) from error
    return context
