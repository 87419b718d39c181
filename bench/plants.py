"""The plants' rig: the simulated PVOperation API with its Teams webhook, and the service that watches it.

As with the switches, nothing here imports the service. The clocks of simulator and service start in the evening of a
scripted day and run at the real speed, so that seconds are the same on both, and on ours.
"""

import asyncio
import contextlib
import os
import shlex
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp

from programs import Bench, BenchError, Program, Usage
from rig import Simulator, epics_section, web_section

EVENING = "2026-03-10T20:00:00"
"""After the window has closed: the first scan takes the whole day at once."""
IN_FLIGHT = 8
ANSWER_S = 0.2
_LOOK_S = 0.05
_LOGS = {"relay": Path("logs/rele/rele.log"), "inverter": Path("logs/inversor/inversor.log")}


class PlantSimulator(Program):
    """`vigilia sim pvoperation`, and its control service."""

    def __init__(
        self, bench: Bench, *, plants: int, inverters: int = 20, clock: str = EVENING, options: Sequence[str] = ()
    ) -> None:
        folder = bench.folder("sim-pv")
        self._config = folder / "pvoperation.toml"
        self.plants = plants
        sizes = ("--plants", str(plants), "--inverters", str(inverters), "--clock", clock)
        arguments = ("-m", "vigilia", "sim", "pvoperation", *sizes, "--config-out", str(self._config), *options)
        super().__init__("the PVOperation simulator", arguments, folder, "vigilia sim ready")
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        control = next(line.partition(" ")[2] for line in self.lines if line.startswith("control "))
        self._http = aiohttp.ClientSession(control, raise_for_status=True, timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def stop(self) -> tuple[int, float]:
        """Close the control connection, then end the program."""
        if self._http is not None:
            await self._http.close()
        return await super().stop()

    @property
    def config(self) -> str:
        """The sections of a service that watches these plants."""
        return self._config.read_text()

    @property
    def environment_of_service(self) -> dict[str, str]:
        """The addresses and the account, as it prints them."""
        pairs = [line.partition("=") for line in self.lines if "=" in line]
        return {name: shlex.split(value)[0] for name, _, value in pairs}

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the control service."""
        assert self._http is not None, "the simulator was not started"
        async with self._http.request(method, path, json=body) as answer:
            return await answer.json()

    async def warm_up(self) -> None:
        """Have every answer encoded once, for that takes the simulator longer than to give it a second time."""
        given = self.environment_of_service
        login = {"username": given["PVOP_EMAIL"], "password": given["PVOP_PASSWORD"]}
        await self.ask("PATCH", "/api", {"latency_ms": 0})
        async with aiohttp.ClientSession(raise_for_status=True) as http:
            base = given["PVOP_BASE_URL"]
            async with http.post(f"{base}/authenticate", json=login) as answer:
                headers = {"x-access-token": (await answer.json())["token"]}
            async with http.get(f"{base}/plants", headers=headers) as answer:
                plants = await answer.json()
            for plant in plants:
                for path in ("day_relay", "day_inverter"):
                    body = {"id": plant["id"], "date": EVENING[:10]}
                    async with http.post(f"{base}/{path}", json=body, headers=headers) as answer:
                        await answer.read()
        await self.ask("PATCH", "/api", {"latency_ms": ANSWER_S * 1000})

    async def clock(self) -> tuple[str, float]:
        """What VIGILIA_CLOCK is for a service that starts now, and how far the clock is ahead of time.monotonic()."""
        shown = await self.ask("GET", "/clock")
        return shown["text"] or EVENING, shown["now"] - time.monotonic()

    async def last_number(self) -> int:
        """The number of the API's last request."""
        return (await self.ask("GET", "/"))["api"]["requests"]

    async def requests(self, since: int) -> list[dict[str, Any]]:
        """The API's requests after number `since`."""
        return (await self.ask("GET", f"/api/requests?since={since}"))["items"]


class PlantService(Program):
    """`vigilia run` with the plants of a simulator, and the ports of a switch if there is one."""

    def __init__(
        self,
        bench: Bench,
        plants: PlantSimulator,
        clock: str,
        switches: Simulator | None = None,
        *,
        folder: Path | None = None,
        epics: bool = True,
        settings: str = "",
    ) -> None:
        folder = folder or bench.folder("service-pv")
        parts = [plants.config, settings, web_section(on=True)]
        parts += [epics_section()] if epics else []
        parts += [switches.config] if switches else []
        config = folder / "vigilia.toml"
        config.write_text("\n".join(parts))
        super().__init__("the service", ("-m", "vigilia", "run", str(config)), folder, "vigilia ready")
        self.environment = {"VIGILIA_CLOCK": clock}

    async def scanned(self, kind: str, within_s: float, *, times: int = 1) -> float:
        """Wait until a scan is over, which the service's log says; return the moment."""
        path, wanted = self.folder / _LOGS[kind], f"{kind} scan: "
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with contextlib.suppress(FileNotFoundError):
                if sum(wanted in line for line in path.read_text().splitlines()) >= times:
                    return time.monotonic()
            await asyncio.sleep(_LOOK_S)
        raise BenchError(f"no {kind} scan within {within_s:g} s")

    async def ask(self, path: str) -> Any:
        """Ask the REST API."""
        address = self.lines[-1].removeprefix("vigilia ready").strip()
        async with (
            aiohttp.ClientSession(address, raise_for_status=True) as http,
            http.get(path) as answer,
        ):
            return await answer.json()

    async def all_of(self, path: str) -> list[dict[str, Any]]:
        """All pages of a list of the REST API."""
        found: list[dict[str, Any]] = []
        following: str | None = ""
        while following is not None:
            page = await self.ask(f"{path}{'&' if '?' in path else '?'}next={following}")
            found += page["items"]
            following = page["next"]
        return found


@contextlib.asynccontextmanager
async def watched(program: Program, every_s: float = 0.5) -> AsyncIterator[list[Usage]]:
    """Look at what a program uses, again and again: `async with watched(service) as used:`."""
    used: list[Usage] = []

    async def look() -> None:
        while True:
            used.append(program.usage())
            await asyncio.sleep(every_s)

    task = asyncio.create_task(look())
    try:
        yield used
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        used.append(program.usage())


def clean_environment() -> None:
    """Forget settings of ours that would reach the service."""
    for name in [name for name in os.environ if name.startswith(("VIGILIA_", "PVOP_", "TEAMS_"))]:
        del os.environ[name]
