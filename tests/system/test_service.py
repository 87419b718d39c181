"""The service as an operator and a service manager see it: start, exit codes, kills, and the API from outside."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.system.conftest import CA_PORT, Service, Simulator, until

pytestmark = pytest.mark.system

DEVICE = "SIM-01:Cam-01"
SEL, STS, RAW = (f"{DEVICE}:PwrState-{suffix}" for suffix in ("Sel", "Sts", "Raw"))
LOGIN = ("--username", "controle", "--password", "example")


async def label(service: Service, name: str, expected: str, severity: str = "NO_ALARM") -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        point = await service.point(name)
        return point if (point["label"], point["severity"]) == (expected, severity) else None

    return await until(look)


async def audit(service: Service, point: str, writes: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]] | None:
        _, answer = await service.call("GET", f"/api/v1/audit?point={point}")
        items = answer["items"]
        return items if len(items) == writes and all(item["outcome"] for item in items) else None

    return await until(look)


async def test_points_and_writes_over_the_api(simulate: Any, serve: Any) -> None:
    sim = await simulate(*LOGIN)
    service = await serve(sim.config, epics=None)
    point = await label(service, RAW, "Delivering")
    expected = {
        "name": RAW,
        "value": 1,
        "units": None,
        "status": "NO_ALARM",
        "access": "r",
        "device": DEVICE,
        "link": "sw-1",
    }
    assert expected.items() <= point.items()
    assert point["timestamp"].endswith("Z")
    await label(service, SEL, "On")
    status, answer = await service.put(SEL, "Off")
    assert (status, answer["label"], answer["severity"]) == (200, "Off", "NO_ALARM")
    assert (await sim.port("sw-1", "1"))["enabled"] is False
    for name, value, expected_status in (
        (SEL, "maybe", 422),
        (SEL, 7, 422),
        (SEL, None, 422),
        (STS, "On", 405),
        ("nobody:PwrState-Sel", "On", 404),
    ):
        status, answer = await service.put(name, value)
        assert (status, set(answer)) == (expected_status, {"error", "detail"})
    await sim.fault("sw-1", "reject-put", count=1)
    status, answer = await service.put(SEL, "On")
    assert status == 502
    refused = await service.point(SEL)
    assert (refused["label"], refused["severity"], refused["status"]) == ("On", "INVALID", "WRITE")
    await sim.fault("sw-1", "hang", method="PUT")
    status, answer = await service.put(SEL, "On")
    assert status == 504
    status, answer = await service.put(SEL, "On")
    assert status == 409, answer
    items = await audit(service, SEL, 7)
    assert [item["outcome"] for item in items] == [
        "NotWritable", "WriteTimeout", "Refused", "InvalidValue", "InvalidValue", "InvalidValue", "confirmed",
    ]  # fmt: skip
    assert (items[-1]["via"], items[-1]["host"], items[-1]["value"], items[-1]["previous"]) == (
        "api",
        "127.0.0.1",
        0,
        1,
    )


async def test_links_health_metrics_and_events(simulate: Any, serve: Any) -> None:
    sim = await simulate(*LOGIN)
    service = await serve(sim.config, epics=None)
    await label(service, STS, "On")
    status, health = await service.call("GET", "/healthz")
    assert (status, health) == (200, {"status": "ok"})
    _, links = await service.call("GET", "/api/v1/links")
    assert (links["items"][0]["name"], links["items"][0]["contact"], links["items"][0]["sessions"]) == (
        "sw-1",
        "connected",
        1,
    )
    _, metrics = await service.call("GET", "/metrics")
    assert "vigilia_point_value{" in metrics
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{service.url}/api/v1/events?name={STS}") as stream,
    ):
        seen: list[dict[str, Any]] = []

        async def follow() -> None:
            async for line in stream.content:
                if line.startswith(b"data:"):
                    seen.append(json.loads(line[5:]))

        task = asyncio.create_task(follow())
        await until(lambda: seen)
        await sim.set_port("sw-1", "1", state="PPDS_FAULT")
        await until(lambda: seen[-1]["label"] == "Off")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    # A switch that is down is declared so: the watch itself is healthy.
    await sim.fault("sw-1", "refuse")
    await label(service, STS, "Off", "INVALID")
    assert (await service.call("GET", "/healthz"))[0] == 200


async def test_a_stop_logs_out_everywhere_and_is_quick(simulate: Any, serve: Any) -> None:
    sim = await simulate(*LOGIN, switches=3)
    service = await serve(sim.config)
    for switch in (1, 2, 3):
        await label(service, f"SIM-0{switch}:Cam-01:PwrState-Sts", "On")
    await sim.fault("sw-3", "hang")
    began = time.monotonic()
    assert await service.program.stop() == 0
    assert time.monotonic() - began < 10
    await sim.clear("sw-3")
    assert [(await sim.switch(f"sw-{n}"))["open_sessions"] for n in (1, 2)] == [0, 0]
    assert "Traceback" not in service.program.text


@pytest.mark.parametrize("after_s", [0.3, 0.7, 1.1, 1.5, 2.0])
async def test_a_stop_while_starting(after_s: float, simulate: Any, serve: Any) -> None:
    sim = await simulate(*LOGIN)
    service = await serve(sim.config, ready=False)
    await asyncio.sleep(after_s)  # any moment will do: it is to end well from wherever it is
    began = time.monotonic()
    code = await service.program.stop()
    assert time.monotonic() - began < 10
    assert code == 0 or (code == -signal.SIGTERM and not service.program.lines), service.program.text
    assert (await sim.switch("sw-1"))["open_sessions"] == 0


async def test_one_session_and_connection_through_forced_reconnections(simulate: Any, serve: Any) -> None:
    sim = await simulate(*LOGIN)
    service = await serve("[aruba]\nscan_s = 0.1\n" + sim.config.removeprefix("[aruba]\n"), epics=None)
    for round_number in range(12):
        await label(service, STS, "On")
        logins = (await sim.switch("sw-1"))["logins"]
        fault = ("reset", "cut-before", "hang", "expire")[round_number % 4]
        await (sim.fault("sw-1", fault) if fault == "expire" else sim.fault("sw-1", fault, count=1))

        async def logged_in_again(before: int = logins) -> bool:
            return (await sim.switch("sw-1"))["logins"] > before

        await until(logged_in_again)
    switch = await sim.switch("sw-1")
    assert (switch["max_open_sessions"], switch["max_open_connections"]) == (1, 1)
    assert await service.program.stop() == 0
    assert (await sim.switch("sw-1"))["open_sessions"] == 0


async def test_no_free_session(simulate: Any, serve: Any) -> None:
    sim = await simulate(*LOGIN)
    await sim.fault("sw-1", "session-full")
    service = await serve(sim.config, epics=None)

    async def told() -> Any:
        point = await service.point("vigilia:sw-1:Error-Mon")
        return point if "no REST session is free" in (point["value"] or "") else None

    point = await until(told)
    assert point["severity"] == "MAJOR"
    await sim.clear("sw-1")
    await label(service, STS, "On")


@pytest.mark.parametrize("selector", ["delivering", "enabled", "last"])
async def test_where_the_choice_starts_from(selector: str, simulate: Any, serve: Any) -> None:
    sim = await simulate()
    config = sim.config.replace("[aruba]\n", f'[aruba]\nselector_from = "{selector}"\n', 1)
    service = await serve(config, epics=None)
    await label(service, SEL, "On")
    assert (await service.put(SEL, "On"))[0] == 200
    await audit(service, SEL, 1)
    # Enabled, but its camera is unplugged: searching, not delivering.
    await sim.set_port("sw-1", "1", attached=False)
    await label(service, STS, "Off")
    await service.program.kill()
    service = await serve(config, epics=None)
    await label(service, SEL, "Off" if selector == "delivering" else "On")


async def test_a_killed_service_forgets_no_write(simulate: Any, serve: Any, tmp_path: Path) -> None:
    sim = await simulate(latency_ms=50)
    config = sim.config.replace("[aruba]\n", '[aruba]\nselector_from = "last"\n', 1)
    confirmed = 0
    for round_number in range(4):
        service = await serve(config, epics=None)
        await until(lambda s=service: _has_value(s, SEL))
        wanted = round_number % 2
        status, _ = await service.put(SEL, wanted)
        assert status == 200
        confirmed += 1
        in_flight = asyncio.create_task(service.put(SEL, 1 - wanted))
        await asyncio.sleep(0.01 * round_number)
        await service.program.kill()
        await asyncio.gather(in_flight, return_exceptions=True)
    service = await serve(config, epics=None)
    await until(lambda: _has_value(service, SEL))
    _, answer = await service.call("GET", f"/api/v1/audit?point={SEL}")
    outcomes = [item["outcome"] for item in answer["items"]]
    assert outcomes.count("confirmed") >= confirmed
    assert None not in outcomes, "what a kill left open is unknown, and says so"


async def _has_value(service: Service, name: str) -> bool:
    return (await service.point(name))["value"] is not None


async def test_a_second_instance(simulate: Any, serve: Any, programs: Any) -> None:
    sim = await simulate()
    first = await serve(sim.config, epics=None)
    for language, said in (("en", "Another instance is running"), ("pt-BR", "Outra instância rodando")):
        second = await programs("run", environment={"VIGILIA_SITE__LANGUAGE": language})
        assert await second.wait() == 3
        assert said in second.text
        assert str(first.program.process.pid) in second.text
    await first.program.kill()
    third = await programs("run")
    await third.line("vigilia ready")


async def test_ports_that_are_taken(simulate: Any, serve: Any) -> None:
    sim = await simulate()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = await serve(
            sim.config, epics=None, environment={"VIGILIA_WEB__LISTEN": f"127.0.0.1:{port}"}, ready=False
        )
        assert await service.program.wait() == 2
        assert str(port) in service.program.lines[-1]
        assert "Traceback" not in service.program.text
    with socket.create_server(("127.0.0.1", CA_PORT)):
        service = await serve(sim.config, ready=False)
        assert await service.program.wait() == 2
        assert f"server_port: port {CA_PORT}" in service.program.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no driver is configured"),
        ("[aruba\n", "is not TOML"),
        ("\x00\xff\xfe", "vigilia.toml"),
        ("[aruba]\nscan = 1\n", "aruba.scan: is not a known key"),
        ('[aruba]\nscan_s = "fast"\n', "aruba.scan_s: cannot be 'fast'"),
        ('[reactor]\nlisten = "0.0.0.0:50051"\n', "not on loopback, without TLS"),
        ("[frobnicate]\n", "is not a known section"),
        ('[aruba]\nswitches_file = "absent.config"\n', "absent.config"),
        ('[web]\nlisten = "0.0.0.0:8080"\n', "insecure"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
async def test_bad_configuration(command: str, content: str, said: str, programs: Any, tmp_path: Path) -> None:
    (tmp_path / "vigilia.toml").write_bytes(content.encode("latin-1"))
    program = await programs(command)
    assert await program.wait() == 2
    assert said in program.text
    assert "Traceback" not in program.text
    assert all(line.startswith("vigilia.toml") or "absent.config" in line for line in program.lines)


async def test_missing_configuration_and_unknown_commands(programs: Any) -> None:
    program = await programs("run", "absent.toml")
    assert await program.wait() == 2
    assert "absent.toml" in program.text
    program = await programs("run")
    assert await program.wait() == 2
    assert "no driver is configured" in program.text
    program = await programs("frobnicate")
    assert await program.wait() == 2
    assert "frobnicate" in program.text


async def test_a_printed_line_is_written_in_one_piece(tmp_path: Path) -> None:
    (tmp_path / "vigilia.toml").write_text(
        '[[aruba.switches]]\nname = "sw-1"\nurl = "http://127.0.0.1:9"\nports = [{ port = "1", device = "T1" }]\n'
    )
    # A datagram for each write: what another process writes to the same file comes between two of them.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vigilia", "check"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=theirs,
        )
        assert await asyncio.wait_for(process.wait(), 30) == 0
        ours.setblocking(False)
        writes: list[bytes] = []
        with suppress(BlockingIOError):
            while True:
                writes.append(ours.recv(100_000))
    assert writes[0].startswith(b"# ")
    assert [write for write in writes if write and not write.endswith(b"\n")] == []


async def test_pv_names_that_epics_cannot_have(serve: Any, programs: Any) -> None:
    switch = '[aruba]\n[[aruba.switches]]\nname = "sw"\nurl = "http://127.0.0.1:1"\nports = [{}]\n'
    long = "D" * 55
    service = await serve(switch.format(f'{{ port = "1", device = "{long}" }}'), ready=False)
    assert await service.program.wait() == 2
    assert long in service.program.text
    assert "shorten" in service.program.text
    check = await programs("check")
    assert await check.wait() == 2
    assert long in check.text
    both = '{ port = "1", device = "CAM.1" }, { port = "2", device = "CAM/1" }'
    service = await serve(switch.format(both), ready=False)
    assert await service.program.wait() == 2
    assert "CAM_1:PwrState-Sel" in service.program.text


async def test_the_legacy_files_unchanged(simulate: Any, programs: Any, tmp_path: Path) -> None:
    sim: Simulator = await simulate(*LOGIN, ports=12)
    port = sim.urls["sw-1"].rpartition(":")[2]
    (tmp_path / "switches.config").write_text(
        json.dumps(
            {
                "switches": [
                    {
                        "login_data": {"ip": "127.0.0.1", "port": port, "username": "controle", "password": "example"},
                        "devices": [{"name": "TB-01:CamMF-01", "port": "3"}, {"name": "TB-01:CamMF-02", "port": "5"}],
                    }
                ]
            }
        )
    )
    (tmp_path / "rooms.config").write_text(
        json.dumps({"rooms": [{"id": 1, "name": "Connectivity room", "switches": [{"ip": "127.0.0.1"}]}]})
    )
    (tmp_path / "vigilia.toml").write_text(
        '[web]\nlisten = "127.0.0.1:0"\n[aruba]\nswitches_file = "switches.config"\nrooms_file = "rooms.config"\n'
    )
    check = await programs("check")
    assert await check.wait() == 0
    assert 'room = "Connectivity room"' in check.text
    assert "TB-01:CamMF-02" in check.text
    assert "example" not in check.text
    program = await programs("run")
    service = Service(program, (await program.line("vigilia ready")).removeprefix("vigilia ready "))
    point = await label(service, "TB-01:CamMF-01:PwrState-Sts", "On")
    assert point["link"] == f"127.0.0.1:{port}"


async def test_no_secret_is_ever_written(simulate: Any, serve: Any, tmp_path: Path) -> None:
    sim = await simulate("--username", "controle", "--password", "s3cr3t-of-the-switch")
    service = await serve(sim.config)
    await label(service, STS, "On")
    await sim.fault("sw-1", "expire")
    await service.put(SEL, "Off")
    for path in ("/api/v1/links", "/api/v1/points", "/metrics", "/api/openapi.json"):
        assert "s3cr3t" not in str((await service.call("GET", path))[1])
    assert await service.program.stop() == 0
    assert "s3cr3t" not in service.program.text
    for file in (*tmp_path.glob("logs/*"), *tmp_path.glob("state/*")):
        assert b"s3cr3t" not in file.read_bytes(), file


async def test_the_environment_alone_is_a_configuration(simulate: Any, programs: Any) -> None:
    sim = await simulate()
    switches = [{"name": "sw-1", "url": sim.urls["sw-1"], "ports": [{"port": "1", "device": DEVICE}]}]
    program = await programs(
        "run",
        environment={
            "VIGILIA_ARUBA__SWITCHES": json.dumps(switches),
            "VIGILIA_ARUBA__SCAN_S": "0.5",
            "VIGILIA_WEB__LISTEN": "127.0.0.1:0",
        },
    )
    service = Service(program, (await program.line("vigilia ready")).removeprefix("vigilia ready "))
    await label(service, STS, "On")


async def test_a_store_that_is_newer_is_refused_and_a_broken_one_set_aside(
    simulate: Any, serve: Any, tmp_path: Path
) -> None:
    sim = await simulate()
    service = await serve(sim.config, epics=None)
    assert await service.program.stop() == 0
    database = tmp_path / "state" / "vigilia.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    service = await serve(sim.config, epics=None, ready=False)
    assert await service.program.wait() == 2
    assert "newer" in service.program.text
    for file in tmp_path.glob("state/vigilia.db*"):
        file.unlink()
    database.write_bytes(b"this is no database" * 100)
    service = await serve(sim.config, epics=None)
    (aside,) = tmp_path.glob("state/vigilia.db.corrupt.*")
    assert aside.read_bytes() == b"this is no database" * 100
    assert aside.name in service.program.text
    assert "Traceback" not in service.program.text


async def test_an_accelerated_clock(simulate: Any, serve: Any) -> None:
    sim = await simulate()
    service = await serve(sim.config, epics=None, environment={"VIGILIA_CLOCK": "2026-03-10T05:50:00 x20"})
    point = await label(service, STS, "On")
    assert point["timestamp"].startswith("2026-03-10T08:5"), "05:50 in São Paulo"
    first = len([r for r in await sim.requests("sw-1") if r["path"].endswith("stats")])

    async def many_more() -> bool:
        return len([r for r in await sim.requests("sw-1") if r["path"].endswith("stats")]) > first + 20

    await until(many_more, 10)  # a scan each second of the clock is twenty in a real one
