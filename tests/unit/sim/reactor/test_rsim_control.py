"""The control service: looking at reactors, disturbing them, and the truth."""

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.conftest import until
from tests.unit.sim.reactor.bus import BusClient, SetClock
from vigilia.sim.reactor import Control, SimReactor


@pytest.fixture
async def control(reactor: SimReactor) -> AsyncIterator[Control]:
    async with Control([reactor]) as control:
        yield control


async def ask(
    http: aiohttp.ClientSession, control: Control, method: str, path: str, body: object = None, status: int = 200
) -> Any:
    async with http.request(method, control.url + path, json=body) as answer:
        found = await answer.json()
        assert answer.status == status, found
        return found


async def test_the_reactors(http: aiohttp.ClientSession, control: Control, reactor: SimReactor) -> None:
    (listed,) = (await ask(http, control, "GET", "/reactors"))["items"]
    shown = await ask(http, control, "GET", "/reactors/R1")
    assert listed | {"monotonic": 0} == shown | {"monotonic": 0}
    assert (shown["name"], shown["bus"], shown["listening"]) == ("R1", reactor.server.address, True)
    parts = {part["part"]: part for part in shown["parts"]}
    assert list(parts) == ["ph", "ec", "do", "orp", "rtd", "hum", "co2", "acid", "base", "nutrient", "ds-1"]
    assert (parts["ph"]["kind"], parts["ph"]["address"], parts["ph"]["uart"]) == (
        "pH",
        99,
        str(reactor.folder / "uart" / "ph"),
    )


async def test_what_was_said(http: aiohttp.ClientSession, control: Control, bus: BusClient) -> None:
    for command in ("i", "Nonsense"):
        await bus.ask(99, command)
    found = await ask(http, control, "GET", "/reactors/R1/commands")
    assert [(item["part"], item["way"], item["command"], item["reply"]) for item in found["items"]] == [
        ("ph", "i2c", "i", "?I,pH,2.16"),
        ("ph", "i2c", "Nonsense", "(2)"),
    ]
    assert [item["number"] for item in (await ask(http, control, "GET", "/reactors/R1/commands?since=1"))["items"]] == [
        2
    ]


async def test_faults(http: aiohttp.ClientSession, control: Control, bus: BusClient) -> None:
    body = {"fault": "nack", "parts": ["ph"], "duration_s": 60}
    shown = await ask(http, control, "POST", "/reactors/R1/faults", body, 201)
    assert (shown["faults"][0]["fault"], shown["faults"][0]["parts"]) == ("nack", ["ph"])
    assert await bus.line("W 99") == "NACK"
    assert (await ask(http, control, "DELETE", "/reactors/R1/faults"))["faults"] == []
    assert await bus.line("W 99") == "OK"


async def test_a_probe_in_a_buffer(http: aiohttp.ClientSession, control: Control, bus: BusClient) -> None:
    shown = await ask(http, control, "PATCH", "/reactors/R1/parts/ph", {"sample": 4.0})
    assert shown["sample"] == 4.0
    assert float(await bus.ask(99, "RT,24")) == pytest.approx(4.0, abs=0.1)
    await ask(http, control, "PATCH", "/reactors/R1/parts/ph", {"top_bit": True})
    assert (await bus.raw(99, "L,?"))[1:5] == bytes(ord(letter) | 0x80 for letter in "?L,1")
    await ask(http, control, "PATCH", "/reactors/R1/parts/ph", {"top_bit": False, "sample": None, "address": 42})
    assert float(await bus.ask(42, "R")) == pytest.approx(7.2, abs=0.2)
    assert (await ask(http, control, "PATCH", "/reactors/R1/parts/acid", {"gain": 0.5}))["kind"] == "PMP"


async def test_the_vessel(http: aiohttp.ClientSession, control: Control, bus: BusClient) -> None:
    shown = await ask(http, control, "PATCH", "/reactors/R1/vessel", {"ph": 5.5, "temperature_c": 30})
    assert (shown["ph"], shown["temperature_c"]) == (pytest.approx(5.5, abs=1e-4), 30)
    assert float(await bus.ask(99, "RT,30")) == pytest.approx(5.5, abs=0.1)


