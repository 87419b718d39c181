"""The control service of simulated reactors: JSON over HTTP, on loopback, to look at them and to disturb them."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vigilia.sim.control import ControlService
from vigilia.sim.reactor.describe import describe, describe_circuit, describe_truth
from vigilia.sim.reactor.reactor import SimReactor


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _FaultBody(_Body):
    fault: str
    duration_s: float | None = None
    count: int | None = None
    parts: list[str] | None = None
    places: list[str] | None = None
    command: str | None = None
    delay_s: float | None = None
    amplitude: float | None = None
    address: int | None = None
    reason: str | None = None


_Degrees = Annotated[float, Field(ge=-20, le=100)]
_Amount = Annotated[float, Field(ge=0, le=200_000)]
_Size = Annotated[float, Field(ge=0.01, le=100_000)]


class _VesselBody(_Body):
    ph: Annotated[float, Field(ge=0, le=14)] | None = None
    ec25_us: _Amount | None = None
    temperature_c: _Degrees | None = None
    oxygen_mg_l: Annotated[float, Field(ge=0, le=50)] | None = None
    humidity_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    co2_ppm: _Amount | None = None
    ambient_c: _Degrees | None = None
    volume_l: _Size | None = None
    mixing_s: _Size | None = None
    heater_w: _Amount | None = None
    loss_w_per_k: _Size | None = None
    drift_mmol_l_h: Annotated[float, Field(ge=-100, le=100)] | None = None
    oxygen_use_mg_l_h: _Amount | None = None


class _CircuitBody(_Body):
    sample: float | None = None
    address: Annotated[int, Field(ge=1, le=127)] | None = None
    top_bit: bool | None = None
    supply_v: Annotated[float, Field(ge=0, le=6)] | None = None
    pace: Annotated[float, Field(ge=0, le=100)] | None = None
    gain: Annotated[float, Field(ge=0, le=2)] | None = None


class Control(ControlService):
    """Serves the state of `reactors` and takes orders for them; `async with Control(reactors) as control: … .url`.

    Listens on loopback only: raises ValueError for any other `host`, OSError when the port is not free.
    """

    def __init__(self, reactors: Iterable[SimReactor], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._reactors = {reactor.name: reactor for reactor in reactors}
        super().__init__(
            [
                web.get("/reactors", self._list),
                web.get("/truth", self._whole_truth),
                web.get("/reactors/{name}", self._show),
                web.get("/reactors/{name}/truth", self._truth),
                web.get("/reactors/{name}/commands", self._commands),
                web.post("/reactors/{name}/faults", self._inject),
                web.delete("/reactors/{name}/faults", self._clear),
                web.patch("/reactors/{name}/vessel", self._change_vessel),
                web.patch("/reactors/{name}/parts/{part}", self._change_part),
            ],
            host=host,
            port=port,
        )

    def _reactor(self, request: web.Request) -> SimReactor:
        name = request.match_info["name"]
        if name not in self._reactors:
            raise LookupError(f"no reactor {name!r}: there are {', '.join(self._reactors)}")
        return self._reactors[name]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [describe(reactor) for reactor in self._reactors.values()]})

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(describe(self._reactor(request)))

    async def _whole_truth(self, request: web.Request) -> web.Response:
        since = _since(request)
        return web.json_response({"items": [describe_truth(reactor, since) for reactor in self._reactors.values()]})

    async def _truth(self, request: web.Request) -> web.Response:
        return web.json_response(describe_truth(self._reactor(request), _since(request)))

    async def _commands(self, request: web.Request) -> web.Response:
        journal = self._reactor(request).journal
        text = request.query.get("since", "0")
        if not text.isdecimal():
            raise ValueError(f"since is {text!r}: give the number of the last one seen")
        items = [asdict(exchange) for exchange in journal.since(int(text))]
        return web.json_response({"items": items, "total": journal.total})

    async def _inject(self, request: web.Request) -> web.Response:
        reactor = self._reactor(request)
        body = _FaultBody.model_validate_json(await request.read())
        await reactor.inject(
            body.fault,
            duration_s=body.duration_s,
            count=body.count,
            parts=body.parts,
            places=body.places,
            command=body.command,
            delay_s=body.delay_s,
            amplitude=body.amplitude,
            address=body.address,
            reason=body.reason,
        )
        return web.json_response(describe(reactor), status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        reactor = self._reactor(request)
        await reactor.clear_faults()
        return web.json_response(describe(reactor))

    async def _change_vessel(self, request: web.Request) -> web.Response:
        reactor = self._reactor(request)
        body = _VesselBody.model_validate_json(await request.read())
        reactor.advance()
        for name in body.model_fields_set:
            value = getattr(body, name)
            if value is not None:
                setattr(reactor.vessel, name, value)
        return web.json_response(reactor.vessel.describe())

    async def _change_part(self, request: web.Request) -> web.Response:
        reactor, name = self._reactor(request), request.match_info["part"]
        circuit = reactor.circuit(name)
        body = _CircuitBody.model_validate_json(await request.read())
        if body.gain is not None and name not in reactor.pumps:
            raise ValueError(f"{name} has no gain: give one for a pump")
        if body.gain is not None:
            reactor.pumps[name].motor.gain = body.gain
        if "sample" in body.model_fields_set:
            circuit.sample = body.sample
        if body.address is not None:
            circuit.address = body.address
        if body.top_bit is not None:
            reactor.chips[name].top_bit = body.top_bit
        if body.supply_v is not None:
            circuit.set_supply(body.supply_v)
        if body.pace is not None:
            circuit.pace = body.pace
        return web.json_response(describe_circuit(reactor, name))


def _since(request: web.Request) -> float:
    text = request.query.get("since", "-inf")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"since is {text!r}: give monotonic seconds") from None
