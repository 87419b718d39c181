"""The REST service, over real HTTP."""

import base64
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from yarl import URL

from vigilia.sim.aruba import SimSwitch

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
Login = Callable[[SimSwitch], Awaitable[dict[str, str]]]

CREDENTIALS = {"username": "controle", "password": "example"}


async def names(http: aiohttp.ClientSession, switch: SimSwitch) -> list[str]:
    async with http.get(f"{switch.url}/rest/version") as answer:
        assert answer.status == 200
        return [element["version"] for element in (await answer.json())["version_element"]]


async def get(http: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, object]:
    async with http.get(URL(url, encoded=True), headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_versions(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(versions=range(1, 5)) as switch:
        assert await names(http, switch) == ["v1.0", "v2.0", "v2.1", "v3.0", "v3.1", "v4.0"]
        found = {v: (await get(http, f"{switch.url}/rest/{v}/poe/ports/stats"))[0] for v in ("v1", "v3.1", "v4.0")}
        assert set(found.values()) == {200}
        for version in ("v5", "v6", "v9", "v4.1", "v0", "x"):
            assert (await get(http, f"{switch.url}/rest/{version}/poe/ports/stats"))[0] == 404
    async with SimSwitch() as switch:
        assert (await names(http, switch))[-1] == "v7.0"


@pytest.mark.parametrize("versions", [[], [0], [9]])
def test_versions_that_no_switch_has(versions: list[int]) -> None:
    with pytest.raises(ValueError, match="from 1 to 8"):
        SimSwitch(versions=versions)


def test_a_user_needs_a_password() -> None:
    with pytest.raises(ValueError, match="both username and password"):
        SimSwitch(username="controle")


async def test_login_and_logout(http: aiohttp.ClientSession, login: Login) -> None:
    async with SimSwitch(**CREDENTIALS) as switch:
        stats = f"{switch.url}/rest/v3/poe/ports/stats"
        assert (await get(http, stats))[0] == 401
        session = await login(switch)
        assert session["Cookie"].startswith("sessionId=")
        assert (await get(http, stats, **session))[0] == 200
        assert (switch.open_sessions, switch.logins) == (1, 1)
        async with http.delete(f"{switch.url}/rest/v3/login-sessions", headers=session) as answer:
            assert answer.status == 204
        assert switch.open_sessions == 0
        status, body = await get(http, stats, **session)
        assert status == 401
        assert isinstance(body, dict)
        assert body["message"]
        async with http.delete(f"{switch.url}/rest/v3/login-sessions", headers=session) as answer:
            assert answer.status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"userName":"controle","password":"wrong"}', 401),
        ('{"userName":"other","password":"example"}', 401),
        ('{"userName":"controle"}', 400),
        ('{"userName":"controle","password":5}', 400),
        ("not json", 400),
        ("[" * 50_000, 400),
    ],
)
async def test_refused_logins(http: aiohttp.ClientSession, body: str, status: int) -> None:
    async with SimSwitch(**CREDENTIALS) as switch:
        async with http.post(f"{switch.url}/rest/v3/login-sessions", data=body) as answer:
            assert answer.status == status
        assert (switch.open_sessions, switch.logins) == (0, 0)


async def test_the_sixth_session_is_refused(http: aiohttp.ClientSession, login: Login) -> None:
    async with SimSwitch(**CREDENTIALS) as switch:
        sessions = [await login(switch) for _ in range(5)]
        async with http.post(
            f"{switch.url}/rest/v3/login-sessions", json={"userName": "controle", "password": "example"}
        ) as answer:
            assert answer.status == 503
        async with http.delete(f"{switch.url}/rest/v3/login-sessions", headers=sessions[0]) as answer:
            assert answer.status == 204
        await login(switch)
        assert (switch.open_sessions, switch.max_open_sessions, switch.logins) == (5, 5, 6)


@pytest.mark.parametrize(("refusal", "status"), [("401", 401), ("html", 400)])
async def test_an_idle_session_expires(
    http: aiohttp.ClientSession, login: Login, eventually: Eventually, refusal: str, status: int
) -> None:
    async with SimSwitch(**CREDENTIALS, login_refusal=refusal, session_idle_s=0.1) as switch:
        session = await login(switch)
        await eventually(lambda: switch.open_sessions == 0)
        async with http.get(f"{switch.url}/rest/v3/poe/ports/stats", headers=session) as answer:
            assert answer.status == status
            assert answer.content_type == ("text/html" if refusal == "html" else "application/json")
            assert ("Please login" in await answer.text()) == (refusal == "html")


