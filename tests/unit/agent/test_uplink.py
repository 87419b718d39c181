"""The talk with the server, over real gRPC, with the faults that networks and servers have."""

import asyncio
import logging
import math
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import grpc
import pytest

from tests.conftest import until
from tests.unit.agent.scripted import ScriptedPart
from tests.unit.agent.server import ScriptedServer, door_to
from vigilia.agent import channel, shipping, uplink
from vigilia.agent.channel import Line
from vigilia.agent.clocking import Clocking
from vigilia.agent.config import AgentSection
from vigilia.agent.desk import Desk
from vigilia.agent.memory import Memory
from vigilia.agent.parts import Measured, Role
from vigilia.agent.reports import Reporter
from vigilia.agent.samples import SampleStore
from vigilia.agent.shipping import Shipper
from vigilia.agent.uplink import Identity, Inside, Uplink, url_hash
from vigilia.backoff import Backoff
from vigilia.clock import Clock
from vigilia.errors import VigiliaError
from vigilia.points import Kind, Severity, Status
from vigilia.settings import Secret
from vigilia.wire.reactor.v1 import reactor_pb2 as pb


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for less: what is tested is the order of things."""
    for module in (uplink, shipping):
        monkeypatch.setattr(module, "_BACKOFF", Backoff(0.02, 0.05))
    monkeypatch.setattr(uplink, "ANSWER_S", 1.0)
    monkeypatch.setattr(uplink, "_REFUSED_WAIT_S", 0.05)
    monkeypatch.setattr(shipping, "_GATHER_S", 0.02)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    scripted.now = lambda: time.time() + scripted.offset_s
    await scripted.start()
    yield scripted
    await scripted.stop()


class Heard:
    def __init__(self) -> None:
        self.times = 0

    def heard(self) -> None:
        self.times += 1


class Agent:
    """An agent without its equipment."""

    def __init__(self, folder: Path, coordinator: str, token: str, synchronised: bool = True) -> None:
        self.clock = Clock()
        self.part = ScriptedPart()
        self.pump = ScriptedPart("acid", Role.ACTUATOR)
        self.store = SampleStore(folder / "samples.db", "boot-1")
        self.memory = Memory(folder / "memory.json")
        self.clocking = Clocking(self.clock, self.store, "boot-1", lambda: synchronised)
        self.store.use_clock(self.clocking)
        self.contact = Heard()
        self.faults: dict[str, str] = {}
        parts = [self.part, self.pump]
        self.desk = Desk(parts, self.memory, self._decided)
        reporter = Reporter(
            parts, self.desk, self.store, self.clocking, self.clock, lambda name: self.faults.get(name, "")
        )
        config = AgentSection(id="R1", coordinator=coordinator, token=Secret(token) if token else None)
        inside = Inside(
            parts,
            self.desk,
            reporter,
            self.memory,
            self.clocking,
            self.contact,
            Shipper(self.store, self.clock, "R1"),
        )
        self.uplink = Uplink(Identity("R1", "Reactor 1", "0.1", "boot-a", "m1"), Line(config), inside, self.clock)

    def _decided(self) -> None:
        self.uplink.urgent()


@asynccontextmanager
async def agent(folder: Path, port: int, token: str = "", *, synchronised: bool = True) -> AsyncIterator[Agent]:
    made = Agent(folder, f"127.0.0.1:{port}", token, synchronised)
    tasks = [asyncio.create_task(made.uplink.run()), asyncio.create_task(made.store.run())]
    try:
        yield made
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await made.desk.stop()
        await made.store.close()


def setting(parameter: str, revision: int, **value: object) -> pb.Setting:
    return pb.Setting(part="ph", parameter=parameter, revision=revision, value=pb.Value(**value))  # type: ignore[arg-type]


def latest(server: ScriptedServer, parameter: str) -> pb.Reading | None:
    found = [it for report in server.reports for it in report.readings if it.parameter == parameter]
    return found[-1] if found else None


async def test_the_first_report_says_everything_and_the_next_what_is_new(
    tmp_path: Path, server: ScriptedServer
) -> None:
    async with agent(tmp_path, server.port) as it:
        it.part.measured = [
            Measured("pH", 7.1, 100.5),
            Measured("Raw", "7.1", 100.5, Severity.INVALID, Status.COMM, "!"),
        ]
        await until(lambda: len(server.reports) >= 3)
        (request,) = server.registered
        assert (request.protocol, request.reactor_id, request.boot_id) == (1, "R1", "boot-a")
        assert [(part.name, part.role) for part in request.parts] == [("ph", 1), ("acid", 2)]
        dose = next(of for of in request.parts[0].parameters if of.name == "Dose")
        assert (dose.access, dose.minimum, dose.maximum, dose.takes_value) == (pb.ACCESS_COMMAND, 0.5, 20, True)
        first, second = server.reports[:2]
        assert (first.full, second.full) == (True, False)
        assert {(of.part, of.parameter) for of in first.settings} >= {("ph", "Duty"), ("acid", "Title")}
        assert [report.sequence for report in server.reports[:3]] == [1, 2, 3]
        await until(lambda: latest(server, "Raw") is not None)
        raw = latest(server, "Raw")
        assert raw
        assert (raw.value.text, raw.time_ms, raw.severity, raw.status, raw.detail) == ("7.1", 100_500, 3, 9, "!")
        count = len(server.reports)
        await until(lambda: len(server.reports) >= count + 2)
        assert [list(report.readings) + list(report.settings) for report in server.reports[count:]] == [[]] * (
            len(server.reports) - count
        )
        server.full_wanted = True
        await until(lambda: server.reports[-1].full)
        assert len(server.reports[-1].readings) == 2
        assert it.contact.times > 3


async def test_a_change_does_not_wait_for_the_interval(tmp_path: Path, server: ScriptedServer) -> None:
    server.interval_ms = 60_000
    async with agent(tmp_path, server.port) as it:
        await until(lambda: len(server.reports) == 1)
        it.part.measured = [Measured("pH", 6.5, 1.0)]
        it.uplink.changed()
        await until(lambda: latest(server, "pH") is not None)


async def test_a_nudge_brings_a_setting_at_once(tmp_path: Path, server: ScriptedServer) -> None:
    server.interval_ms = 60_000
    async with agent(tmp_path, server.port) as it:
        await until(lambda: server.watchers == 1 and len(server.reports) == 1)
        server.wanted["ph", "Duty"] = setting("Duty", 5, number=40.0)
        server.nudge.set()
        await until(lambda: not server.wanted)
        assert it.part.applied == [("Duty", 40.0)]
        state = [of for report in server.reports for of in report.settings if of.parameter == "Duty"][-1]
        assert (state.value.number, state.revision, state.rejected) == (40.0, 5, "")
    assert Memory(tmp_path / "memory.json").revision == 5


async def test_settings_that_break_a_limit_are_rejected_and_change_nothing(
    tmp_path: Path, server: ScriptedServer
) -> None:
    server.wanted = {
        ("ph", "Duty"): setting("Duty", 1, number=101.0),
        ("ph", "Power"): setting("Power", 2, integer=2),
        ("ph", "Nothing"): setting("Nothing", 3, number=1.0),
        ("ph", "Title"): setting("Title", 4),
    }
    async with agent(tmp_path, server.port) as it:
        await until(lambda: not server.wanted)
        assert it.part.applied == []
    states = {of.parameter: of for report in server.reports for of in report.settings if of.rejected}
    assert "write 0 to 100 %" in states["Duty"].rejected
    assert (states["Duty"].value.number, states["Duty"].revision) == (0.0, 1)
    assert "has no setting" in states["Nothing"].rejected
    assert states.keys() == {"Duty", "Power", "Nothing", "Title"}
    assert {name for name, state in states.items() if state.over_limit} == {"Duty", "Power", "Title"}


async def test_a_command_is_done_once_and_told_until_it_is_acknowledged(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(tmp_path, server.port) as it:
        it.pump.pause = asyncio.Event()
        order = pb.Command(id="c1", part="acid", parameter="Dose", value=pb.Value(number=2.5), within_ms=5000)
        server.orders["c1"] = order
        await until(lambda: bool(server.outcomes.get("c1")))
        assert server.outcomes["c1"][-1].outcome == pb.CommandState.RUNNING
        server.orders["c2"] = pb.Command(
            id="c2", part="acid", parameter="Stop", value=pb.Value(integer=1), within_ms=5000
        )
        await until(lambda: len(it.pump.commands) == 2)  # a stop overtakes the dose
        it.pump.pause.set()
        await until(lambda: {"c1", "c2"} <= set(server.acknowledged))
        server.orders["c1"] = order  # told again, by a server that forgot
        count = len(server.reports)
        await until(lambda: len(server.reports) > count + 3)
        assert it.pump.commands == [("Dose", 2.5, "c1"), ("Stop", True, "c2")]
        assert (server.outcomes["c1"][-1].outcome, server.outcomes["c1"][-1].detail) == (
            pb.CommandState.DONE,
            "Dose done",
        )


async def test_commands_that_cannot_be_done_say_why(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(tmp_path, server.port) as it:
        it.part.command_error = RuntimeError("a fault")
        for name, part, parameter, within, value in (
            ("limit", "acid", "Dose", 5000, 21.0),
            ("late", "acid", "Dose", 0, 1.0),
            ("part", "nobody", "Dose", 5000, 1.0),
            ("fault", "ph", "Dose", 5000, 1.0),
        ):
            server.orders[name] = pb.Command(
                id=name, part=part, parameter=parameter, within_ms=within, value=pb.Value(number=value)
            )
        await until(lambda: len(set(server.acknowledged)) == 4)
        assert it.pump.commands == []
    found = {name: states[-1] for name, states in server.outcomes.items()}
    outcome = pb.CommandState
    assert {name: (state.outcome, state.over_limit) for name, state in found.items()} == {
        "limit": (outcome.REFUSED, True),
        "late": (outcome.LATE, False),
        "part": (outcome.REFUSED, False),
        "fault": (outcome.FAILED, False),
    }


async def test_the_time_of_a_command_includes_its_way(tmp_path: Path, server: ScriptedServer) -> None:
    server.on_the_way_s = 0.3
    server.orders["c1"] = pb.Command(id="c1", part="acid", parameter="Dose", within_ms=200, value=pb.Value(number=1.0))
    async with agent(tmp_path, server.port) as it:
        await until(lambda: server.acknowledged == ["c1"])
        assert it.pump.commands == []
    assert server.outcomes["c1"][-1].outcome == pb.CommandState.LATE


async def test_a_reactor_that_waits_to_be_accepted_says_so_once(
    tmp_path: Path, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.decision = pb.RegisterReply.WAITING
    async with agent(tmp_path, server.port) as it:
        await until(lambda: len(server.registered) >= 3)
        assert "operator must accept" in it.uplink.state
        server.decision, server.reason = pb.RegisterReply.REFUSED, "another agent has this id"
        await until(lambda: "another agent has this id" in it.uplink.state)
        assert it.contact.times == 0
        server.decision = pb.RegisterReply.ACCEPTED
        await until(lambda: bool(server.reports))
        await until(lambda: it.uplink.state == "")
    assert caplog.text.count("operator must accept") == 1
    assert caplog.text.count("another agent has this id") == 1


async def test_a_wrong_token_is_told_once_and_never_shown(
    tmp_path: Path, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.token = "right-one"
    async with agent(tmp_path, server.port, "wrong-one") as it:
        await until(lambda: "the token is wrong" in it.uplink.state)
        await asyncio.sleep(0.2)  # several attempts
    assert server.reports == []
    assert caplog.text.count("does not take this reactor") == 1
    assert "wrong-one" not in caplog.text
    async with agent(tmp_path, server.port, "right-one"):
        await until(lambda: bool(server.reports))


async def test_a_server_that_starts_anew_is_registered_with_again(
    tmp_path: Path, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with agent(tmp_path, server.port) as it:
        await until(lambda: len(server.reports) >= 2)
        await server.stop()
        await until(lambda: "cannot be reached" in it.uplink.state)
        heard = it.contact.times
        server.known_boot = ""
        server.reports.clear()
        await server.start(server.port)
        await until(lambda: len(server.reports) >= 2)
        assert it.contact.times > heard
        assert server.reports[0].full
        assert len(server.registered) >= 2
    assert caplog.text.count("cannot be reached") == 1


async def test_a_manager_that_forgot_the_boot_is_registered_with_again(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(tmp_path, server.port):
        await until(lambda: bool(server.reports))
        server.known_boot = "another"
        await until(lambda: len(server.registered) == 2 and server.reports[-1].full)


async def test_a_title_that_changes_is_registered(tmp_path: Path, server: ScriptedServer) -> None:
    from dataclasses import replace

    async with agent(tmp_path, server.port) as it:
        await until(lambda: bool(server.reports))
        it.part.declaration = replace(it.part.declaration, title="Tank 3")
        await until(lambda: server.registered[-1].parts[0].title == "Tank 3")


async def test_a_half_open_connection_is_left(tmp_path: Path, server: ScriptedServer) -> None:
    async with door_to(server.port) as door, agent(tmp_path, door.port) as it:
        server.manager = f":{door.port}"
        await until(lambda: len(server.reports) >= 2)
        connections = door.opened
        door.shut_present()
        count = len(server.reports)
        await until(lambda: len(server.reports) >= count + 2, 20)
        assert door.opened > connections
        assert it.uplink.state == ""


async def test_a_server_that_gives_no_answer_is_left_by_the_deadline(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(tmp_path, server.port) as it:
        await until(lambda: bool(server.reports))
        server.hang = True
        await until(lambda: "deadline exceeded" in it.uplink.state, 20)
        server.hang = False
        await until(lambda: it.uplink.state == "", 20)


async def test_a_part_that_a_fault_stopped_reports_no_good_values(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(tmp_path, server.port) as it:
        it.part.measured = [Measured("pH", 7.0, 1.0)]
        it.faults["ph"] = "it met a fault"
        await until(lambda: latest(server, "pH") is not None)
    found = latest(server, "pH")
    assert found
    assert (found.value.number, found.severity, found.status, found.detail) == (7.0, 3, 9, "it met a fault")


async def test_what_a_newer_server_says_besides_is_ignored(tmp_path: Path, server: ScriptedServer) -> None:
    newer = pb.Setting.FromString(b"\x0a\x02ph\x12\x04Duty\x20\x07\xfa\x3e\x04more")  # field 999 is not known
    server.wanted["ph", "Duty"] = newer
    server.orders["c9"] = pb.Command(id="c9", part="ph", parameter="Levitate", within_ms=1000)
    async with agent(tmp_path, server.port):
        await until(lambda: not server.wanted and "c9" in server.acknowledged)
    assert "has no command" in server.outcomes["c9"][-1].detail


# ---- Samples

T0 = float(int(time.time()) - 3600)
"""An hour ago: what is a month old is dropped."""


async def test_samples_are_delivered_once_and_in_order(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(tmp_path, server.port) as it:
        for n in range(3):
            it.store.take(it.part, [Measured("pH", 7.0 + n, T0 + n), Measured("Raw", f"r{n}", T0 + n)])
        it.store.take(it.part, [Measured("pH", None, T0 + 3, Severity.INVALID, Status.COMM)])
        await until(lambda: it.store.waiting == 0)
        assert [s for s in server.samples() if s[0] == "Raw"] == [
            ("Raw", round(T0 * 1000) + 1000 * n, f"r{n}") for n in range(3)
        ]
        found = [value for name, _, value in server.samples() if name == "pH"]
        assert found[:3] == [7.0, 8.0, 9.0]
        assert math.isnan(float(found[3]))
        assert [a for batch in server.batches for column in batch.columns for a in column.alarms if a] == [3 * 32 + 9]


async def test_a_backlog_is_delivered_with_few_messages_in_flight(
    tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "_ROWS", 100)
    server.acks = False
    async with agent(tmp_path, server.port) as it:
        it.store.take(it.part, [Measured("pH", float(n), T0 + n / 1000) for n in range(1000)])
        await until(lambda: len(server.batches) == 4)
        await asyncio.sleep(0.1)
        assert (len(server.batches), it.store.waiting) == (4, 1000)
        server.acks = True
        await server.stop()
        await server.start(server.port)
        await until(lambda: it.store.waiting == 0)
        assert sorted({value for _, _, value in server.samples()}) == [float(n) for n in range(1000)]


async def test_after_a_lost_answer_nothing_is_lost_and_little_repeated(tmp_path: Path, server: ScriptedServer) -> None:
    async with door_to(server.port) as door, agent(tmp_path, door.port) as it:
        server.manager = f":{door.port}"
        it.store.take(it.part, [Measured("pH", float(n), T0 + n) for n in range(50)])
        await until(lambda: it.store.waiting == 0)
        server.acks = False
        it.store.take(it.part, [Measured("pH", float(n), T0 + n) for n in range(50, 100)])
        await until(lambda: len({s[2] for s in server.samples()}) == 100)
        server.durable = 101  # it has them, and its answer was lost
        server.acks = True
        door.shut_present()
        await until(lambda: it.store.waiting == 0, 20)
        assert len(server.samples()) == 100


async def test_a_server_that_knows_more_makes_the_store_take_another_id(tmp_path: Path, server: ScriptedServer) -> None:
    async with agent(tmp_path, server.port) as it:
        before = server.store_id = it.store.store_id
        server.durable = 1_000_000
        it.store.take(it.part, [Measured("pH", 7.0, T0)])
        await until(lambda: bool(server.samples()))
        assert it.store.store_id != before


async def test_samples_of_a_file_begun_anew_are_sent_by_their_own_offsets(
    tmp_path: Path, server: ScriptedServer
) -> None:
    async with agent(tmp_path, server.port) as it:
        it.store.take(it.part, [Measured("pH", float(n), T0 + n / 1000) for n in range(100)])
        await until(lambda: it.store.waiting == 0)
        first = it.store.store_id
        it.store._file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001
        with (tmp_path / "samples.db").open("r+b") as file:
            file.write(b"\xff" * 8192)
        it.store._file._db.execute("PRAGMA shrink_memory")  # noqa: SLF001
        it.store.take(it.part, [Measured("pH", float(n), T0 + n / 1000) for n in range(100, 110)])
        await until(lambda: it.store.store_id != first and it.store.waiting == 0, 20)
        assert [value for _, _, value in server.samples()] == [float(n) for n in range(110)]
        assert it.store.dropped == 0


async def test_samples_before_the_clock_is_right_come_with_the_servers_time(
    tmp_path: Path, server: ScriptedServer
) -> None:
    server.offset_s = 86_400 * 400.0
    async with agent(tmp_path, server.port, synchronised=False) as it:
        taken = time.time()
        it.store.take(it.part, [Measured("pH", 7.0, taken)])
        await until(lambda: bool(server.samples()))
        ((_, moment, _),) = server.samples()
        assert abs(moment / 1000 - server.offset_s - taken) < 2
        assert not server.reports[-1].clock_trusted


class ScriptedDatabase(ModuleType):
    """Stands in the place of `vigilia.agent.direct`: what it is told to fail with, and the rows that it took."""

    class DirectError(VigiliaError):
        pass

    class StoredSample(NamedTuple):
        part: str
        parameter: str
        kind: Kind
        time_ms: int
        value: object
        severity: Severity
        status: Status

    class Refused(NamedTuple):
        reason: str

    name = "scripted"

    def __init__(self) -> None:
        super().__init__("vigilia.agent.direct")
        self.urls: list[str] = []
        self.rows: list[object] = []
        self.failures = 0

    def make_direct(self, url: str, reactor_id: str, revision: int) -> "ScriptedDatabase":
        assert revision > 0
        self.urls.append(f"{reactor_id} {url}")
        return self

    async def write(self, samples: Sequence[object]) -> Sequence[object]:
        if self.failures:
            self.failures -= 1
            raise self.DirectError("the database is away")
        self.rows += samples
        return [self.Refused("no such time")] if len(samples) == 1 else []


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> ScriptedDatabase:
    scripted = ScriptedDatabase()
    monkeypatch.setitem(sys.modules, "vigilia.agent.direct", scripted)
    return scripted


async def test_samples_go_straight_to_the_database_that_the_server_names(
    tmp_path: Path, server: ScriptedServer, database: ScriptedDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vigilia")
    server.history = pb.HistoryPlace(url="scripted://db", schema_revision=1)
    database.failures = 2
    async with agent(tmp_path, server.port) as it:
        it.store.take(it.part, [Measured("pH", 7.5, T0, Severity.MINOR, Status.LOW), Measured("Raw", "r", T0 + 1)])
        await until(lambda: it.store.waiting == 0)
        it.store.take(it.part, [Measured("pH", 7.6, T0 + 2)])
        await until(lambda: it.store.waiting == 0)
    assert database.rows[:2] == [
        ("ph", "pH", Kind.NUMBER, round(T0 * 1000), 7.5, Severity.MINOR, Status.LOW),
        ("ph", "Raw", Kind.TEXT, round(T0 * 1000) + 1000, "r", Severity.NO_ALARM, Status.NO_ALARM),
    ]
    assert database.urls == ["R1 scripted://db"] * 3
    assert (len(database.rows), server.streams) == (3, 0)
    assert caplog.text.count("samples are not delivered") == 1
    assert "samples are delivered again" in caplog.text
    assert "scripted never takes 1 samples: no such time" in caplog.text
    assert it.store.dropped == 1


async def test_samples_wait_for_an_agent_that_knows_how_the_database_is_laid_out(
    tmp_path: Path, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.history = pb.HistoryPlace(url="influx+http://127.0.0.1:1/", schema_revision=2)
    async with agent(tmp_path, server.port) as it:
        it.store.take(it.part, [Measured("pH", 7.5, T0)])
        await until(lambda: "has revision 2, and this agent writes 1" in caplog.text)
        assert it.store.waiting == 1


@pytest.mark.usefixtures("database")
async def test_the_place_is_remembered_without_its_password(tmp_path: Path, server: ScriptedServer) -> None:
    server.history = pb.HistoryPlace(url="", schema_revision=3)
    async with agent(tmp_path, server.port) as it:
        await until(lambda: bool(server.reports))
        assert it.memory.place == ("", 3)
        url = "nonsense://user:secret-word@127.0.0.1/db"
        server.history = pb.HistoryPlace(url=url, schema_revision=4)
        server.known_boot = "another"
        await until(lambda: it.memory.place == (url_hash(url), 4))
        server.known_boot = "another"
        await until(lambda: len(server.registered) >= 3)
        assert (server.registered[-1].history_url_hash, server.registered[-1].history_revision) == (url_hash(url), 4)
    assert "secret-word" not in (tmp_path / "memory.json").read_text()


def test_options_that_half_open_connections_need() -> None:
    options = dict(channel._OPTIONS)  # noqa: SLF001
    assert options["grpc.use_local_subchannel_pool"] == 1
    assert 0 < options["grpc.keepalive_time_ms"] <= 10_000
    assert grpc.StatusCode.UNAUTHENTICATED in uplink._REFUSALS  # noqa: SLF001


async def test_an_ipv6_coordinator_and_a_manager_without_host() -> None:
    line = Line(AgentSection(id="R1", coordinator="[::1]:50051"))
    made = line.manager(":50100")
    await made.close()
    with pytest.raises(ValueError, match="HOST:PORT"):
        line.manager("nonsense")
