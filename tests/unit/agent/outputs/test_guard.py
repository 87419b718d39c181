"""The worker's end of the pair: it never waits, and knows when nobody listens."""

import asyncio
import json

import pytest

from tests.unit.agent.outputs.rig import GuardianEnd
from vigilia.agent.guardian import DESCRIPTOR
from vigilia.agent.outputs import Guard
from vigilia.agent.parts import Rejected
from vigilia.errors import StartError


async def test_lines_as_the_guardian_reads_them() -> None:
    end = GuardianEnd()
    end.guard.arm("heater", [["gpio", 18, 0]])
    end.guard.renew("heater")
    end.guard.bye()
    end.guard.off("heater")
    end.guard.bye()
    lines = end.socket.recv(10_000).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"arm": {"heater": [["gpio", 18, 0]]}},
        {"alive": ["heater"]},
        {"off": ["heater"]},
        {"bye": True},
    ], "no farewell while one is on"
    end.guard.close()
    assert end.socket.recv(10_000) == b""
    end.close()


async def test_a_guardian_that_dies_is_noticed_at_once() -> None:
    end = GuardianEnd()
    waiting = asyncio.create_task(end.guard.wait_gone())
    await asyncio.sleep(0)
    assert not end.guard.gone
    end.close()
    async with asyncio.timeout(1):
        await waiting
    with pytest.raises(Rejected, match="guardian"):
        end.guard.renew("heater")
    end.guard.close()


async def test_a_guardian_that_reads_nothing_holds_nobody_up() -> None:
    end = GuardianEnd()
    end.guard.arm("heater", [["gpio", 18, 0]])
    for _ in range(1_000_000):
        end.guard.off("heater")
        if end.guard.gone:
            break
    with pytest.raises(Rejected, match="guardian"):
        end.guard.renew("heater")
    end.guard.close()
    end.close()


async def test_a_guardian_that_stands_still_is_as_good_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vigilia.agent.outputs.guard.SILENT_S", 0.2)
    end = GuardianEnd(mute=True)
    waiting = asyncio.create_task(end.guard.wait_gone())
    end.guard.renew("heater")
    end.socket.send(b"\n")
    await asyncio.sleep(0.3)
    end.guard.renew("heater")  # the first word was answered, and this one is new
    await asyncio.sleep(0.3)
    with pytest.raises(Rejected, match="guardian"):
        end.guard.renew("heater")
    async with asyncio.timeout(1):
        await waiting
    end.guard.close()
    end.close()


@pytest.mark.parametrize("environment", [{}, {DESCRIPTOR: ""}, {DESCRIPTOR: "pipe"}])
def test_without_a_guardian_there_is_no_start(environment: dict[str, str]) -> None:
    with pytest.raises(StartError, match="vigilia agent"):
        Guard.take(environment)
    assert DESCRIPTOR not in environment
