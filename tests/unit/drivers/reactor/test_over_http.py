"""Reactors as a client of the API and an operator at a terminal find them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.conftest import until
from tests.unit.drivers.reactor.conftest import Run, Site
from vigilia.clock import Clock
from vigilia.errors import StartError
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.api.models import PendingAnswer, ReactorAnswer, TokenAnswer
from vigilia.interfaces.api.parts import ApiParts
from vigilia.interfaces.api.server import WebServer
from vigilia.language import use
from vigilia.reactors import accept, enrol, list_reactors
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

DUTY = "/api/v1/points/R1:heater:Duty-SP/value"
DOSE = "/api/v1/points/R1:acid:Dose-SP/value"
State = wire.CommandState


@pytest.fixture(autouse=True)
def _english() -> None:
    use("en")


@asynccontextmanager
async def web(site: Site | None) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the API over a site; without one, over a service that listens to no reactors."""
    from vigilia.table import PointTable

    async def healthy() -> list[str]:
        return []

    async def no_audit(*_: Any, **__: Any) -> list[Any]:
        return []

    clock = Clock()
    table = site.table if site else PointTable(clock, None)  # type: ignore[arg-type]
    parts = ApiParts(table, [], no_audit, healthy, clock, "0", fleet=site.driver if site else None)
    server = WebServer(WebConfig(listen="127.0.0.1:0"), parts)
    server.bind()
    await server.start()
    try:
        async with aiohttp.ClientSession(server.address) as client:
            client.headers["X-Address"] = server.address
            yield client
    finally:
        await server.stop()


