"""Channels to the server: how they are made, secured, and kept from being half open."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vigilia.agent.addresses import host_and_port, is_loopback
from vigilia.errors import StartError

if TYPE_CHECKING:
    import grpc.aio

    from vigilia.agent.config import AgentSection

ANSWER_S = 4.0
"""Real seconds that the server has for an answer: less than a status interval."""
_LARGEST_MESSAGE = 4_000_000
_OPTIONS = (
    # A connection that has died without a word is noticed by pings, calls or no calls.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Channels otherwise share their connections: one made anew would get the dead one back.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
)


class Line:
    """How to reach the server: makes channels, and says who we are."""

    def __init__(self, config: "AgentSection") -> None:
        """Load what is needed. Raises StartError for a missing extra, or a certificate that cannot be read."""
        # What gRPC's C core says of itself it would write to standard error, beside the log.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        try:
            import grpc.aio
        except ModuleNotFoundError as error:
            raise StartError("the agent needs the extra [agent]: pip install 'vigilia[agent]'") from error
        self._grpc = grpc
        self._coordinator = config.coordinator
        self._insecure = config.insecure
        self._roots: bytes | None = None
        if config.ca_file is not None:
            try:
                self._roots = Path(config.ca_file).read_bytes()
            except OSError as error:
                raise StartError(f"[agent] ca_file: {config.ca_file} cannot be read ({error.strerror})") from error
        token = config.token.get_secret_value() if config.token else ""
        self.metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {token}"),) if token else ()
        """What every call carries."""

    def coordinator(self) -> "grpc.aio.Channel":
        """Return a new channel to the coordinator."""
        return self._open(self._coordinator)

    def manager(self, told: str) -> "grpc.aio.Channel":
        """Return a new channel to the manager, where the coordinator told. Raises ValueError for no address."""
        host = host_and_port(self._coordinator)[0] if told.startswith(":") else ""
        bracketed = f"[{host}]" if ":" in host else host
        address = f"{bracketed}{told}"
        host_and_port(address)
        return self._open(address)

    def _open(self, address: str) -> "grpc.aio.Channel":
        aio = self._grpc.aio
        if self._insecure or is_loopback(host_and_port(address)[0]):
            return aio.insecure_channel(address, options=_OPTIONS)
        credentials = self._grpc.ssl_channel_credentials(self._roots)
        return aio.secure_channel(address, credentials, options=_OPTIONS)
