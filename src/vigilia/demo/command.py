"""The demonstration from start to stop.

Everything runs as processes, as it would in the field. The demonstration itself is a client like any other: it reads
the service's stream of events, and the cards that the simulated Teams webhook was sent.
"""

import asyncio
import json
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

from vigilia.demo import plants, reactors
from vigilia.demo.guide import DEVICE, things_to_try, what_happens
from vigilia.demo.life import show_life
from vigilia.demo.processes import EpicsPorts, drained, lines_until, running
from vigilia.language import tr, use

_SWITCHES = 3
_PORTS = 8
_REBOOT_EVERY_S = 60


def run_demo(seconds: float | None) -> int:
    """Run the demonstration until Ctrl-C, or for `seconds`; return the exit code. Raises VigiliaError."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    language = "pt-BR" if spoken.startswith("pt") else "en"
    use(language)
    asyncio.run(_demonstrate(language, seconds))
    return 0


async def _demonstrate(language: str, seconds: float | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="vigilia-demo-")))
        starting = tr("Starting {switches} simulated switches, {plants} solar plants, 2 reactors, and the service …")
        print(starting.format(switches=_SWITCHES, plants=len(plants.PLANTS)), flush=True)
        switches = await cleanup.enter_async_context(running("sim", "aruba", *_switch_options(folder)))
        solar = await cleanup.enter_async_context(running("sim", "pvoperation", *_plant_options(folder)))
        switch_control = (await lines_until(switches, "control "))[-1].removeprefix("control ")
        said = await lines_until(solar, "vigilia sim ready")
        plant_control = next(line for line in said if line.startswith("control ")).removeprefix("control ")
        vessels = await cleanup.enter_async_context(
            running("sim", "reactor", *reactors.sim_options(folder, plants.SPEED))
        )
        equipment = await lines_until(vessels, "vigilia sim ready")
        vessel_control = next(line for line in equipment if line.startswith("control ")).removeprefix("control ")
        ports, reactor_ports = EpicsPorts(), reactors.ReactorPorts()
        config = folder / "vigilia.toml"
        config.write_text(_configuration(language, folder, ports) + reactor_ports.section, encoding="utf-8")
        environment = ports.server_environment | plants.settings(said)
        service = await cleanup.enter_async_context(running("run", str(config), environment=environment))
        ready = (await lines_until(service, "vigilia ready"))[-1]
        url = ready.removeprefix("vigilia ready ")
        network = await cleanup.enter_async_context(reactor_ports.network())
        clock = {"VIGILIA_CLOCK": environment["VIGILIA_CLOCK"]}
        for agent in reactors.write_configs(folder, equipment, reactor_ports, language).values():
            process = await cleanup.enter_async_context(running("agent", str(agent), environment=clock))
            await cleanup.enter_async_context(drained(process))
        print(f"\n{ready}")
        print(things_to_try(url, switch_control, plant_control, ports, folder / "logs"))
        print(what_happens(), flush=True)
        vessels_live = asyncio.create_task(reactors.live(url, vessel_control, network), name="reactors")
        await show_life(url, service, solar, vessels_live, stop, seconds)
        print(tr("Stopping: the service logs out of every switch …"), flush=True)
    print(tr("Stopped."), flush=True)


def _switch_options(folder: Path) -> list[str]:
    return [
        *("--switches", str(_SWITCHES), "--ports", str(_PORTS), "--latency-ms", "20"),
        *("--username", "controle", "--password", "demo"),
        *("--life", "--reboot-every-s", str(_REBOOT_EVERY_S), "--config-out", str(folder / "aruba.toml")),
    ]


def _plant_options(folder: Path) -> list[str]:
    today = datetime.now(plants.ZONE).date()
    file = folder / "plants.json"
    file.write_text(json.dumps(plants.script(today)), encoding="utf-8")
    return ["--script", str(file), "--clock", f"{today}T{plants.BEGINS} x{plants.SPEED}"]


def _configuration(language: str, folder: Path, ports: EpicsPorts) -> str:
    """Return the service's configuration but for the plants, which its environment holds.

    Scans of switches, in the clock's seconds, are each second of real time. Ports fail now and then: that one of them
    makes cards is enough beside the plants'.
    """
    switches = (folder / "aruba.toml").read_text(encoding="utf-8")
    return f"""
[site]
name = "Demo"
language = "{language}"
[web]
listen = "127.0.0.1:0"
[epics]
server_port = {ports.channel_access}
pva_port = {ports.pv_access}
interfaces = ["127.0.0.1"]
[[alarms.rules]]
name = "poe-fault"
points = "{DEVICE}:PwrState-Raw"
{switches.replace("[aruba]", f"[aruba]{chr(10)}scan_s = {plants.SPEED}", 1)}"""