async def ask(client: aiohttp.ClientSession, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with client.request(method, path, json=body) as answer:
        return answer.status, await answer.json()


async def test_every_outcome_of_a_write_has_its_status(at_work: Run) -> None:
    async with at_work() as site, web(site) as client:
        agent = site.agent()
        async with agent.reporting():
            status, point = await ask(client, "PUT", DUTY, {"value": 40})
            assert (status, point["value"], "pending" in point) == (200, 40.0, False)
            assert (await ask(client, "PUT", DUTY, {"value": 101}))[0] == 422
            assert (await ask(client, "PUT", DOSE, {"value": 2.5}))[0] == 200
            assert (await ask(client, "PUT", DOSE, {"value": 25}))[0] == 422
            agent.obey = lambda c: State(id=c.id, outcome=State.REFUSED, over_limit=True, detail="20 ml an hour")
            status, failure = await ask(client, "PUT", DOSE, {"value": 2.5})
            assert (status, failure["error"], "20 ml an hour" in failure["detail"]) == (422, "invalid-value", True)
            agent.obey = lambda c: State(id=c.id, outcome=State.FAILED, detail="no motor supply")
            assert (await ask(client, "PUT", DOSE, {"value": 2.5}))[0] == 502
            agent.refuse = lambda _setting: "the loop drives it"
            assert (await ask(client, "PUT", DUTY, {"value": 50}))[0] == 409
        await until(lambda: site.driver.reactors()[0].presence == "away")
        status, point = await ask(client, "PUT", DUTY, {"value": 60})
        assert (status, point["value"], point["pending"], point["severity"]) == (202, 60.0, True, "NO_ALARM")
        PendingAnswer.model_validate(point, strict=True)
        assert point["detail"] == "R1 is away: the setting is kept, and applied when it is back"
        status, failure = await ask(client, "PUT", DOSE, {"value": 2.5})
        assert (status, failure["error"]) == (409, "not-writable")
        await agent.close()


async def test_a_command_that_is_under_way_is_no_success_yet(at_work: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.drivers.reactor.commands.BEGIN_S", 0.4)
    monkeypatch.setattr("vigilia.drivers.reactor.commands._MARGIN_S", 0.1)
    monkeypatch.setattr("vigilia.drivers.reactor.commands.RUNNING_S", 0.1)
    async with at_work() as site, web(site) as client:
        agent = site.agent()
        agent.obey = lambda c: State(id=c.id, outcome=State.RUNNING)
        async with agent.reporting():
            status, point = await ask(client, "PUT", DOSE, {"value": 15})
        assert (status, point["value"], point["pending"]) == (202, 15.0, True)
        assert point["detail"] == "R1 has begun, and is at it: the point and the audit show its end"
        PendingAnswer.model_validate(point, strict=True)
        await agent.close()


async def test_the_list_shows_how_it_stands_with_each(at_work: Run) -> None:
    async with at_work(accept="known") as site, web(site) as client:
        assert await ask(client, "GET", "/api/v1/reactors") == (200, {"items": [], "next": None})
        agent = site.agent()
        assert (await agent.register()).decision == wire.RegisterReply.WAITING
        _, page = await ask(client, "GET", "/api/v1/reactors")
        [item] = page["items"]
        assert (item["id"], item["state"], item["address"][:10], item["reported"][-1]) == (
            "R1",
            "waiting",
            "127.0.0.1:",
            "Z",
        )
        status, failure = await ask(client, "POST", "/api/v1/reactors/R2/accept")
        assert (status, failure["error"]) == (404, "unknown-reactor")
        status, item = await ask(client, "POST", "/api/v1/reactors/R1/accept")
        assert (status, item["state"]) == (200, "away")
        async with agent.reporting():
            _, page = await ask(client, "GET", "/api/v1/reactors")
            [item] = page["items"]
            assert (item["state"], item["name"], item["points"], item["samples_waiting"]) == (
                "connected",
                "Reator um",
                19,
                3,
            )
        await until(lambda: site.driver.reactors()[0].presence == "away")
        await ask(client, "PUT", DUTY, {"value": 60})
        status, token = await ask(client, "POST", "/api/v1/reactors/R2/enrol")
        assert (status, TokenAnswer.model_validate(token).id) == (200, "R2")
        _, first = await ask(client, "GET", "/api/v1/reactors?limit=1")
        _, second = await ask(client, "GET", f"/api/v1/reactors?limit=1&next={first['next']}")
        assert [item["id"] for page in (first, second) for item in page["items"]] == ["R1", "R2"]
        for item in (*first["items"], *second["items"]):
            ReactorAnswer.model_validate(item, strict=True)
        [setting] = first["items"][0]["settings"]
        assert (setting["point"], setting["value"], setting["state"], setting["by"]) == (
            "R1:heater:Duty-SP",
            60.0,
            "pending",
            "127.0.0.1 (api)",
        )
        assert second["items"][0]["enrolled"]
        await agent.close()


async def test_without_a_section_there_are_none() -> None:
    async with web(None) as client:
        assert await ask(client, "GET", "/api/v1/reactors") == (200, {"items": [], "next": None})
        assert (await ask(client, "POST", "/api/v1/reactors/R1/accept"))[0] == 404


async def test_an_operator_at_a_terminal(at_work: Run) -> None:
    async with at_work(accept="known") as site, web(site) as client:
        config = WebConfig(listen=client.headers["X-Address"].removeprefix("http://"))
        assert await asyncio.to_thread(list_reactors, config, as_json=False) == (
            "no reactor has called, and none is enrolled"
        )
        agent = site.agent()
        await agent.register()
        lines = await asyncio.to_thread(list_reactors, config, as_json=False)
        assert lines.startswith("R1: waits to be accepted, since ")
        said = await asyncio.to_thread(accept, config, "R1")
        assert said == "R1 is accepted: its agent registers within seconds"
        await agent.register()
        assert "R1: connected" in await asyncio.to_thread(list_reactors, config, as_json=False)
        await agent.close()
        token = await asyncio.to_thread(enrol, config, "R1")
        agent = site.agent(token=token)
        await until(lambda: site.driver.reactors()[0].presence == "away")
        assert (await agent.register()).decision == wire.RegisterReply.ACCEPTED
        await agent.close()
        found = json.loads(await asyncio.to_thread(list_reactors, config, as_json=True))
        assert [item["id"] for item in found["items"]] == ["R1"]
        with pytest.raises(StartError, match=r"^no reactor 'R9' has called: enrol it"):
            await asyncio.to_thread(accept, config, "R9")
        with pytest.raises(StartError, match="is no id of a reactor"):
            await asyncio.to_thread(enrol, config, "R 9")
    with pytest.raises(StartError, match=r"no answer from http://127\.0\.0\.1"):
        await asyncio.to_thread(accept, config, "R1")
    with pytest.raises(StartError, match="there is nobody to ask"):
        list_reactors(WebConfig(enabled=False), as_json=False)
