"""The demonstration's way out when its service fails: a sentence, with the last of what the service said."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE

import pytest
from aiohttp import web

from vigilia.demo import _show_life
from vigilia.errors import VigiliaError

STAYS = "print('I am well', flush=True); import time; time.sleep(60)"
ENDS = "[print('line', n) for n in range(100)]; print('out of memory'); raise SystemExit(1)"


async def show(program: str, handler: object, stop: asyncio.Event, seconds: float | None) -> None:
    """Show the life of a process that is no service, with a server of events beside it."""
    app = web.Application()
    app.router.add_get("/api/v1/events", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=PIPE)
    try:
        async with asyncio.timeout(30):
            await _show_life(f"http://{host}:{port}", process, stop, seconds)
    finally:
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
