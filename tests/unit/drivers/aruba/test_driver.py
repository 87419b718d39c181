"""The driver at work on simulated switches: readings, and the boot reading of the choices."""

import asyncio
import logging
import time

import pytest

from tests.conftest import until
from tests.unit.drivers.aruba.conftest import MakeSite
from tests.unit.drivers.aruba.names import (
    DELIVERING,
    DESC,
    FAULT,
    GOOD,
    LOST,
    POWER,
    RAW,
    READ,
    SEARCHING,
    SEL,
    STS,
    UNKNOWN,
    WRITE,
    disconnected,
    writes,
)
from vigilia.errors import NotWritable, Refused
from vigilia.points import NEVER_READ, Severity, Status
from vigilia.sim.aruba import SimSwitch
from vigilia.store import Chosen

# Reading


@pytest.mark.parametrize("collection", [True, False])
async def test_every_point_of_every_port_is_read(site: MakeSite, collection: bool) -> None:
    async with SimSwitch(ports=["1", "A2", "1/24"], collection=collection) as switch, site(switch) as at_work:
        for port in ("1", "A2", "1/24"):
            await until(lambda port=port: at_work.value(f"sw-1-P{port}:PwrState-Raw") == DELIVERING)
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
            await until(lambda raw=raw: at_work.value(RAW) == raw)
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
        await until(lambda: at_work.alarm(RAW) == READ)
        assert (at_work.value(RAW), at_work.alarm(POWER), at_work.alarm(SEL)) == (DELIVERING, READ, GOOD)
        await at_work.scans(5)
        assert at_work.alarm("sw-1-P2:PwrState-Raw") == GOOD
        assert (at_work.link.reconnects, at_work.link.bad_answers) == (0, 0)
        assert caplog.text.count("does not list port 1") == 1, "one log line"
        await switch.clear_faults()
        await until(lambda: at_work.alarm(RAW) == GOOD)
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
                await until(lambda: at_work.alarm(RAW) == LOST)
            await until(lambda: at_work.value(SEL) == 1)
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
            await until(lambda: at_work.value(SEL) is not None)
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
        await until(lambda: at_work.value(SEL) == 1)


async def test_a_write_to_a_vanished_port_does_not_change_how_others_are_read_at_boot(site: MakeSite) -> None:
    async with SimSwitch(ports=2, detect_s=30) as switch:
        switch.model.change("2", time.monotonic(), attached=False)
        async with site(switch, selector_from="enabled", settle_s=20.0) as at_work:
            await at_work.connected()
            await switch.inject("missing-port", ports=["1"])
            with pytest.raises(Refused):
                await at_work.write(SEL, 1)
            await until(lambda: at_work.value("sw-1-P2:PwrState-Sel") is not None)
            assert at_work.value("sw-1-P2:PwrState-Sel") == 1, "its PoE is enabled, though it does not deliver"


async def test_the_boot_reading_waits_until_the_switch_has_settled(site: MakeSite) -> None:
    """A switch answers before it supplies power: what it says at first is not what it was."""
    async with SimSwitch(ports=1, detect_s=0.5) as switch:
        switch.model.restart(time.monotonic())
        async with site(switch, settle_s=40.0) as at_work:  # 2 s of real time
            await at_work.scans(2)
            assert at_work.value(RAW) == SEARCHING
            assert at_work.reading(SEL) == NEVER_READ
            await until(lambda: at_work.value(SEL) is not None)
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
            await until(lambda: at_work.link.error != "")
            assert all(at_work.reading(point.name) == NEVER_READ for point in at_work.driver.points)
            assert at_work.table.point(RAW).blank == UNKNOWN
            assert at_work.value("vigilia:sw-1:Connected-Sts") == 0
            with pytest.raises(NotWritable):
                await at_work.write(SEL, 1)
            assert (at_work.value(SEL), at_work.alarm(SEL)) == (1, WRITE)
            await switch.clear_faults()
            await until(lambda: at_work.value(RAW) == DELIVERING)


async def test_the_choice_changes_by_writes_alone(site: MakeSite) -> None:
    async with SimSwitch(ports=1, detect_s=0.0) as switch, site(switch) as at_work:
        await until(lambda: at_work.value(SEL) == 1)
        switch.model.change("1", time.monotonic(), enabled=False)
        await until(lambda: at_work.value(STS) == 0)
        for _ in range(2):
            async with disconnected(switch):
                await until(lambda: at_work.alarm(STS) == LOST)
            await until(lambda: at_work.alarm(STS) == GOOD)
            await at_work.scans(2)
        assert (at_work.value(SEL), at_work.alarm(SEL), len(at_work.seen(SEL))) == (1, GOOD, 1)
        await at_work.write(SEL, 0)
        assert at_work.value(SEL) == 0
