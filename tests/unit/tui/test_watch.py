"""What the terminal view asks a service for: never more than what somebody looks at."""

import asyncio
from pathlib import Path

from aiohttp import web

from tests.conftest import until
from vigilia.clock import Clock
from vigilia.history.config import HistoryConfig
from vigilia.interfaces.api.config import WebConfig
from vigilia.tui.past import Past
from vigilia.tui.service import Service
from vigilia.tui.stored import StoreReader
from vigilia.tui.watch import Watch

POINT = {
    "name": "T1:Power-Mon",
    "value": 1.5,
    "label": None,
    "units": "W",
    "severity": "NO_ALARM",
    "status": "NO_ALARM",
    "timestamp": None,
    "access": "r",
    "device": "T1",
    "link": "sw-1",
    "description": "",
    "kind": "number",
    "labels": [],
    "limits": None,
    "precision": 1,
    "system": "aruba",
}


class SlowService:
    """A service whose list of points comes late."""

    def __init__(self) -> None:
        self.listed = asyncio.Event()
        self.looks = 0
        """How often its health was asked for."""
        self.followed: list[list[str]] = []
        """The names in each question for a stream."""

    async def answer(self, request: web.Request) -> web.Response:
        match request.path:
            case "/healthz":
                self.looks += 1
                return web.json_response({"status": "ok"})
            case "/api/v1/points":
                await self.listed.wait()
                return web.json_response({"items": [POINT], "next": None})
            case "/api/v1/events":
                self.followed.append(request.query.getall("name", []))
                return web.Response(content_type="text/event-stream")
            case "/api/v1/links" | "/api/v1/alarms":
                return web.json_response({"items": [], "next": None})
            case _:
                return web.json_response({"error": "unknown", "detail": "no"}, status=404)


async def test_until_its_points_are_known_none_are_followed_and_not_all(tmp_path: Path) -> None:
    slow = SlowService()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", slow.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service = Service(WebConfig(listen=f"127.0.0.1:{runner.addresses[0][1]}"))
    past = Past(HistoryConfig.model_validate({"enabled": False}))
    watch = Watch(service, StoreReader(f"sqlite:///{tmp_path}/none.db"), past, Clock(), "vigilia", tmp_path)
    async with watch.at_work():
        watch.follow(["T1:Power-Mon"])
        await until(lambda: slow.looks >= 2)
        slow.listed.set()
        await until(lambda: bool(slow.followed))
    await runner.cleanup()
    assert slow.followed[0] == ["T1:Power-Mon"]
