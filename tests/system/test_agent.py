"""Reactors end to end, nothing scripted: simulated equipment, an agent (guardian and worker), the service, and clients.

What outputs truly did is told by the simulator, whatever the agent and the service say of it.
"""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.conftest import DEADLINE_S, Epics, Program, Service, free_port, until
from tests.system.test_reactor import reactor, section, shows
from vigilia.demo.network import Network

pytestmark = pytest.mark.system

INVALID, TIMEOUT = 3, 10
PH, INTERVAL, TITLE = "R1:ph:pH-Mon", "R1:ph:Interval-SP", "R1:ph:Title-SP"
POWER, DUTY, DUTY_RB, SAFE = "R1:heater:Power-Sel", "R1:heater:Duty-SP", "R1:heater:Duty-RB", "R1:heater:Safe-Sts"
DOSE, DOSED, TOTAL = "R1:acid:Dose-SP", "R1:acid:Dosed-Mon", "R1:acid:Total-Mon"
PROBES = (PH, "R1:ec:EC-Mon", "R1:do:DO-Mon", "R1:orp:ORP-Mon", "R1:rtd:Temp-Mon", "R1:hum:Hum-Mon", "R1:co2:CO2-Mon")
CONTACT = "vigilia:R1:Connected-Sts"
SAMPLES = """
SELECT time_ms + coalesce(correction_ms, 0) FROM samples
JOIN series ON series.id = samples.series LEFT JOIN eras ON eras.id = samples.era
WHERE part = ? AND parameter = 'pH' ORDER BY "offset"
"""
SAFE_WITHIN_S = 1.0
SLACK_S = 0.5
"""For a busy machine: the simulator hears of files and sockets in its own time."""


class Vessel:
    """The simulated reactor R1: what its outputs truly do, and did."""

    def __init__(self, program: Program, control: str, config: Path) -> None:
        self.program = program
        self.control = control
        self.config = config

    async def truth(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as http, http.get(f"{self.control}/reactors/R1/truth") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def ph(self) -> float:
        return (await self.truth())["vessel"]["ph"]

    async def heats(self, percent: float) -> None:
        """Wait until the heater truly does that."""

        async def look() -> bool:
            return round((await self.truth())["pwm"]["0"]["duty"] * 100, 3) == percent

        await until(look)

    async def off_since(self) -> float:
        """Wait until the heater is truly off; return the monotonic moment at which it went off."""
        await self.heats(0)
        return (await self.truth())["pwm"]["0"]["history"][-1]["monotonic"]

    async def doses(self) -> list[dict[str, Any]]:
        """What the acid pump truly did."""
        return (await self.truth())["pumps"]["acid"]["runs"]


@pytest.fixture
async def vessel(programs: Any, tmp_path: Path) -> Vessel:
    program = await programs(
        *("sim", "reactor", "--no-uart", "--pace", "0.1", "--folder", "sim", "--write-config", "agents")
    )
    await program.line("vigilia sim ready")
    control = (await program.line("control ")).removeprefix("control ")
    return Vessel(program, control, tmp_path / "agents" / "R1" / "vigilia-agent.toml")


@pytest.fixture
def agent(programs: Any, vessel: Vessel) -> Callable[..., Coroutine[Any, Any, Program]]:
    """Starts the agent of R1; its process is the guardian."""

    async def start(coordinator: str, failsafe_after_s: float = 30.0) -> Program:
        environment = {
            "VIGILIA_AGENT__COORDINATOR": coordinator,
            "VIGILIA_AGENT__FAILSAFE_AFTER_S": str(failsafe_after_s),
            "VIGILIA_AGENT__LANGUAGE": "en",
        }
        return await programs("agent", str(vessel.config), environment=environment)

    return start


def worker_of(guardian: Program) -> int:
    pid = guardian.process.pid
    [worker] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(worker)


def ledger(vessel: Vessel) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(vessel.config.parent / "agent-state" / "ledger.db")) as db:
        return db.execute("SELECT output, asked_ml, confirmed_ml, outcome FROM doses").fetchall()


