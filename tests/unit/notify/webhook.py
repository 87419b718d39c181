"""A webhook that really listens, and misbehaves as told; and notices to send to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from vigilia.notices import Notice, NoticeKind
from vigilia.points import Severity

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Webhook:
    """Keeps every body it got. `answers` are given in turn; after them 202."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, Any], int]] = []
        """Path and query, body, bytes."""
        self.times: list[float] = []
        self.accepted: list[dict[str, Any]] = []
        self.answers: list[Answer] = []
        self.always: Answer = status(202)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = await request.json()
        self.requests.append((request.raw_path, body, len(raw)))
        self.times.append(asyncio.get_running_loop().time())
        answer = await (self.answers.pop(0) if self.answers else self.always)(request)
        if answer.status in (200, 202) and "failed" not in str(getattr(answer, "text", "")):
            self.accepted.append(body)
        return answer

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each card that was accepted."""
        return [texts_of(body) for body in self.accepted]

    @property
    def titles(self) -> list[str]:
        return [texts[0] for texts in self.texts]


@asynccontextmanager
async def listening() -> AsyncIterator[Webhook]:
    webhook = Webhook()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{tail:.*}", webhook.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    webhook.url = f"http://{host}:{port}/workflows/a%2Fb/invoke?api-version=1&sp=%2Ftriggers%2F&sig=s3cr%2Bt"
    yield webhook
    await runner.cleanup()


def status(code: int, body: str = "", headers: dict[str, str] | None = None) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=body, headers=headers)

    return answer


async def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response(status=500)


async def hang(request: web.Request) -> web.StreamResponse:
    while request.transport is not None:  # noqa: ASYNC110 - until the client gives up
        await asyncio.sleep(0.01)
    return web.Response(status=500)


def texts_of(body: dict[str, Any]) -> list[str]:
    """Every text block of a message, in order."""
    assert body["type"] == "message"
    found: list[str] = []

    def walk(items: list[dict[str, Any]]) -> None:
        for item in items:
            if item["type"] == "TextBlock":
                found.append(item["text"])
            walk(item.get("items", []))

    walk(body["attachments"][0]["content"]["body"])
    return found


def failure(area: str, equipment: str, *, title: str = "Falha de inversor", at: float = 1.0, **more: Any) -> Notice:
    alarm = more.pop("alarm", f"{area}/{equipment}")
    values = {"severity": Severity.MAJOR, "system": "pvoperation", "incident": f"i-{alarm}"[:36]} | more
    return Notice(NoticeKind.RAISED, title, area, f"{equipment}: Pac 0", at, alarm=alarm, **values)


def recovery(area: str, equipment: str, *, title: str = "Inversor normalizado", **more: Any) -> Notice:
    alarm = more.pop("alarm", f"{area}/{equipment}")
    values = {"severity": Severity.MAJOR, "system": "pvoperation", "incident": f"i-{alarm}"[:36]} | more
    return Notice(NoticeKind.CLEARED, title, area, f"{equipment}: 12 min", 2.0, alarm=alarm, **values)
