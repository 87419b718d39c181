"""The control service of the simulated API and Teams sink: JSON over HTTP, on loopback, to look and to disturb."""

import asyncio
import math
from dataclasses import asdict
from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from vigilia.sim.control import ControlService
from vigilia.sim.pvoperation.api import SimPvOperation
from vigilia.sim.pvoperation.clock import HeldClock
from vigilia.sim.pvoperation.describe import (
    describe_alarm,
    describe_api,
    describe_card,
    describe_clock,
    describe_server,
    describe_teams,
)
from vigilia.sim.pvoperation.dialect import Dialect
from vigilia.sim.pvoperation.script import Outage, Plant, Span, Trip
from vigilia.sim.pvoperation.scriptfile import describe_plant, describe_script, times
from vigilia.sim.pvoperation.serving import Serving
from vigilia.sim.pvoperation.teams import TeamsSink

_FINITE = Field(default=None, ge=0, allow_inf_nan=False)
_DIALECT = TypeAdapter(Dialect)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class _FaultBody(_Body):
    fault: str
    duration_s: float | None = None
    count: int | None = None
    path: str | None = None
    plants: list[int] | None = None
    retry_after_s: float | None = None
    as_date: bool | None = None
    minutes: float | None = None
    every: int | None = None
    day: Annotated[date, Field(strict=False)] | None = None
    location: str | None = None


class _AdjustBody(_Body):
    latency_ms: float | None = _FINITE
    concurrency_limit: Annotated[int, Field(ge=1)] | None = None


class _ApiBody(_AdjustBody):
    token_life_s: float | None = _FINITE


class _EventBody(_Body):
    start: str | None = Field(default=None, alias="from")
    end: str | None = Field(default=None, alias="to")
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    def span(self, plant: Plant, now: float) -> tuple[float, float]:
        """When it happens: from now on and for good, where nothing else is said. Raises ValueError."""
        if self.end is not None and self.minutes is not None:
            raise ValueError("both to and minutes are given: give one of them")
        today = plant.local(now).date()
        start = now if self.start is None else times(plant, self.start, None, today)[0]
        if self.minutes is not None:
            return start, start + self.minutes * 60
        return start, math.inf if self.end is None else times(plant, self.end, None, today)[0]


class _TripBody(_EventBody):
    relay: str
    flags: list[str]


class _OutageBody(_EventBody):
    inverter: str
    pac_kw: float = 0.0


class _StopBody(_EventBody):
    equipment: str | None = None


class _EndBody(_Body):
    equipment: str | None = None


class _ClockBody(_Body):
    now: str | None = None