def waiting(vessel: Vessel, part: str) -> list[int]:
    """The times, in ms, of a part's samples that wait on the agent's disk."""
    with closing(sqlite3.connect(vessel.config.parent / "agent-state" / "samples.db")) as db:
        return [row[0] for row in db.execute(SAMPLES, (part,))]


async def live(service: Service, name: str = PH) -> None:
    """Wait until a reading is there, and good."""

    async def look() -> bool:
        status, point = await service.call("GET", f"/api/v1/points/{name}")
        return status == 200 and point["severity"] == "NO_ALARM"

    await until(look)


async def done(service: Service, name: str, value: object) -> None:
    status, answer = await service.put(name, value)
    assert status == 200, answer


async def test_from_the_probes_to_a_client_and_back(serve: Any, epics: Epics, vessel: Vessel, agent: Any) -> None:
    port = free_port()
    service = await serve(section(port))
    program = await agent(f"127.0.0.1:{port}")
    assert (await reactor(service, "waiting"))["id"] == "R1"
    assert (await service.call("POST", "/api/v1/reactors/R1/accept"))[0] == 200
    for probe in PROBES:
        await live(service, probe)
    assert (await service.point(PH))["value"] == pytest.approx(await vessel.ph(), abs=0.1)
    assert await epics.get(PH, timeout=DEADLINE_S) == pytest.approx(await vessel.ph(), abs=0.1)

    await done(service, POWER, "On")
    await done(service, DUTY, 40)
    await shows(service, DUTY_RB, 40)
    await vessel.heats(40)
    await epics.put(DUTY, 55.0)
    await shows(service, DUTY_RB, 55)
    await vessel.heats(55)
    assert await epics.get(DUTY_RB) == 55

    await done(service, DOSE, 2)
    [run] = await vessel.doses()
    assert (run["command"], run["moved_ml"], run["by"]) == ("D,2.00", 2.0, "done")
    assert ledger(vessel) == [("acid", 2.0, 2.0, "done")]
    await shows(service, DOSED, 2.0)
    for ml in (50, 19):  # over what is declared; over what is left of the hour, which only the agent knows
        status, answer = await service.put(DOSE, ml)
        assert status == 422, answer
    status, answer = await service.put(TITLE, "x" * 200)
    assert (status, "R1 rejected it" in str(answer)) == (422, True), answer
    await epics.put(DOSE, 19.0)
    assert len(await vessel.doses()) == len(ledger(vessel)) == 1
    assert (await service.point(DOSED))["value"] == 2.0

    assert await program.stop() == 0
    await vessel.heats(0)
    assert "Traceback" not in program.text + service.program.text


@pytest.mark.parametrize("victim", ["worker", "guardian"])
async def test_outputs_are_safe_within_a_second_of_a_kill(serve: Any, vessel: Vessel, agent: Any, victim: str) -> None:
    port = free_port()
    service = await serve(section(port, accept='"all"'), epics=None)
    program = await agent(f"127.0.0.1:{port}")
    await live(service)
    await live(service, TOTAL)
    await done(service, POWER, "On")
    await done(service, DUTY, 40)
    await vessel.heats(40)
    dose = asyncio.create_task(service.put("R1:acid:DoseOver-Cmd", "10,2"))
    await until(vessel.doses)

    killed = time.monotonic()
    os.kill(worker_of(program) if victim == "worker" else program.process.pid, signal.SIGKILL)
    assert 0 < await vessel.off_since() - killed < SAFE_WITHIN_S + SLACK_S

    async def stands() -> bool:
        return (await vessel.doses())[0]["ended"] is not None

    await until(stands)
    [run] = await vessel.doses()
    assert run["by"] == "stopped"
    assert run["ended_monotonic"] - killed < SAFE_WITHIN_S + SLACK_S
    assert (await dose)[0] in (409, 502, 504)
    if victim == "guardian":
        await program.wait()
        program = await agent(f"127.0.0.1:{port}")
    # Started anew, it takes nothing up again by itself, and knows what was given.
    await shows(service, "R1:heater:Power-Sts", 0)
    await until(lambda: ledger(vessel)[0][3] != "open")
    assert ledger(vessel)[0][2] == pytest.approx(run["moved_ml"], abs=0.01)
    assert len(await vessel.doses()) == 1
    await vessel.heats(0)
    await done(service, DUTY, 30)
    await done(service, POWER, "On")
    await vessel.heats(30)
    assert await program.stop() == 0


