"""Alarms and notices put together: what heartbeats are told of incidents, and where cards lead."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import until
from tests.unit.notify.webhook import listening
from tests.unit.tables import Notebook
from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alerting import Alerting
from vigilia.clock import Clock
from vigilia.config import load_config
from vigilia.notify.heartbeat import BriefIncident
from vigilia.points import Batch, Kind, Point, Reading, Sample, Severity, Window
from vigilia.rules import Rule
from vigilia.store import Store
from vigilia.store.alarms import save_incidents
from vigilia.table import PointTable

NAMES = {"PVOP_EMAIL": "a@example.com", "PVOP_PASSWORD": "secret"}


async def test_a_brief_alarm_is_told_by_the_clocks_of_its_plant(tmp_path: Path) -> None:
    config = load_config(None, NAMES | {"VIGILIA_SITE__DATA_DIR": str(tmp_path)})
    store, clock = await Store.open(f"sqlite:///{tmp_path}/vigilia.db"), Clock()
    table = PointTable(clock, Notebook())
    west = Point("1:Relay-1:Other-Sts", Kind.ENUM, "1:Relay-1", area="West", zone="America/Cuiaba")
    east = Point(
        "2:Inverter-1:Pac-Mon", Kind.NUMBER, "2:Inverter-1", area="East", window=Window("06:00", "18:00", "UTC")
    )
    gone = Point("3:Relay-1:Other-Sts", Kind.ENUM, "3:Relay-1", area="Gone", zone="America/Cuiaba")
    table.add([west, east])
    alerting = Alerting(config, table, store, clock, Notebook())
    now = clock.now()
    rows = [
        Alarm(Rule("r", (point.name,), "pv"), point).incident_row(
            Incident(now - 60, now - 30, Severity.MAJOR, "", ended=now - 30, brief=True, found=now)
        )
        for point in (west, east, gone)
    ]
    async with store.writing() as connection:
        await save_incidents(connection, rows)
    found = {brief.area: brief for brief in (await alerting._vitals([])).brief}  # noqa: SLF001 - else a heartbeat's slot
    assert {area: brief.zone for area, brief in found.items()} == {
        "West": ZoneInfo("America/Cuiaba"),
        "East": ZoneInfo("UTC"),
        "Gone": None,
    }
    assert found["West"] == BriefIncident("West", "1:Relay-1", "", now - 60, now - 30, ZoneInfo("America/Cuiaba"))
    await store.close()


@pytest.mark.parametrize("grafana", ["", "https://grafana.example/g"])
async def test_the_card_of_an_alarm_leads_to_its_panel(tmp_path: Path, grafana: str) -> None:
    async with listening() as webhook:
        names = {"VIGILIA_SITE__DATA_DIR": str(tmp_path), "TEAMS_WEBHOOK_URL": webhook.url}
        config = load_config(None, NAMES | names | {"VIGILIA_HISTORY__GRAFANA_URL": grafana})
        store, clock = await Store.open(f"sqlite:///{tmp_path}/vigilia.db"), Clock(speed=100)
        table = PointTable(clock, Notebook())
        table.add([Point("1:Inverter-1:Pac-Mon", Kind.NUMBER, "1:Inverter-1", area="UFV A")])
        alerting = Alerting(config, table, store, clock, Notebook())
        await alerting.start([Rule("inverter", ("*:Pac-Mon",), "pv", low=0.0, title="Inverter failure")])
        tasks = [asyncio.create_task(part) for part in (alerting.engine.run(), alerting.notifier.run())]
        await table.publish(Batch("pv", [Sample("1:Inverter-1:Pac-Mon", Reading(0.0, clock.now()))]))
        await until(lambda: webhook.accepted)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.close()
    actions = webhook.accepted[0]["attachments"][0]["content"].get("actions", [])
    addresses = [str(action["url"]) for action in actions]
    if grafana:
        (address,) = addresses
        assert address.startswith("https://grafana.example/g/d/vigilia-plants?")
        assert address.endswith("&to=now&var-inverter=1%3AInverter-1&viewPanel=3")
    else:
        assert addresses == []