class Control(ControlService):
    """Serves the state of `api` and `teams`, and takes orders: `async with Control(api, teams) as control: … .url`.

    Listens on loopback only: raises ValueError for any other `host`, OSError when the port is not free.
    """

    def __init__(self, api: SimPvOperation, teams: TeamsSink, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._api = api
        self._teams = teams
        super().__init__(
            [
                web.get("/", self._show),
                web.get("/clock", self._clock),
                web.post("/clock", self._move),
                web.patch("/api", self._adjust_api),
                web.patch("/teams", self._adjust_teams),
                web.get("/{server:api|teams}/requests", self._requests),
                web.post("/{server:api|teams}/faults", self._inject),
                web.delete("/{server:api|teams}/faults", self._clear),
                web.get("/teams/cards", self._cards),
                web.delete("/teams/cards", self._forget),
                web.get("/truth", self._truth),
                web.get("/script", self._script),
                web.get("/plants/{plant}", self._plant),
                web.put("/plants/{plant}/dialect", self._speak),
                web.post("/plants/{plant}/trips", self._trip),
                web.post("/plants/{plant}/outages", self._outage),
                web.post("/plants/{plant}/stops", self._stop),
                web.post("/plants/{plant}/end", self._end),
            ],
            host=host,
            port=port,
        )

    # Servers

    async def _show(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "clock": describe_clock(self._api),
                "api": describe_api(self._api),
                "teams": describe_teams(self._teams),
            }
        )

    async def _clock(self, _request: web.Request) -> web.Response:
        return web.json_response(describe_clock(self._api))

    async def _move(self, request: web.Request) -> web.Response:
        clock = self._api.clock
        body = _ClockBody.model_validate_json(await request.read() or b"{}")
        if not isinstance(clock, HeldClock):
            raise ValueError("the clock is the real one: start the simulator with a day or a clock of its own")
        if body.now is None:
            clock.release()
        else:
            plant = next(iter(self._api.script.plants.values()))
            clock.move(times(plant, body.now, None, plant.local(clock.now()).date())[0])
        return web.json_response(describe_clock(self._api))

    async def _adjust_api(self, request: web.Request) -> web.Response:
        body = _ApiBody.model_validate_json(await request.read())
        _adjust(self._api, body)
        if "token_life_s" in body.model_fields_set:
            self._api.token_life_s = body.token_life_s
        return web.json_response(describe_api(self._api))

    async def _adjust_teams(self, request: web.Request) -> web.Response:
        _adjust(self._teams, _AdjustBody.model_validate_json(await request.read()))
        return web.json_response(describe_teams(self._teams))

    async def _requests(self, request: web.Request) -> web.Response:
        since = _since(request)
        items = [asdict(record) for record in self._server(request).requests if record.number > since]
        return web.json_response({"items": items})

    async def _inject(self, request: web.Request) -> web.Response:
        server = self._server(request)
        body = _FaultBody.model_validate_json(await request.read())
        await server.inject(
            body.fault,
            duration_s=body.duration_s,
            count=body.count,
            path=body.path,
            plants=body.plants,
            retry_after_s=body.retry_after_s,
            as_date=body.as_date,
            minutes=body.minutes,
            every=body.every,
            day=body.day,
            location=body.location,
        )
        return web.json_response(describe_server(server), status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        server = self._server(request)
        await server.clear_faults()
        return web.json_response(describe_server(server))

    def _server(self, request: web.Request) -> Serving:
        return self._api if request.match_info["server"] == "api" else self._teams

    # Cards and truth

    async def _cards(self, request: web.Request) -> web.Response:
        since = _since(request)
        items = [describe_card(card) for card in self._teams.cards if card.number > since]
        return web.json_response({"items": items})

    async def _forget(self, _request: web.Request) -> web.Response:
        self._teams.forget()
        return web.json_response(describe_teams(self._teams))

    async def _truth(self, request: web.Request) -> web.Response:
        dropped = frozenset(_dropped(text) for text in request.query.getall("dropped", []))
        # A month of hundreds of plants takes seconds.
        alarms = await asyncio.to_thread(self._api.truth, dropped)
        items = [describe_alarm(alarm, self._api.script.plant(alarm.plant)) for alarm in alarms]
        return web.json_response({"items": items, "now": self._api.clock.now()})

    # Script

    async def _script(self, _request: web.Request) -> web.Response:
        return web.json_response(describe_script(self._api.script))

    async def _plant(self, request: web.Request) -> web.Response:
        return web.json_response(describe_plant(self._found(request)))

    async def _speak(self, request: web.Request) -> web.Response:
        plant = self._found(request)
        dialect = _DIALECT.validate_json(await request.read())
        self._api.speak(plant.plant_id, dialect)
        return web.json_response(asdict(dialect))

    async def _trip(self, request: web.Request) -> web.Response:
        plant, now = self._found(request), self._api.clock.now()
        body = _TripBody.model_validate_json(await request.read())
        trip = Trip(*body.span(plant, now), tuple(body.flags))
        self._api.script.trip(plant.plant_id, body.relay, trip, now)
        return web.json_response(describe_plant(plant), status=201)

    async def _outage(self, request: web.Request) -> web.Response:
        plant, now = self._found(request), self._api.clock.now()
        body = _OutageBody.model_validate_json(await request.read())
        outage = Outage(*body.span(plant, now), body.pac_kw)
        self._api.script.outage(plant.plant_id, body.inverter, outage, now)
        return web.json_response(describe_plant(plant), status=201)

    async def _stop(self, request: web.Request) -> web.Response:
        plant, now = self._found(request), self._api.clock.now()
        body = _StopBody.model_validate_json(await request.read())
        self._api.script.stop(plant.plant_id, body.equipment, Span(*body.span(plant, now)), now)
        return web.json_response(describe_plant(plant), status=201)

    async def _end(self, request: web.Request) -> web.Response:
        plant = self._found(request)
        body = _EndBody.model_validate_json(await request.read() or b"{}")
        ended = self._api.script.end(plant.plant_id, body.equipment, self._api.clock.now())
        return web.json_response(describe_plant(plant) | {"ended": ended})

    def _found(self, request: web.Request) -> Plant:
        text = request.match_info["plant"]
        if not text.isdecimal():
            raise LookupError(f"no plant {text!r}: give its number")
        return self._api.script.plant(int(text))


def _adjust(server: Serving, body: _AdjustBody) -> None:
    if body.latency_ms is not None:
        server.latency_s = body.latency_ms / 1000
    if "concurrency_limit" in body.model_fields_set:
        server.concurrency_limit = body.concurrency_limit


def _since(request: web.Request) -> int:
    text = request.query.get("since", "0")
    if not text.isdecimal():
        raise ValueError(f"since is {text!r}: give the number of the last one seen")
    return int(text)


def _dropped(text: str) -> tuple[int, str, float]:
    try:
        plant, equipment, raised = text.split("/")
        return int(plant), equipment, float(raised)
    except ValueError:
        raise ValueError(f"dropped is {text!r}: give PLANT/INVERTER/RAISED, as the truth has them") from None
