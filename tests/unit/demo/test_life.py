"""What the demonstration shows, and its way out when a part of it fails: a sentence, with the last of what was said."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import web

from vigilia.demo.life import show_life
from vigilia.errors import VigiliaError

STAYS = "print('I am well', flush=True); import time; time.sleep(60)"
ENDS = "[print('line', n) for n in range(100)]; print('out of memory'); raise SystemExit(1)"


async def nothing_happens() -> None:
    await asyncio.Event().wait()


async def show(
    program: str,
    handler: object,
    stop: asyncio.Event,
    seconds: float | None,
    webhook: str = STAYS,
    reactors: Callable[[], Coroutine[Any, Any, None]] = nothing_happens,
) -> None:
    """Show the life of two processes that are no service and no webhook, with a server of events beside them."""
    app = web.Application()
    app.router.add_get("/api/v1/events", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE) for code in (program, webhook)
    ]
    try:
        async with asyncio.timeout(30):
            await show_life(f"http://{host}:{port}", *processes, asyncio.create_task(reactors()), stop, seconds)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()
        await runner.cleanup()


async def silent(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


async def broken(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"event: x\n")
    assert request.transport
    request.transport.abort()
    return response


async def refused(request: web.Request) -> web.StreamResponse:
    raise web.HTTPServiceUnavailable


async def test_a_service_that_ends_is_told_with_its_last_lines() -> None:
    with pytest.raises(VigiliaError) as raised:
        await show(ENDS, silent, asyncio.Event(), None)
    first, *said = str(raised.value).splitlines()
    assert "the service ended by itself" in first
    assert (said[0], said[-1], len(said)) == ("line 81", "out of memory", 20)


@pytest.mark.parametrize("handler", [broken, refused])
async def test_a_stream_that_breaks_off_is_a_sentence(handler: object) -> None:
    with pytest.raises(VigiliaError) as raised:
        await show(STAYS, handler, asyncio.Event(), None)
    first, *said = str(raised.value).splitlines()
    assert re.search(r"stream of events broke off \(.+\)", first)
    assert said == ["I am well"]


async def test_told_to_stop_it_returns() -> None:
    stop = asyncio.Event()
    stop.set()
    await show(STAYS, silent, stop, None)


async def test_it_returns_when_its_time_is_over() -> None:
    await show(STAYS, silent, asyncio.Event(), 0.1)


async def test_plants_that_end_are_told() -> None:
    with pytest.raises(VigiliaError, match="simulated plants ended"):
        await show(STAYS, silent, asyncio.Event(), None, webhook="pass")


async def test_reactors_that_do_not_get_going_are_told() -> None:
    async def fail() -> None:
        raise VigiliaError("the reactors do not get going")

    with pytest.raises(VigiliaError, match="reactors do not get going"):
        await show(STAYS, silent, asyncio.Event(), None, reactors=fail)


CARDS = """
print('2026-03-10 11:49:58 Relay failure – UFV Cedro')
print('    Relay failure – UFV Cedro')
print('    Relay 9: OVERVOLTAGE (r59A)', flush=True)
import time; time.sleep(60)
"""


def event(name: str, label: str, timestamp: str = "2026-03-10T14:51:07.000Z") -> bytes:
    said = {"label": label, "value": 1, "units": None}
    return event_of(name, said, timestamp)


def event_of(name: str, said: dict[str, Any], timestamp: str = "2026-03-10T14:51:07.000Z") -> bytes:
    point = {"name": name, **said, "severity": "NO_ALARM", "status": "NO_ALARM", "timestamp": timestamp}
    return b"event: reading\ndata: " + json.dumps(point).encode() + b"\n\n"


async def test_cards_and_changes_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    told, stop = asyncio.Event(), asyncio.Event()

    async def changes(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for name in ("9:Inverter-1:State-Sts", "SIM-01:Cam-01:Power-Mon", "R1:ph-control:State-Sts"):
            await response.write(event(name, "Normal") + event(name, "Suppressed"))
        for ml in (None, 2.0, 4.5):
            await response.write(event_of("R1:acid:Dosed-Mon", {"label": None, "value": ml, "units": "ml"}))
        await told.wait()
        await response.write(event("SIM-01:Cam-01:PwrState-Raw", "Disabled"))
        await response.write(event("SIM-01:Cam-01:PwrState-Raw", "Searching", "2026-03-10T14:48:00.000Z"))
        await asyncio.Event().wait()
        return response

    shown = asyncio.create_task(show(STAYS, changes, stop, None, webhook=CARDS))
    text = ""
    async with asyncio.timeout(30):
        while "Searching" not in text:
            text += capsys.readouterr().out
            if "OVERVOLTAGE" in text and "4.5 ml" in text:
                told.set()
            await asyncio.sleep(0.01)
    stop.set()
    await shown
    lines = text.splitlines()
    assert [line.split() for line in lines if ":State-Sts" in line] == [
        ["11:51", "9:Inverter-1:State-Sts", "Normal", "→", "Suppressed"]
    ]
    assert "Power-Mon" not in text
    assert "ph-control" not in text
    assert [line.split() for line in lines if "Dosed" in line] == [
        ["11:51", "R1:acid:Dosed-Mon", "2", "ml", "→", "4.5", "ml"]
    ]
    place = next(number for number, line in enumerate(lines) if "Relay failure" in line)
    assert lines[place].endswith("  ┃ Relay failure – UFV Cedro")
    assert lines[place + 1] == "         ┃   Relay 9: OVERVOLTAGE (r59A)", "the title is not said twice"
    assert lines[-1].split()[0] == "11:51", "the time of what is shown never goes back"
