"""HTTP servers of the tests' own: a cluster's two doors in front of a single engine, and ones that misbehave."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """Answer every request by `handler`; give the port."""
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def door(base: str, prefix: str, seen: list[str]) -> AsyncIterator[int]:
    """Pass on what is below `prefix` to the engine at `base`, as vminsert or vmselect do; `seen`: what was asked."""
    async with aiohttp.ClientSession() as http:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            seen.append(request.path)
            if not request.path.startswith(prefix + "/"):
                return web.Response(status=400, text=f"unsupported path requested: {request.path}")
            url = base + request.path_qs.removeprefix(prefix)
            headers = {"Content-Type": request.headers.get("Content-Type", "")}
            async with http.request(request.method, url, data=await request.read(), headers=headers) as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), headers={"X-Server-Hostname": "behind"}
                )

        async with serving(pass_on) as port:
            yield port
