"""What the terminal view says where nobody knows whether something was done, and whom it shows its token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.system.conftest import free_port
from tests.unit.tui.conftest import viewed
from tests.unit.tui.test_watch import POINT
from vigilia.interfaces.api.config import WebConfig
from vigilia.points import Severity, Status
from vigilia.tui.model import Point
from vigilia.tui.service import NotKnown, Service, ServiceError

DOSE = "R1:acid:Dose-SP"
FIRST, SECOND = "2026-03-10T08:50:00.120Z", "2026-03-10T08:50:07.500Z"
SEEN = Point(DOSE, "number", value=5.0, severity=Severity.NO_ALARM, status=Status.NO_ALARM, time=1773132600.12)


class Pump:
    """A service with one command; it loses answers as it is told."""

    def __init__(self) -> None:
        self.ends = ["done"]
        """How the next writes end; the last one stays."""
        self.asked: list[dict[str, Any]] = []
        """The bodies of the writes."""
        self.doses = 0
        self.shown: list[str] = []
        """Who each request said that it was."""
        self.address = ""

    @property
    def point(self) -> dict[str, Any]:
        time = FIRST if self.doses == 0 else SECOND
        return POINT | {
            "name": DOSE,
            "value": 5.0,
            "units": "ml",
            "timestamp": time,
            "access": "rw",
            "limits": [0, 10],
            "system": "reactor",
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.shown.append(request.headers.get("Authorization", ""))
        if request.method == "PUT":
            self.asked.append(await request.json())
            return self._write(request, self.ends.pop(0) if len(self.ends) > 1 else self.ends[0])
        match request.path:
            case "/healthz":
                return web.json_response({"status": "ok"})
            case "/api/v1/points":
                return web.json_response({"items": [self.point], "next": None})
            case "/api/v1/links" | "/api/v1/alarms":
                return web.json_response({"items": [], "next": None})
            case path if path.endswith(DOSE):
                return web.json_response(self.point)
            case _:
                return web.json_response({"error": "unknown", "detail": "no"}, status=404)

    def _write(self, request: web.Request, end: str) -> web.StreamResponse:
        if self.asked[-1].get("expected_timestamp", self.point["timestamp"]) != self.point["timestamp"]:
            return web.json_response({"error": "changed", "detail": "was chosen again since"}, status=409)
        match end:
            case "done":
                self.doses += 1
                return web.json_response(self.point)
            case "cut":
                self.doses += 1
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            case "page":
                return web.Response(text="<h1>it works</h1>")
            case "proxy":
                return web.Response(status=502, text="<h1>Bad Gateway</h1>")
            case status:
                return web.json_response({"error": "of-a-test", "detail": "so it ended"}, status=int(status))


@asynccontextmanager
async def serving(pump: Pump) -> AsyncIterator[Pump]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", pump.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pump.address = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield pump
    finally:
        await runner.cleanup()


@pytest.fixture
async def pump() -> AsyncIterator[Pump]:
    async with serving(Pump()) as made:
        yield made


@pytest.mark.parametrize(
    ("end", "known"),
    [("cut", False), ("503", False), ("504", False), ("500", False), ("page", False), ("proxy", False)]
    + [(status, True) for status in ("401", "403", "404", "405", "409", "422", "502")],
)
async def test_what_has_no_answer_may_have_been_done(pump: Pump, end: str, known: bool) -> None:
    pump.ends = [end]
    async with Service(WebConfig(listen=pump.address)) as service:
        with pytest.raises(ServiceError) as raised:
            await service.write(DOSE, 5, SEEN)
        assert isinstance(raised.value, NotKnown) is not known


async def test_who_cannot_be_asked_has_done_nothing() -> None:
    async with Service(WebConfig(listen=f"127.0.0.1:{free_port()}")) as service:
        with pytest.raises(ServiceError) as raised:
            await service.write(DOSE, 5, SEEN)
        assert not isinstance(raised.value, NotKnown)


async def test_a_dose_of_which_nobody_knows_is_repeated_only_when_that_is_meant(pump: Pump, tmp_path: Path) -> None:
    config = tmp_path / "vigilia.toml"
    config.write_text(f'[site]\nname = "Test"\nlanguage = "en"\n[web]\nlisten = "{pump.address}"\n')
    pump.ends = ["504", "cut", "done"]
    async with viewed(config) as view:
        await view.press("3")
        await view.until(DOSE, "service healthy")
        await view.press("w")
        await view.until("New value")
        await view.press("5", "enter", "y", "enter")
        await view.until("?? NOT KNOWN whether it was done: so it ended")
        await view.press("enter")
        await view.until('write "y" to have it written')
        await view.press("y", "enter")
        await view.until("It may have been done already: Enter does it once more")
        assert len(pump.asked) == 1, "nothing was repeated before it was confirmed anew"
        await view.press("enter")
        await view.until("?? NOT KNOWN whether it was done: no answer from")
        await view.press("y", "enter")
        await view.until("It may have been done already")
        await view.press("enter")
        await view.until("!! NOT DONE: was chosen again since")
        assert (len(pump.asked), pump.doses) == (3, 1), "the second had been done"


async def test_two_equal_doses_of_two_people_are_told_apart(pump: Pump, tmp_path: Path) -> None:
    config = tmp_path / "vigilia.toml"
    config.write_text(f'[site]\nname = "Test"\nlanguage = "en"\n[web]\nlisten = "{pump.address}"\n')
    async with viewed(config) as view:
        await view.press("3")
        await view.until(DOSE, "service healthy")
        await view.press("w")
        await view.until("New value")
        pump.doses += 1  # somebody else's, of 5 ml again
        await view.press("5", "enter", "y", "enter")
        await view.until("!! NOT DONE: was chosen again since")
        assert pump.doses == 1
        await view.press("escape", "w")
        await view.until("New value")
        await view.press("5", "enter", "y", "enter")
        await view.until("Confirmed by the equipment")
        assert pump.doses == 2
        assert pump.asked[-1] == {"value": 5, "expected": 5.0, "expected_timestamp": SECOND}


async def test_the_local_token_is_shown_to_our_own_listener_alone(pump: Pump) -> None:
    async with serving(Pump()) as elsewhere:
        web_config = WebConfig(listen=pump.address, public_url=f"http://{elsewhere.address}")
        async with Service(web_config, local=lambda: "of-the-service") as service:
            await service.health()
            await service.links()
        assert set(pump.shown) == {"Bearer of-the-service"}
        away = WebConfig(listen=f"127.0.0.1:{free_port()}", public_url=f"http://{elsewhere.address}")
        async with Service(away, local=lambda: "of-the-service") as service:
            assert await service.health() == []
            await service.links()
            with pytest.raises(ServiceError):
                await anext(service.follow([DOSE]))
        assert set(elsewhere.shown) == {""}
        async with Service(away, "somebody's", lambda: "of-the-service") as service:
            await service.health()
        assert elsewhere.shown[-1] == "Bearer somebody's"
