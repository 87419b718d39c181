"""The REST client against simulated switches: version, sessions, what the firmware offers, and the requests."""

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers.aruba.conftest import raw_server
from vigilia.drivers.aruba.client import ArubaClient, NoSuchPort, _decode_result, _highest_version
from vigilia.drivers.aruba.http import Answer
from vigilia.errors import BadAnswer, ConnectionLost, LoginRefused, Refused
from vigilia.sim.aruba import SimSwitch

LOGIN: dict[str, Any] = {"username": "controle", "password": "example"}


def make(switch: SimSwitch | str, on_renewal: Callable[[], None] = lambda: None, **changes: Any) -> ArubaClient:
    firmware = None if isinstance(switch, str) else switch.firmware
    options: dict[str, Any] = {
        "username": firmware.username if firmware else None,
        "password": firmware.password if firmware else None,
        "ports": ["1"] if isinstance(switch, str) else list(switch.model.ports),
        "timeout_s": 2.0,
        "login_timeout_s": 4.0,
        "tls": None,
        **changes,
    }
    return ArubaClient("sw-1", switch if isinstance(switch, str) else switch.url, on_renewal=on_renewal, **options)


@asynccontextmanager
async def opened(switch: SimSwitch, **changes: Any) -> AsyncIterator[ArubaClient]:
    client = make(switch, **changes)
    try:
        await client.open()
        yield client
    finally:
        await client.close(lost=False)


def calls(switch: SimSwitch, start: int = 0) -> list[str]:
    """The requests since `start`: method and path below the version."""
    return [
        f"{record.method} {re.sub(r'^/rest/(v[0-9]/)?', '', record.path)}" for record in list(switch.requests)[start:]
    ]


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


