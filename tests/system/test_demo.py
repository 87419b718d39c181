"""`vigilia demo` as a visitor has it: cards appear, what it prints works, and Ctrl-C ends it."""

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
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


def children_of(pid: int) -> list[int]:
    """Return every process that comes of one."""
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return found + [deeper for child in found for deeper in children_of(child)]


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

    async def switched() -> bool:
        """Whether the switch has done it; one that is rebooting at this moment refuses."""
        answer = json.loads(await shell(command(demo, "Switch")))
        assert answer.get("error") in (None, "not-writable", "write-timeout"), answer
        return "error" not in answer

    await until(switched, IN_THE_FIRST_MINUTE_S)
    await until(
        lambda: any("SIM-01:Cam-03:PwrState-Sel" in line and "→ Off" in line for line in demo.lines),
        IN_THE_FIRST_MINUTE_S,
    )

    await until(lambda: any(":acid:Dosed-Mon" in line for line in demo.lines), IN_THE_FIRST_MINUTE_S)
    acidity = json.loads(await shell(command(demo, "Acidity")))
    assert acidity["value"] == pytest.approx(7.0, abs=0.4)
    dosed = json.loads(await shell(command(demo, "Dose")))
    # Refused where the loop is giving a dose at this moment.
    assert dosed.get("value") == 5 or "giving a dose" in dosed["detail"], dosed

    await demo.line_with("┃ Relay failure – UFV Boa Vista", IN_THE_FIRST_MINUTE_S)
    await demo.line_with("┃ Inverter back to normal – UFV Alvorada", IN_THE_FIRST_MINUTE_S)
    exports = "; ".join(line.strip() for line in demo.lines if "export EPICS" in line)
    read = next(line for line in demo.lines if "p4p.client.cli get" in line and "State-Sts" in line)
    assert "Failed" in await shell(f"{exports}; {read}")

    await demo.line_with("┃ Reactor without contact – R2", IN_THE_FIRST_MINUTE_S)
    await until(lambda: any("R2:heater:Safe-Sts" in line and "→ Safe" in line for line in demo.lines), 90)
    await shell(command(demo, "Resume"))
    await until(lambda: any("R2:heater:Safe-Sts" in line and "→ Normal" in line for line in demo.lines))

    children = children_of(demo.process.pid)
    assert len(children) >= 8, "three simulators, the service with its IOC, two agents of two processes each"
    demo.process.send_signal(signal.SIGINT)
    assert await demo.wait() == 0
    assert demo.lines[-1] == "Stopped."
    assert "Traceback" not in demo.text
    assert not any(Path("/proc", str(child)).exists() for child in children)
