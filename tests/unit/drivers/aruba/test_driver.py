"""The driver at work: table, links, sessions and simulated switches together, through every fault."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.unit.drivers.aruba.conftest import Certificates, MakeSite, Recorder, eventually
from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.drivers.aruba.driver import build
from vigilia.errors import NotWritable, Refused, StartError, WriteTimeout
from vigilia.link import Contact
from vigilia.points import NEVER_READ, Severity, Status
from vigilia.sim.aruba import SimSwitch
from vigilia.store import Chosen
from vigilia.table import PointTable

LOGIN: dict[str, Any] = {"username": "controle", "password": "example"}
SEL, STS, RAW, DESC, POWER = (
    f"sw-1-P1:{suffix}" for suffix in ("PwrState-Sel", "PwrState-Sts", "PwrState-Raw", "PwrState-Desc", "Power-Mon")
)
SEARCHING, DELIVERING, DISABLED, FAULT, UNKNOWN = 0, 1, 2, 3, 6
GOOD = (Severity.NO_ALARM, Status.NO_ALARM)
LOST = (Severity.INVALID, Status.TIMEOUT)
READ = (Severity.INVALID, Status.READ)
WRITE = (Severity.INVALID, Status.WRITE)


def paths(switch: SimSwitch, start: int = 0) -> list[str]:
    return [f"{r.method} {re.sub(r'^/rest/(v[0-9]/)?', '', r.path)}" for r in list(switch.requests)[start:]]


def writes(switch: SimSwitch, start: int = 0) -> list[str]:
    return [path for path in paths(switch, start) if path.startswith("PUT") or path == "POST cli"]


@contextlib.asynccontextmanager
async def disconnected(switch: SimSwitch) -> AsyncIterator[None]:
    await switch.inject("refuse")
    yield
    await switch.clear_faults()


# Reading


@pytest.mark.parametrize("collection", [True, False])
async def test_every_point_of_every_port_is_read(site: MakeSite, collection: bool) -> None:
    async with SimSwitch(ports=["1", "A2", "1/24"], collection=collection) as switch, site(switch) as at_work:
        for port in ("1", "A2", "1/24"):
            await eventually(lambda port=port: at_work.value(f"sw-1-P{port}:PwrState-Raw") == DELIVERING)
            assert at_work.value(f"sw-1-P{port}:PwrState-Sts") == 1
            assert at_work.value(f"sw-1-P{port}:Power-Mon") == 6.0
            assert at_work.value(f"sw-1-P{port}:Voltage-Mon") == 54.0
            assert at_work.value(f"sw-1-P{port}:PowerClass-Mon") == 3
        assert all(at_work.alarm(point.name) == GOOD for point in at_work.driver.points)


async def test_what_a_firmware_does_not_report_stays_undefined(site: MakeSite) -> None:
    async with SimSwitch(ports=1, fields="minimal") as switch, site(switch) as at_work:
        await at_work.scans(3)
        assert at_work.value(RAW) == DELIVERING
        assert at_work.reading(POWER) == NEVER_READ


async def test_changes_of_state_and_state_alarms(site: MakeSite) -> None:
    async with SimSwitch(ports=2) as switch, site(switch) as at_work:
        await at_work.scans(1)
        for state, raw, alarm in (
            ("PPDS_FAULT", FAULT, (Severity.MAJOR, Status.STATE)),
            ("PPDS_TEST", 5, GOOD),
            ("PPDS_SOMETHING", UNKNOWN, GOOD),
            (None, DELIVERING, GOOD),
        ):
            switch.model.change("1", time.monotonic(), state=state)
            await eventually(lambda raw=raw: at_work.value(RAW) == raw)
            assert at_work.alarm(RAW) == alarm
            assert at_work.alarm(STS) == at_work.alarm(DESC) == GOOD
            assert at_work.value(STS) == int(raw == DELIVERING)
        assert at_work.value("sw-1-P2:PwrState-Raw") == DELIVERING
        assert any("PPDS_SOMETHING" in str(reading.value) for reading in at_work.seen(DESC))


@pytest.mark.parametrize("collection", [True, False])
async def test_a_port_that_the_switch_does_not_list(
    site: MakeSite, collection: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with SimSwitch(ports=3, collection=collection) as switch, site(switch) as at_work:
        await at_work.scans(1)
        await switch.inject("missing-port", ports=["1"])
        await eventually(lambda: at_work.alarm(RAW) == READ)
        assert (at_work.value(RAW), at_work.alarm(POWER), at_work.alarm(SEL)) == (DELIVERING, READ, GOOD)
        await at_work.scans(5)
        assert at_work.alarm("sw-1-P2:PwrState-Raw") == GOOD
        assert (at_work.link.reconnects, at_work.link.bad_answers) == (0, 0)
        assert caplog.text.count("does not list port 1") == 1, "one log line"
        await switch.clear_faults()
        await eventually(lambda: at_work.alarm(RAW) == GOOD)
        assert caplog.text.count("lists port 1 again") == 1


async def test_a_port_that_was_never_listed_has_no_choice_until_it_is(site: MakeSite) -> None:
    async with SimSwitch(ports=2) as switch:
        await switch.inject("missing-port", ports=["1"])
        async with site(switch) as at_work:
            await at_work.scans(2)
            assert at_work.alarm(RAW) == READ
            assert at_work.reading(SEL) == NEVER_READ
            assert at_work.value("sw-1-P2:PwrState-Sel") == 1
            async with disconnected(switch):
                await eventually(lambda: at_work.alarm(RAW) == LOST)
            await eventually(lambda: at_work.value(SEL) == 1)
            assert at_work.alarm(RAW) == GOOD


# Boot


@pytest.mark.parametrize(
    ("selector_from", "chosen", "enabled", "attached", "expected"),
    [
        ("delivering", None, True, True, (1, GOOD)),
        ("delivering", None, True, False, (0, GOOD)),
        ("delivering", Chosen(1, confirmed=True), False, False, (0, GOOD)),
        ("enabled", None, True, False, (1, GOOD)),
        ("enabled", Chosen(1, confirmed=True), False, True, (0, GOOD)),
        ("last", Chosen(0, confirmed=True), True, True, (0, GOOD)),
        ("last", Chosen(1, confirmed=True), False, False, (1, GOOD)),
        ("last", Chosen(0, confirmed=False), True, True, (0, WRITE)),
        ("last", None, True, True, (1, GOOD)),
        ("last", None, True, False, (0, GOOD)),
    ],
)
async def test_what_the_choice_starts_from(
    site: MakeSite, selector_from: str, chosen: Chosen | None, enabled: bool, attached: bool, expected: object
) -> None:
    async with SimSwitch(ports=1, detect_s=0.0) as switch:
        switch.model.change("1", time.monotonic(), enabled=enabled, attached=attached)
        async with site(
            switch, chosen={SEL: chosen} if chosen else None, selector_from=selector_from, timeout_s=2.0
        ) as at_work:
            await eventually(lambda: at_work.value(SEL) is not None)
            assert (at_work.value(SEL), at_work.alarm(SEL)) == expected
            await at_work.scans(3)
            assert len(at_work.seen(SEL)) == 1
        assert not writes(switch), "a start reads and never writes"


@pytest.mark.parametrize("collection", [True, False])
async def test_the_enable_flag_of_a_firmware_without_objects_is_whether_it_delivers(
    site: MakeSite, collection: bool
) -> None:
    async with (
        SimSwitch(ports=1, put=False, collection=collection) as switch,
        site(switch, selector_from="enabled") as at_work,
    ):
        await eventually(lambda: at_work.value(SEL) == 1)


async def test_a_write_to_a_vanished_port_does_not_change_how_others_are_read_at_boot(site: MakeSite) -> None:
    async with SimSwitch(ports=2, detect_s=30) as switch:
        switch.model.change("2", time.monotonic(), attached=False)
        async with site(switch, selector_from="enabled", settle_s=20.0) as at_work:
            await at_work.connected()
            await switch.inject("missing-port", ports=["1"])
            with pytest.raises(Refused):
                await at_work.write(SEL, 1)
            await eventually(lambda: at_work.value("sw-1-P2:PwrState-Sel") is not None)
            assert at_work.value("sw-1-P2:PwrState-Sel") == 1, "its PoE is enabled, though it does not deliver"


async def test_the_boot_reading_waits_until_the_switch_has_settled(site: MakeSite) -> None:
    """A switch answers before it supplies power: what it says at first is not what it was."""
    async with SimSwitch(ports=1, detect_s=0.5) as switch:
        switch.model.restart(time.monotonic())
        async with site(switch, settle_s=40.0) as at_work:  # 2 s of real time
            await at_work.scans(2)
            assert at_work.value(RAW) == SEARCHING
            assert at_work.reading(SEL) == NEVER_READ
            await eventually(lambda: at_work.value(SEL) is not None)
            assert at_work.value(SEL) == 1


async def test_a_write_before_the_boot_reading_is_the_choice(site: MakeSite) -> None:
    async with SimSwitch(ports=1) as switch, site(switch, settle_s=10.0) as at_work:
        await at_work.connected()
        assert (await at_work.write(SEL, 0)).value == 0
        await asyncio.sleep(0.7)
        await at_work.scans(2)
        assert at_work.value(SEL) == 0


async def test_a_switch_that_is_off_at_boot(site: MakeSite) -> None:
    async with SimSwitch(ports=1) as switch:
        await switch.inject("refuse")
        async with site(switch) as at_work:
            await eventually(lambda: at_work.link.error != "")
            assert all(at_work.reading(point.name) == NEVER_READ for point in at_work.driver.points)
            assert at_work.table.point(RAW).blank == UNKNOWN
            assert at_work.value("vigilia:sw-1:Connected-Sts") == 0
            with pytest.raises(NotWritable):
                await at_work.write(SEL, 1)
            assert (at_work.value(SEL), at_work.alarm(SEL)) == (1, WRITE)
            await switch.clear_faults()
            await eventually(lambda: at_work.value(RAW) == DELIVERING)


async def test_the_choice_changes_by_writes_alone(site: MakeSite) -> None:
    async with SimSwitch(ports=1, detect_s=0.0) as switch, site(switch) as at_work:
        await eventually(lambda: at_work.value(SEL) == 1)
        switch.model.change("1", time.monotonic(), enabled=False)
        await eventually(lambda: at_work.value(STS) == 0)
        for _ in range(2):
            async with disconnected(switch):
                await eventually(lambda: at_work.alarm(STS) == LOST)
            await eventually(lambda: at_work.alarm(STS) == GOOD)
            await at_work.scans(2)
        assert (at_work.value(SEL), at_work.alarm(SEL), len(at_work.seen(SEL))) == (1, GOOD, 1)
        await at_work.write(SEL, 0)
        assert at_work.value(SEL) == 0


# Writes


@pytest.mark.parametrize("put", [True, False])
async def test_a_write_switches_the_port(site: MakeSite, put: bool) -> None:
    async with SimSwitch(ports=2, detect_s=0.0, put=put, **LOGIN) as switch, site(switch) as at_work:
        await eventually(lambda: at_work.value(SEL) == 1)
        reading = await at_work.write(SEL, "Off")
        assert (reading.value, reading[2:]) == (0, GOOD)
        assert not switch.model.port("1").enabled
        assert switch.model.port("2").enabled
        await eventually(lambda: at_work.value(RAW) == DISABLED)
        assert await at_work.write(SEL, 0), "an equal value is a request like any other"
        assert len(writes(switch)) == 2
        await at_work.write(SEL, 1)
        await eventually(lambda: at_work.value(STS) == 1)


async def test_a_write_shows_at_once(site: MakeSite) -> None:
    async with SimSwitch(ports=1, latency_s=0.3) as switch, site(switch, timeout_s=2.0) as at_work:
        await eventually(lambda: at_work.value(SEL) == 1)
        viewer = at_work.table.subscribe([SEL])
        await viewer.changes()
        began = time.monotonic()
        write = asyncio.create_task(at_work.write(SEL, 0))
        assert (await viewer.changes())[SEL].value == 0
        assert time.monotonic() - began < 0.25
        assert switch.model.port("1").enabled, "the switch has not even heard of it"
        await write


@pytest.mark.parametrize(("put", "reason"), [(True, "the configuration was rejected"), (False, "CCS_FAILURE")])
async def test_a_refused_write_keeps_the_choice_with_an_alarm(site: MakeSite, put: bool, reason: str) -> None:
    async with SimSwitch(ports=1, put=put) as switch, site(switch) as at_work:
        await eventually(lambda: at_work.value(SEL) == 1)
        await switch.inject("reject-put")
        with pytest.raises(Refused, match=reason):
            await at_work.write(SEL, 0)
        assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE)
        await at_work.scans(3)
        assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE), "scans leave it alone"
        assert at_work.link.contact is Contact.CONNECTED
        await switch.clear_faults()
        assert (await at_work.write(SEL, 0))[2:] == GOOD
        assert at_work.notebook.outcomes == ["Refused", "confirmed"]


async def test_a_write_that_the_switch_ignores_is_refused(site: MakeSite) -> None:
    async with SimSwitch(ports=1) as switch, site(switch) as at_work:
        await at_work.connected()
        await switch.inject("put-ignored")
        with pytest.raises(Refused, match="not switched"):
            await at_work.write(SEL, 0)
        assert at_work.alarm(SEL) == WRITE


@pytest.mark.parametrize("fault", ["500", "garbage", "wrong-shape", "huge", "cut", "redirect"])
async def test_bad_answers_to_writes_are_refusals_and_cost_no_connection(site: MakeSite, fault: str) -> None:
    async with SimSwitch(ports=1) as switch, site(switch, timeout_s=2.0) as at_work:
        await at_work.connected()
        more = {"location": "127.0.0.1:9"} if fault == "redirect" else {}
        for _ in range(4):
            await switch.inject(fault, method="PUT", count=1, **more)
            with pytest.raises(Refused):
                await at_work.write(SEL, 0)
        assert len(writes(switch)) == 4
        assert (at_work.link.reconnects, at_work.link.bad_answers) == (0, 0)


@pytest.mark.parametrize("fault", ["cut-before", "reset", "hang"])
async def test_a_write_without_answer_is_lost_and_never_repeated(site: MakeSite, fault: str) -> None:
    async with SimSwitch(ports=1) as switch, site(switch) as at_work:
        await at_work.scans(3)
        await switch.inject(fault, method="PUT", count=1)
        before = len(switch.requests)
        with pytest.raises(WriteTimeout, match="sw-1 gave no answer"):
            await at_work.write(SEL, 0)
        assert at_work.alarm(SEL) == WRITE
        await eventually(lambda: at_work.link.reconnects == 1)
        await at_work.scans(3)
        assert writes(switch, before) == ["PUT ports/1/poe"]
        assert switch.model.port("1").enabled
        assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE)


async def test_writes_while_disconnected_fail_at_once_and_are_never_sent(site: MakeSite) -> None:
    async with SimSwitch(ports=1) as switch, site(switch) as at_work:
        await at_work.scans(1)
        async with disconnected(switch):
            await eventually(lambda: at_work.link.contact is not Contact.CONNECTED)
            for value in (0, 1, 0):
                began = time.monotonic()
                with pytest.raises(NotWritable, match="sw-1 is disconnected"):
                    await at_work.write(SEL, value)
                assert time.monotonic() - began < 0.1
            assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE)
        await eventually(lambda: at_work.alarm(RAW) == GOOD)
        await at_work.scans(3)
        assert not writes(switch)
        assert switch.model.port("1").enabled
        assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE)


async def test_a_write_amid_a_scan_port_by_port_waits_for_one_request_at_most(site: MakeSite) -> None:
    async with (
        SimSwitch(ports=24, collection=False, latency_s=0.02) as switch,
        site(switch, timeout_s=2.0) as at_work,
    ):
        await eventually(lambda: at_work.value("sw-1-P24:PwrState-Sel") is not None)
        for value in (0, 1, 0, 1, 0):
            await at_work.scans(1, "sw-1-P5:PwrState-Raw")  # in the middle of a round
            before = len(switch.requests)
            await at_work.write(SEL, value)
            asked = paths(switch, before)
            assert asked.index("PUT ports/1/poe") <= 1, asked
        await at_work.scans(1, "sw-1-P24:PwrState-Raw")


async def test_writes_overtake_scans_and_keep_their_order(site: MakeSite) -> None:
    async with SimSwitch(ports=8, latency_s=0.01) as switch, site(switch, timeout_s=2.0) as at_work:
        await at_work.scans(1)
        before = len(switch.requests)
        await asyncio.gather(*(at_work.write(f"sw-1-P{port}:PwrState-Sel", 0) for port in range(1, 9)))
        order = [path for path in paths(switch, before) if path.startswith("PUT")]
        assert order == [f"PUT ports/{port}/poe" for port in range(1, 9)]
        asked = paths(switch, before)
        last = len(asked) - 1 - asked[::-1].index("PUT ports/8/poe")
        assert last <= 8, f"no scan between the writes: {asked}"
        assert switch.overlapping == 0, "one request at a time"


# Losing contact


@pytest.mark.parametrize("fault", ["hang", "reset", "cut-before", "refuse"])
async def test_lost_contact_marks_everything_read_and_comes_back(site: MakeSite, fault: str) -> None:
    async with SimSwitch(ports=2, **LOGIN) as switch, site(switch, timeout_s=0.3) as at_work:
        await at_work.scans(2)
        before = {point.name: at_work.value(point.name) for point in at_work.driver.points}
        await switch.inject(fault)
        began = time.monotonic()
        await eventually(lambda: at_work.alarm(RAW) == LOST)
        assert time.monotonic() - began < 1.0 / 20 + 0.3 + 0.5, "a scan period, the time out, and some for this machine"
        for point in at_work.driver.points:
            assert at_work.value(point.name) == before[point.name], "everything keeps what it had"
            assert at_work.alarm(point.name) == (GOOD if point.setpoint else LOST)
        assert at_work.alarm("vigilia:sw-1:Connected-Sts") == (Severity.MAJOR, Status.STATE)
        assert at_work.value("vigilia:sw-1:Error-Mon")
        await switch.clear_faults()
        await eventually(lambda: all(at_work.alarm(point.name) == GOOD for point in at_work.driver.points))
        assert at_work.value("vigilia:sw-1:Connected-Sts") == 1
        assert (switch.max_open_sessions, switch.max_open_connections) == (1, 1)


async def test_a_slow_drip_is_a_time_out_of_the_whole_request(site: MakeSite) -> None:
    async with SimSwitch(ports=2) as switch, site(switch, timeout_s=0.3) as at_work:
        await at_work.scans(1)
        await switch.inject("drip", count=1)
        await eventually(lambda: at_work.alarm(RAW) == LOST, 2)
        assert "no answer within 0.3 s" in at_work.link.error or at_work.link.reconnects


@pytest.mark.parametrize("fault", ["500", "garbage", "wrong-shape", "huge", "cut", "redirect"])
async def test_bad_answers_are_discarded_and_the_third_in_a_row_is_a_disconnection(site: MakeSite, fault: str) -> None:
    async with SimSwitch(ports=1, **LOGIN) as switch, site(switch, timeout_s=2.0) as at_work:
        more = {"location": "127.0.0.1:9"} if fault == "redirect" else {}
        await at_work.scans(2)
        await switch.inject(fault, path="stats", count=2, **more)
        await eventually(lambda: at_work.link.bad_answers == 2)
        await at_work.scans(1)
        assert at_work.link.contact is Contact.CONNECTED
        assert LOST not in {reading[2:] for reading in at_work.seen(RAW)}, "discarded, and no alarm"
        assert (switch.logins, paths(switch).count("DELETE login-sessions")) == (1, 0), "no logout after a single one"

        before = len(switch.requests)
        await switch.inject(fault, path="stats", count=3, **more)
        await eventually(lambda: at_work.link.reconnects == 1)
        assert at_work.link.bad_answers == 5
        assert LOST in {reading[2:] for reading in at_work.seen(RAW)}
        asked = paths(switch, before)
        assert asked[asked.index("DELETE login-sessions") - 3 : asked.index("DELETE login-sessions")] == [
            "GET poe/ports/stats"
        ] * 3, "the third is followed by a logout, on the same connection"
        await at_work.scans(1)
        assert (switch.max_open_sessions, switch.open_sessions, switch.max_open_connections) == (1, 1, 1)


async def test_an_idle_connection_that_the_switch_closes_is_reopened_silently(site: MakeSite) -> None:
    async with SimSwitch(ports=1, **LOGIN) as switch, site(switch, speed=4) as at_work:
        await at_work.scans(1)
        connections = switch.total_connections
        await switch.inject("close-idle", count=1)
        await at_work.scans(3)
        assert switch.total_connections == connections + 1
        assert (at_work.link.reconnects, at_work.link.bad_answers, switch.logins) == (0, 0, 1)
        assert {reading[2:] for reading in at_work.seen(RAW)} == {GOOD}


@pytest.mark.parametrize("refusal", ["401", "html"])
@pytest.mark.parametrize("collection", [True, False])
async def test_an_expired_session_is_renewed_without_an_alarm_and_without_losing_the_scan(
    site: MakeSite, refusal: Any, collection: bool
) -> None:
    async with (
        SimSwitch(ports=2, login_refusal=refusal, collection=collection, **LOGIN) as switch,
        site(switch) as at_work,
    ):
        for number in range(2, 5):
            await at_work.scans(2)
            await switch.inject("expire")
            await eventually(lambda number=number: switch.logins == number)
        await at_work.scans(2)
        assert (at_work.link.reconnects, at_work.link.bad_answers) == (0, 0)
        assert {reading[2:] for reading in at_work.seen(RAW)} == {GOOD}
        assert (switch.max_open_sessions, switch.total_connections) == (1, 1)
        assert at_work.value("vigilia:sw-1:Connected-Sts") == 1


async def test_a_slow_renewal_does_not_let_readings_age(site: MakeSite) -> None:
    """Refused, logged out, logged in, asked again: 4 s from one reading to the next, which may age 2.7 s."""
    async with (
        SimSwitch(ports=1, **LOGIN) as switch,
        site(switch, timeout_s=1.3, login_timeout_s=1.3) as at_work,
    ):
        await at_work.scans(2)
        switch.latency_s = 1.0
        await at_work.scans(1)
        await switch.inject("expire")
        await eventually(lambda: switch.logins == 2)
        await at_work.scans(1)
        assert {reading[2:] for reading in at_work.seen(RAW)} == {GOOD}
        assert at_work.link.reconnects == 0


async def test_no_free_session_is_said_in_error_and_alarm_and_tried_again(site: MakeSite) -> None:
    async with SimSwitch(ports=1, **LOGIN) as switch:
        await switch.inject("session-full")
        async with site(switch) as at_work:
            await eventually(lambda: "no REST session is free" in str(at_work.value("vigilia:sw-1:Error-Mon")))
            assert at_work.alarm("vigilia:sw-1:Error-Mon") == (Severity.MAJOR, Status.STATE)
            with pytest.raises(NotWritable, match="no REST session is free"):
                await at_work.write(SEL, 1)
            await eventually(lambda: paths(switch).count("POST login-sessions") >= 3)
            await switch.clear_faults()
            await eventually(lambda: at_work.value(RAW) == DELIVERING)


async def test_a_wrong_password_is_said_in_error(site: MakeSite) -> None:
    async with SimSwitch(ports=1, **LOGIN) as switch:
        object.__setattr__(switch.firmware, "password", "another")
        async with site(switch) as at_work:
            object.__setattr__(switch.firmware, "password", "a third")
            await eventually(lambda: "aaa authentication rest" in str(at_work.value("vigilia:sw-1:Error-Mon")))
            assert "another" not in str(at_work.value("vigilia:sw-1:Error-Mon"))


async def test_twenty_forced_reconnections_never_hold_more_than_one_session_or_connection(site: MakeSite) -> None:
    faults = ("reset", "cut-before", "hang", "refuse")
    async with SimSwitch(ports=2, **LOGIN) as switch, site(switch, timeout_s=0.2, speed=100) as at_work:
        for number in range(20):
            await at_work.scans(1)
            await switch.inject(faults[number % len(faults)])
            await eventually(lambda: at_work.link.contact is not Contact.CONNECTED)
            if number % 3 == 0:
                await asyncio.sleep(0.05)  # let some attempts to connect meet the fault too
            await switch.clear_faults()
            await eventually(lambda number=number: at_work.link.reconnects == number + 1)
        await at_work.scans(1)
        assert (switch.open_sessions, switch.max_open_sessions) == (1, 1)
        assert (switch.open_connections, switch.max_open_connections) == (1, 1)
    assert switch.open_sessions == 0, "zero sessions left after a stop"


@pytest.mark.parametrize("state", ["connected", "disconnected", "in a write"])
async def test_a_stop_logs_out_wherever_it_finds_the_link(site: MakeSite, state: str) -> None:
    async with SimSwitch(ports=1, latency_s=0.02, **LOGIN) as switch:
        async with site(switch, timeout_s=2.0) as at_work:
            await at_work.scans(1)
            if state == "disconnected":
                await switch.inject("reset", count=1)
                await eventually(lambda: at_work.link.contact is Contact.DISCONNECTED)
            if state == "in a write":
                write = asyncio.create_task(at_work.write(SEL, 0))
                await eventually(lambda: bool(writes(switch)))
        if state == "in a write":
            assert (await write).value == 0
        assert (switch.open_sessions, switch.open_connections) == (0, 0)


async def test_a_reboot_is_survived(site: MakeSite) -> None:
    async with SimSwitch(ports=2, detect_s=0.1, **LOGIN) as switch, site(switch) as at_work:
        await eventually(lambda: at_work.value(SEL) == 1)
        await at_work.write("sw-1-P2:PwrState-Sel", 0)
        await switch.reboot(down_s=0.3, boot_s=0.5)
        await eventually(lambda: at_work.alarm(RAW) == LOST)
        await eventually(lambda: (at_work.value(RAW), at_work.alarm(RAW)) == (DELIVERING, GOOD))
        assert at_work.value("sw-1-P2:PwrState-Raw") == DISABLED
        assert (at_work.value(SEL), at_work.value("sw-1-P2:PwrState-Sel")) == (1, 0)
        assert switch.max_open_sessions == 1


async def test_a_switch_that_hangs_does_not_touch_another(site: MakeSite) -> None:
    async with SimSwitch(ports=1) as first, SimSwitch(name="sw-2", ports=1) as second, site(first, second) as at_work:
        await at_work.scans(1)
        await at_work.scans(1, "sw-2-P1:PwrState-Raw")
        await first.inject("hang")
        await eventually(lambda: at_work.alarm(RAW) == LOST)
        await at_work.scans(10, "sw-2-P1:PwrState-Raw")
        assert {reading[2:] for reading in at_work.seen("sw-2-P1:PwrState-Raw")} == {GOOD}
        await at_work.write("sw-2-P1:PwrState-Sel", 0)
        assert not second.model.port("1").enabled
        assert first.model.port("1").enabled


# HTTPS


Make = Callable[[str], Certificates]


@pytest.mark.parametrize("keys", ["ca_file", "verify off"])
async def test_switches_over_https(site: MakeSite, certificates: Make, keys: str) -> None:
    made = certificates("127.0.0.1")
    options = {"ca_file": str(made.ca_file)} if keys == "ca_file" else {"verify": False}
    async with (
        SimSwitch(ports=1, tls=made.server, **LOGIN) as switch,
        site(switch, timeout_s=2.0, **options) as at_work,
    ):
        await eventually(lambda: at_work.value(RAW) == DELIVERING)
        await at_work.write(SEL, 0)
    assert (switch.open_sessions, switch.max_open_connections) == (0, 1)


@pytest.mark.parametrize("ca", [None, "another"])
async def test_a_wrong_certificate_is_said_in_error_and_nothing_is_sent(
    site: MakeSite, certificates: Make, ca: str | None
) -> None:
    made = certificates("127.0.0.1")
    options = {} if ca is None else {"ca_file": str(certificates("localhost").ca_file)}
    async with (
        SimSwitch(ports=1, tls=made.server, **LOGIN) as switch,
        site(switch, timeout_s=2.0, **options) as at_work,
    ):
        await eventually(lambda: "certificate is not trusted" in str(at_work.value("vigilia:sw-1:Error-Mon")))
        assert not switch.requests


async def test_a_ca_file_that_is_none(tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    config = ArubaConfig.model_validate(
        {
            "ca_file": str(tmp_path / "ca.pem"),
            "switches": [{"name": "s", "url": "https://h", "ports": [{"port": "1", "device": "D"}]}],
        }
    )
    clock = Clock()
    with pytest.raises(StartError, match=r"\[aruba\] ca_file: .*ca\.pem is no PEM bundle .*: name one that is"):
        build(config, Surroundings(PointTable(clock, Recorder()), clock, {}))  # type: ignore[arg-type]
