"""Plants for the tests of the simulated API, and how to ask it."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from vigilia.clock import Clock
from vigilia.sim.pvoperation import Inverter, Plant, Relay, Script, SimPvOperation

DAY = date(2026, 3, 10)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
CUIABA = ZoneInfo("America/Cuiaba")


class ClockAt(Clock):
    """A clock that stands where the test puts it; its waits are real."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> float:
        return self.moment


def at(text: str, zone: ZoneInfo = SAO_PAULO) -> float:
    """The time of `HH:MM[:SS]` of the day, or of a date and time, at a plant of that zone."""
    local = datetime.fromisoformat(text if "-" in text else f"{DAY}T{text}")
    return local.replace(tzinfo=zone).timestamp()


def a_plant(plant_id: int = 1, zone: ZoneInfo = SAO_PAULO, inverters: int = 2) -> Plant:
    """A plant with relay 901 and inverters 701 and so on, to which nothing happens yet."""
    names = [str(700 + number) for number in range(1, inverters + 1)]
    return Plant(plant_id, f"UFV {plant_id}", zone, {"901": Relay("901")}, {name: Inverter(name) for name in names})


def a_script(*plants: Plant) -> Script:
    return Script([*(plants or (a_plant(),))], DAY)


async def log_in(http: aiohttp.ClientSession, api: SimPvOperation) -> dict[str, str]:
    """The headers to send from then on."""
    given = {"username": api.account.username, "password": api.account.password}
    async with http.post(f"{api.url}/authenticate", json=given) as answer:
        assert answer.status == 200, await answer.text()
        return {"x-access-token": (await answer.json())["token"]}


async def day_of(
    http: aiohttp.ClientSession,
    api: SimPvOperation,
    token: dict[str, str],
    kind: str,
    plant_id: int = 1,
    day: str = str(DAY),
) -> list[dict[str, Any]]:
    """The records of a day."""
    given = {"id": plant_id, "date": day}
    async with http.post(f"{api.url}/day_{kind}", json=given, headers=token) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


def times_of(records: list[dict[str, Any]]) -> list[str]:
    """The times of records, without the date."""
    return [record["conteudojson"]["tsleitura"][11:16] for record in records]
