"""`vigilia demo` as a visitor has it: cards appear, what it prints works, and Ctrl-C ends it."""

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, STDOUT
from typing import Any

import pytest

from tests.system.conftest import Program, until

pytestmark = pytest.mark.system

IN_THE_FIRST_MINUTE_S = 60.0


async def shell(command: str) -> str:
    """Run a command that the demonstration printed; return what it said."""
    process = await asyncio.create_subprocess_shell(command, stdout=PIPE, stderr=STDOUT)
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    assert process.returncode == 0, output
    return output.decode()


def command(demo: Program, title: str) -> str:
    """Return the command that the demonstration printed beside `title`."""
    line = next(line for line in demo.lines if line.split()[:1] == [title])
    return line.split(maxsplit=1)[1]


@pytest.fixture
async def demo(programs: Any) -> Program:
    started = await programs("demo", environment={"LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"})
    await started.line("vigilia ready http://127.0.0.1:", 60)
    await started.line("What happens now")
    return started


async def test_the_demonstration(demo: Program) -> None:
    await demo.line_with("┃ Inverter failure – UFV Cedro")
    alarms = json.loads(await shell(command(demo, "Alarms")))["items"]
    failed = next(alarm for alarm in alarms if alarm["point"] == "19480:Inverter-194807003:Pac-Mon")
    assert failed["state"] == "unacknowledged"
    assert json.loads(await shell(command(demo, "Acknowledge")))["state"] == "acknowledged"

    await shell(command(demo, "Switch"))
    await until(
        lambda: any("SIM-01:Cam-03:PwrState-Sel" in line and "→ Off" in line for line in demo.lines),
        IN_THE_FIRST_MINUTE_S,
    )

    await demo.line_with("┃ Relay failure – UFV Boa Vista", IN_THE_FIRST_MINUTE_S)
    await demo.line_with("┃ Inverter back to normal – UFV Alvorada", IN_THE_FIRST_MINUTE_S)
    exports = "; ".join(line.strip() for line in demo.lines if "export EPICS" in line)
    read = next(line for line in demo.lines if "p4p.client.cli get" in line and "State-Sts" in line)
    assert "Failed" in await shell(f"{exports}; {read}")

    demo.process.send_signal(signal.SIGINT)
    assert await demo.wait() == 0
    assert demo.lines[-1] == "Stopped."
    assert "Traceback" not in demo.text
