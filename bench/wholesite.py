"""What pages are full of: plants on a day with failures, reactors with their agents, faulty ports, writes and notices.

All of it is simulated equipment in processes of its own. The clocks of simulator and service are those of a scripted
afternoon, and run at the real speed.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import aiohttp

from figures import markdown, show_number
from plants import PlantSimulator
from programs import Bench, BenchError
from reactorrig import Agent, SimReactors, free_port
from rig import Simulator

DAY = "2026-03-10"
AFTERNOON = f"{DAY}T15:00:00"
"""What failed in the morning is known at the first scan."""
_FAILS = {"from": "10:30", "to": "18:00"}
_PLANTS = "[pvoperation]\nrelay_interval_s = 20\ninverter_interval_s = 20\nfailure_readings = 1\nrecovery_readings = 1"
_SETTLE_S = 90.0
_FAULT = "PPDS_FAULT"
_RULE = '[[alarms.rules]]\nname = "poe-fault"\npoints = "*:PwrState-Raw"\n'


@dataclass(frozen=True)
class Sizes:
    """How much of everything there is."""

    plants: int
    inverters: int
    reactors: int
    faults: int
    """Ports that are faulty."""
    writes: int


class Equipment:
    """The simulators of a site, and the agents of its reactors: `async with equipment(…) as equipment`."""

    def __init__(self, bench: Bench, sizes: Sizes, switches: Simulator, plants: PlantSimulator, reactors: SimReactors):
        self.sizes = sizes
        self._bench, self._switches, self._plants, self._reactors = bench, switches, plants, reactors
        self._coordinator, self._manager = free_port(), free_port()
        self._agents = contextlib.AsyncExitStack()
        self.environment: dict[str, str] = {}
        """What the service is given."""

    @property
    def config(self) -> str:
        """The sections of a service that watches all of it."""
        reactor = (
            f'[reactor]\nlisten = "127.0.0.1:{self._coordinator}"\nmanager_ports = "{self._manager}"\n'
            'status_interval_s = 2\naccept = "all"\n'
        )
        plants = self._plants.config.replace("[pvoperation]", _PLANTS).replace("[site]", '[site]\nlanguage = "en"')
        return "\n".join([self._switches.config, plants, reactor, _RULE])

    async def prepare(self) -> None:
        """Have the clock ready for a service that starts now, and the ports that fail."""
        clock, _ = await self._plants.clock()
        self.environment = {**self._plants.environment_of_service, "VIGILIA_CLOCK": clock}
        for port in range(1, self.sizes.faults + 1):
            await self._switches.change_port("sw-1", port, state=_FAULT)

    async def settle(self, address: str, headers: dict[str, str]) -> None:
        """Start the agents, write to points, and wait until the service knows all of it. Raises BenchError."""
        for number in range(1, self.sizes.reactors + 1):
            config = self._reactors.config(f"R{number}")
            config["agent"] |= {"coordinator": f"127.0.0.1:{self._coordinator}", "language": "en"}
            await self._agents.enter_async_context(Agent(self._bench, config))
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(address, headers=headers, timeout=timeout) as http:
            sizes = self.sizes
            found = {
                "plants": await _until(http, "/api/v1/systems/pvoperation", sizes.plants, key="plants"),
                "reactors": await _until(http, "/api/v1/reactors", sizes.reactors, state="connected"),
                "alarms": await _until(http, "/api/v1/alarms", sizes.faults + sizes.plants),
                "incidents": await _until(http, "/api/v1/incidents", sizes.faults + sizes.plants),
                "notices": await _until(http, "/api/v1/outbox", 1),
            }
            await self._write(http)
            found["writes"] = await _until(http, "/api/v1/audit", sizes.writes)
        row = [show_number(found[name]) for name in found]
        self._bench.tables.append(markdown([f"{name} on the pages" for name in found], [row]))

    async def leave(self) -> None:
        """End the agents."""
        await self._agents.aclose()

    async def _write(self, http: aiohttp.ClientSession) -> None:
        """Switch ports off and on again, as somebody does from the pages."""
        async with http.get("/api/v1/points", params={"q": "PwrState-Sel", "limit": "10"}) as answer:
            names = [point["name"] for point in (await answer.json())["items"]]
        for number in range(self.sizes.writes):
            path = f"/api/v1/points/{names[number // 2 % len(names)]}/value"
            async with http.put(path, json={"value": "On" if number % 2 else "Off"}) as answer:
                if answer.status >= 300:
                    raise BenchError(f"{path}: {await answer.text()}")


@contextlib.asynccontextmanager
async def equipment(bench: Bench, sizes: Sizes) -> AsyncGenerator[Equipment]:
    """Start the simulators; end the agents and them."""
    script = bench.folder("plants") / "plants.json"
    script.write_text(json.dumps({"day": DAY, "plants": [_plant(n, sizes.inverters) for n in range(sizes.plants)]}))
    day, pace = ("--script", str(script)), ("--pace", "0.1")
    async with (
        Simulator(bench, switches=2) as switches,
        PlantSimulator(bench, plants=sizes.plants, clock=f"{AFTERNOON} x1", options=day) as plants,
        SimReactors(bench, reactors=sizes.reactors, options=pace) as reactors,
    ):
        made = Equipment(bench, sizes, switches, plants, reactors)
        await made.prepare()
        try:
            yield made
        finally:
            await made.leave()


def _plant(number: int, inverters: int) -> dict[str, Any]:
    """A plant of the script, with an inverter that has failed; in each second one the relay has tripped as well."""
    at = 19_000 + number
    relay = {"id": f"{at}9001"} | ({"trips": [{"flags": ["r59A"], **_FAILS}]} if number % 2 else {})
    healthy = [{"id": f"{at}{7002 + other}"} for other in range(inverters - 1)]
    return {
        "id": at,
        "name": f"UFV {number + 1:02}",
        "relays": [relay],
        "inverters": [{"id": f"{at}7001", "outages": [_FAILS]}, *healthy],
    }


async def _until(http: aiohttp.ClientSession, path: str, least: int, key: str = "items", **having: str) -> int:
    """Wait until a list of the API has so many things that have some values; return how many it has."""
    give_up = time.monotonic() + _SETTLE_S
    while True:
        async with http.get(path) as answer:
            if answer.status != 200:
                raise BenchError(f"{path}: {await answer.text()}")
            items = (await answer.json())[key]
        found = sum(all(item[name] == value for name, value in having.items()) for item in items)
        if found >= least:
            return found
        if time.monotonic() > give_up:
            raise BenchError(f"{path} has {found} items after {_SETTLE_S:g} s, not {least}")
        await asyncio.sleep(0.2)