async def test_a_server_that_is_gone_for_too_long_and_back(serve: Any, vessel: Vessel, agent: Any) -> None:
    port, failsafe_s = free_port(), 3.0
    service = await serve(section(port, accept='"all"'), epics=None)
    program = await agent(f"127.0.0.1:{port}", failsafe_s)
    await live(service)
    for name, value in ((INTERVAL, 7), (TITLE, "Tank 1"), (DUTY, 40), (POWER, "On")):
        await done(service, name, value)
    await vessel.heats(40)
    await service.program.kill()
    killed = time.monotonic()
    assert failsafe_s - 1.5 < await vessel.off_since() - killed < failsafe_s + SAFE_WITHIN_S + SLACK_S

    again = await serve(section(port, accept='"all"'), epics=None)
    await shows(again, SAFE, 1, "MINOR")
    await shows(again, DUTY, 40)  # desired as before
    await shows(again, POWER, 1)
    await shows(again, "R1:heater:Power-Sts", 0)
    await shows(again, INTERVAL, 7)
    await shows(again, "R1:ph:Interval-RB", 7)
    await shows(again, "R1:ph:Title-RB", "Tank 1")
    await done(again, "R1:ph:Interval-SP", 8)  # what is newer, and of another part, is no reason to go on
    await vessel.heats(0)
    await shows(again, SAFE, 1, "MINOR")
    await done(again, "R1:heater:Resume-Cmd", 1)
    await vessel.heats(40)
    await shows(again, SAFE, 0)
    assert await program.stop() == 0
    assert await again.program.stop() == 0


async def test_a_network_that_goes_and_comes(serve: Any, epics: Epics, vessel: Vessel, agent: Any) -> None:
    port, manager = free_port(), free_port()
    service = await serve(section(port, accept='"all"', manager_ports=f'"{manager}"'))
    async with Network("127.0.0.2", "127.0.0.1", [port, manager]) as network:
        await agent(f"127.0.0.2:{port}")
        await live(service)
        await done(service, INTERVAL, 1)
        await until(lambda: stored(service))
        network.cut()
        await shows(service, CONTACT, 0, "MAJOR")
        lost = await epics.get(PH, timeout=DEADLINE_S)
        assert (lost.severity, lost.status) == (INVALID, TIMEOUT)
        assert (await service.put(DUTY, 33))[0] == 202
        assert (await service.put(DOSE, 1))[0] == 409
        await until(lambda: len(waiting(vessel, "ph")) >= 10)
        kept = waiting(vessel, "ph")
        network.heal()
        await shows(service, CONTACT, 1)
        await shows(service, DUTY_RB, 33)
        await until(lambda: not set(kept) & set(waiting(vessel, "ph")))

        async def arrived() -> list[int] | None:
            times = await stored(service)
            return times if set(kept) <= set(times) else None

        times = await until(arrived)
        assert len(times) == len(set(times))
        assert max(later - earlier for earlier, later in pairwise(times)) < 5000
        assert await vessel.doses() == []


async def stored(service: Service) -> list[int]:
    """The times, in ms, of the samples of pH in the history."""
    status, answer = await service.call("GET", f"/api/v1/history/{PH}?max_points=10000")
    points = answer["points"] if status == 200 else []
    return [round(datetime.fromisoformat(point["time"]).timestamp() * 1000) for point in points if point["value"]]
