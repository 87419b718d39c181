"""Reactors from outside: a real service, a Channel Access client, and an agent from a script that calls it."""

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import DEADLINE_S, Epics, Service, free_port, until
from tests.unit.drivers.reactor.agents import Agent
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

pytestmark = pytest.mark.system

NO_ALARM, INVALID = 0, 3
TIMEOUT = 10
PH, DUTY, DUTY_RB, DOSE = "R1:ph:pH-Mon", "R1:heater:Duty-SP", "R1:heater:Duty-RB", "R1:acid:Dose-SP"


def section(port: int, **keys: object) -> str:
    lines = {"listen": f'"127.0.0.1:{port}"', "manager_ports": '"0"', "status_interval_s": 1.0} | keys
    return "[reactor]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


async def shows(service: Service, name: str, value: object, severity: str = "NO_ALARM") -> None:
    async def look() -> bool:
        status, point = await service.call("GET", f"/api/v1/points/{name}")
        return status == 200 and (point["value"], point["severity"]) == (value, severity)

    await until(look)


async def reactor(service: Service, state: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        _, page = await service.call("GET", "/api/v1/reactors")
        return next((item for item in page["items"] if item["state"] == state), None)

    return await until(look)


async def test_from_the_first_call_to_a_caput_and_through_a_kill(serve: Any, epics: Epics) -> None:
    port = free_port()
    service = await serve(section(port))
    agent = Agent(f"127.0.0.1:{port}")
    assert (await agent.register()).decision == wire.RegisterReply.WAITING
    assert (await reactor(service, "waiting"))["id"] == "R1"
    assert (await service.call("POST", "/api/v1/reactors/R1/accept"))[0] == 200
    async with agent.reporting():
        await shows(service, PH, 7.0)
        assert (await epics.get(PH, timeout=DEADLINE_S)) == 7.0  # the IOC was renewed for it
        units = await epics.control(DUTY)
        assert (units.units, units.upper_disp_limit) == ("%", 100)
        await epics.put(DUTY, 40.0)
        assert agent.holds["heater", "Duty"].number == 40.0
        await shows(service, DUTY_RB, 40.0)
        await epics.put(DOSE, 2.5)
        await epics.put(DOSE, 2.5)
        assert [command.value.number for command in agent.commands] == [2.5, 2.5], "an equal put is a request"
        await epics.put(DOSE, 99.0)
        assert len(agent.commands) == 2
        assert (await service.put(DOSE, 99.0))[0] == 422
        await epics.put("R1:ph:Calibrate-Cmd", "mid,7.00")
        assert agent.commands[-1].value.text == "mid,7.00"
    await shows(service, PH, 7.0, "INVALID")
    lost = await epics.get(PH)
    assert (lost, lost.severity, lost.status) == (7.0, INVALID, TIMEOUT)
    await epics.put(DUTY, 45.0)  # it completes: the setting is kept
    kept = await epics.get(DUTY)
    assert (kept, kept.severity) == (45.0, NO_ALARM)
    assert (await service.put(DUTY, 50.0))[0] == 202
    assert (await service.put(DOSE, 1.0))[0] == 409
    await agent.close()
    await service.program.kill()

    again = await serve(section(port))
    await shows(again, DUTY, 50.0)
    assert (await epics.get(DUTY, timeout=DEADLINE_S)) == 50.0
    second = Agent(f"127.0.0.1:{port}", memory=agent.memory())
    async with second.reporting():
        assert second.holds["heater", "Duty"].number == 50.0
        await shows(again, DUTY_RB, 50.0)
        assert (await again.point(DOSE))["value"] is None, "a command is never restored"
        assert second.commands == []
        assert (await again.call("GET", "/healthz"))[0] == 200
    await second.close()
    assert await again.program.stop() == 0


async def test_without_epics_and_from_a_terminal(serve: Any, programs: Any, tmp_path: Path) -> None:
    port, web = free_port(), free_port()
    (tmp_path / "vigilia.toml").write_text(
        f'[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:{web}"\n' + section(port, epics="false")
    )
    service = await programs("run")
    await service.line("vigilia ready")
    agent = Agent(f"127.0.0.1:{port}")
    assert (await agent.register()).decision == wire.RegisterReply.WAITING

    async def vigilia(*arguments: str) -> tuple[int, str]:
        program = await programs("reactor", *arguments)
        return await program.wait(), program.text

    assert (await vigilia("list"))[1].startswith("R1: waits to be accepted")
    assert await vigilia("accept", "R1") == (0, "R1 is accepted: its agent registers within seconds")
    code, token = await vigilia("enrol", "R2")
    assert (code, len(token)) == (0, 43)
    other = Agent(f"127.0.0.1:{port}", "R2", token=token)
    assert (await other.register()).decision == (await agent.register()).decision == wire.RegisterReply.ACCEPTED
    code, said = await vigilia("accept", "R3")
    assert (code, said) == (2, "vigilia: no reactor 'R3' has called: enrol it, or start its agent first")
    assert token not in service.text
    await agent.close()
    await other.close()
    assert await service.stop() == 0


async def test_a_port_that_is_taken_ends_the_start(programs: Any, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "vigilia.toml").write_text('[web]\nlisten = "127.0.0.1:0"\n' + section(port))
        program = await programs("run")
        assert await program.wait() == 2
    assert f"[reactor] listen = '127.0.0.1:{port}': Address already in use" in program.text


async def test_an_address_that_others_reach_needs_tls(programs: Any, tmp_path: Path) -> None:
    (tmp_path / "vigilia.toml").write_text('[reactor]\nlisten = "0.0.0.0:50051"\n')
    program = await programs("check")
    assert await program.wait() == 2
    assert "which is not on loopback, without TLS; give tls_cert and tls_key" in program.text
