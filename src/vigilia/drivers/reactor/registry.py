"""The reactors that are accepted and those that wait to be; tokens; and who may speak for whom."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from vigilia.clock import Clock
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.drivers.reactor.inventory import LONGEST_ID, Inventory, is_id
from vigilia.drivers.reactor.keeper import Keeper
from vigilia.drivers.reactor.reactor import Reactor
from vigilia.errors import UnknownReactor, printable
from vigilia.fleet import Presence, ReactorItem
from vigilia.points import Origin, shorten
from vigilia.store.accesslog import Access
from vigilia.store.reactors import ReactorRow, SettingRow
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

_logger = logging.getLogger(__name__)

MOST_REACTORS = 1000
MOST_WAITING = 200
"""Reactors that wait to be accepted; of more, those that called longest ago are forgotten."""
_BEARER = "Bearer "
EVERYBODY = 'accept = "all"'


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reactor that called and was not accepted yet."""

    name: str
    version: str
    since: float
    called: float
    address: str
    points: int


class Registry:
    """Every reactor there is."""

    def __init__(self, config: ReactorConfig, keeper: Keeper, clock: Clock, instance: str) -> None:
        self.reactors: dict[str, Reactor] = {}
        self._config = config
        self._keeper = keeper
        self._clock = clock
        self._instance = instance
        self._waiting: dict[str, Waiting] = {}

    def load(
        self,
        rows: Iterable[ReactorRow],
        settings: Iterable[SettingRow],
        inventories: Mapping[str, Inventory],
        dropped: Mapping[str, int],
    ) -> None:
        """Take up what was kept; `dropped`: by reactor, how many samples its agent had dropped."""
        by_reactor: dict[str, list[SettingRow]] = {}
        for setting in settings:
            by_reactor.setdefault(setting.reactor, []).append(setting)
        for row in rows:
            inventory = inventories.get(row.id) or Inventory(row.id, [])
            self._add(row, inventory, by_reactor.get(row.id, ()), dropped.get(row.id))

    def allows(self, reactor: str, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        """Say whether a call in a reactor's name may be heard: by its token, where it has one or all must."""
        known = self.reactors.get(reactor)
        wanted = known.row.token_hash if known else ""
        if not wanted:
            return not self._config.needs_tokens
        return hmac.compare_digest(hash_of(_token_in(metadata)), wanted)

    def knows_token(self, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        """Say whether a call shows the token of any reactor, or needs none: before it is known whose it says to be."""
        if not self._config.needs_tokens:
            return True
        shown = hash_of(_token_in(metadata))
        return any(hmac.compare_digest(shown, known.row.token_hash) for known in self.reactors.values())

    def admit(self, request: wire.RegisterRequest, address: str, points: int) -> Reactor | None:
        """Return the reactor that registers, where it is accepted; else it waits from now on, or still."""
        found = self.reactors.get(request.reactor_id)
        if found is not None:
            return found
        if self._config.accept == "all" and len(self.reactors) < MOST_REACTORS:
            return self._accepted(request.reactor_id, EVERYBODY)
        before = self._waiting.pop(request.reactor_id, None)
        now = self._clock.now()
        if before is None:
            _logger.warning("%s calls from %s and waits to be accepted", request.reactor_id, address)
        self._waiting[request.reactor_id] = Waiting(
            printable(request.name), printable(request.version), before.since if before else now, now, address, points
        )
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        return None

    def items(self) -> list[ReactorItem]:
        """Return every reactor, by id."""
        items = [reactor.item() for reactor in self.reactors.values()]
        items += [_waiting_item(name, waiting) for name, waiting in self._waiting.items()]
        return sorted(items, key=lambda item: item.id)

    async def accept(self, reactor: str, by: Origin) -> ReactorItem:
        """Accept a reactor that waits. Raises UnknownReactor or StoreError."""
        found = self.reactors.get(reactor)
        if found is None:
            if reactor not in self._waiting:
                raise UnknownReactor(f"no reactor {shorten(reactor)} has called: enrol it, or start its agent first")
            row = ReactorRow(reactor, self._clock.now(), str(by))
            found = await self._keep_new(row, Access.REACTOR_ACCEPTED, by)
            _logger.info("%s was accepted by %s", reactor, by)
        return found.item()

    async def enrol(self, reactor: str, by: Origin) -> str:
        """Accept a reactor, and return a new token for it. Raises UnknownReactor or StoreError."""
        if not is_id(reactor):
            raise UnknownReactor(
                f"{shorten(reactor)} is no id of a reactor: use 1 to {LONGEST_ID} letters, digits, - and _"
            )
        token = secrets.token_urlsafe(32)
        found = self.reactors.get(reactor)
        if found is None:
            row = ReactorRow(reactor, self._clock.now(), str(by), hash_of(token))
            await self._keep_new(row, Access.REACTOR_ENROLLED, by)
        else:
            row = replace(found.row, token_hash=hash_of(token))
            await self._keep(row, Access.REACTOR_ENROLLED, by)
            found.row = replace(found.row, token_hash=row.token_hash)
        _logger.info("%s was given a token by %s", reactor, by)
        return token

    def _accepted(self, reactor: str, by: str) -> Reactor:
        row = ReactorRow(reactor, self._clock.now(), by)
        self._keeper.put(row)
        _logger.info("%s was accepted: %s", reactor, by)
        return self._add(row, Inventory(reactor, []), ())

    async def _keep_new(self, row: ReactorRow, act: Access, by: Origin) -> Reactor:
        if len(self.reactors) >= MOST_REACTORS:
            raise UnknownReactor(f"{row.id} is one too many: the limit is {MOST_REACTORS} reactors")
        await self._keep(row, act, by)
        return self.reactors.get(row.id) or self._add(row, Inventory(row.id, []), ())

    async def _keep(self, row: ReactorRow, act: Access, by: Origin) -> None:
        try:
            await self._keeper.keep_act(row, act, by, self._clock.now())
        except BaseException:
            self._keeper.forget(row)
            raise

    def _add(
        self, row: ReactorRow, inventory: Inventory, settings: Iterable[SettingRow], dropped: int | None = None
    ) -> Reactor:
        self._waiting.pop(row.id, None)
        found = self.reactors[row.id] = Reactor(
            row,
            inventory,
            settings,
            instance=self._instance,
            interval_s=self._config.status_interval_s,
            clock=self._clock,
            dropped=dropped,
        )
        return found


def _token_in(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    shown = next((value for key, value in metadata if key == "authorization"), "")
    return shown.removeprefix(_BEARER) if isinstance(shown, str) and shown.startswith(_BEARER) else ""


def hash_of(token: str) -> str:
    """Return what is kept of a token: it is 256 bits of chance, so that one round of SHA-256 hides it well."""
    return hashlib.sha256(token.encode()).hexdigest()


def _waiting_item(name: str, waiting: Waiting) -> ReactorItem:
    return ReactorItem(
        name,
        waiting.name,
        waiting.version,
        Presence.WAITING,
        waiting.since,
        waiting.called,
        waiting.address,
        enrolled=False,
        points=waiting.points,
        settings=(),
        samples_waiting=None,
        oldest_waiting_s=None,
        samples_dropped=None,
        trouble="",
    )
