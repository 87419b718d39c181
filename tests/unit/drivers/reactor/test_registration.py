"""Registration: who is let in, and what an inventory becomes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import trustme

from tests.conftest import until
from tests.unit.drivers.reactor.agents import HEATER, PH, choice, number, reading
from tests.unit.drivers.reactor.conftest import ANA, GOOD, LOST, Run
from vigilia.errors import StartError, UnknownReactor
from vigilia.points import Kind, Origin, Point, Severity, Status
from vigilia.store.accesslog import newest
from vigilia.store.alarms import load_checkpoints
from vigilia.store.reactors import load_reactors
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

ACCEPTED, WAITING, REFUSED = wire.RegisterReply.ACCEPTED, wire.RegisterReply.WAITING, wire.RegisterReply.REFUSED


def refused(code: grpc.StatusCode, words: str) -> "pytest.RaisesExc[grpc.aio.AioRpcError]":
    def check(error: grpc.aio.AioRpcError) -> bool:
        return error.code() is code and words in (error.details() or "")

    return pytest.raises(grpc.aio.AioRpcError, check=check)


async def test_an_inventory_becomes_points(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        reply = await agent.register()
        assert (reply.decision, reply.status_interval_ms, reply.manager[:1]) == (ACCEPTED, 400, ":")
        await agent.report()
        named = {point.name: point for point in site.table.points()}
        duty, ph = named["R1:heater:Duty-SP"], named["R1:ph:pH-Mon"]
        assert (duty.units, duty.limits, duty.writable, duty.setpoint, duty.guarded) == (
            "%",
            (0, 100),
            True,
            True,
            True,
        )
        assert (duty.device, duty.link, duty.area, duty.equipment) == ("R1:heater", "R1", "R1", "R1: Aquecedor")
        assert duty.description == "Aquecedor: Duty"
        assert (ph.kind, ph.precision, ph.writable, ph.limits) == (Kind.NUMBER, 2, False, None)
        assert {name for name in named if name.startswith("R1:")} == {
            *(f"R1:ph:{suffix}" for suffix in ("pH-Mon", "Calibration-Mon", "Interval-SP", "Interval-RB", "Comm-Sts")),
            *(f"R1:ph:{suffix}" for suffix in ("Title-SP", "Title-RB", "Calibrate-Cmd", "Find-Cmd")),
            *(f"R1:heater:{suffix}" for suffix in ("Duty-SP", "Duty-RB", "Power-Sel", "Power-Sts", "Safe-Sts")),
            *("R1:heater:OnTime-Mon", "R1:heater:Comm-Sts"),
            *(f"R1:acid:{suffix}" for suffix in ("Dose-SP", "Dosed-Mon", "Comm-Sts")),
        }
        assert site.value("R1:ph:pH-Mon") == 7.0
        assert site.value("vigilia:R1:Connected-Sts") == 1
        await agent.close()


async def test_the_points_are_known_at_the_next_start_and_those_that_went_are_not(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        await agent.register()
        await agent.report()
        await agent.close()
    async with at_work() as site:
        assert "R1:ph:pH-Mon" in site.table
        assert site.alarm("vigilia:R1:Connected-Sts")[0] == 2
        agent = site.agent()
        await agent.register()
        await agent.report()
        assert site.alarm("R1:ph:pH-Mon") == GOOD
        agent.parts = (HEATER,)
        await agent.register()
        assert (site.alarm("R1:ph:pH-Mon"), site.alarm("R1:heater:Safe-Sts")) == (LOST, GOOD), "read no more"
        await agent.close()
    async with at_work() as site:
        assert "R1:ph:pH-Mon" not in site.table
        assert "R1:heater:Duty-SP" in site.table


async def test_an_unknown_reactor_waits_until_it_is_accepted(at_work: Run) -> None:
    async with at_work(accept="known") as site:
        agent = site.agent()
        reply = await agent.register()
        assert (reply.decision, reply.retry_after_ms > 0) == (WAITING, True)
        assert "waits until an operator accepts it" in reply.reason
        [item] = site.driver.reactors()
        assert (item.id, item.presence, item.name, item.points) == ("R1", "waiting", "Reator um", 19)
        with pytest.raises(UnknownReactor, match="'R2' has called"):
            await site.driver.accept("R2", ANA)
        assert (await site.driver.accept("R1", ANA)).presence == "away"
        assert (await agent.register()).decision == ACCEPTED
        assert [item.presence for item in site.driver.reactors()] == ["connected"]
        await agent.close()
    async with at_work(accept="known") as site:
        agent = site.agent()
        assert (await agent.register()).decision == ACCEPTED, "it stays accepted"
        await agent.close()


async def test_no_more_than_so_many_wait(at_work: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.drivers.reactor.registry.MOST_WAITING", 2)
    async with at_work(accept="known") as site:
        for name in ("R1", "R2", "R1", "R3"):
            agent = site.agent(name)
            assert (await agent.register()).decision == WAITING
            await agent.close()
        assert [item.id for item in site.driver.reactors()] == ["R1", "R3"]


async def test_a_reactor_with_a_token_must_show_it(at_work: Run) -> None:
    async with at_work(accept="known") as site:
        token = await site.driver.enrol("R1", ANA)
        assert [row.token_hash for row in await load_reactors(site.store)] != [token]
        for wrong in ("", token[:-1], token + "x"):
            agent = site.agent(token=wrong)
            with refused(grpc.StatusCode.UNAUTHENTICATED, "the token is missing or wrong"):
                await agent.register()
            await agent.close()
        agent = site.agent(token=token)
        assert (await agent.register()).decision == ACCEPTED, "enrolling is accepting"
        await agent.report()
        assert site.driver.reactors()[0].enrolled
        fresh = await site.driver.enrol("R1", ANA)
        with refused(grpc.StatusCode.UNAUTHENTICATED, "token"):
            await agent.report()
        await agent.close()
    async with at_work(accept="known") as site:
        agent = site.agent(token=fresh)
        assert (await agent.register()).decision == ACCEPTED
        await agent.close()
        with pytest.raises(UnknownReactor, match="no id of a reactor"):
            await site.driver.enrol("R 1", ANA)


async def test_another_agent_with_the_id_is_refused_while_the_first_is_alive(at_work: Run) -> None:
    async with at_work() as site:
        first, second = site.agent(), site.agent(machine="machine-2")
        async with first.reporting():
            with refused(grpc.StatusCode.ALREADY_EXISTS, "another agent with the id R1 reports from 127.0.0.1"):
                await second.register()
            assert "another agent with its id calls" in site.driver.reactors()[0].trouble
            await first.report()
            assert site.value("vigilia:R1:Connected-Sts") == 1
            assert site.value("vigilia:R1:Error-Mon") == "another agent with its id calls from 127.0.0.1"
            assert site.alarm("vigilia:R1:Error-Mon") == (Severity.MINOR, Status.STATE)
        await first.close()
        await until(lambda: site.driver.reactors()[0].presence == "away")
        assert (await second.register()).decision == ACCEPTED, "the first is lost"
        again = site.agent()
        again.boot = first.boot
        with refused(grpc.StatusCode.ALREADY_EXISTS, "another agent"):
            await again.register()
        await again.close()
        await second.close()


async def test_two_agents_on_one_computer_are_told_apart_by_the_open_stream(at_work: Run) -> None:
    async with at_work() as site:
        first, second = site.agent(), site.agent()
        async with first.reporting():
            await until(lambda: site.driver.reactors()[0].presence == "connected")
            await asyncio.sleep(0.1)  # the stream of the first has to be there
            with refused(grpc.StatusCode.ALREADY_EXISTS, "another agent"):
                await second.register()
        await first.close()

        async def takes_over() -> bool:
            try:
                return (await second.register()).decision == ACCEPTED
            except grpc.aio.AioRpcError:
                return False

        async with asyncio.timeout(5):  # at once: the stream's end tells, not the silence
            while not await takes_over():  # noqa: ASYNC110 - the agent only asks
                await asyncio.sleep(0.01)
        await second.report()
        await second.close()


async def test_a_restart_is_shown_for_a_while(at_work: Run) -> None:
    async with at_work() as site:
        first = site.agent()
        await first.register()
        await first.report()
        assert site.value("vigilia:R1:Restarted-Sts") == 0, "the first start of all is none"
        await first.close()
        second = site.agent()
        assert (await second.register()).decision == ACCEPTED
        await second.report()
        assert site.value("vigilia:R1:Restarted-Sts") == 1
        await second.close()


def many(points: int) -> tuple[wire.Part, ...]:
    parameters = [number(f"P{n}", wire.ACCESS_READING) for n in range(100)]
    return tuple(
        wire.Part(name=f"part-{n}", role=wire.ROLE_LOOP, kind="x", parameters=parameters) for n in range(points // 100)
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (many(10_000), "R1 has more than 1000 points: the limit is 1000"),
        (tuple(wire.Part(name=f"p{n}") for n in range(101)), "R1 has more than 100 parts: the limit is 100"),
        ((PH, PH), "R1:ph:pH-Mon is declared twice"),
        ((wire.Part(name="p:h"),), "a part is named 'p:h'"),
        ((wire.Part(name="p" * 25),), "1 to 24 letters"),
        (
            (wire.Part(name="p", parameters=[number("Du-ty", wire.ACCESS_READING)]),),
            "use CamelCase of letters and digits such as Duty or pH, at most 40",
        ),
        ((wire.Part(name="p" * 24, parameters=[number("P" * 34, 1)]),), "is longer than 60 characters"),
        ((wire.Part(name="p", parameters=[choice("E", 1, *(str(n) for n in range(17)))]),), "at most 16"),
        ((wire.Part(name="p", parameters=[choice("E", 1, "x" * 26)]),), "of 1 to 25 characters"),
        ((wire.Part(name="p", parameters=[choice("E", 1)]),), "an enum without labels"),
        ((wire.Part(name="p", parameters=[choice("E", 1, "a", "a")]),), "a label twice"),
        ((wire.Part(name="p", parameters=[number("N", 2, 5, 1)]),), "its limits are no range"),
        ((wire.Part(name="p", parameters=[number("N", 2, 5)]),), "its limits are no range"),
        ((wire.Part(name="p", parameters=[number("N", 2, 0, float("inf"))]),), "its limits are no range"),
        ((wire.Part(name="p", title="t" * 201),), "the title of R1:p has 201 characters: the limit is 200"),
        ((wire.Part(name="p", role=1, parameters=[choice("Comm", 1, "a", "b")]),), "R1:p:Comm-Sts is declared twice"),
    ],
)
async def test_an_inventory_that_breaks_a_limit_is_refused_with_the_limit(
    parts: tuple[wire.Part, ...], words: str, at_work: Run
) -> None:
    async with at_work() as site:
        agent = site.agent(parts=parts)
        with refused(grpc.StatusCode.INVALID_ARGUMENT, words):
            await agent.register()
        assert not list(site.table.points())
        assert not site.driver.reactors(), "nobody is let in by a request that is refused"
        await agent.close()


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"reactor_id": "R/1"}, grpc.StatusCode.INVALID_ARGUMENT, "no id of a reactor"),
        ({"protocol": 0}, grpc.StatusCode.UNIMPLEMENTED, "speaks protocol 0"),
        ({"boot_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "boot_id is empty"),
        ({"settings_revision": 2**60}, grpc.StatusCode.INVALID_ARGUMENT, "a revision above"),
        ({"machine_id": "m" * 65}, grpc.StatusCode.INVALID_ARGUMENT, "65 characters: the limit is 64"),
        ({"name": "n" * 1_100_000}, grpc.StatusCode.RESOURCE_EXHAUSTED, "1000000"),
    ],
)
async def test_a_registration_that_makes_no_sense_is_refused(
    fields: dict[str, object], code: grpc.StatusCode, words: str, at_work: Run
) -> None:
    async with at_work() as site:
        agent = site.agent()
        with refused(code, words):
            await agent.register(**fields)
        await agent.close()


async def test_a_newer_agent_is_understood_as_far_as_it_goes(at_work: Run) -> None:
    newer = wire.Part(
        name="lamp",
        role=99,
        parameters=[
            number("Level", wire.ACCESS_READING),
            wire.Parameter(name="Spectrum", kind=77, access=wire.ACCESS_READING),
            wire.Parameter(name="Mood", kind=wire.KIND_NUMBER, access=66),
        ],
    )
    async with at_work() as site:
        agent = site.agent(parts=(newer,))
        assert (await agent.register(protocol=9)).decision == ACCEPTED
        readings = [reading("lamp", "Level", 4.0), reading("lamp", "Spectrum", 1.0), reading("moon", "Phase", 1.0)]
        await agent.report(readings)
        assert site.value("R1:lamp:Level-Mon") == 4.0
        assert [p.name for p in site.table.points() if p.link == "R1"] == ["R1:lamp:Level-Mon"]
        await agent.close()


async def test_an_id_that_is_the_name_of_something_else_is_refused(at_work: Run) -> None:
    async with at_work() as site:
        site.table.add(
            [Point("T1:x", Kind.NUMBER, "T1", "R1"), Point("R2:ph:pH-Mon", Kind.NUMBER, "R2")], None, "aruba"
        )
        for name, words in (("R1", "a link of [aruba]"), ("R2", "two points are named R2:ph:pH-Mon")):
            agent = site.agent(name)
            reply = await agent.register()
            assert (reply.decision, words in reply.reason) == (REFUSED, True), reply.reason
            await agent.close()
        assert "R2:ph:Comm-Sts" not in site.table, "all or nothing"


async def test_the_history_place_is_told_and_whether_it_changed(at_work: Run) -> None:
    async with at_work(history_url="postgresql://agent:hush@db/history") as site:
        agent = site.agent()
        reply = await agent.register()
        assert (reply.history.url, reply.history.schema_revision) == ("postgresql://agent:hush@db/history", 1)
        assert reply.history_changed
        from vigilia.drivers.reactor.coordinator import url_hash

        known = {"history_url_hash": url_hash(reply.history.url), "history_revision": 1}
        assert not (await agent.register(**known)).history_changed
        assert (await agent.register(**known | {"history_revision": 2})).history_changed
        await agent.close()
    async with at_work() as site:
        agent = site.agent()
        reply = await agent.register()
        assert (reply.history.url, reply.history_changed) == ("", False)
        await agent.close()


async def test_a_port_that_is_taken_is_told_at_the_start(at_work: Run) -> None:
    async with at_work() as site:
        with pytest.raises(StartError, match=r"listen = '127.0.0.1:\d+': Address already in use: end the program"):
            async with at_work(listen=site.coordinator):
                pass
        manager = site.agent()
        port = (await manager.register()).manager[1:]
        await manager.close()
        with pytest.raises(StartError, match=rf"manager_ports = '{port}': none of them is free on 127.0.0.1"):
            async with at_work(manager_ports=port):
                pass
        free = int(port) + 1
        async with at_work(manager_ports=f"{port}-{free + 20}") as other:
            agent = other.agent()
            assert int(port) < int((await agent.register()).manager[1:]) <= free + 20
            await agent.close()


async def test_over_tls_and_with_tokens_off_loopback(at_work: Run, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    root = authority.cert_pem.bytes()
    async with at_work(listen="0.0.0.0:0", tls_cert="cert.pem", tls_key="key.pem") as site:
        coordinator = f"127.0.0.1:{site.driver.address[1]}"
        from tests.unit.drivers.reactor.agents import Agent

        agent = Agent(coordinator, root_certificate=root)
        with refused(grpc.StatusCode.UNAUTHENTICATED, "token"):
            await agent.register()
        await agent.close()
        agent = Agent(coordinator, root_certificate=root, token=await site.driver.enrol("R1", ANA))
        assert (await agent.register()).decision == ACCEPTED
        await agent.report()
        assert site.value("R1:ph:pH-Mon") == 7.0
        await agent.close()
        await until(lambda: not site.driver.missing())


async def test_who_shows_no_token_cannot_even_hold_a_call_open(at_work: Run, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with at_work(listen="0.0.0.0:0", tls_cert="cert.pem", tls_key="key.pem") as site:
        await site.driver.enrol("R1", ANA)

        over = asyncio.Event()

        async def says_nothing() -> AsyncIterator[bytes]:
            await over.wait()
            for nothing in ():
                yield nothing

        async with grpc.aio.secure_channel(f"127.0.0.1:{site.driver.address[1]}", credentials) as channel:
            for metadata in ((), (("authorization", "Bearer "),), (("authorization", "Bearer wrong"),)):
                call = channel.stream_unary("/vigilia.reactor.v1.Coordinator/Register")
                with refused(grpc.StatusCode.UNAUTHENTICATED, "token"):
                    async with asyncio.timeout(5):
                        await call(says_nothing(), metadata=metadata)
            over.set()


async def test_a_key_that_is_none_is_told_at_the_start(at_work: Run, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("no PEM")
    with pytest.raises(StartError, match="name a certificate chain and its key"):
        async with at_work(tls_cert="cert.pem", tls_key="key.pem"):
            pass


async def test_the_access_log_has_who_let_a_reactor_in(at_work: Run) -> None:
    ana = Origin("web", "ana", "192.0.2.7")
    async with at_work(accept="known") as site:
        agent = site.agent()
        await agent.register()
        await site.driver.accept("R1", ana)
        await site.driver.accept("R1", ana)  # nothing is left to be done
        await site.driver.enrol("R1", ana)
        await site.driver.enrol("R2", ana)
        lines = [(line["event"], line["about"]) for line in reversed(await newest(site.store))]
        assert lines == [("reactor-accepted", "R1"), ("reactor-enrolled", "R1"), ("reactor-enrolled", "R2")]
        assert {(line["via"], line["user"], line["host"]) for line in await newest(site.store)} == {
            ("web", "ana", "192.0.2.7")
        }
        await agent.close()


async def test_no_registration_waits_for_a_store_that_does_not_answer(at_work: Run, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "vigilia.db", isolation_level=None)
    async with at_work() as site:
        first, second = site.agent("R1"), site.agent("R2", parts=(PH, HEATER))
        holder.execute("BEGIN EXCLUSIVE")
        try:
            async with asyncio.timeout(2):  # an agent gives up after 4 s; the store waits for the lock for longer
                for agent in (first, second, first):
                    assert (await agent.register()).decision == ACCEPTED
                    await agent.report()
            assert site.shows("R1:ph:pH-Mon", 7.0)()
            assert site.shows("R2:ph:pH-Mon", 7.0)()
            await until(lambda: any("the points of reactors" in text for text in site.driver.missing()), 15)
        finally:
            holder.close()
        await until(lambda: site.driver.missing() == [], 15)
        assert "R2:ph:pH-Mon" in {point.name for point in await site.store.known_points("reactor")}
        kept = await load_checkpoints(site.store, "reactor")
        assert {"parts:R1", "parts:R2"} <= kept.keys()
        await first.close()
        await second.close()