@pytest.mark.parametrize("fault", ["500", "503", "cut"])
async def test_a_session_that_the_switch_failed_to_delete_is_not_left_beside_another(fault: str) -> None:
    async with SimSwitch(**LOGIN) as switch:
        client = make(switch)
        await client.open()
        await client.close(lost=True)
        await switch.inject(fault, method="DELETE", count=1)
        if fault == "cut":  # the answer to it has no body to cut: it looks as if it never came
            with pytest.raises(ConnectionLost):
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
        assert calls(switch, before) == [
            "GET poe/ports/stats",
            "DELETE login-sessions",
            "POST login-sessions",
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
        with pytest.raises(LoginRefused, match="no REST session is free"):
            await client.open()
        await client.close(lost=False)
        assert client.sessions == 0


@pytest.mark.parametrize("refusal", ["401", "html"])
async def test_a_wrong_password_names_what_to_check(refusal: Any) -> None:
    async with SimSwitch(login_refusal=refusal, **LOGIN) as switch:
        client = make(switch, password="hunter2")
        with pytest.raises(LoginRefused, match="login of 'controle' is refused: check") as raised:
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


# What the firmware offers


@pytest.mark.parametrize(("collection", "expected"), [(True, True), (False, False)])
async def test_how_ports_are_read(collection: bool, expected: bool) -> None:
    async with SimSwitch(ports=["A1", "1/24"], collection=collection) as switch, opened(switch) as client:
        assert client.reads_all is expected
        assert (await client.read_port("1/24"))["port_id"] == "1/24"
        assert switch.requests[-1].path == "/rest/v7/ports/1%2F24/poe/stats"
        if expected:
            assert (await client.read_all()).keys() == {"A1", "1/24"}


async def test_per_port_needs_one_port_that_can_be_read() -> None:
    async with SimSwitch(ports=4, collection=False) as switch:
        await switch.inject("missing-port", ports=["1", "2"])
        async with opened(switch) as client:
            assert not client.reads_all
            with pytest.raises(NoSuchPort):
                await client.read_port("1")
        await switch.inject("missing-port", ports=["3", "4"])
        client = make(switch)
        with pytest.raises(BadAnswer, match="no configured port can be read"):
            await client.open()
        await client.close(lost=False)


@pytest.mark.parametrize("fault", ["500", "503", "garbage", "wrong-shape", "huge"])
async def test_a_collection_that_fails_otherwise_is_no_reason_to_read_ports_one_by_one(fault: str) -> None:
    async with SimSwitch() as switch:
        await switch.inject(fault, path="poe/ports/stats", count=1)
        client = make(switch)
        with pytest.raises(BadAnswer):
            await client.open()
        assert not [call for call in calls(switch) if re.match(r"GET ports/\d+/poe/stats", call)]
        await client.open()
        assert client.reads_all
        await client.close(lost=False)


async def test_what_a_booting_switch_does_not_offer_yet_is_not_what_it_lacks() -> None:
    async with SimSwitch(ports=2) as switch:
        await switch.reboot(down_s=0, boot_s=0.5)
        client = make(switch)
        failures: list[str] = []
        async with asyncio.timeout(10):
            while True:
                try:
                    await client.open()
                    break
                except BadAnswer as error:
                    failures.append(str(error))
                await asyncio.sleep(0.01)
        assert failures
        assert client.reads_all
        assert client.writes_objects
        await client.close(lost=False)


async def test_detection_happens_once_per_connection() -> None:
    async with SimSwitch(ports=2) as switch:
        client = make(switch)
        await client.open()
        before = len(switch.requests)
        for _ in range(5):
            await client.read_all()
        assert calls(switch, before) == ["GET poe/ports/stats"] * 5
        await client.close(lost=False)


# Writes


async def test_a_write_is_one_request_with_the_whole_object() -> None:
    async with SimSwitch() as switch:
        switch.model.change("3", 0, priority="PPP_CRITICAL")
        async with opened(switch) as client:
            before = len(switch.requests)
            await client.switch("3", on=False)
            assert calls(switch, before) == ["PUT ports/3/poe"]
            assert not switch.model.port("3").enabled
            assert switch.model.port("3").priority == "PPP_CRITICAL"
            await client.switch("3", on=True)
            assert switch.model.port("3").enabled
            assert len(switch.requests) == before + 2


async def test_older_firmware_is_written_by_cli() -> None:
    async with SimSwitch(ports=["A1"], put=False) as switch, opened(switch) as client:
        assert not client.writes_objects
        assert await client.read_enabled("A1") is None
        before = len(switch.requests)
        await client.switch("A1", on=False)
        assert calls(switch, before) == ["POST cli"]
        assert not switch.model.port("A1").enabled
        await client.switch("A1", on=True)
        assert switch.model.port("A1").enabled


async def test_the_enable_flag() -> None:
    async with SimSwitch() as switch:
        switch.model.change("3", 0, enabled=False)
        async with opened(switch) as client:
            assert await client.read_enabled("3") is False
            assert await client.read_enabled("4") is True
            with pytest.raises(NoSuchPort):
                await client.read_enabled("99")


@pytest.mark.parametrize(("put", "reason"), [(True, "status 400: Port 3: the conf"), (False, "CCS_FAILURE: Port 3: t")])
async def test_a_refusal_comes_with_the_switch_s_own_reason(put: bool, reason: str) -> None:
    async with SimSwitch(put=put) as switch, opened(switch) as client:
        await switch.inject("reject-put")
        with pytest.raises(Refused, match="sw-1 refused") as raised:
            await client.switch("3", on=False)
        assert reason in str(raised.value)
        assert switch.model.port("3").enabled
        await switch.clear_faults()
        await client.switch("3", on=False)


async def test_a_write_that_changed_nothing_is_refused() -> None:
    async with SimSwitch() as switch, opened(switch) as client:
        await switch.inject("put-ignored")
        with pytest.raises(Refused, match="answered, but port 3 is not switched"):
            await client.switch("3", on=False)


@pytest.mark.parametrize("put", [True, False])
async def test_a_port_that_is_not_there_cannot_be_switched_and_changes_nothing_for_the_others(put: bool) -> None:
    async with SimSwitch(put=put) as switch, opened(switch) as client:
        await switch.inject("missing-port", ports=["3"])
        with pytest.raises(Refused):
            await client.switch("3", on=False)
        with pytest.raises(Refused):
            await client.switch("99", on=False)
        assert client.writes_objects is put
        before = len(switch.requests)
        await client.switch("4", on=False)
        assert calls(switch, before) == ["PUT ports/4/poe" if put else "POST cli"]


@pytest.mark.parametrize("fault", ["500", "garbage", "wrong-shape", "huge", "redirect", "cut"])
@pytest.mark.parametrize("put", [True, False])
async def test_a_bad_answer_confirms_nothing(put: bool, fault: str) -> None:
    async with SimSwitch(put=put) as switch, opened(switch) as client:
        await switch.inject(fault, count=1, **({"location": "x"} if fault == "redirect" else {}))
        before = len(switch.requests)
        with pytest.raises((BadAnswer, Refused)):
            await client.switch("3", on=False)
        assert len(switch.requests) == before + 1, "once, whatever came of it"
        await client.switch("3", on=True)
        assert switch.model.port("3").enabled


@pytest.mark.parametrize("fault", ["reset", "cut-before", "hang"])
@pytest.mark.parametrize("put", [True, False])
async def test_a_lost_write_is_not_sent_again(put: bool, fault: str) -> None:
    async with SimSwitch(put=put) as switch, opened(switch, timeout_s=0.3) as client:
        await client.read_all()
        await switch.inject(fault, count=1)
        before = len(switch.requests)
        with pytest.raises(ConnectionLost):
            await client.switch("3", on=False)
        await asyncio.sleep(0.1)
        assert calls(switch, before) == ["PUT ports/3/poe" if put else "POST cli"]
        assert switch.model.port("3").enabled


def test_cli_output_as_one_short_line() -> None:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    assert _decode_result(encoded("  Invalid\n input: x \n")) == "Invalid input: x"
    assert len(_decode_result(encoded("x" * 10_000))) == 200
    assert _decode_result(encoded("\x1b[31m")) == "\\x1b[31m"
    for nothing in (None, 5, [], "", "=", "é"):
        assert _decode_result(nothing) == ""


@given(st.text() | st.none() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_no_cli_output_raises(encoded: object) -> None:
    text = _decode_result(encoded)
    assert text.isprintable()


# Deadlines


async def test_deadlines_cover_the_longest_conversation() -> None:
    client = make("http://127.0.0.1:9", ports=["1", "2"], timeout_s=1.0, login_timeout_s=10.0)
    assert client.deadline_s >= 4 * 1.0 + 10.0, "read the object, renew, repeat, write"
    assert client.open_deadline_s >= (5 + 2 * 2) * 1.0 + 10.0


async def test_wrong_shapes_of_a_collection() -> None:
    async with SimSwitch() as switch, opened(switch) as client:
        await switch.inject("wrong-shape", count=1)
        with pytest.raises(BadAnswer, match="no list port_poe_stats"):
            await client.read_all()
        await switch.inject("garbage", count=1)
        with pytest.raises(BadAnswer, match="not JSON"):
            await client.read_port("1")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"5",
        b"null",
        b'{"port_poe_stats": null}',
        b'{"port_poe_stats": [1]}',
        b'{"port_poe_stats": [{}]}',
        b'{"port_poe_stats": [{"port_id": null}]}',
        b'{"port_poe_stats": [{"port_id": ["1"]}]}',
        b"\xef\xbb\xbf{}",
    ],
)
async def test_json_of_the_wrong_shape_is_a_bad_answer(body: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with raw_server(answer) as url:
        client = make(url)
        with pytest.raises(BadAnswer):
            await client.open()
        with pytest.raises(BadAnswer):
            await client.read_all()
        await client.close(lost=False)
