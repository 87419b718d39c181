"""The watch over photovoltaic plants as operators meet it: cards, alarms over REST and EPICS, and trouble at boot."""

import asyncio
import contextlib
import re
import resource
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crashday import Plan, run_day
from programs import Bench
from tests.system.conftest import Epics, Program, Service, epics_section, free_port, until

pytestmark = pytest.mark.system

Programs = Callable[..., Coroutine[Any, Any, Program]]

TITLES = re.compile(
    r"(Falha de relé|Relé normalizado|Falha de inversor|Inversor normalizado|Dados desatualizados|Dados restabelecidos)"
    r" – UFV \w.*|Resumo de alertas|Heartbeat"
)
SECRET = "sim-password"
CLOCK = "2026-03-10T08:20:00 x300"
RELAY, TOLD, LATER = "194789001", "194787001", "194787002"
COVERED = f"""
day = 2026-03-10
[[plants]]
id = 19478
name = "UFV Alvorada"
[[plants.relays]]
id = "{RELAY}"
trips = [{{ flags = ["r59A"], from = "08:30", to = "10:30" }}]
[[plants.inverters]]
id = "{TOLD}"
outages = [{{ from = "08:00", to = "09:40" }}]
[[plants.inverters]]
id = "{LATER}"
outages = [{{ from = "08:40", to = "12:00" }}]
"""
"""One inverter has failed when the relay trips, another fails under it, and is still down when the relay is back."""


