"""Alarms and notices put together: what a heartbeat is told of the incidents there were."""

from pathlib import Path
from zoneinfo import ZoneInfo

from tests.unit.tables import Notebook
from vigilia.alarms.alarm import Alarm, Incident
from vigilia.alerting import Alerting
from vigilia.clock import Clock
from vigilia.config import load_config
from vigilia.notify.heartbeat import BriefIncident
from vigilia.points import Kind, Point, Severity, Window
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
