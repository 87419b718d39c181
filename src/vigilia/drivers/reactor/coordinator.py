"""The coordinator: where an agent says who it is and what it has, and is told where to go on."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence

import grpc

from vigilia import __version__
from vigilia.clock import Clock
from vigilia.drivers.reactor.calls import CallRefused, Context, answer, caller, metadata
from vigilia.drivers.reactor.commands import Unknown
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.drivers.reactor.inventory import BadInventory, Inventory, check_length, count, is_id
from vigilia.drivers.reactor.liveness import Verdict
from vigilia.drivers.reactor.reactor import Reactor
from vigilia.drivers.reactor.registry import Registry
from vigilia.drivers.reactor.settings import HIGHEST_REVISION
from vigilia.points import shorten
from vigilia.wire.reactor.v1 import reactor_pb2 as wire
from vigilia.wire.reactor.v1 import reactor_pb2_grpc as services

_logger = logging.getLogger(__name__)

PROTOCOL = 1
"""The version of the protocol that is spoken. A newer agent knows this one, too."""
HISTORY_REVISION = 1
"""Of the tables that agents write to by themselves."""
WAIT_MS = 2000
"""After which an agent that waits to be accepted asks again."""
_REFUSED_MS = 30_000
_LONGEST_WORD = 64
_LONGEST_NAME = 100

Begun = Callable[[Reactor, Inventory, Sequence[Unknown]], Awaitable[None]]
"""Hears that a reactor has registered: what it had before, and which of its commands nobody will tell the end of."""
Taken = Callable[[Reactor, Inventory], None]
"""Makes an inventory's points known. Raises ValueError for a name that is taken."""


class Coordinator(services.CoordinatorServicer):
    """Takes registrations."""

    def __init__(
        self,
        config: ReactorConfig,
        registry: Registry,
        clock: Clock,
        *,
        declare: Taken,
        begun: Begun,
    ) -> None:
        self.manager_port = 0
        """Told to agents; known once it is taken."""
        self._config = config
        self._registry = registry
        self._clock = clock
        self._declare = declare
        self._begun = begun

    async def Register(self, request: wire.RegisterRequest, context: Context) -> wire.RegisterReply:  # noqa: N802
        """Take a registration."""
        return await answer(context, lambda: self._register(request, context))

    async def _register(self, request: wire.RegisterRequest, context: Context) -> wire.RegisterReply:
        if not is_id(request.reactor_id):
            raise CallRefused(grpc.StatusCode.INVALID_ARGUMENT, f"{shorten(request.reactor_id)} is no id of a reactor")
        if not self._registry.allows(request.reactor_id, metadata(context)):
            raise CallRefused(
                grpc.StatusCode.UNAUTHENTICATED,
                f"{request.reactor_id}: the token is missing or wrong: enrol the reactor, and give its agent the token",
            )
        if request.protocol < PROTOCOL:
            raise CallRefused(
                grpc.StatusCode.UNIMPLEMENTED,
                f"{request.reactor_id} speaks protocol {request.protocol}, not {PROTOCOL} as here: update its agent",
            )
        inventory = _inventory(request)
        reactor = self._registry.admit(request, caller(context), len(inventory.points))
        if reactor is None:
            why = f"{request.reactor_id} waits until an operator accepts it"
            return self._reply(wire.RegisterReply.WAITING, why, WAIT_MS)
        async with reactor.registering:
            return await self._begin(reactor, request, inventory, caller(context))

    async def _begin(
        self, reactor: Reactor, request: wire.RegisterRequest, inventory: Inventory, address: str
    ) -> wire.RegisterReply:
        _refuse_another(reactor, request, address)
        try:
            self._declare(reactor, inventory)
        except ValueError as error:
            reactor.trouble = f"its points cannot be served: {error}"
            _logger.error("%s at %s is refused: %s", reactor.id, address, reactor.trouble)
            return self._reply(wire.RegisterReply.REFUSED, f"{error}: give the reactor another id", _REFUSED_MS)
        before = reactor.inventory
        unknown = reactor.begin(request, inventory, address)
        await self._begun(reactor, before, unknown)
        _logger.info(
            "%s registered from %s: version %s, %s",
            reactor.id,
            address,
            reactor.row.version,
            ", ".join(count(inventory.parts)),
        )
        if inventory.unknown:
            _logger.warning(
                "%s: %d parameters of kinds that are not known here are left out", reactor.id, inventory.unknown
            )
        reply = self._reply(wire.RegisterReply.ACCEPTED, "", 0)
        reply.manager = f":{self.manager_port}"
        reply.settings.extend(reactor.settings.owed(inventory))
        place = wire.HistoryPlace(url=self._config.history_url.get_secret_value(), schema_revision=HISTORY_REVISION)
        reply.history.CopyFrom(place)
        reply.history_changed = request.history_url_hash != url_hash(place.url) or (
            bool(place.url) and request.history_revision != place.schema_revision
        )
        return reply

    def _reply(self, decision: wire.RegisterReply.Decision, reason: str, retry_after_ms: int) -> wire.RegisterReply:
        return wire.RegisterReply(
            decision=decision,
            reason=reason,
            retry_after_ms=retry_after_ms,
            status_interval_ms=round(self._config.status_interval_s * 1000),
            time_ms=round(self._clock.now() * 1000),
            version=__version__,
        )


def url_hash(url: str) -> str:
    """Return what an agent may keep of the place for samples: SHA-256 in hex; nothing of no address."""
    return hashlib.sha256(url.encode()).hexdigest() if url else ""


def _inventory(request: wire.RegisterRequest) -> Inventory:
    """Return what a registration declares. Raises CallRefused where it breaks a limit."""
    try:
        words = (("boot_id", request.boot_id), ("machine_id", request.machine_id), ("version", request.version))
        for what, text in words:
            check_length(f"{request.reactor_id}: its {what}", text, _LONGEST_WORD)
        check_length(f"{request.reactor_id}: its name", request.name, _LONGEST_NAME)
        if request.settings_revision > HIGHEST_REVISION:
            raise BadInventory(f"{request.reactor_id}: its settings have a revision above {HIGHEST_REVISION}")
        if not request.boot_id:
            raise BadInventory(f"{request.reactor_id}: its boot_id is empty: draw one at each start")
        return Inventory(request.reactor_id, request.parts)
    except BadInventory as error:
        raise CallRefused(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error


def _refuse_another(reactor: Reactor, request: wire.RegisterRequest, address: str) -> None:
    """Raise CallRefused where another agent speaks for the reactor at this time."""
    if reactor.liveness.judge(request.boot_id, request.machine_id) is Verdict.OTHER:
        why = (
            f"another agent with the id {reactor.id} reports from {reactor.address}: give each reactor an id of its "
            "own, or stop the other agent"
        )
        trouble = f"another agent with its id calls from {address.rpartition(':')[0]}"
        if reactor.trouble != trouble:
            _logger.error("%s: %s, and is refused", reactor.id, trouble)
        reactor.note_rival(trouble)
        raise CallRefused(grpc.StatusCode.ALREADY_EXISTS, why)
