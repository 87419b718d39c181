"""The talk with the server: registration with the coordinator, then reports to the manager it names.

A report, sent each few seconds and at once when something changed, and its answer are the truth; Watch only says when
not to wait. What fails is told once, tried again with growing waits, and never holds up what happens on the reactor.
After failures in a row everything begins anew, over new channels: a connection can be half open for hours.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import grpc.aio

from vigilia.agent.channel import ANSWER_S, Line
from vigilia.agent.clocking import Clocking
from vigilia.agent.desk import Desk
from vigilia.agent.memory import Memory, Place
from vigilia.agent.parts import Declaration, Part
from vigilia.agent.reports import Reporter
from vigilia.agent.shipping import Shipper
from vigilia.agent.wire import orders_of, part_of, wishes_of
from vigilia.backoff import Backoff
from vigilia.clock import Clock
from vigilia.errors import printable
from vigilia.redaction import hide, redact
from vigilia.wire.reactor.v1 import reactor_pb2 as pb
from vigilia.wire.reactor.v1.reactor_pb2_grpc import CoordinatorStub, ManagerStub

_logger = logging.getLogger(__name__)

PROTOCOL = 1
_BACKOFF = Backoff(0.5, 10.0)
_REFUSED_WAIT_S = 15.0
"""Between two attempts after a refusal that a person must see to."""
_LONGEST_WAIT_S = 300.0
_LEAST_GAP_S = 1.0
"""Between two reports that nothing asked for but a value that changed."""
_FAILURES = 2
"""Reports that failed in a row after which everything begins anew."""
_INTERVAL_S = (0.1, 60.0)
_USUAL_INTERVAL_S = 5.0
_WATCH_WAIT_S = 60.0
"""Before Watch is asked for again where the server does not have it."""
_REFUSALS = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.UNIMPLEMENTED,
)


class Contact(Protocol):
    """Who must know when the server was heard of: outputs that fall to safe without it."""

    def heard(self) -> None:
        """Note that the server answered just now."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the agent is."""

    reactor_id: str
    name: str
    version: str
    boot_id: str
    """Drawn at this start."""
    machine_id: str


@dataclass(frozen=True, slots=True)
class Inside:
    """What of the agent the talk is about."""

    parts: Sequence[Part]
    desk: Desk
    reporter: Reporter
    memory: Memory
    clocking: Clocking
    contact: Contact
    shipper: Shipper


