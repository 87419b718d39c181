"""The PoE IOC as operators see it: real switches' protocol on one side, EPICS clients on the other."""

import asyncio
import contextlib
import math
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Epics, until

pytestmark = pytest.mark.system

NO_ALARM, MAJOR, INVALID = 0, 2, 3
WRITE, STATE, TIMEOUT, UDF = 2, 7, 10, 17
DEVICE = "SIM-01:Cam-01"
SEL, STS, RAW, DESC = (f"{DEVICE}:PwrState-{suffix}" for suffix in ("Sel", "Sts", "Raw", "Desc"))


def alarm(value: Any) -> tuple[int, int]:
    return value.severity, value.status


async def has(epics: Epics, pv: str, value: object, expected: tuple[int, int]) -> Any:
    """Wait until a PV has this value and this alarm."""

    async def look() -> Any:
        found = await epics.get(pv)
        return (found,) if found == value and alarm(found) == expected else None

    return (await until(look))[0]


async def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_reads_values_units_descriptions_and_times(simulate: Any, serve: Any, epics: Epics, pva: Any) -> None:
    sim = await simulate("--username", "controle", "--password", "example")
    began = time.time()
    await serve(sim.config)
    sel = await has(epics, SEL, 1, (NO_ALARM, 0))
    assert began - 1 < sel.timestamp < time.time() + 1
    raw = await epics.control(RAW)
    assert list(raw.enums) == ["Searching", "Delivering", "Disabled", "Fault", "Other Fault", "Test", "Unknown"]
    assert list((await epics.control(STS)).enums) == ["Off", "On"]
    assert await epics.text(DESC) == "The port is delivering power to a powered device."
    power = await epics.control(f"{DEVICE}:Power-Mon")
    assert (power.units, power > 0) == ("W", True)
    assert (await epics.control(f"{DEVICE}:Voltage-Mon")).units == "V"
    assert (await epics.get(f"{STS}.DESC")) == "PoE delivering, port 1 of sw-1"
    for suffix in ("PowerClass", "PowerDenied", "OverCurrent", "Short", "MpsAbsent"):
        assert alarm(await epics.get(f"{DEVICE}:{suffix}-Mon")) == (NO_ALARM, 0)
    # The same over PV Access, with alarm and time stamp.
    value = await asyncio.to_thread(pva.get, RAW, timeout=10)
    assert (int(value), value.severity) == (1, NO_ALARM)
    assert began - 1 < value.timestamp < time.time() + 1


