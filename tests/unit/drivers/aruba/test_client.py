"""The REST client against simulated switches: version and sessions."""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers.aruba.clients import LOGIN, calls, make, opened
from tests.unit.drivers.aruba.conftest import raw_server
from vigilia.drivers.aruba.client import Identity, _highest_version
from vigilia.drivers.aruba.http import Answer
from vigilia.errors import BadAnswer, ConnectionLost, LinkError, LoginRefused, NoSession
from vigilia.sim.aruba import SimSwitch

# Versions


@pytest.mark.parametrize(
    ("offered", "chosen"), [(range(1, n + 1), n) for n in range(1, 9)] + [([3, 5], 5), ([8], 8), ([1], 1)]
)
async def test_the_highest_version_offered_is_taken(offered: list[int], chosen: int) -> None:
    async with SimSwitch(versions=offered, **LOGIN) as switch, opened(switch) as client:
        await client.read_all()
        await client.switch("3", on=False)
        prefixes = {record.path.split("/")[2] for record in switch.requests if record.path != "/rest/version"}
        assert prefixes == {f"v{chosen}"}


@pytest.mark.parametrize("fault", ["500", "503", "garbage", "wrong-shape", "html400", "redirect"])
async def test_without_a_usable_list_of_versions_it_is_v3(fault: str) -> None:
    async with SimSwitch() as switch:
        await switch.inject(fault, path="/rest/version", **({"location": "x"} if fault == "redirect" else {}))
        async with opened(switch):
            assert {record.path.split("/")[2] for record in switch.requests if "stats" in record.path} == {"v3"}


@pytest.mark.parametrize("refusal", ["401", "html"])
async def test_versions_told_only_to_the_logged_in(refusal: Any) -> None:
    async with (
        SimSwitch(versions=range(1, 6), version_needs_session=True, login_refusal=refusal, **LOGIN) as switch,
        opened(switch) as client,
    ):
        assert calls(switch)[:3] == ["GET version", "POST login-sessions", "GET version"]
        await client.read_all()
        assert switch.requests[-1].path.startswith("/rest/v5/")
        assert switch.max_open_sessions == 1


async def test_a_firmware_that_was_downgraded_is_found_anew() -> None:
    async with SimSwitch(versions=range(1, 9), version_needs_session=True, **LOGIN) as switch:
        client = make(switch)
        await client.open()
        object.__setattr__(switch.firmware, "versions", frozenset({1, 2, 3}))
        switch.sessions.clear()
        await client.open()
        assert switch.requests[-1].path.startswith("/rest/v3/")
        await client.close(lost=False)


elements = st.lists(st.fixed_dictionaries({}, optional={"version": st.text() | st.integers() | st.none()}))
versions = st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | elements)


@given(st.fixed_dictionaries({}, optional={"version_element": versions}) | versions, st.sampled_from([200, 404, 500]))
def test_no_list_of_versions_leads_elsewhere(content: object, status: int) -> None:
    assert _highest_version(Answer(status, "", json.dumps(content).encode())) in range(1, 9)


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["v3.0", "v3.1", "v7.0"], 7), (["v9.0", "v10.1", "v4"], 4), (["v9"], 3), (["x8", "v8x", "8"], 3), ([], 3)],
)
def test_which_versions_are_ours(names: list[str], expected: int) -> None:
    body = json.dumps({"version_element": [{"version": name} for name in names]}).encode()
    assert _highest_version(Answer(200, "", body)) == expected


# Sessions


async def test_anonymous_rest_needs_no_login() -> None:
    async with SimSwitch() as switch, opened(switch) as client:
        assert client.sessions == 0
        assert not [call for call in calls(switch) if "login" in call]


async def test_one_session_and_one_connection_and_a_logout_at_the_end() -> None:
    async with SimSwitch(**LOGIN) as switch:
        async with opened(switch) as client:
            assert (client.sessions, switch.open_sessions) == (1, 1)
            for _ in range(3):
                await client.read_all()
        assert (client.sessions, switch.open_sessions, switch.max_open_sessions) == (0, 0, 1)
        assert calls(switch)[-1] == "DELETE login-sessions"
        assert (switch.total_connections, switch.open_connections) == (1, 0)


async def test_a_session_left_over_is_deleted_on_the_new_connection_before_another_is_opened() -> None:
    async with SimSwitch(**LOGIN) as switch:
        client = make(switch)
        await client.open()
        await client.close(lost=True)
        assert (client.sessions, switch.open_sessions, switch.open_connections) == (1, 1, 0)
        before = len(switch.requests)
        await client.open()
        assert calls(switch, before)[:3] == ["DELETE login-sessions", "GET version", "POST login-sessions"]
        assert (switch.open_sessions, switch.max_open_sessions, switch.logins) == (1, 1, 2)
        assert (switch.total_connections, switch.max_open_connections) == (2, 1)
        await client.close(lost=False)


