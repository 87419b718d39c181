"""A small PVOperation API that really listens, with data and faults from the test."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

EMAIL, PASSWORD = "ops@example.org", "not-to-be-shown"
ZONE = ZoneInfo("America/Sao_Paulo")

Fault = Callable[[], web.Response | web.StreamResponse]


def local(moment: float, zone: ZoneInfo = ZONE) -> str:
    return datetime.fromtimestamp(moment, zone).strftime("%Y-%m-%d %H:%M:%S")


def utc(text: str, zone: ZoneInfo = ZONE) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC).timestamp()


def relay(equipment: object, time: str, **flags: object) -> dict[str, Any]:
    return {"idrele": equipment, "conteudojson": {"tsleitura": time, "r59A": 0, "r27A": 0, **flags}}


def inverter(equipment: object, time: str, pac: object = 10.0) -> dict[str, Any]:
    return {"idinversor": equipment, "conteudojson": {"tsleitura": time, "Pac": pac}}


class Api:
    """The API's data, its faults, and what was asked of it."""

    def __init__(self) -> None:
        self.base = ""
        self.plants: Any = [{"id": 19478, "nome": "UFV Alfa", "capacidade": 2500.0}]
        self.days: dict[tuple[str, str, str], Any] = defaultdict(list)
        """The day's answer, by path, plant and date."""
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        """Answers given in place of the right ones, one after another, by path."""
        self.always: dict[str, Fault] = {}
        self.dead_plants: set[str] = set()
        self.dead_days: set[str] = set()
        self.token_uses = 1_000_000
        """How many requests a token is good for."""
        self.refuses_login = False
        self.logins = 0
        self.requests: list[tuple[str, str, str]] = []
        """Path, plant and date of each."""
        self.times: list[float] = []
        self.most_in_flight = 0
        self.delay_s = 0.0
        self.gate = asyncio.Event()
        self.gate.set()
        self._in_flight = 0
        self._uses: Counter[str] = Counter()

    def put(self, path: str, plant: object, *items: dict[str, Any]) -> None:
        """Add records to the days they belong to."""
        for item in items:
            self.days[path, str(plant), item["conteudojson"]["tsleitura"][:10]].append(item)

    def asked(self, path: str) -> list[tuple[str, str]]:
        return [(plant, date) for where, plant, date in self.requests if where == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v1/")
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            return await self._answer(path, request)
        finally:
            self._in_flight -= 1

    async def _answer(self, path: str, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.method == "POST" else {}
        plant, date = str(body.get("id", "")), body.get("date", "")
        self.requests.append((path, plant, date))
        self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.delay_s)
        await self.gate.wait()
        if self.faults[path]:
            return self.faults[path].pop(0)()
        if path in self.always:
            return self.always[path]()
        if path == "authenticate":
            return self._log_in(body)
        token = request.headers.get("x-access-token", "")
        self._uses[token] += 1
        if token != f"token-{self.logins}" or self._uses[token] > self.token_uses:
            return web.json_response({"message": "Token expired"}, status=401)
        if path == "plants":
            return web.json_response(self.plants)
        if plant in self.dead_plants or date in self.dead_days:
            return web.Response(status=404)
        return web.json_response(self.days[path, plant, date])

    def _log_in(self, body: dict[str, Any]) -> web.Response:
        if self.refuses_login or body != {"username": EMAIL, "password": PASSWORD}:
            return web.json_response({"message": "Invalid credentials"}, status=401)
        self.logins += 1
        return web.json_response({"token": f"token-{self.logins}"})


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Api]:
    api = Api()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = runner.addresses[0]
    api.base = f"http://127.0.0.1:{address[1]}/api/v1"
    try:
        yield api
    finally:
        api.gate.set()
        await runner.cleanup()
