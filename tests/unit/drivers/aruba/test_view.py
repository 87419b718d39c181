"""The switches as pages show them. None of them is touched."""

from pathlib import Path

import pytest

from tests.unit.tables import Notebook
from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.aruba import view
from vigilia.drivers.aruba.config import ArubaConfig
from vigilia.drivers.aruba.driver import build
from vigilia.ownpoints import Counts, OwnPoints
from vigilia.table import PointTable
from vigilia.views import PoeView, Viewed


def shown(switches: dict[str, tuple[str, list[str]]]) -> tuple[PoeView, PointTable]:
    """The view of switches: of each its room and its ports; and the table."""
    entries = [
        {
            "name": name,
            "url": f"https://192.0.2.{number}:8443",
            "room": room,
            "ports": [{"port": port, "device": f"{name}-P{port}"} for port in ports],
        }
        for number, (name, (room, ports)) in enumerate(switches.items(), 1)
    ]
    config = ArubaConfig.model_validate({"switches": entries}).resolved(Path("/"))
    clock = Clock()
    table = PointTable(clock, Notebook())
    driver = build(config, Surroundings(table, clock, {}, instance="watch"))
    table.add(driver.points, driver.write, "aruba")
    table.add(OwnPoints("watch", driver.links, table, clock, Counts(int, int, int, int, int, float)).points)
    assert isinstance(driver, Viewed)
    assert driver.title == "PoE ports"
    return driver.view(), table


def test_switches_are_shown_by_room_with_their_ports() -> None:
    found, table = shown({"sw-1": ("Room 1", ["1", "A2"]), "sw-2": ("", ["1"]), "sw-3": ("Room 1", ["1"])})
    assert (found.kind, found.left_out) == ("poe", 0)
    assert [(room.name, [switch.name for switch in room.switches]) for room in found.rooms] == [
        ("Room 1", ["sw-1", "sw-3"]),
        ("", ["sw-2"]),
    ]
    switch = found.rooms[0].switches[0]
    assert (switch.link, switch.host) == ("sw-1", "192.0.2.1:8443")
    assert [(port.id, port.device) for port in switch.ports] == [("1", "sw-1-P1"), ("A2", "sw-1-PA2")]
    assert switch.ports[1].points["Sel"] == "sw-1-PA2:PwrState-Sel"
    assert set(switch.ports[0].points) == {
        *("Sel", "Sts", "Raw", "Desc", "Power", "Voltage"),
        *("PowerClass", "PowerDenied", "OverCurrent", "Short", "MpsAbsent"),
    }
    assert switch.points["RoundTrip99"] == "watch:sw-1:RoundTrip99-Mon"
    assert {"Connected", "RoundTrip", "Error", "Sessions"} <= switch.points.keys()
    named = [*switch.points.values(), *(name for port in switch.ports for name in port.points.values())]
    assert all(name in table for name in named)


def test_a_view_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "MOST_LISTED", 5)
    found, _ = shown({"sw-1": ("", ["1", "2", "3"]), "sw-2": ("", ["1", "2", "3", "4"])})
    assert [len(switch.ports) for room in found.rooms for switch in room.switches] == [3, 2]
    assert found.left_out == 2
