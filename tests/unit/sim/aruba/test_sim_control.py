"""The control service, over HTTP."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from vigilia.sim.aruba import Control, SimSwitch

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]

STATS = "/rest/v3/poe/ports/stats"


@pytest.fixture
async def switch() -> AsyncIterator[SimSwitch]:
    async with SimSwitch("sw-1", ports=["1", "1/24"]) as switch:
        yield switch


@pytest.fixture
async def control(switch: SimSwitch) -> AsyncIterator[Control]:
    async with Control([switch]) as control:
        yield control


async def ask(
    http: aiohttp.ClientSession, control: Control, method: str, path: str, body: object = None
) -> tuple[int, dict[str, object]]:
    async with http.request(method, f"{control.url}/switches{path}", json=body) as answer:
        return answer.status, await answer.json()


async def test_bookkeeping(http: aiohttp.ClientSession, switch: SimSwitch, control: Control) -> None:
    async with http.get(switch.url + STATS) as answer:
        await answer.read()
    code, listed = await ask(http, control, "GET", "")
    assert code == 200
    code, one = await ask(http, control, "GET", "/sw-1")
    assert code == 200
    assert one["url"] == switch.url
    assert (one["open_connections"], one["max_open_connections"], one["requests"]) == (1, 1, 1)
    assert (one["open_sessions"], one["logins"], one["overlapping"], one["listening"]) == (0, 0, 0, True)
    items = listed["items"]
    assert isinstance(items, list)
    assert [item["name"] for item in items] == ["sw-1"]
    assert items[0].keys() == one.keys()


async def test_the_log_since(http: aiohttp.ClientSession, switch: SimSwitch, control: Control) -> None:
    for path in (STATS, "/rest/version"):
        async with http.get(switch.url + path) as answer:
            await answer.read()
    code, everything = await ask(http, control, "GET", "/sw-1/requests")
    assert code == 200
    items = everything["items"]
    assert isinstance(items, list)
    assert [(item["path"], item["status"]) for item in items] == [(STATS, 200), ("/rest/version", 200)]
    _, later = await ask(http, control, "GET", f"/sw-1/requests?since={items[0]['monotonic']!r}")
    assert later["items"] == items[1:]
    assert isinstance(later["monotonic"], float)
    assert items[1]["monotonic"] < later["monotonic"] <= time.monotonic()


async def test_faults(http: aiohttp.ClientSession, switch: SimSwitch, control: Control) -> None:
    code, answer = await ask(
        http,
        control,
        "POST",
        "/sw-1/faults",
        {"fault": "500", "duration_s": 60, "count": None, "path": "stats", "method": None, "ports": []},
    )
    assert code == 201
    assert isinstance(answer["faults"], list)
    assert answer["faults"][0]["fault"] == "500"
    async with http.get(switch.url + STATS) as refused:
        assert refused.status == 500
    code, answer = await ask(http, control, "DELETE", "/sw-1/faults")
    assert (code, answer["faults"]) == (200, [])
    async with http.get(switch.url + STATS) as fine:
        assert fine.status == 200
    code, _ = await ask(http, control, "POST", "/sw-1/faults", {"fault": "missing-port", "ports": ["1/24"]})
    assert code == 201
    async with http.get(switch.url + STATS) as some:
        assert len((await some.json())["port_poe_stats"]) == 1


async def test_ports(http: aiohttp.ClientSession, switch: SimSwitch, control: Control) -> None:
    code, port = await ask(http, control, "PUT", "/sw-1/ports/1%2F24", {"state": "PPDS_FAULT", "power_w": 9.5})
    assert code == 200
    assert (port["port"], port["status"], port["power_w"]) == ("1/24", "PPDS_FAULT", 9.5)
    code, port = await ask(http, control, "PUT", "/sw-1/ports/1/24", {"state": None})
    assert (code, port["status"]) == (200, "PPDS_DELIVERING")
    _, port = await ask(http, control, "PUT", "/sw-1/ports/1", {"attached": False})
    assert (port["status"], port["enabled"]) == ("PPDS_SEARCHING", True)
    _, port = await ask(http, control, "PUT", "/sw-1/ports/1", {"enabled": False})
    assert (port["status"], port["attached"]) == ("PPDS_DISABLED", False)
    assert not switch.model.port("1").enabled


async def test_adjusting(http: aiohttp.ClientSession, switch: SimSwitch, control: Control) -> None:
    code, answer = await ask(http, control, "PATCH", "/sw-1", {"latency_ms": 12.5, "session_idle_s": 3})
    assert (code, answer["latency_ms"], answer["session_idle_s"]) == (200, 12.5, 3)
    assert switch.latency_s == 0.0125


async def test_reboot(http: aiohttp.ClientSession, switch: SimSwitch, control: Control, eventually: Eventually) -> None:
    code, answer = await ask(http, control, "POST", "/sw-1/reboot", {"down_s": 0.2, "boot_s": 0.1})
    assert (code, answer["listening"], answer["reboots"]) == (202, False, 1)
    await eventually(lambda: switch.listening)


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "part"),
    [
        ("GET", "/sw-9", None, 404, "no switch 'sw-9': there are sw-1"),
        ("GET", "/sw-1/nothing", None, 404, "Not Found"),
        ("DELETE", "/sw-1", None, 405, "Method Not Allowed"),
        ("GET", "/sw-1/requests?since=now", None, 400, "since is 'now'"),
        ("POST", "/sw-1/faults", {"fault": "melt"}, 400, "unknown fault 'melt': the faults are hang, reset"),
        ("POST", "/sw-1/faults", {"fault": "redirect"}, 400, "needs location"),
        ("POST", "/sw-1/faults", {"fault": "missing-port", "ports": ["7"]}, 404, "no port '7'"),
        ("POST", "/sw-1/faults", {}, 422, "fault: Field required"),
        ("POST", "/sw-1/faults", {"fault": "hang", "for": 5}, 422, "for: Extra inputs"),
        ("POST", "/sw-1/faults", {"fault": "hang", "duration_s": "5"}, 422, "duration_s"),
        ("PUT", "/sw-1/ports/7", {"enabled": True}, 404, "no port '7'"),
        ("PUT", "/sw-1/ports/1", {"enabled": None}, 422, "enabled"),
        ("PUT", "/sw-1/ports/1", {"power_w": -1}, 422, "power_w"),
        ("PUT", "/sw-1/ports/1", [], 422, "body"),
        ("PATCH", "/sw-1", {"latency_ms": -1}, 422, "latency_ms"),
        ("POST", "/sw-1/reboot", {"down_s": -1}, 422, "down_s"),
    ],
)
async def test_wrong_input(
    http: aiohttp.ClientSession, control: Control, method: str, path: str, body: object, code: int, part: str
) -> None:
    found, answer = await ask(http, control, method, path, body)
    assert (found, list(answer)) == (code, ["error"])
    assert part in str(answer["error"])


async def test_a_body_that_is_not_json(http: aiohttp.ClientSession, control: Control) -> None:
    async with http.post(f"{control.url}/switches/sw-1/faults", data=b"\xff{") as answer:
        assert answer.status == 422
        assert "error" in await answer.json()


def test_only_on_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Control([], host="0.0.0.0")
