"""The REST client against simulated switches: what the firmware offers, and how ports are read and switched."""

import asyncio
import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.drivers.aruba.clients import calls, make, opened
from tests.unit.drivers.aruba.conftest import raw_server
from vigilia.drivers.aruba.client import NoSuchPort, _decode_result
from vigilia.errors import BadAnswer, ConnectionLost, Refused
from vigilia.sim.aruba import SimSwitch

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


# Deadlines and shapes


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