class Plants:
    """`vigilia sim pvoperation` as a process: what a service needs to watch it, and its control service."""

    def __init__(self, program: Program, environment: dict[str, str], control: str) -> None:
        self.program = program
        self.environment = environment
        self.control = control

    async def ask(self, path: str) -> Any:
        async with aiohttp.ClientSession() as http, http.get(self.control + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def titles(self) -> list[str]:
        return [card["title"] for card in (await self.ask("/teams/cards"))["items"]]

    async def lines(self, title: str) -> list[str]:
        cards = (await self.ask("/teams/cards"))["items"]
        return [line for card in cards if card["title"] == title for line in card["lines"]]


async def simulate(programs: Programs, *options: str) -> Plants:
    program = await programs("sim", "pvoperation", *options)
    await program.line("vigilia sim ready")
    values = dict(line.split("=", 1) for line in program.lines if "=" in line)
    control = (await program.line("control ")).removeprefix("control ")
    return Plants(program, {name: value.strip("'") for name, value in values.items()}, control)


async def serve(programs: Programs, environment: dict[str, str], *, ready: bool = True) -> Service:
    program = await programs("run", environment={"VIGILIA_WEB__LISTEN": "127.0.0.1:0", **environment})
    line = await program.line("vigilia ready") if ready else ""
    return Service(program, line.removeprefix("vigilia ready "))


async def alarm(service: Service, name_part: str) -> dict[str, Any] | None:
    """The alarm with this in its id, where it is not normal."""
    status, answer = await service.call("GET", "/api/v1/alarms")
    assert status == 200, answer
    return next((item for item in answer["items"] if name_part in item["id"]), None)


async def link_contact(service: Service) -> str:
    _, answer = await service.call("GET", "/api/v1/links")
    return answer["items"][0]["contact"]


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def until_async(find: Callable[[], Coroutine[Any, Any, list[str]]], wanted: str, deadline_s: float = 30) -> None:
    """Wait until something is among what is found."""
    async with asyncio.timeout(deadline_s):
        while wanted not in await find():  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(0.1)


async def test_a_day_is_told_as_it_was(tmp_path: Path) -> None:
    calm = Plan(1, speed=1200, kill_every_s=0, webhook_fault_every_s=0, api_fault_every_s=0)
    verdict = await run_day(Bench(tmp_path), calm)
    assert not verdict.faults  # among them: a secret in a file
    assert verdict.told == verdict.over > 20
    assert verdict.repeated_by_kill == verdict.repeated_by_lost_answer == verdict.ahead == 0
    assert [title for title in verdict.titles if not TITLES.fullmatch(title)] == []
    kinds = {title.partition(" – ")[0] for title in verdict.titles}
    assert kinds >= {"Falha de relé", "Relé normalizado", "Falha de inversor", "Inversor normalizado", "Heartbeat"}


async def test_a_relay_keeps_the_inverters_of_its_plant_quiet(programs: Programs, tmp_path: Path, epics: Epics) -> None:
    (tmp_path / "script.toml").write_text(COVERED)
    (tmp_path / "vigilia.toml").write_text(epics_section())
    plants = await simulate(programs, "--script", "script.toml", "--clock", CLOCK)
    service = await serve(programs, plants.environment)
    relay = await until(lambda: alarm(service, f"relay-overvoltage@19478:Relay-{RELAY}"))
    assert (relay["state"], relay["severity"]) == ("unacknowledged", "MAJOR")

    async def suppressed() -> dict[str, Any] | None:
        found = await alarm(service, f"inverter-failure@19478:Inverter-{TOLD}")
        return found if found and found["state"] == "suppressed" else None

    assert (await until(suppressed))["suppressed_by"] == relay["id"]

    async def labelled() -> bool:
        return (await service.point(f"19478:Inverter-{LATER}:State-Sts"))["label"] == "Suppressed"

    await until(labelled)

    async def shown() -> bool:
        try:
            return int(await epics.get(f"19478:Inverter-{LATER}:State-Sts", timeout=1.0)) == 2
        except epics.aioca.CANothing:
            return False  # its points were found a moment ago, and the EPICS process is being replaced

    await until(shown)
    assert await alarm(service, f"inverter-failure@19478:Inverter-{LATER}") is None

    async def told() -> bool:
        return (await plants.titles()).count("Falha de inversor – UFV Alvorada") == 2

    await until(told, 60)
    assert [title for title in await plants.titles() if title != "Heartbeat"] == [
        "Falha de inversor – UFV Alvorada",
        "Falha de relé – UFV Alvorada",
        "Inversor normalizado – UFV Alvorada",
        "Relé normalizado – UFV Alvorada",
        "Falha de inversor – UFV Alvorada",
    ]
    lines = await plants.lines("Falha de inversor – UFV Alvorada")
    assert [line.partition(", ")[0] for line in lines if line.startswith("Inversor ")] == [
        f"Inversor {TOLD}: desde 10/03 08:00",
        f"Inversor {LATER}: desde 10/03 10:35",  # the first reading later than the relay's normal one
    ]


async def test_an_api_that_is_away_at_boot_is_no_reason_to_exit(programs: Programs) -> None:
    port = free_port()
    environment = {
        "PVOP_BASE_URL": f"http://127.0.0.1:{port}/api/v1",
        "PVOP_EMAIL": "operacao@example.com",
        "PVOP_PASSWORD": SECRET,
        "VIGILIA_CLOCK": CLOCK,
    }
    service = await serve(programs, environment)
    await service.program.line_with("pvoperation: ")
    await service.program.line_with("onnection refused")
    assert await link_contact(service) != "connected"
    plants = await simulate(programs, "--port", str(port), "--quiet-day", "--clock", CLOCK)

    async def connected() -> bool:
        return await link_contact(service) == "connected" and (await plants.ask("/"))["api"]["logins"] > 0

    await until(connected)
    await service.program.line_with("inverter scan: 3 plants")
    assert await service.program.stop() == 0


async def test_a_wrong_password_is_said_and_the_watch_goes_on(programs: Programs, tmp_path: Path) -> None:
    plants = await simulate(programs, "--quiet-day", "--clock", CLOCK, "--password", "another")
    service = await serve(programs, plants.environment | {"PVOP_PASSWORD": "not-the-right-one"})
    await service.program.line_with("[PVOP] Falha ao logar")

    async def tried_again() -> bool:
        return (await plants.ask("/"))["api"]["refused_logins"] >= 2

    await until(tried_again)
    assert service.program.process.returncode is None
    assert await link_contact(service) != "connected"

    async def unhealthy() -> bool:
        status, health = await service.call("GET", "/healthz")
        return status == 503 and "o enlace pvoperation tem o login recusado" in str(health)

    await until(unhealthy)
    assert await service.program.stop() == 0
    secrets = ("not-the-right-one", plants.environment["TEAMS_WEBHOOK_URL"].rpartition("sig=")[2])
    everything = await asyncio.to_thread(written, tmp_path)
    assert [secret for secret in secrets if secret.encode() in everything or secret in service.program.text] == []


async def test_an_online_check_tries_the_login_and_sends_a_card(programs: Programs) -> None:
    plants = await simulate(programs, "--quiet-day", "--clock", CLOCK)
    check = await programs("check", "--online", environment=plants.environment)
    assert await check.wait() == 0
    works = [line.removesuffix(": funciona") for line in check.lines if line.endswith(": funciona")]
    assert [line.split()[-1] for line in works] == ["pvoperation", "teams"]
    assert await plants.titles() == ["Cartão de teste"]
    check = await programs("check", "--online", environment=plants.environment | {"PVOP_PASSWORD": "wrong"})
    assert await check.wait() == 2
    assert any("pvoperation: the login is refused (status 401)" in line for line in check.lines)


async def test_a_stop_in_the_first_scan_loses_nothing(programs: Programs) -> None:
    """The next start takes up what is missing: every failure of the day is on record once."""
    options = ("--plants", "30", "--inverters", "3", "--seed", "3", "--latency-ms", "400")
    plants = await simulate(programs, *options, "--clock", "2026-03-10T19:00:00")
    service = await serve(programs, plants.environment)
    await until(lambda: any("Relay-" in line and "new or changed" in line for line in service.program.lines), 30)
    assert await service.program.stop() == 0
    assert not any("scan: 30 plants" in line for line in service.program.lines), (
        "it was stopped too late to show anything"
    )

    again = {**plants.environment, "VIGILIA_CLOCK": (await plants.ask("/clock"))["text"]}
    service = await serve(programs, again)
    await service.program.line_with("inverter scan: 30 plants", 60)
    _, answer = await service.call("GET", "/api/v1/incidents?limit=10000")
    found = sorted((i["area"], i["equipment"].split()[-1], i["began_at"]) for i in answer["items"] if i["outage"])
    assert len(found) == len(set(found))
    truth = (await plants.ask("/truth"))["items"]
    named = {(alarm["plant_name"], alarm["equipment"]) for alarm in truth if not alarm["suppressed"]}
    assert named
    assert named <= {(area, equipment) for area, equipment, _ in found}
    assert await service.program.stop() == 0


async def test_a_clock_set_back_an_hour_between_two_runs(programs: Programs, tmp_path: Path) -> None:
    """What is called later by the records is no reason to tell a failure again, nor that it is over."""
    (tmp_path / "script.toml").write_text(COVERED)
    plants = await simulate(programs, "--script", "script.toml", "--clock", "2026-03-10T11:30:00 x60")
    service = await serve(programs, plants.environment)
    await until(lambda: any("[ALERTA INVERSOR]" in line and LATER in line for line in service.program.lines), 30)
    await service.program.line_with("inverter scan: 1 plants", 60)
    await until_async(plants.titles, "Falha de inversor – UFV Alvorada")
    assert await service.program.stop() == 0
    before = await plants.titles()

    service = await serve(programs, {**plants.environment, "VIGILIA_CLOCK": "2026-03-10T10:30:00 x60"})
    await service.program.line_with("inverter scan: 1 plants", 60)
    failed = await alarm(service, f"inverter-failure@19478:Inverter-{LATER}")
    assert failed is not None
    assert failed["state"] == "unacknowledged"
    assert await service.program.stop() == 0
    after = await plants.titles()
    assert [title for title in after[len(before) :] if "inversor" in title.lower()] == []


@contextlib.contextmanager
def locked(state: Path, service: Service) -> Iterator[None]:
    """Another program holds the store's lock."""
    del service
    other = sqlite3.connect(state / "vigilia.db")
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


@contextlib.contextmanager
def out_of_room(state: Path, service: Service) -> Iterator[None]:
    """No file of the service's may grow, nor be written beyond its first byte: a full disk, for one process."""
    del state
    pid = service.program.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def filled(state: Path, service: Service) -> Iterator[None]:
    """The disk of the data directory is full to the last byte."""
    del service
    filler = state / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for block in (2**20, 4096, 512, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * block):
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(state: Path, service: Service) -> Iterator[None]:
    """Neither the store nor its folder take any change, from nobody."""
    del service
    things = [str(state), *(str(path) for path in state.glob("vigilia.db*"))]
    run("chattr", "+i", *things)
    try:
        yield
    finally:
        run("chattr", "-i", *things)


def run(*command: str) -> bool:
    """Whether a command of the system went well."""
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


Trouble = Callable[[Path, Service], contextlib.AbstractContextManager[None]]


def troubles() -> list[Trouble]:
    """Those that can be made here: a disk of its own and a folder that root cannot change are not for everybody."""
    possible = [locked, out_of_room]
    with tempfile.TemporaryDirectory() as folder:
        if run("mount", "-t", "tmpfs", "tmpfs", folder) and run("umount", folder):
            possible.append(filled)
        if run("chattr", "+i", folder) and run("chattr", "-i", folder):
            possible.append(read_only)
    return possible


@pytest.mark.parametrize("trouble", troubles(), ids=lambda trouble: trouble.__name__)
async def test_alarms_wait_for_a_store_that_takes_nothing_and_people_are_told_of_both(
    programs: Programs, tmp_path: Path, trouble: Trouble
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with contextlib.ExitStack() as after:
        if trouble is filled:
            assert run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(state))
            after.callback(run, "umount", "-l", str(state))
        await _go_through(programs, tmp_path, state, trouble)


async def _go_through(programs: Programs, folder: Path, state: Path, trouble: Trouble) -> None:
    """A relay trips while the store takes nothing: it is told once, when there is room again, and kept."""
    (folder / "script.toml").write_text(COVERED)
    plants = await simulate(programs, "--script", "script.toml", "--clock", "2026-03-10T08:25:00 x60")
    service = await serve(programs, plants.environment)
    await service.program.line_with("inverter scan: 1 plants", 60)
    with trouble(state, service):
        await service.program.line_with("alarms wait in memory", 60)
        await until_async(plants.titles, "Monitor: falha ao salvar estado", 60)  # past the store
        status, health = await service.call("GET", "/healthz")
        assert (status, "banco de estado" in str(health)) == (503, True)
        await until(tripped_in(service), 60)  # seen and shown, and told by nobody yet
        assert "Falha de relé – UFV Alvorada" not in await plants.titles()
    await until_async(plants.titles, "Falha de relé – UFV Alvorada", 60)
    await until_async(plants.titles, "Monitor: estado volta a ser salvo", 60)

    async def healthy() -> bool:
        return (await service.call("GET", "/healthz"))[0] == 200

    await until(healthy, 60)
    assert service.program.process.returncode is None
    _, answer = await service.call("GET", "/api/v1/incidents")
    assert sum(item["equipment"] == f"Relé {RELAY}" for item in answer["items"]) == 1
    await service.program.kill()  # what was told is kept: the next start does not tell it again
    again = {**plants.environment, "VIGILIA_CLOCK": (await plants.ask("/clock"))["text"]}
    service = await serve(programs, again)
    await service.program.line_with("inverter scan: 1 plants", 60)
    assert (await alarm(service, "relay-overvoltage")) is not None
    assert await service.program.stop() == 0
    assert (await plants.titles()).count("Falha de relé – UFV Alvorada") == 1


def tripped_in(service: Service) -> Callable[[], Coroutine[Any, Any, bool]]:
    async def tripped() -> bool:
        status, point = await service.call("GET", f"/api/v1/points/19478:Relay-{RELAY}:Overvoltage-Sts")
        return status == 200 and point["label"] == "Active"

    return tripped