async def test_anonymous_rest_needs_no_login(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        assert (await get(http, f"{switch.url}/rest/v3/poe/ports/stats"))[0] == 200
        assert switch.logins == 0


async def test_the_version_list_may_want_a_session(http: aiohttp.ClientSession, login: Login) -> None:
    async with SimSwitch(**CREDENTIALS) as switch:
        assert (await get(http, f"{switch.url}/rest/version"))[0] == 200
    async with SimSwitch(**CREDENTIALS, version_needs_session=True) as switch:
        assert (await get(http, f"{switch.url}/rest/version"))[0] == 401
        assert (await get(http, f"{switch.url}/rest/version", **await login(switch)))[0] == 200


@pytest.mark.parametrize("written", ["1%2F24", "1/24"])
async def test_port_names_with_a_slash(http: aiohttp.ClientSession, written: str) -> None:
    async with SimSwitch(ports=["1/24", "A12"]) as switch:
        base = f"{switch.url}/rest/v3/ports/{written}/poe"
        status, stats = await get(http, f"{base}/stats")
        assert status == 200
        assert isinstance(stats, dict)
        assert (stats["port_id"], stats["poe_detection_status"]) == ("1/24", "PPDS_DELIVERING")
        status, settings = await get(http, base)
        assert status == 200
        assert isinstance(settings, dict)
        async with http.put(URL(base, encoded=True), json=settings | {"is_poe_enabled": False}) as answer:
            assert answer.status == 200
            assert (await answer.json())["is_poe_enabled"] is False
        assert switch.requests[-1].path == f"/rest/v3/ports/{written}/poe"
        assert not switch.model.port("1/24").enabled
        assert switch.model.port("A12").enabled


async def test_collections(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(ports=48) as switch:
        _, stats = await get(http, f"{switch.url}/rest/v3/poe/ports/stats")
        _, settings = await get(http, f"{switch.url}/rest/v3/poe/ports")
        assert isinstance(stats, dict)
        assert isinstance(settings, dict)
        expected = [str(number) for number in range(1, 49)]
        assert [port["port_id"] for port in stats["port_poe_stats"]] == expected
        assert [port["port_id"] for port in settings["port_poe"]] == expected
        assert stats["collection_result"]["total_elements_count"] == 48


async def test_firmware_without_the_collection(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(collection=False) as switch:
        assert (await get(http, f"{switch.url}/rest/v3/poe/ports/stats"))[0] == 404
        assert (await get(http, f"{switch.url}/rest/v3/ports/3/poe/stats"))[0] == 200
        assert (await get(http, f"{switch.url}/rest/v3/ports/25/poe/stats"))[0] == 404


async def test_a_write_searches_then_delivers(http: aiohttp.ClientSession, eventually: Eventually) -> None:
    async with SimSwitch(detect_s=0.1) as switch:
        url = f"{switch.url}/rest/v3/ports/3/poe"
        seen: list[str] = []
        for enabled in (False, True):
            async with http.put(url, json={"port_id": "3", "is_poe_enabled": enabled}) as answer:
                assert answer.status == 200
            _, stats = await get(http, f"{url}/stats")
            assert isinstance(stats, dict)
            seen.append(stats["poe_detection_status"])
        assert seen == ["PPDS_DISABLED", "PPDS_SEARCHING"]
        await eventually(lambda: b"PPDS_DELIVERING" in switch.model.stats("3", switch.requests[-1].monotonic + 0.2))


@pytest.mark.parametrize(
    "body",
    ["", "[]", '{"is_poe_enabled":"yes"}', '{"is_poe_enabled":1}', '{"poe_priority":"PPP_X"}', '{"port_id":"4"}'],
)
async def test_bad_writes_are_refused(http: aiohttp.ClientSession, body: str) -> None:
    async with SimSwitch() as switch:
        async with http.put(f"{switch.url}/rest/v3/ports/3/poe", data=body) as answer:
            assert answer.status == 400
            assert "message" in await answer.json()
        assert switch.model.port("3").enabled


async def test_older_firmware_is_written_through_the_cli(http: aiohttp.ClientSession) -> None:
    async with SimSwitch(ports=["3", "1/24"], put=False) as switch:
        for path in ("ports/3/poe", "poe/ports"):
            assert (await get(http, f"{switch.url}/rest/v3/{path}"))[0] == 404
        async with http.put(f"{switch.url}/rest/v3/ports/3/poe", json={"is_poe_enabled": False}) as answer:
            assert answer.status == 404
        for command, port, enabled in (
            ("no interface 3 power-over-ethernet", "3", False),
            ("interface 3 power-over-ethernet", "3", True),
            ("no interface 1/24 power-over-ethernet", "1/24", False),
        ):
            async with http.post(f"{switch.url}/rest/v3/cli", json={"cmd": command}) as answer:
                assert answer.status == 200
                assert (await answer.json())["status"] == "CCS_SUCCESS"
            assert switch.model.port(port).enabled is enabled


@pytest.mark.parametrize("command", ["interface 9 power-over-ethernet", "show version", "no interface"])
async def test_failing_cli_commands(http: aiohttp.ClientSession, command: str) -> None:
    async with SimSwitch(ports=4) as switch:
        async with http.post(f"{switch.url}/rest/v3/cli", json={"cmd": command}) as answer:
            result = await answer.json()
        assert result["status"] == "CCS_FAILURE"
        assert base64.b64decode(result["result_base64_encoded"])


async def test_other_paths_and_methods(http: aiohttp.ClientSession) -> None:
    async with SimSwitch() as switch:
        for path in ("/", "/rest", "/rest/v3/", "/rest/v3/vlans", "/rest/v3/poe/ports/3/reset"):
            assert (await get(http, switch.url + path))[0] == 404
        async with http.delete(f"{switch.url}/rest/v3/poe/ports/stats") as answer:
            assert answer.status == 405
        async with http.post(f"{switch.url}/rest/version") as answer:
            assert answer.status == 405
        async with http.post(f"{switch.url}/rest/v3/cli", data="5") as answer:
            assert answer.status == 400
