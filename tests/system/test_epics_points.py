"""Points that come at run time, as EPICS clients meet them: a real IOC process, fed from a table without equipment."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import CA_PORT, PVA_PORT, PVA_SEARCH_PORT, Epics, until
from tests.unit.tables import Equipment, Notebook, background
from vigilia.clock import Clock
from vigilia.interfaces.epics import server as epics_server
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.interfaces.epics.server import EpicsServer
from vigilia.points import Batch, Kind, Point, Reading, Sample, Severity, Status, Value
from vigilia.table import PointTable

pytestmark = pytest.mark.system

OLD = Point("19478:Relay-1:Overvoltage-Sts", Kind.ENUM, "19478:Relay-1", "cloud", labels=("Normal", "Active"))
DUTY = Point("R1:heater:Duty-SP", Kind.NUMBER, "R1", "R1", limits=(0, 100), writable=True, setpoint=True)


def inverter(number: int, **more: Any) -> list[Point]:
    device = f"19478:Inverter-{number}"
    return [
        Point(f"{device}:Pac-Mon", Kind.NUMBER, device, "cloud", units="kW", **more),
        Point(f"{device}:State-Sts", Kind.ENUM, device, "cloud", labels=("Normal", "Failed", "Suppressed", "NoData")),
    ]


class Plant:
    """A table with an EPICS server, and the equipment that puts reach."""

    def __init__(self, folder: Path, outside: frozenset[str]) -> None:
        self.equipment = Equipment()
        self.table = PointTable(Clock(), Notebook())
        self.add([OLD, DUTY])
        config = EpicsConfig(server_port=CA_PORT, pva_port=PVA_PORT, interfaces=["127.0.0.1"])
        self.server = EpicsServer(config, self.table, folder, outside)

    def add(self, points: list[Point], driver: str = "pvoperation") -> None:
        self.table.define(points, self.equipment.write, driver)

    async def publish(self, point: Point | str, value: Value, *alarm: Any) -> None:
        name = point if isinstance(point, str) else point.name
        await self.table.publish(Batch("test", [Sample(name, Reading(value, time.time(), *alarm))]))


@pytest.fixture
def outside() -> frozenset[str]:
    return frozenset()


@pytest.fixture
async def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outside: frozenset[str]) -> AsyncIterator[Plant]:
    monkeypatch.setenv("EPICS_PVAS_BROADCAST_PORT", str(PVA_SEARCH_PORT))
    plant = Plant(tmp_path, outside)
    plant.server.prepare()
    async with background(plant.server.run()):
        await plant.server.started()
        yield plant


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """New points are waited for a short time only."""
    monkeypatch.setattr(epics_server, "GATHER_S", 0.5)
    monkeypatch.setattr(epics_server, "BURST_PAUSE_S", 0.3)


async def renewed(plant: Plant, times: int = 1) -> None:
    await until(lambda: plant.server.renewals == times and plant.server.ready.is_set())


async def test_two_bursts_make_one_replacement(plant: Plant, epics: Epics, pva: Any) -> None:
    await plant.publish(OLD, 0)
    events = await epics.monitor(OLD.name)
    seen: list[Any] = []
    with contextlib.closing(pva.monitor(OLD.name, seen.append, notify_disconnect=True)):
        await until(lambda: seen)
        plant.add(inverter(1))
        pac, state = (point.name for point in inverter(1))
        await plant.publish(pac, 12.5)
        await plant.publish(state, 1, Severity.MAJOR, Status.STATE)
        await asyncio.sleep(epics_server.BURST_PAUSE_S + 0.5)
        assert plant.server.renewals == 0, "the first burst waits for what else comes"
        plant.add(inverter(2))
        await renewed(plant)

        # What was there is there again, for clients that never let go.
        await plant.publish(OLD, 1, Severity.MAJOR, Status.STATE)
        await until(lambda: events[-1] == 1 and events[-1].severity == Severity.MAJOR)
        await until(lambda: not isinstance(seen[-1], Exception) and int(seen[-1]) == 1)
        await epics.put(DUTY.name, 40)
        assert plant.equipment.written == [(DUTY.name, 40.0)]
        # And what is new, with values and alarms from before and after.
        found = await epics.get(state)
        assert (found, found.severity, found.status) == (1, Severity.MAJOR, Status.STATE)
        assert float(await asyncio.to_thread(pva.get, pac, timeout=10)) == 12.5
        never = await epics.get(inverter(2)[0].name)
        assert (never.severity, never.status) == (Severity.INVALID, Status.UDF)
        await plant.publish(inverter(2)[0].name, 7.0)

        async def arrived() -> bool:
            return await epics.get(inverter(2)[0].name) == 7.0

        await until(arrived)
    assert (plant.server.renewals, plant.server.restarts) == (1, 0)


@pytest.mark.usefixtures("at_once")
async def test_a_put_under_way_has_its_answer_first(plant: Plant, epics: Epics) -> None:
    await plant.publish(DUTY, 10.0)
    await until(plant.server.ready.is_set)
    plant.equipment.go.clear()
    put = asyncio.create_task(epics.put(DUTY.name, 40))
    await until(lambda: plant.equipment.written)
    plant.add(inverter(1))
    await asyncio.sleep(2)
    assert plant.server.renewals == 0
    assert not put.done()
    plant.equipment.go.set()
    await put
    await renewed(plant)
    assert await epics.get(DUTY.name) == 40


@pytest.mark.usefixtures("at_once")
async def test_a_definition_that_changes(plant: Plant, epics: Epics) -> None:
    plant.add([Point(OLD.name, Kind.TEXT, OLD.device, OLD.link, "Overvoltage")])
    await plant.publish(OLD, "the old IOC has no use for this")
    await renewed(plant)
    assert await epics.get(OLD.name) == "the old IOC has no use for this"
    assert await epics.get(f"{OLD.name}.DESC") == "Overvoltage"
    assert plant.server.restarts == 0


@pytest.mark.usefixtures("at_once")
async def test_hostile_texts_are_shown_and_break_nothing(plant: Plant, epics: Epics) -> None:
    hostile = 'a"b\\\n$$(X)${Y\x1b\ud800é$\x00'
    plant.add([Point("P:x", Kind.NUMBER, "P", "cloud", hostile, units=hostile)])
    plant.add([Point("P:y", Kind.ENUM, "P", "cloud", labels=(hostile, "b"))])
    plant.add([Point("P:z", Kind.ENUM, "P", "cloud", labels=(hostile, "é" * 25, "c"))])
    await plant.publish("P:x", 3.0)
    await renewed(plant)
    assert await epics.get("P:x") == 3.0
    assert plant.server.restarts == 0


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("outside", [frozenset({"reactor"})])
async def test_what_is_no_pv_is_left_out_and_replaces_nothing(
    plant: Plant, epics: Epics, caplog: pytest.LogCaptureFixture
) -> None:
    def complaints() -> int:
        return sum("not served over EPICS" in line for line in caplog.messages)

    plant.add([Point("R2:ph:pH-Mon", Kind.NUMBER, "R2", "R2")], "reactor")
    plant.add([Point("x" * 61, Kind.NUMBER, "P", "cloud")])
    plant.add([Point(OLD.name, OLD.kind, OLD.device, OLD.link, labels=OLD.labels, area="renamed")])
    await until(lambda: complaints() == 1)
    plant.add([Point("y" * 61, Kind.NUMBER, "Q", "cloud")])
    await until(lambda: complaints() == 2)
    assert plant.server.renewals == 0
    plant.add([Point(name, Kind.NUMBER, "S", "cloud") for name in ("S:a.b", "S:a_b")])
    await plant.publish("S:a.b", 1.0)
    await plant.publish("S:a_b", 2.0)
    await renewed(plant)
    assert await epics.get("S:a_b") == 1.0, "the first that came has the name"
    with pytest.raises(Exception, match="R2"):
        await epics.get("R2:ph:pH-Mon", timeout=1)
    assert complaints() == 3, "each is logged once"
