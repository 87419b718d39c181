"""The service with a driver that listens: its listener runs with it, and ends with it."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

from tests.system.conftest import free_port
from tests.unit.drivers.reactor.agents import Agent
from vigilia.alarms.config import AlarmsConfig
from vigilia.app import serve
from vigilia.clock import Clock
from vigilia.config import Config, SiteConfig, StoreConfig
from vigilia.drivers.reactor import plugin
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.history.config import HistoryConfig
from vigilia.interfaces.api.config import WebConfig
from vigilia.notify.config import NotifyConfig
from vigilia.ping import HealthConfig
from vigilia.wire.reactor.v1 import reactor_pb2 as wire


def config(folder: Path, port: int) -> Config:
    section = ReactorConfig(listen=f"127.0.0.1:{port}", manager_ports="0", status_interval_s=0.4)
    return Config(
        source="test",
        site=SiteConfig(data_dir=str(folder), language="en"),
        web=WebConfig(listen="127.0.0.1:0"),
        store=StoreConfig(url=f"sqlite:///{folder}/vigilia.db"),
        history=HistoryConfig(url=f"sqlite:///{folder}/history.db"),
        health=HealthConfig(),
        epics=None,
        notify=NotifyConfig(),
        alarms=AlarmsConfig(),
        drivers={"reactor": (plugin, section)},
    )


async def ask(web: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.request(method, web + path, json=body) as answer:
        return answer.status, await answer.json()


async def test_from_the_first_call_to_the_next_start(tmp_path: Path) -> None:
    port = free_port()
    duty = "/api/v1/points/R1:heater:Duty-SP"

    async def start() -> tuple[asyncio.Task[None], str]:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        service = asyncio.create_task(serve(config(tmp_path, port), Clock(), ready.set_result))
        await asyncio.wait({service, ready}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if service.done():
            await service
        return service, ready.result().removeprefix("vigilia ready ")

    service, web = await start()
    agent = Agent(f"127.0.0.1:{port}")
    assert (await agent.register()).decision == wire.RegisterReply.WAITING
    assert (await ask(web, "POST", "/api/v1/reactors/R1/accept"))[0] == 200
    async with agent.reporting():
        assert (await ask(web, "PUT", f"{duty}/value", {"value": 40}))[0] == 200
        assert (await ask(web, "GET", "/healthz"))[0] == 200
        await ask(web, "PUT", f"{duty}/value", {"value": 41})
    write = asyncio.create_task(ask(web, "PUT", "/api/v1/points/R1:acid:Dose-SP/value", {"value": 2.5}))
    await asyncio.sleep(0.05)  # it waits for a report that does not come any more
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await service
    assert (await write)[0] in (409, 503), "whoever waits has an answer"
    await agent.close()

    service, web = await start()
    point = (await ask(web, "GET", duty))[1]
    assert (point["value"], point["severity"]) == (41.0, "NO_ALARM")
    status, point = await ask(web, "PUT", f"{duty}/value", {"value": 42})
    assert (status, point["pending"]) == (202, True)
    again = Agent(f"127.0.0.1:{port}", memory=agent.memory())
    assert [setting.value.number for setting in (await again.register()).settings] == [42.0]
    await again.close()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await service
