"""Choices that start from what an archive last saw of them."""

import logging
import socket
import time

import pytest

from tests.archiver_appliance import ArchiverAppliance
from tests.conftest import until
from tests.unit.drivers.aruba.conftest import MakeSite
from tests.unit.drivers.aruba.names import DELIVERING, GOOD, RAW, SEL, WRITE
from vigilia.drivers.aruba import archived
from vigilia.points import NEVER_READ
from vigilia.sim.aruba import SimSwitch

UDF, INVALID, WRITE_STATUS = 17, 3, 2


@pytest.mark.parametrize(
    ("value", "severity", "status", "expected"),
    [
        (0, 0, 0, (0, GOOD)),
        (0.0, 0, 0, (0, GOOD)),
        ("Off", 0, 0, (0, GOOD)),
        (0, INVALID, WRITE_STATUS, (0, WRITE)),
        (0, INVALID, UDF, (1, GOOD)),  # shown before anybody had chosen
        (7, 0, 0, (1, GOOD)),
        ("Perhaps", 0, 0, (1, GOOD)),
    ],
)
async def test_what_it_starts_from(site: MakeSite, value: object, severity: int, status: int, expected: object) -> None:
    """The port delivers: 1 is what the choice starts from where the archive is of no use."""
    async with ArchiverAppliance() as archiver, SimSwitch(ports=1, detect_s=0.0) as switch:
        archiver.saw(SEL, value, severity, status)
        async with site(switch, selector_from="archiver", archiver_url=archiver.url) as at_work:
            await until(lambda: at_work.value(SEL) is not None)
            assert (at_work.value(SEL), at_work.alarm(SEL)) == expected
            await at_work.scans(3)
            assert len(at_work.seen(SEL)) == 1


async def test_ports_that_it_does_not_know_start_from_what_they_deliver(
    site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    async with ArchiverAppliance() as archiver, SimSwitch(ports=3, detect_s=0.0) as switch:
        archiver.saw(SEL, 0)
        async with site(switch, selector_from="archiver", archiver_url=archiver.url) as at_work:
            await until(lambda: at_work.value("sw-1-P3:PwrState-Sel") is not None)
            assert (at_work.value(SEL), at_work.value("sw-1-P3:PwrState-Sel")) == (0, 1)
    assert "does not know 2 of 3 choices, sw-1-P2:PwrState-Sel first: they start from what" in caplog.text


async def test_an_archiver_that_is_away(site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with SimSwitch(ports=1) as switch, site(switch, selector_from="archiver", archiver_url=url) as at_work:
            await until(lambda: at_work.value(SEL) == 1)
    (line,) = [record.message for record in caplog.records if "archiver" in record.message]
    assert line.startswith(f"the archiver at {url} cannot be reached")
    assert line.endswith("every choice starts from what its port delivers")


async def test_a_slow_archiver_holds_nothing_up_but_the_choice(
    site: MakeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(archived, "PATIENCE_S", 1.0)
    async with (
        ArchiverAppliance(delay_s=60.0) as archiver,
        SimSwitch(ports=1) as switch,
        site(switch, selector_from="archiver", archiver_url=archiver.url) as at_work,
    ):
        await at_work.scans(3)
        assert (at_work.value(RAW), at_work.reading(SEL)) == (DELIVERING, NEVER_READ)
        await until(lambda: at_work.value(SEL) == 1)
    assert "starts from what its port delivers" in caplog.text


async def test_a_write_meanwhile_is_the_choice(site: MakeSite) -> None:
    async with ArchiverAppliance(delay_s=0.5) as archiver, SimSwitch(ports=2, detect_s=0.0) as switch:
        archiver.saw(SEL, 1)
        archiver.saw("sw-1-P2:PwrState-Sel", 0)
        async with site(switch, selector_from="archiver", archiver_url=archiver.url) as at_work:
            await at_work.connected()
            await at_work.write(SEL, 0)
            await until(lambda: at_work.value("sw-1-P2:PwrState-Sel") == 0)
            assert at_work.value(SEL) == 0


async def test_it_is_asked_once_for_everything_and_for_what_was_before_the_start(
    site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    began = time.time()
    async with ArchiverAppliance() as archiver, SimSwitch(ports=4) as one, SimSwitch("sw-2", ports=4) as two:
        for switch in ("sw-1", "sw-2"):
            for port in range(1, 5):
                archiver.saw(f"{switch}-P{port}:PwrState-Sel", 1)
        async with site(one, two, selector_from="archiver", archiver_url=archiver.url) as at_work:
            await until(lambda: at_work.value("sw-2-P4:PwrState-Sel") == 1)
        ((_, (names, query)),) = archiver.requests
    assert len(names) == 8
    assert query["at"] <= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began + 1))
    assert "all 8 choices start from what the archiver" in caplog.text