async def test_a_session_that_the_switch_has_forgotten_is_gone() -> None:
    async with SimSwitch(**LOGIN) as switch:
        client = make(switch)
        await client.open()
        await client.close(lost=True)
        await switch.inject("expire")
        await client.open()
        assert switch.open_sessions == 1
        await client.close(lost=False)
        assert switch.open_sessions == 0


@pytest.mark.parametrize("fault", ["500", "503", "cut", "garbage", "wrong-shape", "redirect", "html400", "huge"])
async def test_a_session_that_the_switch_failed_to_delete_is_not_left_beside_another(fault: str) -> None:
    async with SimSwitch(**LOGIN) as switch:
        client = make(switch)
        await client.open()
        await client.close(lost=True)
        location = "http://127.0.0.1:9/" if fault == "redirect" else None
        await switch.inject(fault, method="DELETE", count=1, location=location)
        if fault == "cut":  # the answer to it has no body to cut: it looks as if it never came
            with pytest.raises(ConnectionLost):
                await client.open()
        await client.open()
        assert (switch.max_open_sessions, switch.open_sessions) == (1, 1)
        assert switch.max_open_connections == 1
        await client.close(lost=False)
        assert switch.open_sessions == 0


async def test_a_broken_answer_costs_no_second_connection() -> None:
    """The switch has a loop of its own, so that it may see the new connection before the old one's end."""
    switch_loop = asyncio.new_event_loop()
    thread = threading.Thread(target=switch_loop.run_forever)
    thread.start()

    async def at_switch(work: Coroutine[Any, Any, Any]) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, switch_loop))

    switch = SimSwitch(**LOGIN)
    try:
        await at_switch(switch.start())
        client = make(switch)
        for _ in range(20):
            with contextlib.suppress(LinkError):
                await client.open()
            await client.close(lost=True)
            await at_switch(switch.inject("huge", method="DELETE", count=1))
        assert switch.max_open_connections == 1
    finally:
        await at_switch(switch.stop())
        switch_loop.call_soon_threadsafe(switch_loop.stop)
        thread.join()
        switch_loop.close()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("delete_fault", ["html400", "500"])
async def test_a_storm_of_refusals_leaves_no_session_behind(count: int, delete_fault: str) -> None:
    async with SimSwitch(**LOGIN) as switch:
        client = make(switch)
        await client.open()
        for _ in range(4):
            await switch.inject("html400", count=count, method="GET")
            await switch.inject(delete_fault, count=count, method="DELETE")
            await switch.inject("html400", count=count, method="POST")
            for _ in range(20):
                try:
                    await client.read_all()
                    break
                except LinkError:
                    with contextlib.suppress(LinkError):
                        await client.close(lost=False)
                        await client.open()
            await switch.clear_faults()
        with contextlib.suppress(LinkError):
            await client.close(lost=False)
        await client.open()
        assert (switch.max_open_sessions, switch.open_sessions) == (1, 1)
        await client.close(lost=False)
        assert switch.open_sessions == 0


@pytest.mark.parametrize("fault", ["cut", "drip"])
async def test_a_session_whose_login_never_ended_is_deleted(fault: str) -> None:
    async with SimSwitch(**LOGIN) as switch:
        client = make(switch, login_timeout_s=0.3)
        await switch.inject(fault, method="POST", count=1)
        with pytest.raises((BadAnswer, ConnectionLost)):
            await client.open()
        await client.open()
        assert (switch.max_open_sessions, switch.open_sessions) == (1, 1)
        await client.close(lost=False)
        assert switch.open_sessions == 0


@pytest.mark.parametrize("refusal", ["401", "html"])
async def test_an_expired_session_is_renewed_at_once(refusal: Any) -> None:
    renewals: list[int] = []
    async with (
        SimSwitch(login_refusal=refusal, **LOGIN) as switch,
        opened(switch, on_renewal=lambda: renewals.append(1)) as client,
    ):
        await switch.inject("expire")
        before = len(switch.requests)
        assert len(await client.read_all()) == 24
        # Where a refusal is a 400, whether the session is gone is asked before and after there is another.
        again = ["DELETE login-sessions"] if refusal == "html" else []
        assert calls(switch, before) == [
            "GET poe/ports/stats",
            "DELETE login-sessions",
            *again,
            "POST login-sessions",
            *again,
            "GET poe/ports/stats",
        ]
        assert (len(renewals), switch.max_open_sessions, switch.total_connections) == (1, 1, 1)
        await switch.inject("expire")
        await client.switch("3", on=False)
        assert not switch.model.port("3").enabled


