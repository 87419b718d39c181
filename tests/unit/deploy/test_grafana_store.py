"""Every query of the dashboard of alarms, answered by a store: rows, and the right ones."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from tests.unit.deploy.conftest import Source
from tests.unit.deploy.grafana import View, dashboards, panel_query, queries
from tests.unit.store.postgresql import Cluster
from vigilia.reports.unavailability import unavailability
from vigilia.reports.week import Week
from vigilia.store import Store, incidents, schema

END = 1_773_144_000.0
"""2026-03-10T12:00:00Z, in seconds."""
HOUR = 3600.0
START = END - 24 * HOUR
AREAS = {"area": ["Plant A", "O'Brien's room", "-"]}
VIEW = View(round(START * 1000), round(END * 1000), 3_600_000, AREAS)

PLAIN = {
    "rule": "inverter-failure",
    "system": "pvoperation",
    "point": "100:Inverter-1:Pac-Mon",
    "device": "100:Inverter-1",
    "area": "Plant A",
    "equipment": "Inverter 1",
    "family": "Inverter alarms",
    "label": "",
    "severity": 2,
    "detail": "",
    "suppressed_by": "",
    "brief": False,
    "told": True,
    "outage": True,
}


def incident(name: str, began: float, ended: float | None, **other: object) -> dict[str, Any]:
    row = {**PLAIN, "began_at": began, "ended_at": ended, "last_seen_at": ended or END, "found_at": began, **other}
    return {"id": name, "alarm": f"{row['rule']}@{row['point']}", **row}


INCIDENTS = [
    incident("before", START - 9 * HOUR, START - 8 * HOUR),
    incident("into", START - HOUR, START + HOUR),
    incident("overlaps", START + 0.5 * HOUR, START + 2 * HOUR, device="100:Inverter-2", equipment="Inverter 2"),
    incident("within", START + 0.6 * HOUR, START + 0.7 * HOUR, device="100:Inverter-3", equipment="Inverter 3"),
    incident("no outage", START + 5 * HOUR, START + 9 * HOUR, outage=False, family="Data alarms", severity=1),
    incident(
        "port",
        END - 3 * HOUR,
        END - 2 * HOUR,
        rule="poe-fault",
        system="aruba",
        point="T1:PwrState-Raw",
        device="T1",
        area="O'Brien's room",
        equipment="T1",
        family="Port faults",
    ),
    incident("nowhere", END - HOUR, None, area="", device="T4", equipment="T4", point="T4:PwrState-Raw"),
    incident("after", END + HOUR, None),
]


def alarm(point: str, base: str, newest: str, **flags: object) -> dict[str, Any]:
    state = {"base": base, "told": True, "shelved": False, "out_of_service": False, "incident": newest}
    state |= {"since": END - HOUR, "severity": 2, "detail": "0 kW", **flags}
    name = f"inverter-failure@{point}"
    return {"id": name, "rule": "inverter-failure", "point": point, "state": state, "counters": {}, "changed_at": END}


ALARMS = [
    alarm("T4:PwrState-Raw", "unacknowledged", "nowhere"),
    alarm("100:Inverter-1:Pac-Mon", "returned", "into", since=START),
    alarm("100:Inverter-2:Pac-Mon", "acknowledged", "overlaps", shelved=True, since=START - 1),
]


def notice(name: str, created: float, delivered: float | None) -> dict[str, Any]:
    kept = {"kind": "raised", "alarm": "a", "incident": name, "area": "Plant A", "notice": {}, "card": 7, "attempts": 2}
    return {**kept, "channel": "teams", "created_at": created, "delivered_at": delivered, "error": "HTTP 503"}


NOTICES = [
    notice("long ago", START - 2 * HOUR, START - HOUR),
    notice("into", START - HOUR, START + HOUR),
    notice("within", START + 2 * HOUR, START + 3 * HOUR),
    notice("waits", END - 600, None),
]


@pytest.fixture(params=["sqlite", "postgresql"])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Source]:
    """A store with alarms, incidents and notices."""
    place = str(tmp_path / "vigilia.db")
    url = f"sqlite:///{place}"
    if request.param == "postgresql":
        own: Cluster = request.getfixturevalue("cluster")
        place = url = own.fresh()
    store = await Store.open(url)
    async with store.writing() as connection:
        await connection.execute(insert(schema.incidents), INCIDENTS)
        await connection.execute(insert(schema.alarms), ALARMS)
        await connection.execute(insert(schema.outbox), NOTICES)
    yield Source(request.param, place)
    await store.close()


def query(source: Source, number: int) -> dict[str, Any]:
    return panel_query(f"store-{source.kind}", "alarms", number)


async def test_every_panel_has_rows(source: Source) -> None:
    for title, target in queries(dashboards(f"store-{source.kind}")["alarms"]):
        assert await source.ask(target, VIEW), title


async def test_the_variable_offers_the_areas(source: Source) -> None:
    (variable,) = dashboards(f"store-{source.kind}")["alarms"]["templating"]["list"]
    assert sorted(await source.values(variable["query"], VIEW)) == sorted(AREAS["area"])


async def test_figures(source: Source) -> None:
    (row,) = await source.ask(query(source, 1), VIEW)
    expected = {"active": 2, "unacknowledged": 2, "put aside": 1, "notices waiting": 1}
    assert row | expected == row
    assert row["oldest notice"] > 600


async def test_alarms_that_stand_are_listed_with_their_equipment(source: Source) -> None:
    rows = await source.ask(query(source, 2), VIEW)
    assert [(row["area"], row["equipment"], row["state"], row["severity"]) for row in rows] == [
        ("-", "T4", "unacknowledged", 2),
        ("Plant A", "Inverter 1", "returned", 2),
        ("Plant A", "Inverter 2", "shelved", 2),
    ]
    assert rows[0]["since"] == END - HOUR
    assert rows[0]["from_ms"] == (END - 1.5 * HOUR) * 1000
    assert rows[0] | {"alarm": "Inverter alarms", "detail": "0 kW", "point": "T4:PwrState-Raw"} == rows[0]


async def test_incidents_are_counted_when_they_began(source: Source) -> None:
    rows = await source.ask(query(source, 3), VIEW)
    assert {(row["time"], row["family"]): row["incidents"] for row in rows} == {
        (START, "Inverter alarms"): 2,
        (START + 5 * HOUR, "Data alarms"): 1,
        (END - 3 * HOUR, "Port faults"): 1,
        (END - HOUR, "Inverter alarms"): 1,
    }


async def test_unavailability_is_that_of_the_weekly_report(source: Source) -> None:
    rows = await source.ask(query(source, 4), VIEW)
    assert {row["plant"]: (row["unavailable"], row["incidents"]) for row in rows} == {
        "Plant A": (pytest.approx(2 * HOUR), 3),
        "O'Brien's room": (pytest.approx(HOUR), 1),
        "T4": (pytest.approx(HOUR), 1),
    }
    week = Week(date(2026, 3, 9), START, END)
    told = [incidents.Incident(**row) for row in INCIDENTS if row["outage"]]
    report = unavailability(told, week, {}, END)
    assert {plant.name: plant.figures.seconds for plant in report.plants} == {
        row["plant"]: pytest.approx(row["unavailable"]) for row in rows
    }


async def test_incidents_going_on_rise_and_fall(source: Source) -> None:
    rows = [row for row in await source.ask(query(source, 5), VIEW) if row["area"] == "Plant A"]
    hours = [(round((row["time"] - START) / HOUR, 1), row["incidents"]) for row in rows]
    assert hours == [(0, 1), (0.5, 2), (0.6, 3), (0.7, 2), (1, 1), (2, 0), (5, 1), (9, 0)]


async def test_incidents_that_touch_the_range_are_listed(source: Source) -> None:
    rows = await source.ask(query(source, 6), VIEW)
    assert [row["point"] for row in rows][:2] == ["T4:PwrState-Raw", "T1:PwrState-Raw"]
    assert len(rows) == 6
    port = rows[1]
    assert port["lasted"] == HOUR
    assert (port["from_ms"], port["to_ms"]) == ((END - 3.5 * HOUR) * 1000, (END - 1.5 * HOUR) * 1000)
    assert rows[0]["open"] == "yes"


async def test_one_area_is_shown_alone(source: Source) -> None:
    view = View(VIEW.start_ms, VIEW.end_ms, VIEW.interval_ms, {"area": ["O'Brien's room"]})
    assert [row["point"] for row in await source.ask(query(source, 6), view)] == ["T1:PwrState-Raw"]
    assert [row["plant"] for row in await source.ask(query(source, 4), view)] == ["O'Brien's room"]


async def test_notices_that_wait(source: Source) -> None:
    rows = await source.ask(query(source, 7), VIEW)
    assert [(round((row["time"] - START) / 600), row["notices"]) for row in rows] == [
        (0, 1),
        (6, 0),
        (12, 1),
        (18, 0),
        (143, 1),
    ]
    (row,) = await source.ask(query(source, 8), VIEW)
    assert row["since"] == END - 600
    assert row | {"channel": "teams", "attempts": 2, "error": "HTTP 503"} == row