class Uplink:
    """The talk with one server. `run` carries it on until cancelled."""

    def __init__(self, identity: Identity, line: Line, inside: Inside, clock: Clock) -> None:
        self.state = "not registered yet"
        """How it stands, for people; empty: well."""
        self._standing = ""
        """What of it is told in the log when it changes."""
        self._identity = identity
        self._line = line
        self._inside = inside
        self._clock = clock
        self._declared: list[Declaration] = []
        self._due = 0.0
        self._reported = 0.0
        self._wake = asyncio.Event()

    def changed(self) -> None:
        """Have the next report not wait for its turn: a value is another."""
        self._hasten(self._reported + _LEAST_GAP_S / self._clock.speed)

    def urgent(self) -> None:
        """Have the next report go at once."""
        self._hasten(0.0)

    async def run(self) -> None:
        """Register and report, again and again, until cancelled."""
        wait: float | None = None
        while True:
            heard = await self._session(await self._register())
            wait = _BACKOFF.after(None if heard else wait)
            await self._clock.sleep(wait)

    # ---- registration

    async def _register(self) -> pb.RegisterReply:
        """Return the coordinator's answer that the agent is accepted; ask until it is."""
        wait: float | None = None
        while True:
            try:
                reply = await self._ask_to_register()
            except grpc.aio.AioRpcError as error:
                self._say_lost("coordinator", error)
                wait = _REFUSED_WAIT_S if error.code() in _REFUSALS else _BACKOFF.after(wait)
                await self._clock.sleep(wait)
                continue
            if reply.decision == pb.RegisterReply.ACCEPTED:
                return reply
            if reply.decision == pb.RegisterReply.WAITING:
                self._say("waiting", "an operator must accept this reactor first (vigilia reactor accept)")
            else:
                refusal = f"the coordinator refuses this reactor: {printable(reply.reason[:500])}"
                self._say(refusal, refusal)
            asked = reply.retry_after_ms / 1000 or _USUAL_INTERVAL_S
            await self._clock.sleep(min(_LONGEST_WAIT_S, max(_INTERVAL_S[0], asked)))

    async def _ask_to_register(self) -> pb.RegisterReply:
        self._declared = [part.declaration for part in self._inside.parts]
        place = self._inside.memory.place
        request = pb.RegisterRequest(
            protocol=PROTOCOL,
            reactor_id=self._identity.reactor_id,
            name=self._identity.name,
            version=self._identity.version,
            boot_id=self._identity.boot_id,
            machine_id=self._identity.machine_id,
            parts=map(part_of, self._declared),
            history_url_hash=place.url_hash,
            history_revision=place.revision,
            time_ms=round(self._clock.now() * 1000),
            clock_trusted=self._inside.clocking.trusted,
            settings_revision=self._inside.memory.revision,
        )
        channel = self._line.coordinator()
        try:
            asked = self._clock.monotonic()
            stub: Any = CoordinatorStub(channel)
            reply = await stub.Register(request, timeout=ANSWER_S, metadata=self._line.metadata)
        finally:
            await channel.close()
        self._heard_time(reply.time_ms, asked)
        return reply

    # ---- a session with a manager

    async def _session(self, accepted: pb.RegisterReply) -> bool:
        """Report to the manager until it must be registered for again; return whether it ever answered."""
        try:
            channel = self._line.manager(accepted.manager)
        except ValueError as error:
            self._say("lost", f"the coordinator names a manager at {accepted.manager[:80]!r}, which {error}")
            return False
        hide([accepted.history.url])
        if accepted.history_changed:
            await self._note_place(accepted.history)
        self._inside.reporter.begin_anew()
        await self._inside.desk.take_registered(wishes_of(accepted.settings))
        manager: Any = ManagerStub(channel)
        reports = asyncio.create_task(self._report(manager, _seconds(accepted.status_interval_ms)), name="reports")
        place = accepted.history
        ship = (
            self._inside.shipper.to_database(place.url, place.schema_revision)
            if place.url
            else self._inside.shipper.to_manager(manager, self._line.metadata)
        )
        others = [
            asyncio.create_task(self._watch(manager), name="watch"),
            asyncio.create_task(ship, name="samples' delivery"),
        ]
        try:
            done, _ = await asyncio.wait([reports, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reports, *others):
                task.cancel()
            await asyncio.gather(reports, *others, return_exceptions=True)
            await channel.close()
        for task in done:
            task.result()  # a fault of the program ends the talk, and is told by who carries it on
        return reports.done() and reports.result()

    async def _report(self, manager: Any, interval_s: float) -> bool:
        """Report until the agent must register again; return whether any report was answered."""
        loop = asyncio.get_running_loop()
        failures, heard = 0, False
        while True:
            self._reported = loop.time()
            self._due = self._reported + interval_s  # real seconds, as the server counts its patience
            report = self._inside.reporter.compose(self._identity.reactor_id, self._identity.boot_id)
            asked = self._clock.monotonic()
            try:
                reply = await manager.Report(report, timeout=ANSWER_S, metadata=self._line.metadata)
            except grpc.aio.AioRpcError as error:
                failures += 1
                if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                    return heard
                if failures >= _FAILURES or error.code() in _REFUSALS:
                    self._say_lost("manager", error)
                    return heard
                await self._clock.sleep(_BACKOFF.first_s)
                continue
            failures, heard = 0, True
            self._inside.contact.heard()
            self._heard_time(reply.time_ms, asked)
            self._inside.reporter.arrived(full_wanted=reply.full_wanted)
            self._say("well", "")
            self._inside.desk.forget(reply.acknowledged)
            self._inside.desk.take_settings(wishes_of(reply.settings))
            self._inside.desk.take_commands(orders_of(reply.commands, self._reported))
            if self._declared != [part.declaration for part in self._inside.parts]:
                return heard
            interval_s = _seconds(reply.status_interval_ms) if reply.status_interval_ms else interval_s
            if reply.full_wanted:
                self.urgent()
            await self._pause()

    async def _watch(self, manager: Any) -> None:
        """Report at once whenever the manager says that there is something to hear."""
        wait: float | None = None
        while True:
            began = self._clock.monotonic()
            request = pb.WatchRequest(reactor_id=self._identity.reactor_id, boot_id=self._identity.boot_id)
            try:
                async for _ in manager.Watch(request, metadata=self._line.metadata):
                    self.urgent()
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    await self._clock.sleep(_WATCH_WAIT_S)
            wait = _BACKOFF.after(None if self._clock.monotonic() - began > _WATCH_WAIT_S else wait)
            await self._clock.sleep(wait)

    async def _pause(self) -> None:
        """Wait until the next report is due."""
        loop = asyncio.get_running_loop()
        while (left := self._due - loop.time()) > 0:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._wake.wait()

    def _hasten(self, due: float) -> None:
        self._due = min(self._due, due)
        self._wake.set()

    async def _note_place(self, place: pb.HistoryPlace) -> None:
        """Remember where samples go from now on, without what is secret in it."""
        where = "a database, straight from here" if place.url else "the server"
        _logger.info("samples go to %s from now on (revision %d)", where, place.schema_revision)
        self._inside.memory.place = Place(url_hash(place.url), place.schema_revision)
        await self._inside.memory.save_if_possible()

    def _heard_time(self, time_ms: int, asked: float) -> None:
        if time_ms:
            self._inside.clocking.server_said(time_ms, asked, self._clock.monotonic())

    def _say_lost(self, whom: str, error: grpc.aio.AioRpcError) -> None:
        """Tell once that the server cannot be reached, or does not let us in, whatever else the reasons say."""
        refused = error.code() in _REFUSALS
        said = f"the {whom} {'does not take this reactor' if refused else 'cannot be reached'}: {_reason(error)}"
        self._say(said if refused else "lost", said)

    def _say(self, standing: str, state: str) -> None:
        """Note how it stands, and tell it when that is another."""
        self.state = state
        if standing == self._standing:
            return
        self._standing = standing
        if state:
            _logger.warning("%s", redact(state))
        else:
            _logger.info("the server hears our reports")


def url_hash(url: str) -> str:
    """Return what is remembered of the place for samples; of none, nothing."""
    return hashlib.sha256(url.encode(errors="replace")).hexdigest() if url else ""


def _seconds(interval_ms: int) -> float:
    """Return the interval that the server asks for, within reason; 0: it asks for none."""
    return min(_INTERVAL_S[1], max(_INTERVAL_S[0], interval_ms / 1000)) if interval_ms else _USUAL_INTERVAL_S


def _reason(error: grpc.aio.AioRpcError) -> str:
    return printable(f"{error.code().name.lower().replace('_', ' ')}: {error.details() or ''}"[:500]).rstrip(": ")