async def test_the_truth_of_a_pump(
    http: aiohttp.ClientSession, control: Control, bus: BusClient, clock: SetClock
) -> None:
    await bus.ask(103, "D,10")
    clock.at += 2
    running = (await ask(http, control, "GET", "/truth"))["items"][0]["pumps"]["acid"]
    assert (running["running"], running["moved_ml"], running["rate_ml_min"]) == (True, pytest.approx(3.5), 105.0)
    clock.at += 60
    truth = await ask(http, control, "GET", "/reactors/R1/truth")
    acid = truth["pumps"]["acid"]
    assert (acid["running"], acid["moved_nl"], acid["counted_nl"]) == (False, 10_000_000, 10_000_000)
    (run,) = acid["runs"]
    assert (run["command"], run["by"], run["moved_ml"]) == ("D,10", "done", 10.0)
    assert run["ended_monotonic"] - run["began_monotonic"] == pytest.approx(600 / 105)
    assert run["began"].endswith("Z")
    assert truth["pumps"]["base"]["moved_nl"] == 0
    later = await ask(http, control, "GET", f"/reactors/R1/truth?since={run['ended_monotonic']}")
    assert later["pumps"]["acid"]["runs"] == []


async def test_the_truth_of_an_output(
    http: aiohttp.ClientSession, control: Control, reactor: SimReactor, clock: SetClock
) -> None:
    (reactor.pwm.path / "export").write_text("0")
    pwm = reactor.pwm.path / "pwm0"
    await until(pwm.is_dir)
    for name, text in (("period", "1000"), ("duty_cycle", "400"), ("enable", "1")):
        (pwm / name).write_text(text)
    await until(lambda: reactor.pwm.channels[0].duty == 0.4)
    clock.at += 50
    heater = (await ask(http, control, "GET", "/reactors/R1/truth"))["pwm"]["0"]
    assert (heater["duty"], heater["on_s"], heater["exported"]) == (0.4, 50, True)
    (drive,) = heater["history"]
    assert (drive["duty"], drive["period_ns"], drive["duty_ns"], drive["is_enabled"]) == (0.4, 1000, 400, True)
    assert drive["monotonic"] == 1000.0


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "part"),
    [
        ("GET", "/reactors/R9", None, 404, "there are R1"),
        ("GET", "/nowhere", None, 404, "Not Found"),
        ("PATCH", "/reactors/R1/parts/xx", {}, 404, "there are ph"),
        ("PATCH", "/reactors/R1/parts/ph", {"gain": 0.5}, 400, "give one for a pump"),
        ("PATCH", "/reactors/R1/parts/ph", {"address": 200}, 422, "address"),
        ("PATCH", "/reactors/R1/parts/ph", {"colour": "red"}, 422, "colour"),
        ("PATCH", "/reactors/R1/vessel", {"ph": 15}, 422, "ph"),
        ("PATCH", "/reactors/R1/vessel", {"ph": "low"}, 422, "ph"),
        ("POST", "/reactors/R1/faults", {"fault": "rust"}, 400, "the faults are"),
        ("POST", "/reactors/R1/faults", {}, 422, "fault"),
        ("GET", "/reactors/R1/truth?since=yesterday", None, 400, "give monotonic seconds"),
        ("DELETE", "/reactors", None, 405, "Method Not Allowed"),
    ],
)
async def test_requests_that_make_no_sense(
    http: aiohttp.ClientSession, control: Control, method: str, path: str, body: object, status: int, part: str
) -> None:
    assert part in (await ask(http, control, method, path, body, status))["error"]


def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="give a loopback address"):
        Control([], host="192.0.2.1")


async def test_the_monotonic_clock_is_that_of_this_machine(http: aiohttp.ClientSession, control: Control) -> None:
    before = time.monotonic()
    found = (await ask(http, control, "GET", "/truth"))["items"][0]["monotonic"]
    assert before <= found <= time.monotonic()
