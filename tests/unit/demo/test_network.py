"""A network that can be cut: bytes come whole and in order, late where it was cut, and a close is a close."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conftest import until
from vigilia.demo.network import Network
from vigilia.errors import StartError

HERE, THERE = "127.0.0.3", "127.0.0.1"
DEADLINE_S = 10.0


class Far:
    """What listens on the far side: it says each line again, and counts who came."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.connections = self.closed = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
        self.closed += 1
        writer.close()


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    far = Far()
    server = await asyncio.start_server(far.serve, THERE, 0)
    far.port = server.sockets[0].getsockname()[1]
    yield far
    server.close()


async def test_what_was_on_its_way_comes_late_and_nothing_is_lost(far: Far) -> None:
    async with Network(HERE, THERE, [far.port]) as network, asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(HERE, far.port)
        writer.write(b"one\n")
        assert await reader.readline() == b"one\n"
        network.cut()
        writer.write(b"two\n")
        late = await asyncio.open_connection(HERE, far.port)
        late[1].write(b"three\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readline()
        assert (far.heard, far.connections) == ([b"one\n"], 1)
        network.heal()
        assert await reader.readline() == b"two\n"
        assert await late[0].readline() == b"three\n"
        for end in (writer, late[1]):
            end.close()
        await until(lambda: far.closed == 2)


async def test_a_close_is_not_seen_through_a_cut(far: Far) -> None:
    async with Network(HERE, THERE, [far.port]) as network, asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(HERE, far.port)
        writer.write(b"one\n")
        assert await reader.readline() == b"one\n"
        network.cut()
        writer.write(b"last\n")
        writer.close()
        await asyncio.sleep(0.1)
        assert (far.heard, far.closed) == ([b"one\n"], 0)
        network.heal()
        await until(lambda: far.closed == 1)
        assert far.heard == [b"one\n", b"last\n"]


async def test_nobody_there_is_an_end_and_another_try_may_find_somebody(far: Far) -> None:
    async with Network(HERE, THERE, [far.port]), asyncio.timeout(DEADLINE_S):
        async with Network("127.0.0.4", "127.0.0.5", [far.port]):
            reader, writer = await asyncio.open_connection("127.0.0.4", far.port)
            assert await reader.read() == b""
            writer.close()
        reader, writer = await asyncio.open_connection(HERE, far.port)
        writer.write(b"one\n")
        assert await reader.readline() == b"one\n"
        writer.close()


async def test_a_port_that_is_taken_is_a_sentence(far: Far) -> None:
    with pytest.raises(StartError, match="the network that can be cut has no place there"):
        async with Network(THERE, THERE, [0, far.port]):
            pass
