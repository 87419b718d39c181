"""The driver at work on simulated switches: contact, sessions and certificates through every fault."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import until
from tests.unit.drivers.aruba.conftest import Certificates, MakeSite, Recorder
from tests.unit.drivers.aruba.names import (
    DELIVERING,
    DISABLED,
    GOOD,
    LOGIN,
    LOST,
    RAW,
    SEL,
    paths,
    writes,
)
from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.drivers.aruba.driver import build
from vigilia.errors import NotWritable, StartError
from vigilia.link import Contact
from vigilia.points import Severity, Status
from vigilia.sim.aruba import SimSwitch
from vigilia.table import PointTable

# Losing contact


@pytest.mark.parametrize("fault", ["hang", "reset", "cut-before", "refuse"])
async def test_lost_contact_marks_everything_read_and_comes_back(site: MakeSite, fault: str) -> None:
    async with SimSwitch(ports=2, **LOGIN) as switch, site(switch, timeout_s=0.3) as at_work:
        await at_work.scans(2)
        before = {point.name: at_work.value(point.name) for point in at_work.driver.points}
        await switch.inject(fault)
        began = time.monotonic()
        await until(lambda: at_work.alarm(RAW) == LOST)
        assert time.monotonic() - began < 1.0 / 20 + 0.3 + 0.5, "a scan period, the time out, and some for this machine"
        for point in at_work.driver.points:
            assert at_work.value(point.name) == before[point.name], "everything keeps what it had"
            assert at_work.alarm(point.name) == (GOOD if point.setpoint else LOST)
        assert at_work.alarm("vigilia:sw-1:Connected-Sts") == (Severity.MAJOR, Status.STATE)
        assert at_work.value("vigilia:sw-1:Error-Mon")
        await switch.clear_faults()
        await until(lambda: all(at_work.alarm(point.name) == GOOD for point in at_work.driver.points))
        assert at_work.value("vigilia:sw-1:Connected-Sts") == 1
        assert (switch.max_open_sessions, switch.max_open_connections) == (1, 1)


async def test_a_slow_drip_is_a_time_out_of_the_whole_request(site: MakeSite) -> None:
    async with SimSwitch(ports=2) as switch, site(switch, timeout_s=0.3) as at_work:
        await at_work.scans(1)
        await switch.inject("drip", count=1)
        await until(lambda: at_work.alarm(RAW) == LOST, 2)
        assert "no answer within 0.3 s" in at_work.link.error or at_work.link.reconnects


@pytest.mark.parametrize("fault", ["500", "garbage", "wrong-shape", "huge", "cut", "redirect"])
async def test_bad_answers_are_discarded_and_the_third_in_a_row_is_a_disconnection(site: MakeSite, fault: str) -> None:
    async with SimSwitch(ports=1, **LOGIN) as switch, site(switch, timeout_s=2.0) as at_work:
        more = {"location": "127.0.0.1:9"} if fault == "redirect" else {}
        await at_work.scans(2)
        await switch.inject(fault, path="stats", count=2, **more)
        await until(lambda: at_work.link.bad_answers == 2)
        await at_work.scans(1)
        assert at_work.link.contact is Contact.CONNECTED
        assert LOST not in {reading[2:] for reading in at_work.seen(RAW)}, "discarded, and no alarm"
        assert (switch.logins, paths(switch).count("DELETE login-sessions")) == (1, 0), "no logout after a single one"

        before = len(switch.requests)
        await switch.inject(fault, path="stats", count=3, **more)
        await until(lambda: at_work.link.reconnects == 1)
        assert at_work.link.bad_answers == 5
        assert LOST in {reading[2:] for reading in at_work.seen(RAW)}
        asked = paths(switch, before)
        assert (
            asked[asked.index("DELETE login-sessions") - 3 : asked.index("DELETE login-sessions")]
            == ["GET poe/ports/stats"] * 3
        ), "the third is followed by a logout, on the same connection"
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
            await until(lambda number=number: switch.logins == number)
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
        await until(lambda: switch.logins == 2)
        await at_work.scans(1)
        assert {reading[2:] for reading in at_work.seen(RAW)} == {GOOD}
        assert at_work.link.reconnects == 0


async def test_no_free_session_is_said_in_error_and_alarm_and_tried_again(site: MakeSite) -> None:
    async with SimSwitch(ports=1, **LOGIN) as switch:
        await switch.inject("session-full")
        async with site(switch) as at_work:
            await until(lambda: "no REST session is free" in str(at_work.value("vigilia:sw-1:Error-Mon")))
            assert at_work.alarm("vigilia:sw-1:Error-Mon") == (Severity.MAJOR, Status.STATE)
            with pytest.raises(NotWritable, match="no REST session is free"):
                await at_work.write(SEL, 1)
            await until(lambda: paths(switch).count("POST login-sessions") >= 3)
            await switch.clear_faults()
            await until(lambda: at_work.value(RAW) == DELIVERING)


async def test_a_wrong_password_is_said_in_error(site: MakeSite) -> None:
    async with SimSwitch(ports=1, **LOGIN) as switch:
        object.__setattr__(switch.firmware, "password", "another")
        async with site(switch) as at_work:
            object.__setattr__(switch.firmware, "password", "a third")
            await until(lambda: "aaa authentication rest" in str(at_work.value("vigilia:sw-1:Error-Mon")))
            assert "another" not in str(at_work.value("vigilia:sw-1:Error-Mon"))


async def test_twenty_forced_reconnections_never_hold_more_than_one_session_or_connection(site: MakeSite) -> None:
    faults = ("reset", "cut-before", "hang", "refuse")
    async with SimSwitch(ports=2, **LOGIN) as switch, site(switch, timeout_s=0.2, speed=100) as at_work:
        for number in range(20):
            await at_work.scans(1)
            await switch.inject(faults[number % len(faults)])
            await until(lambda: at_work.link.contact is not Contact.CONNECTED)
            if number % 3 == 0:
                await asyncio.sleep(0.05)  # let some attempts to connect meet the fault too
            await switch.clear_faults()
            await until(lambda number=number: at_work.link.reconnects == number + 1)
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
                await until(lambda: at_work.link.contact is Contact.DISCONNECTED)
            if state == "in a write":
                write = asyncio.create_task(at_work.write(SEL, 0))
                await until(lambda: bool(writes(switch)))
        if state == "in a write":
            assert (await write).value == 0
        assert (switch.open_sessions, switch.open_connections) == (0, 0)


async def test_a_reboot_is_survived(site: MakeSite) -> None:
    async with SimSwitch(ports=2, detect_s=0.1, **LOGIN) as switch, site(switch) as at_work:
        await until(lambda: at_work.value(SEL) == 1)
        await at_work.write("sw-1-P2:PwrState-Sel", 0)
        await switch.reboot(down_s=0.3, boot_s=0.5)
        await until(lambda: at_work.alarm(RAW) == LOST)
        await until(lambda: (at_work.value(RAW), at_work.alarm(RAW)) == (DELIVERING, GOOD))
        assert at_work.value("sw-1-P2:PwrState-Raw") == DISABLED
        assert (at_work.value(SEL), at_work.value("sw-1-P2:PwrState-Sel")) == (1, 0)
        assert switch.max_open_sessions == 1


async def test_a_switch_that_hangs_does_not_touch_another(site: MakeSite) -> None:
    async with SimSwitch(ports=1) as first, SimSwitch(name="sw-2", ports=1) as second, site(first, second) as at_work:
        await at_work.scans(1)
        await at_work.scans(1, "sw-2-P1:PwrState-Raw")
        await first.inject("hang")
        await until(lambda: at_work.alarm(RAW) == LOST)
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
        await until(lambda: at_work.value(RAW) == DELIVERING)
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
        await until(lambda: "certificate is not trusted" in str(at_work.value("vigilia:sw-1:Error-Mon")))
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
