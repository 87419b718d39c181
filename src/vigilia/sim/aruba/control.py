"""The control service of simulated switches: JSON over HTTP, on loopback, to look at them and to disturb them."""

import time
from collections.abc import Iterable
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vigilia.sim.aruba.model import PortChanges
from vigilia.sim.aruba.server import SimSwitch
from vigilia.sim.control import ControlService

_FINITE = Field(default=None, ge=0, allow_inf_nan=False)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _FaultBody(_Body):
    fault: str
    duration_s: float | None = None
    count: int | None = None
    path: str | None = None
    method: str | None = None
    ports: list[str] | None = None
    location: str | None = None


class _PortBody(_Body):
    state: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    attached: bool = True
    enabled: bool = True
    power_w: Annotated[float, Field(ge=0, le=100)] = 0


class _SwitchBody(_Body):
    latency_ms: float | None = _FINITE
    session_idle_s: float | None = _FINITE


class _RebootBody(_Body):
    down_s: Annotated[float, Field(ge=0, le=3600)] = 1.0
    boot_s: Annotated[float, Field(ge=0, le=3600)] = 1.0


class Control(ControlService):
    """Serves the state of `switches` and takes orders for them; `async with Control(switches) as control: … .url`.

    Listens on loopback only: raises ValueError for any other `host`, OSError when the port is not free.
    """

    def __init__(self, switches: Iterable[SimSwitch], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._switches = {switch.name: switch for switch in switches}
        super().__init__(
            [
                web.get("/switches", self._list),
                web.get("/switches/{name}", self._show),
                web.patch("/switches/{name}", self._adjust),
                web.get("/switches/{name}/requests", self._requests),
                web.post("/switches/{name}/faults", self._inject),
                web.delete("/switches/{name}/faults", self._clear),
                web.post("/switches/{name}/reboot", self._reboot),
                web.put("/switches/{name}/ports/{port:.+}", self._change_port),
            ],
            host=host,
            port=port,
        )

    def _switch(self, request: web.Request) -> SimSwitch:
        name = request.match_info["name"]
        if name not in self._switches:
            raise LookupError(f"no switch {name!r}: there are {', '.join(self._switches)}")
        return self._switches[name]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [describe(switch) for switch in self._switches.values()]})

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(describe(self._switch(request)))

    async def _adjust(self, request: web.Request) -> web.Response:
        switch = self._switch(request)
        body = _SwitchBody.model_validate_json(await request.read())
        if body.latency_ms is not None:
            switch.latency_s = body.latency_ms / 1000
        if body.session_idle_s is not None:
            switch.sessions.idle_s = body.session_idle_s
        return web.json_response(describe(switch))

    async def _requests(self, request: web.Request) -> web.Response:
        switch = self._switch(request)
        text = request.query.get("since", "-inf")
        try:
            since = float(text)
        except ValueError:
            raise ValueError(f"since is {text!r}: give monotonic seconds") from None
        items = [
            {"monotonic": r.monotonic, "time": r.time, "method": r.method, "path": r.path, "status": r.status}
            for r in switch.requests
            if r.monotonic > since
        ]
        return web.json_response({"items": items, "monotonic": time.monotonic()})

    async def _inject(self, request: web.Request) -> web.Response:
        switch = self._switch(request)
        body = _FaultBody.model_validate_json(await request.read())
        await switch.inject(
            body.fault,
            duration_s=body.duration_s,
            count=body.count,
            path=body.path,
            method=body.method,
            ports=body.ports or (),
            location=body.location,
        )
        return web.json_response(describe(switch), status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        switch = self._switch(request)
        await switch.clear_faults()
        return web.json_response(describe(switch))

    async def _reboot(self, request: web.Request) -> web.Response:
        switch = self._switch(request)
        body = _RebootBody.model_validate_json(await request.read() or b"{}")
        await switch.reboot(body.down_s, body.boot_s)
        return web.json_response(describe(switch), status=202)

    async def _change_port(self, request: web.Request) -> web.Response:
        switch = self._switch(request)
        body = _PortBody.model_validate_json(await request.read())
        changes = PortChanges(**body.model_dump(include=body.model_fields_set))
        port = switch.model.change(request.match_info["port"], time.monotonic(), **changes)
        return web.json_response(_describe_port(switch, port.port_id))


def describe(switch: SimSwitch) -> dict[str, object]:
    """Everything about a switch but its request log, as JSON data."""
    now = time.monotonic()
    return {
        "name": switch.name,
        "url": switch.url,
        "listening": switch.listening,
        "latency_ms": switch.latency_s * 1000,
        "session_idle_s": switch.sessions.idle_s,
        "reboots": switch.reboots,
        "open_sessions": switch.open_sessions,
        "max_open_sessions": switch.max_open_sessions,
        "logins": switch.logins,
        "open_connections": switch.open_connections,
        "max_open_connections": switch.max_open_connections,
        "total_connections": switch.total_connections,
        "requests": len(switch.requests),
        "overlapping": switch.overlapping,
        "monotonic": now,
        "faults": [
            {
                "fault": fault.kind,
                "remaining_s": None if fault.until == float("inf") else fault.until - now,
                "count": fault.left,
                "path": fault.path,
                "method": fault.method,
                "ports": sorted(fault.ports),
                "location": fault.location,
            }
            for fault in switch.faults.active(now)
        ],
        "ports": [_describe_port(switch, port_id) for port_id in switch.model.ports],
    }


def _describe_port(switch: SimSwitch, port_id: str) -> dict[str, Any]:
    port = switch.model.port(port_id)
    return {
        "port": port_id,
        "status": port.status(time.monotonic()),
        "state": port.state,
        "attached": port.attached,
        "enabled": port.enabled,
        "power_w": port.power_w,
    }
