"""The listeners of the two gRPC services: their ports, TLS, limits, and whether they answer."""

import asyncio
import errno
import logging
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from vigilia.addresses import join_address
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.drivers.reactor.coordinator import Coordinator
from vigilia.drivers.reactor.gate import Gate
from vigilia.drivers.reactor.manager import Manager
from vigilia.errors import StartError
from vigilia.language import tr
from vigilia.wire.reactor.v1 import reactor_pb2_grpc as services

_logger = logging.getLogger(__name__)

generated: Any = services
"""What protoc made is without types."""

LARGEST_MESSAGE_BYTES = 4_000_000
_LARGEST_REGISTRATION_BYTES = 1_000_000
"""Everything that may be declared takes less. What is read of a message of that size takes some fifty times as much."""
MOST_CALLS = 4000
"""Under way at a time; a reactor has three at most: a report, and two streams."""
_MOST_CALLS_EACH = 100
"""Under way at a time over one connection."""
_GRACE_S = 0.5
_STOP_S = 1.5
_ASK_EVERY_S = 10.0
_ANSWER_S = 5.0
_SILENCE_S = 30.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""How a client begins, with settings that say nothing (RFC 9113, 3.4); a server answers with its own at once."""
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names them, binds nothing
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a port taken is an error
    ("grpc.max_concurrent_streams", _MOST_CALLS_EACH),
    ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
    # A connection that is half open is found by pings from either side; the agent's must be allowed.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5000),
)


class Listener:
    """Both servers. `bind`, then `start`, then `watch` in a task; `stop` ends them."""

    def __init__(self, config: ReactorConfig, coordinator: Coordinator, manager: Manager, gate: Gate) -> None:
        self.port = 0
        """The coordinator's, once it is taken."""
        self._config = config
        self._coordinator = coordinator
        self._manager = manager
        self._gate = gate
        self._servers: list[grpc.aio.Server] = []
        self._answered: float | None = None
        self._failure = ""

    async def bind(self) -> None:
        """Take both ports. Raises StartError."""
        credentials = _credentials(self._config)
        host = self._config.host
        place = f"[reactor] listen = {self._config.listen!r}"
        try:
            self.port = self._take(host, self._config.port, credentials, self._coordinator)
        except OSError as error:
            raise StartError(f"{place}: {error.strerror or error}: {_remedy(error)}") from error
        for port in self._config.ports:
            with suppress(OSError):
                taken = self._take(host, port, credentials, self._manager)
                self._coordinator.manager_port = taken
                break
        else:
            await self.stop()
            raise StartError(
                f"[reactor] manager_ports = {self._config.manager_ports!r}: none of them is free on {host}: "
                "end the programs that have them, or write others"
            )

    async def start(self) -> None:
        """Answer from now on."""
        for server in self._servers:
            await server.start()
        self._answered = asyncio.get_running_loop().time()
        _logger.info(
            "reactors: the coordinator listens at %s, the manager at port %d",
            f"{self._config.host}:{self.port}",
            self._coordinator.manager_port,
        )

    async def stop(self) -> None:
        """Part from all callers and give the ports back."""
        servers, self._servers = self._servers, []
        stops = [asyncio.create_task(server.stop(_GRACE_S)) for server in servers]
        if stops:
            await asyncio.wait(stops, timeout=_STOP_S)

    async def watch(self) -> None:
        """Ask both servers now and then whether they answer, as an agent would; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                for port in (self.port, self._coordinator.manager_port):
                    async with asyncio.timeout(_ANSWER_S):
                        await self._ask(port)
                self._answered = loop.time()
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self._failure = str(error) or "no answer in time"
            await asyncio.sleep(_ASK_EVERY_S)

    def missing(self) -> list[str]:
        """Return what is missing for the listener to be well, in a sentence each."""
        if self._answered is None:
            return [tr("reactors are not listened to: the listener has not started")]
        silent_s = asyncio.get_running_loop().time() - self._answered
        if silent_s > _SILENCE_S:
            text = tr("the reactors' listener has not answered for {seconds} s: {error}")
            return [text.format(seconds=f"{silent_s:.0f}", error=self._failure)]
        return []

    def _take(
        self, host: str, port: int, credentials: grpc.ServerCredentials | None, service: Coordinator | Manager
    ) -> int:
        """Have a server of its own take a port for one service; return the port. Raises OSError."""
        _check_free(host, port)
        registers = isinstance(service, Coordinator)
        largest = _LARGEST_REGISTRATION_BYTES if registers else LARGEST_MESSAGE_BYTES
        options = (*_OPTIONS, ("grpc.max_receive_message_length", largest))
        server = grpc.aio.server(interceptors=[self._gate], options=options, maximum_concurrent_rpcs=MOST_CALLS)
        if registers:
            generated.add_CoordinatorServicer_to_server(service, server)
        else:
            generated.add_ManagerServicer_to_server(service, server)
        shown = join_address(host, port)
        try:
            taken = server.add_secure_port(shown, credentials) if credentials else server.add_insecure_port(shown)
        except RuntimeError as error:  # somebody was quicker
            raise OSError(errno.EADDRINUSE, "Address already in use") from error
        self._servers.append(server)
        return taken

    async def _ask(self, port: int) -> None:
        """See that a server begins to speak HTTP/2. Raises OSError or IncompleteReadError."""
        tls: ssl.SSLContext | None = None
        if self._config.tls_cert is not None:
            tls = ssl.create_default_context()
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # it is ourselves that we ask
            tls.set_alpn_protocols(["h2"])
        host = _WILDCARDS.get(self._config.host, self._config.host)
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            writer.write(_PREFACE)
            await reader.readexactly(9)
        finally:
            writer.close()


def _check_free(host: str, port: int) -> None:
    """See that a port can be had: gRPC says of one that cannot only that it failed. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found[:1]:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)


def _credentials(config: ReactorConfig) -> grpc.ServerCredentials | None:
    """Return the server's side of TLS, None for plain gRPC. Raises StartError."""
    if config.tls_cert is None or config.tls_key is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_cert, config.tls_key)
        pair = (Path(config.tls_key).read_bytes(), Path(config.tls_cert).read_bytes())
    except OSError as error:  # ssl.SSLError is one
        raise StartError(
            f"[reactor] tls_cert = {config.tls_cert!r}, tls_key = {config.tls_key!r}: {error.strerror or error}: "
            "name a certificate chain and its key, both PEM, the key without a password"
        ) from error
    return grpc.ssl_server_credentials([pair])


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "end the program that listens there, or write another port"
        case errno.EACCES:
            return "write a port above 1023, or give the service the right to use this one"
        case _:
            return "write an address of this machine"
