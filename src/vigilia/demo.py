"""`vigilia demo`: simulated switches and the service that watches them, on free loopback ports, with things to try.

Both run as processes, as they would in the field. The demonstration itself is a client like any other: what it prints
of the switches' life it reads from the service's stream of events.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from vigilia.errors import StartError, VigiliaError, printable
from vigilia.language import tr, use

_SWITCHES = 3
_PORTS = 8
_REBOOT_EVERY_S = 60
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 12.0
_LAST_WORDS_S = 2.0
_LAST_LINES = 20
_DEVICE = "SIM-01:Cam-03"


def run_demo(seconds: float | None) -> int:
    """Run the demonstration until Ctrl-C, or for `seconds`; return the exit code. Raises VigiliaError."""
    language = "pt-BR" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("pt") else "en"
    use(language)
    asyncio.run(_demonstrate(language, seconds))
    return 0


async def _demonstrate(language: str, seconds: float | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="vigilia-demo-")))
        print(
            tr("Starting {switches} simulated switches with {ports} PoE ports each, and the service …").format(
                switches=_SWITCHES, ports=_PORTS
            ),
            flush=True,
        )
        switches = await cleanup.enter_async_context(_running("sim", "aruba", *_sim_options(folder)))
        control = (await _wait_for(switches, "control ")).removeprefix("control ")
        ports = _EpicsPorts()
        config = folder / "vigilia.toml"
        config.write_text(_configuration(language, folder, ports))
        service = await cleanup.enter_async_context(_running("run", str(config), environment=ports.server_environment))
        ready = await _wait_for(service, "vigilia ready")
        url = ready.removeprefix("vigilia ready ")
        print(_things_to_try(ready, url, control, ports), flush=True)
        await _show_life(url, service, stop, seconds)
        print(tr("Stopping: the service logs out of every switch …"), flush=True)
    print(tr("Stopped."), flush=True)


def _sim_options(folder: Path) -> list[str]:
    return [
        *("--switches", str(_SWITCHES), "--ports", str(_PORTS), "--latency-ms", "20"),
        *("--username", "controle", "--password", "demo"),
        *("--life", "--reboot-every-s", str(_REBOOT_EVERY_S), "--config-out", str(folder / "aruba.toml")),
    ]


class _EpicsPorts:
    """Free loopback ports for Channel Access and PV Access, and the environment that leads there."""

    def __init__(self) -> None:
        self.channel_access = _free_port()
        self.pv_access = _free_port()
        self.search = _free_port()
        self.server_environment = {"EPICS_PVAS_BROADCAST_PORT": str(self.search)}
        self.client_environment = {
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_ADDR_LIST": f"127.0.0.1:{self.search}",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CA_ADDR_LIST": f"127.0.0.1:{self.channel_access}",
        }


def _free_port() -> int:
    """Return a port that is free for TCP and UDP on loopback."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            stream.bind(("127.0.0.1", 0))
            port = stream.getsockname()[1]
            with contextlib.suppress(OSError):
                datagram.bind(("127.0.0.1", port))
                return port


def _configuration(language: str, folder: Path, ports: _EpicsPorts) -> str:
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
{(folder / "aruba.toml").read_text()}"""


@asynccontextmanager
async def _running(*arguments: str, environment: dict[str, str] | None = None) -> AsyncGenerator[Process, None]:
    """Run `vigilia` with `arguments` in a session of its own (Ctrl-C is ours to pass on); end it at the way out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vigilia", *arguments),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_DEADLINE_S):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _wait_for(process: Process, beginning: str) -> str:
    """Return the first line of a process that begins so. Raises StartError with what it said where none comes."""
    said: list[str] = []
    try:
        async with asyncio.timeout(_START_DEADLINE_S):
            while process.stdout and (raw := await process.stdout.readline()):
                line = raw.decode(errors="replace").rstrip()
                said.append(line)
                if line.startswith(beginning):
                    return line
    except TimeoutError:
        pass
    raise StartError(tr("the demonstration did not start:") + "\n" + "\n".join(said[-_LAST_LINES:]))