async def test_one_new_login_a_request_and_no_more() -> None:
    async with SimSwitch(**LOGIN) as switch, opened(switch) as client:
        await switch.inject("html400", path="stats")
        before = len(switch.requests)
        with pytest.raises(BadAnswer, match="asks for a login again"):
            await client.read_all()
        assert calls(switch, before).count("POST login-sessions") == 1
        assert calls(switch, before).count("GET poe/ports/stats") == 2


async def test_a_switch_that_wants_a_login_we_do_not_have() -> None:
    async with SimSwitch(**LOGIN) as switch:
        client = make(switch, username=None, password=None)
        with pytest.raises(BadAnswer, match="asks for a login: configure username and password"):
            await client.open()
        await client.close(lost=False)


async def test_no_free_session_is_said_so() -> None:
    async with SimSwitch(**LOGIN) as switch:
        await switch.inject("session-full")
        client = make(switch)
        with pytest.raises(NoSession, match="no REST session is free"):
            await client.open()
        await client.close(lost=False)
        assert client.sessions == 0


@pytest.mark.parametrize("refusal", ["401", "html"])
async def test_a_wrong_password_names_what_to_check(refusal: Any) -> None:
    async with SimSwitch(login_refusal=refusal, **LOGIN) as switch:
        client = make(switch, password="hunter2")
        with pytest.raises(LoginRefused, match=r"login of 'controle' is refused .*: check") as raised:
            await client.open()
        assert "aaa authentication rest" in str(raised.value)
        assert "hunter2" not in str(raised.value)
        await client.close(lost=False)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (403, b"{}", LoginRefused, "check username and password"),
        (404, b"{}", LoginRefused, "REST version v3 is not offered, or REST is not enabled"),
        (500, b'{"message": "oh"}', BadAnswer, "status 500: oh"),
        (201, b"{}", BadAnswer, "has no cookie"),
        (201, b'{"cookie": 5}', BadAnswer, "has no cookie"),
        (201, b'{"cookie": ""}', BadAnswer, "has no cookie"),
        (201, b'{"cookie": "a=b\\r\\nX-Evil: 1"}', BadAnswer, "has no cookie"),
        (201, b'{"cookie": "a=b; c"}', BadAnswer, "has no cookie"),
        (201, b"[]", BadAnswer, "not a JSON object"),
        (201, b"sessionId=1", BadAnswer, "not JSON"),
    ],
)
async def test_strange_answers_to_a_login(status: int, body: bytes, error: type[Exception], words: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if length := re.search(rb"Content-Length: (\d+)", head):
                await reader.readexactly(int(length[1]))
            code, content = (status, body) if head.startswith(b"POST") else (404, b"{}")
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (code, len(content), content))

    async with raw_server(answer) as url:
        client = make(url, **LOGIN)
        with pytest.raises(error, match=words):
            await client.open()
        assert client.sessions == 0
        await client.close(lost=False)


async def test_a_login_may_take_longer_than_a_request() -> None:
    async with SimSwitch(ports=1, fields="minimal", **LOGIN) as switch:
        await switch.inject("drip", path="login-sessions", count=1)
        client = make(switch, timeout_s=0.5, login_timeout_s=30)
        began = time.monotonic()
        await client.open()
        assert time.monotonic() - began > 1, "the login was slow"
        await client.close(lost=False)


async def test_close_never_raises() -> None:
    async with SimSwitch(**LOGIN) as switch:
        for fault in ("reset", "500", "garbage", "hang"):
            client = make(switch, timeout_s=0.3)
            await client.open()
            await switch.inject(fault, method="DELETE")
            await client.close(lost=False)
            await switch.clear_faults()
            switch.sessions.clear()
        await make(switch).close(lost=False)


# What it is


async def test_a_switch_says_what_it_is() -> None:
    async with SimSwitch(**LOGIN) as switch, opened(switch) as client:
        assert client.identity == Identity("Aruba2930M-24G-PoE+", "WC.16.11.0012")


async def test_a_stack_says_its_firmware() -> None:
    async with SimSwitch(stacked=True, **LOGIN) as switch, opened(switch) as client:
        assert client.identity == Identity("", "WC.16.11.0012")


@pytest.mark.parametrize("fault", ["500", "503", "garbage", "wrong-shape", "html400", "cut", "reset", "hang"])
async def test_a_switch_that_does_not_say_what_it_is_is_watched_all_the_same(fault: str) -> None:
    async with SimSwitch(**LOGIN) as switch:
        await switch.inject(fault, path="system/status")
        async with opened(switch, timeout_s=1.0) as client:
            assert any("system/status" in call for call in calls(switch))
            assert client.identity == Identity()
            assert await client.read_all()
            assert calls(switch).count("POST login-sessions") == 1
            await switch.clear_faults()
            await client.open()
            assert client.identity.firmware == "WC.16.11.0012"
        assert switch.max_open_sessions == 1
        assert switch.open_sessions == 0
