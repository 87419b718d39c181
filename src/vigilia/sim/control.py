"""What the control services of simulated equipment share: an HTTP service on loopback whose errors are sentences."""

import ipaddress
from collections.abc import Iterable
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from vigilia.addresses import join_address

_STOP_S = 0.5


class ControlService:
    """Answers on `routes` while it is entered: `async with … as control: … control.url`.

    Listens on loopback only: raises ValueError for any other `host`, OSError when the port is not free.
    """

    def __init__(self, routes: Iterable[web.RouteDef], *, host: str, port: int) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the control service would listen on {host}: give a loopback address")
        self._host = host
        self._port = port
        app = web.Application(middlewares=[_errors_as_json])
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S)

    async def start(self) -> None:
        """Begin to listen."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and end all connections."""
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The address to reach it at."""
        return f"http://{join_address(self._host, self._port)}"


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValidationError as error:
        texts = (f"{'.'.join(str(part) for part in e['loc']) or 'body'}: {e['msg']}" for e in error.errors())
        return web.json_response({"error": "; ".join(texts)}, status=422)
    except LookupError as error:
        return web.json_response({"error": str(error)}, status=404)
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        return web.json_response({"error": f"{error.reason}: {request.method} {request.path}"}, status=error.status)