def _things_to_try(ready: str, url: str, control: str, ports: _EpicsPorts) -> str:
    python = sys.executable
    exports = "\n".join(f"    export {name}={value}" for name, value in ports.client_environment.items())
    point = f"{url}/api/v1/points/{_DEVICE}"
    break_it = '{"fault": "hang", "duration_s": 10}'
    post = "curl -s -X POST -H 'Content-Type: application/json'"
    return f"""
{ready}

  {tr("Look")}     {url}/api/docs
  {tr("Read")}     curl -s {point}:PwrState-Raw
  {tr("Switch")}   curl -s -X PUT -H 'Content-Type: application/json' -d '{{"value": "Off"}}' {point}:PwrState-Sel/value
  {tr("Follow")}   curl -sN '{url}/api/v1/events?device={_DEVICE}'
  {tr("Break")}    {post} -d '{break_it}' {control}/switches/sw-1/faults

  {tr("Over EPICS, in another terminal (caget and caput will do as well):")}
{exports}
    {python} -W ignore -m p4p.client.cli get {_DEVICE}:PwrState-Raw {_DEVICE}:Power-Mon
    {python} -W ignore -m p4p.client.cli monitor {_DEVICE}:PwrState-Raw
    {python} -c "from p4p.client.thread import Context; Context('pva').put('{_DEVICE}:PwrState-Sel', 'On')"

{tr("What happens now (Ctrl-C ends it; every minute one of the switches reboots):")}
"""


async def _show_life(url: str, service: Process, stop: asyncio.Event, seconds: float | None) -> None:
    """Print changes of state until told to stop or the time is over. Raises VigiliaError where the service fails."""
    said: deque[str] = deque(maxlen=_LAST_LINES)
    events = asyncio.create_task(_follow(url), name="events")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    log = asyncio.create_task(_read_log(service, said), name="log")
    tasks = (events, stopped, log)
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not done or stopped in done:
            return
        await asyncio.wait([log], timeout=_LAST_WORDS_S)
        if log.done():
            log.result()
            sentence = tr("the service ended by itself; its last words:")
        else:
            reason = printable(str(events.exception() or "") or "?")
            sentence = tr("the service's stream of events broke off ({reason}); its last words:").format(reason=reason)
        raise VigiliaError("\n".join([sentence, *said]))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read_log(service: Process, said: deque[str]) -> None:
    """Keep the service's log flowing, its last lines in `said`, until the service ends; it is in its file as well."""
    while service.stdout and (raw := await service.stdout.readline()):
        said.append(raw.decode(errors="replace").rstrip())


async def _follow(url: str) -> None:
    """Print each change of a port's state, of a choice and of a switch's contact, as the service tells them.

    Returns where the service ends the stream. Raises VigiliaError where it cannot be had, or breaks.
    """
    try:
        await _print_changes(url)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise VigiliaError(str(error) or type(error).__name__) from error


async def _print_changes(url: str) -> None:
    shown: dict[str, tuple[Any, Any]] = {}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as http,
        http.get(f"{url}/api/v1/events") as events,
    ):
        async for raw in events.content:
            line = raw.decode()
            if not line.startswith("data:"):
                continue
            point = json.loads(line.removeprefix("data:"))
            name = point["name"]
            if not name.endswith((":PwrState-Raw", ":PwrState-Sel", ":Connected-Sts")):
                continue
            state = (point["label"], point["severity"])
            before = shown.get(name)
            shown[name] = state
            if before not in (None, state) and point["severity"] != "INVALID":
                print(_change_line(point, before), flush=True)


def _change_line(point: dict[str, Any], before: tuple[Any, Any] | None) -> str:
    moment = datetime.now().astimezone().strftime("%H:%M:%S")
    was = before[0] if before and before[0] != point["label"] else None
    change = f"{was} → {point['label']}" if was else f"{point['label']}"
    alarm = "" if point["severity"] == "NO_ALARM" else f"   [{point['severity']}/{point['status']}]"
    return f"  {moment}  {point['name']:<28} {change}{alarm}"