async def test_a_put_shows_at_once_and_completes_with_the_switch(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate(latency_ms=400)
    await serve(sim.config)
    await has(epics, SEL, 1, (NO_ALARM, 0))
    events = await epics.monitor(SEL)
    began = time.monotonic()
    waiting = asyncio.create_task(epics.put(SEL, 0))
    await until(lambda: any(event == 0 for event in events))
    shown = time.monotonic() - began
    assert (await sim.port("sw-1", "1"))["enabled"] is True, "shown before the switch has done it"
    await waiting
    assert (await sim.port("sw-1", "1"))["enabled"] is False
    assert shown < time.monotonic() - began
    assert alarm(await epics.get(SEL)) == (NO_ALARM, 0)
    # Without completion the put returns before the switch has answered.
    await epics.put(SEL, 1, wait=False)
    await until(lambda: events[-1] == 1)

    async def enabled() -> bool:
        return (await sim.port("sw-1", "1"))["enabled"]

    await until(enabled)


async def test_a_put_with_completion_over_pva(simulate: Any, serve: Any, epics: Epics, pva: Any) -> None:
    sim = await simulate(latency_ms=300)
    await serve(sim.config)
    await has(epics, SEL, 1, (NO_ALARM, 0))
    began = time.monotonic()
    await asyncio.to_thread(pva.put, SEL, "Off", request="record[process=true,block=true]field(value)", timeout=10)
    assert time.monotonic() - began > 0.25
    assert (await sim.port("sw-1", "1"))["enabled"] is False
    await sim.fault("sw-1", "reject-put", count=1)
    await asyncio.to_thread(pva.put, SEL, "On", request="record[process=true,block=true]field(value)", timeout=10)
    value = await asyncio.to_thread(pva.get, SEL, timeout=10)
    assert (int(value), value.severity) == (1, INVALID)


async def test_puts_without_completion_in_a_row_end_with_the_last(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate(latency_ms=200)
    await serve(sim.config)
    await has(epics, SEL, 1, (NO_ALARM, 0))
    for value in (0, 1, 0, 1, 0):
        await epics.put(SEL, value, wait=False)

    async def disabled() -> bool:
        return (await sim.port("sw-1", "1"))["enabled"] is False and await epics.get(SEL) == 0

    await until(disabled)
    await epics.put(SEL, 0)
    assert await epics.get(SEL) == 0
    assert (await sim.port("sw-1", "1"))["enabled"] is False


async def test_an_equal_put_is_a_request(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate()
    await serve(sim.config)
    await has(epics, SEL, 1, (NO_ALARM, 0))
    await epics.put(SEL, 1)
    await epics.put(SEL, 1)
    assert [request["method"] for request in await sim.requests("sw-1")].count("PUT") == 2


@pytest.mark.parametrize(
    ("value", "ca_type"),
    [(7, None), ("maybe", None), ("2", None), (math.nan, "DOUBLE"), (1.7, "FLOAT"), (-1, "LONG"), (65536, "LONG")],
)
async def test_a_put_that_is_no_choice_is_refused(
    value: object, ca_type: str | None, simulate: Any, serve: Any, epics: Epics, pva: Any
) -> None:
    sim = await simulate()
    service = await serve(sim.config)
    await has(epics, SEL, 1, (NO_ALARM, 0))
    # The client would make an enum's index of it before EPICS sees it, but for a type that is named.
    named = {"datatype": getattr(epics.aioca, f"DBR_{ca_type}")} if ca_type else {}
    attempts = [lambda: epics.put(SEL, value, **named), lambda: epics.put(SEL, value, wait=False, **named)]
    if ca_type is None:
        attempts.append(lambda: asyncio.to_thread(pva.put, SEL, value, timeout=5))
    for attempt in attempts:
        with contextlib.suppress(Exception):  # some are told so, some are not; none may get through
            await attempt()
    await epics.put(f"{DEVICE[:-1]}2:PwrState-Sel", 0)  # a put after them has been through everything
    assert (await epics.get(SEL), alarm(await epics.get(SEL))) == (1, (NO_ALARM, 0))
    puts = [request["path"] for request in await sim.requests("sw-1") if request["method"] == "PUT"]
    assert len(puts) == 1, "only the last, to the other port"
    if value not in ("maybe", "2"):

        async def on_record() -> bool:
            _, audit = await service.call("GET", f"/api/v1/audit?point={SEL}")
            return any(item["outcome"] == "InvalidValue" for item in audit["items"])

        await until(on_record)


async def test_only_the_choice_takes_puts(simulate: Any, serve: Any, epics: Epics, pva: Any) -> None:
    sim = await simulate()
    await serve(sim.config)
    await has(epics, STS, 1, (NO_ALARM, 0))
    for pv in (STS, RAW, f"{DEVICE}:Power-Mon", f"{SEL}.DESC", f"{SEL}.PROC", "vigilia:sw-1:Connected-Sts"):
        with pytest.raises(Exception, match=r"(?i)denied|access|put"):
            await epics.put(pv, 0)
    with pytest.raises(Exception, match=r"(?i)put|permit|denied|access"):
        await asyncio.to_thread(pva.put, STS, 0, timeout=5)
    assert await epics.get(STS) == 1


async def test_a_hanging_switch_and_its_return(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate(switches=2)
    await serve(sim.config)
    await has(epics, STS, 1, (NO_ALARM, 0))
    other = await epics.monitor("SIM-02:Cam-01:PwrState-Sts")
    await sim.fault("sw-1", "hang")
    lost = await has(epics, STS, 1, (INVALID, TIMEOUT))
    for pv in (RAW, DESC, f"{DEVICE}:Power-Mon"):
        assert alarm(await epics.get(pv)) == (INVALID, TIMEOUT)
    assert alarm(await epics.get(SEL)) == (NO_ALARM, 0)
    assert alarm(await epics.get("vigilia:sw-1:Connected-Sts")) == (MAJOR, STATE)
    assert "no answer" in await epics.text("vigilia:sw-1:Error-Mon")
    assert lost.timestamp > time.time() - 60
    # A put meanwhile fails at once, keeps the choice, and is not stored up.
    await epics.put(SEL, 0)
    assert (await epics.get(SEL), alarm(await epics.get(SEL))) == (0, (INVALID, WRITE))
    await sim.clear("sw-1")
    await has(epics, STS, 1, (NO_ALARM, 0))
    assert (await epics.get(SEL), alarm(await epics.get(SEL))) == (0, (INVALID, WRITE))
    assert (await sim.port("sw-1", "1"))["enabled"] is True
    assert not [r for r in await sim.requests("sw-1") if r["method"] == "PUT"]
    await epics.put(SEL, 0)
    assert (await epics.get(SEL), alarm(await epics.get(SEL))) == (0, (NO_ALARM, 0))
    assert all(alarm(event) == (NO_ALARM, 0) for event in other), "the other switch took no notice"


async def test_a_put_that_the_switch_does_not_answer(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate()
    await serve(sim.config)
    await has(epics, SEL, 1, (NO_ALARM, 0))
    await sim.fault("sw-1", "hang", method="PUT")
    await epics.put(SEL, 0)
    assert (await epics.get(SEL), alarm(await epics.get(SEL))) == (0, (INVALID, WRITE))


async def test_faults_of_a_port(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate()
    await serve(sim.config)
    await has(epics, RAW, 1, (NO_ALARM, 0))
    await sim.set_port("sw-1", "1", state="PPDS_FAULT")
    await has(epics, RAW, 3, (MAJOR, STATE))
    assert (await epics.get(STS), alarm(await epics.get(STS))) == (0, (NO_ALARM, 0))
    await sim.set_port("sw-1", "1", state="PPDS_OTHER_FAULT")
    await has(epics, RAW, 4, (MAJOR, STATE))
    await sim.set_port("sw-1", "1", state="PPDS_BROKEN_NEW")
    await has(epics, RAW, 6, (NO_ALARM, 0))
    assert "PPDS_BROKEN_NEW" in await epics.text(DESC)
    assert await epics.get(SEL) == 1


async def test_a_switch_that_is_off_at_boot(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate()
    await sim.fault("sw-1", "refuse")
    await serve(sim.config)
    for pv in (SEL, STS, RAW, DESC):
        assert alarm(await epics.get(pv)) == (INVALID, UDF)
    assert await epics.get(RAW) == 6
    await sim.clear("sw-1")
    await has(epics, SEL, 1, (NO_ALARM, 0))
    await has(epics, RAW, 1, (NO_ALARM, 0))


async def test_a_reboot_of_the_switch(simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate("--username", "controle", "--password", "example")
    await serve(sim.config)
    await has(epics, STS, 1, (NO_ALARM, 0))
    await sim.reboot("sw-1", down_s=1.0, boot_s=2.0)
    await has(epics, STS, 1, (INVALID, TIMEOUT))
    await has(epics, STS, 1, (NO_ALARM, 0))
    assert (await epics.get(SEL), alarm(await epics.get(SEL))) == (1, (NO_ALARM, 0))
    assert (await sim.switch("sw-1"))["max_open_sessions"] == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_the_ioc_process_is_replaced(how: signal.Signals, simulate: Any, serve: Any, epics: Epics) -> None:
    sim = await simulate()
    service = await serve(sim.config)
    await has(epics, SEL, 1, (NO_ALARM, 0))
    await epics.put(SEL, 0)
    (ioc,) = await children(service.program.process.pid)
    os.kill(ioc, how)
    if how is signal.SIGKILL:
        await until(lambda: not Path(f"/proc/{ioc}").exists())

    await epics.forget()  # an old channel's search is the client's own affair

    async def replaced() -> bool:
        try:
            return await epics.get("vigilia:EpicsRestarts-Mon", timeout=0.5) == 1
        except epics.aioca.CANothing:
            return False

    await until(replaced, 40)
    assert (await epics.get(SEL), alarm(await epics.get(SEL))) == (0, (NO_ALARM, 0))
    await has(epics, STS, 0, (NO_ALARM, 0))
    await epics.put(SEL, 1)
    assert (await sim.port("sw-1", "1"))["enabled"] is True


@pytest.mark.parametrize("hanging", [False, True])
async def test_the_ioc_goes_with_the_service(hanging: bool, simulate: Any, serve: Any) -> None:
    sim = await simulate()
    service = await serve(sim.config)
    (ioc,) = await children(service.program.process.pid)
    if hanging:
        os.kill(ioc, signal.SIGSTOP)
    await service.program.kill()
    await until(lambda: not Path(f"/proc/{ioc}").exists())


@pytest.mark.parametrize(
    ("writers", "allowed"),
    [
        ('["*"]', True),
        ('["127.0.0.1"]', True),
        ('["{user}@127.0.0.1"]', True),
        ('["nobody-else@127.0.0.1"]', False),
        ('["192.0.2.1"]', False),
        ("[]", False),
    ],
)
async def test_writers(writers: str, allowed: bool, simulate: Any, serve: Any, epics: Epics, pva: Any) -> None:
    import getpass

    sim = await simulate()
    service = await serve(sim.config, epics=f"writers = {writers.replace('{user}', getpass.getuser())}")
    await has(epics, SEL, 1, (NO_ALARM, 0))
    if not allowed:
        with pytest.raises(Exception, match=r"(?i)denied|access"):
            await epics.put(SEL, 0)
        with pytest.raises(Exception, match=r"(?i)put|permit|denied|access"):
            await asyncio.to_thread(pva.put, SEL, 0, timeout=5)
        assert await epics.get(SEL) == 1
        return
    await epics.put(SEL, 0)
    await asyncio.to_thread(pva.put, SEL, 1, timeout=10)

    async def both() -> Any:
        _, audit = await service.call("GET", f"/api/v1/audit?point={SEL}")
        items = audit["items"]
        return items if len(items) == 2 and all(item["outcome"] == "confirmed" for item in items) else None

    for item in await until(both):
        assert (item["via"], item["user"], item["host"]) == ("epics", getpass.getuser(), "127.0.0.1")


async def test_an_access_file_of_the_sites_own(simulate: Any, serve: Any, epics: Epics, tmp_path: Path) -> None:
    (tmp_path / "site.acf").write_text("ASG(DEFAULT) {\n    RULE(1, READ)\n}\n")
    sim = await simulate()
    await serve(sim.config, epics='access_file = "site.acf"')
    await has(epics, SEL, 1, (NO_ALARM, 0))
    with pytest.raises(Exception, match=r"(?i)denied|access"):
        await epics.put(SEL, 0)
    with pytest.raises(Exception, match=r"(?i)denied|access"):
        await epics.put(STS, 0)


async def test_an_access_file_with_writers_of_its_own(simulate: Any, serve: Any, epics: Epics, tmp_path: Path) -> None:
    (tmp_path / "site.acf").write_text("ASG(DEFAULT) {\n    RULE(1, READ)\n    RULE(1, WRITE, TRAPWRITE)\n}\n")
    sim = await simulate()
    await serve(sim.config, epics='access_file = "site.acf"')
    await has(epics, SEL, 1, (NO_ALARM, 0))
    await epics.put(SEL, 0)
    assert (await sim.port("sw-1", "1"))["enabled"] is False
    # Processing the record is no put.
    puts = [r for r in await sim.requests("sw-1") if r["method"] == "PUT"]
    await epics.put(f"{SEL}.PROC", 1)
    await epics.put("SIM-01:Cam-02:PwrState-Sel", 0)
    assert len([r for r in await sim.requests("sw-1") if r["method"] == "PUT"]) == len(puts) + 1


async def test_an_access_file_without_trapwrite(simulate: Any, serve: Any, tmp_path: Path) -> None:
    (tmp_path / "site.acf").write_text("ASG(DEFAULT) {\n    RULE(1, READ)\n    RULE(1, WRITE)\n}\n")
    sim = await simulate()
    service = await serve(sim.config, epics='access_file = "site.acf"', ready=False)
    assert await service.program.wait() == 2
    assert "TRAPWRITE" in service.program.text


async def test_a_broken_access_file_stops_the_start(simulate: Any, serve: Any, tmp_path: Path) -> None:
    (tmp_path / "site.acf").write_text("ASG(DEFAULT) { RULE(1, ")
    sim = await simulate()
    service = await serve(sim.config, epics='access_file = "site.acf"', ready=False)
    assert await service.program.wait() == 2
    assert "access security file" in service.program.text
    assert "Traceback" not in service.program.text


async def test_texts_are_portuguese_by_default(simulate: Any, serve: Any, epics: Epics, tmp_path: Path) -> None:
    sim = await simulate()
    await serve(sim.config, environment={"VIGILIA_SITE__LANGUAGE": "pt-BR"})
    await has(epics, RAW, 1, (NO_ALARM, 0))
    assert await epics.text(DESC) == "A porta está fornecendo energia a um dispositivo alimentado."
