"""The plants as pages show them."""

import pytest

from tests.conftest import until
from tests.unit.drivers.pvoperation.api import Api, inverter, relay, utc
from tests.unit.drivers.pvoperation.conftest import MakeSite
from vigilia.drivers.pvoperation import view
from vigilia.rules import Standing
from vigilia.views import Viewed

DAY = "2026-03-10"
PAC = "19478:Inverter-7:Pac-Mon"
OVER = "19478:Relay-R1:Overvoltage-Sts"
RECIFE = {"timezone": "America/Recife", "window": ["07:00", "16:30"], "latitude": -8.05, "longitude": -34.9}


@pytest.fixture
def filled(api: Api) -> Api:
    api.plants.append({"id": 7, "nome": "UFV Aberta"})
    api.put("day_relay", 19478, relay("R1", f"{DAY} 11:55:00"))
    api.put("day_inverter", 19478, inverter(7, f"{DAY} 11:55:00"), inverter(11, f"{DAY} 11:50:00"))
    return api


async def test_plants_are_shown_with_equipment_hours_and_sun(filled: Api, site: MakeSite) -> None:
    async with site(filled, plants={"19478": RECIFE}) as at_work:
        assert isinstance(at_work.driver, Viewed)
        await until(lambda: at_work.has(PAC) and at_work.has(OVER))
        found = at_work.driver.view()
        assert (found.kind, found.left_out) == ("plants", 0)
        assert [(plant.id, plant.name, plant.capacity) for plant in found.plants] == [
            ("7", "UFV Aberta", ""),
            ("19478", "UFV Alfa", "2500 kWp"),
        ]
        plain, sunny = found.plants
        assert (plain.timezone, plain.window, plain.in_window) == ("America/Sao_Paulo", ("06:30", "17:30"), True)
        assert (plain.sun_elevation_deg, plain.sunrise, plain.sunset, plain.last_data) == (None, None, None, None)
        assert (plain.relays, plain.inverters) == ([], [])
        assert (sunny.timezone, sunny.window, sunny.in_window) == ("America/Recife", ("07:00", "16:30"), True)
        # Recife, 10 March: sunrise 05:20, sunset 17:31 local, and high sun at noon (NOAA's solar calculator).
        assert sunny.sun_elevation_deg is not None
        assert 75 < sunny.sun_elevation_deg < 90
        assert sunny.sunrise == pytest.approx(utc(f"{DAY} 05:20:00"), abs=300)
        assert sunny.sunset == pytest.approx(utc(f"{DAY} 17:31:00"), abs=300)
        assert sunny.last_data == utc(f"{DAY} 11:55:00")
        assert sunny.points["LastRecord"] == "19478:LastRecord-Mon"
        (shown,) = sunny.relays
        assert (shown.id, shown.points["Overvoltage"], len(shown.points)) == ("R1", OVER, 6)
        assert [one.id for one in sunny.inverters] == ["11", "7"]
        assert sunny.inverters[1].points == {"Pac": PAC, "State": "19478:Inverter-7:State-Sts"}
        assert [one.suppressed_by for one in sunny.inverters] == [None, None]
        assert sunny.inverters[1].last_data == utc(f"{DAY} 11:55:00")
        assert sunny.usual_silence_s == 2 * 9 + 900, "two intervals, and the way of a record"
        names = [name for part in (*sunny.relays, *sunny.inverters) for name in part.points.values()]
        assert all(at_work.has(name) for name in names)


async def test_the_window_is_the_plants_own(filled: Api, site: MakeSite) -> None:
    async with site(filled, at=f"{DAY} 17:00:00", plants={"19478": RECIFE}) as at_work:
        await until(lambda: len(at_work.driver.view().plants) == 2)
        assert [plant.in_window for plant in at_work.driver.view().plants] == [True, False]


async def test_why_an_inverter_is_suppressed(filled: Api, site: MakeSite) -> None:
    async with site(filled) as at_work:
        await until(lambda: at_work.has(PAC) and at_work.has(OVER))
        at_work.alarms.standings = {("inverter-failure", PAC): Standing.SUPPRESSED}
        by_id = {one.id: one for one in at_work.driver.view().plants[1].inverters}
        assert by_id["7"].suppressed_by == "PVOperation API unavailable"
        assert by_id["11"].suppressed_by is None
        at_work.alarms.standings[("relay-overvoltage", OVER)] = Standing.ACTIVE
        causes = {one.suppressed_by for one in at_work.driver.view().plants[1].inverters}
        assert causes == {"Relay R1: OVERVOLTAGE"}


async def test_a_view_has_an_end(filled: Api, site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "MOST_LISTED", 3)
    async with site(filled) as at_work:
        await until(lambda: at_work.has(PAC) and at_work.has(OVER))
        found = at_work.driver.view()
        assert [plant.id for plant in found.plants] == ["7"]
        assert found.left_out == 4
