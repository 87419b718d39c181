"""The driver at work on simulated switches: writes, confirmed, refused and lost."""

import asyncio
import time

import pytest

from tests.conftest import until
from tests.unit.drivers.aruba.conftest import MakeSite
from tests.unit.drivers.aruba.names import (
    DISABLED,
    GOOD,
    LOGIN,
    RAW,
    SEL,
    STS,
    WRITE,
    disconnected,
    paths,
    writes,
)
from vigilia.errors import NotWritable, Refused, WriteTimeout
from vigilia.link import Contact
from vigilia.sim.aruba import SimSwitch


@pytest.mark.parametrize("put", [True, False])
async def test_a_write_switches_the_port(site: MakeSite, put: bool) -> None:
    async with SimSwitch(ports=2, detect_s=0.0, put=put, **LOGIN) as switch, site(switch) as at_work:
        await until(lambda: at_work.value(SEL) == 1)
        reading = await at_work.write(SEL, "Off")
        assert (reading.value, reading[2:]) == (0, GOOD)
        assert not switch.model.port("1").enabled
        assert switch.model.port("2").enabled
        await until(lambda: at_work.value(RAW) == DISABLED)
        assert await at_work.write(SEL, 0), "an equal value is a request like any other"
        assert len(writes(switch)) == 2
        await at_work.write(SEL, 1)
        await until(lambda: at_work.value(STS) == 1)


async def test_a_write_shows_at_once(site: MakeSite) -> None:
    async with SimSwitch(ports=1, latency_s=0.3) as switch, site(switch, timeout_s=2.0) as at_work:
        await until(lambda: at_work.value(SEL) == 1)
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
        await until(lambda: at_work.value(SEL) == 1)
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
        await until(lambda: at_work.link.reconnects == 1)
        await at_work.scans(3)
        assert writes(switch, before) == ["PUT ports/1/poe"]
        assert switch.model.port("1").enabled
        assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE)


async def test_writes_while_disconnected_fail_at_once_and_are_never_sent(site: MakeSite) -> None:
    async with SimSwitch(ports=1) as switch, site(switch) as at_work:
        await at_work.scans(1)
        async with disconnected(switch):
            await until(lambda: at_work.link.contact is not Contact.CONNECTED)
            for value in (0, 1, 0):
                began = time.monotonic()
                with pytest.raises(NotWritable, match="sw-1 is disconnected"):
                    await at_work.write(SEL, value)
                assert time.monotonic() - began < 0.1
            assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE)
        await until(lambda: at_work.alarm(RAW) == GOOD)
        await at_work.scans(3)
        assert not writes(switch)
        assert switch.model.port("1").enabled
        assert (at_work.value(SEL), at_work.alarm(SEL)) == (0, WRITE)


async def test_a_write_amid_a_scan_port_by_port_waits_for_one_request_at_most(site: MakeSite) -> None:
    async with (
        SimSwitch(ports=24, collection=False, latency_s=0.02) as switch,
        site(switch, timeout_s=2.0) as at_work,
    ):
        await until(lambda: at_work.value("sw-1-P24:PwrState-Sel") is not None)
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
