"""The systems over real HTTP: at a glance, and as their equipment is looked at."""

from collections.abc import Sequence
from typing import Any

import pytest

from vigilia.calibration import CalibrationItem
from vigilia.fleet import Presence, ReactorItem
from vigilia.interfaces.api import systems
from vigilia.interfaces.api.models import Page
from vigilia.interfaces.api.viewmodels import SystemAnswer, SystemView
from vigilia.link import Contact, Link
from vigilia.points import Kind, Origin, Point, Severity
from vigilia.rules import AlarmItem
from vigilia.views import (
    CalibrationView,
    DriverView,
    InverterView,
    ParameterView,
    PartView,
    PlantsView,
    PlantView,
    PoeView,
    PortView,
    ReactorsView,
    ReactorView,
    RelayView,
    RoomView,
    SwitchView,
)

NOW = 1_795_180_500.0
ITEM = ReactorItem(
    "R1", "Um", "1", Presence.CONNECTED, NOW, None, "::1", False, 3, (), None, None, None, "it registers"
)
WAITS = ReactorItem("R2", "", "", Presence.WAITING, NOW, None, "", False, 0, (), None, None, None, "")
POE = PoeView(
    [RoomView("Room", [SwitchView("sw-1", "sw-1", "192.0.2.1", None, None, [PortView("3", "T1", {"Sel": "x"})], {})])]
)
PLANTS = PlantsView(
    [
        PlantView(
            *("1", 'UFV <b>"', "", "UTC"),
            *(("06:30", "17:30"), True, 12.5, NOW, None, NOW),
            {"LastRecord": "1:LastRecord-Mon"},
            [RelayView("R", "Relay R", {"Overvoltage": "x"})],
            [InverterView("7", "Inverter 7", {"Pac": "y"}, "Relay R: OVERVOLTAGE", NOW)],
            usual_silence_s=2700.0,
        )
    ],
    left_out=3,
)
DUTY = ParameterView(
    *("Duty", "Duty", "setting", "number", "%"),
    *((0.0, 100.0), (), 0.1, True, "SP", "RB", None, ""),
)
CALIBRATION = CalibrationView("c", "s", None, None)
REACTORS = ReactorsView(
    [
        ReactorView(ITEM, {"Connected": "c"}, [PartView("h", "H", "actuator", "pwm", "", None, [DUTY], CALIBRATION)]),
        ReactorView(WAITS, {}, []),
    ]
)


class Watched:
    """A driver that says how its equipment is looked at."""

    title = "Things"

    def __init__(self, shown: DriverView, links: Sequence[Link] = ()) -> None:
        self.shown = shown
        self.links = links

    def view(self) -> DriverView:
        return self.shown


class Fleet(Watched):
    """One that is called by reactors."""

    def reactors(self) -> Sequence[ReactorItem]:
        return [ITEM, WAITS]

    async def accept(self, reactor: str, by: Origin) -> ReactorItem:
        raise NotImplementedError

    def calibration(self, reactor: str, part: str) -> CalibrationItem:
        raise NotImplementedError

    async def enrol(self, reactor: str, by: Origin) -> str:
        raise NotImplementedError


class Plain:
    """A driver that says nothing."""

    links: Sequence[Link] = ()


class Judge:
    """Has some alarms."""

    def __init__(self, *alarms: tuple[str, str, Severity]) -> None:
        self.alarms = [
            AlarmItem(f"a@{number}", "x", "T1", "pH", state, severity, NOW, system=system)
            for number, (system, state, severity) in enumerate(alarms)
        ]

    def items(self) -> Sequence[AlarmItem]:
        return self.alarms


async def test_systems_at_a_glance(server_factory: Any, run_link: Any, quiet_session: Any, until: Any) -> None:
    alarms = Judge(
        ("poe", "unacknowledged", Severity.MINOR),
        ("poe", "acknowledged", Severity.MAJOR),
        ("poe", "returned", Severity.INVALID),
        ("poe", "suppressed", Severity.INVALID),
        ("poe", "shelved", Severity.INVALID),
        ("poe", "normal", Severity.INVALID),
        ("vigilia", "returned", Severity.MAJOR),
    )
    async with run_link("sw-1", quiet_session) as link:
        await until(lambda: link.contact is Contact.CONNECTED)
        known = {"poe": Watched(POE, [link]), "reactor": Fleet(REACTORS), "own-one": Plain()}
        async with server_factory(systems=known, alarms=alarms) as service:
            service.table.add([Point(f"p{n}", Kind.NUMBER, "p") for n in range(5)], None, "poe")
            found = await service.get("/api/v1/systems")
            Page[SystemAnswer].model_validate(found)
            assert found == {
                "items": [
                    {
                        "name": "poe",
                        "title": "Things",
                        "points": 5,
                        "worst": "MAJOR",
                        "alarms": 3,
                        "links": {"connected": 1, "total": 1},
                    },
                    {
                        "name": "reactor",
                        "title": "Things",
                        "points": 0,
                        "worst": "NO_ALARM",
                        "alarms": 0,
                        "links": {"connected": 1, "total": 1},
                    },
                    {
                        "name": "own-one",
                        "title": "own-one",
                        "points": 0,
                        "worst": "NO_ALARM",
                        "alarms": 0,
                        "links": {"connected": 0, "total": 0},
                    },
                    {
                        "name": "vigilia",
                        "title": "The watch itself",
                        "points": 8,
                        "worst": "NO_ALARM",
                        "alarms": 1,
                        "links": {"connected": 0, "total": 0},
                    },
                ],
                "next": None,
            }


@pytest.mark.parametrize("shown", [POE, PLANTS, REACTORS])
async def test_a_system_is_shown_as_its_driver_says(server_factory: Any, shown: DriverView) -> None:
    async with server_factory(systems={"things": Watched(shown)}) as service:
        found = await service.get("/api/v1/systems/things")
    model = SystemView.model_validate(found)
    assert model.model_dump() == found  # nothing is there that is not documented, and nothing is missing
    assert (found["name"], found["title"], found["kind"]) == ("things", "Things", shown.kind)
    assert found["left_out"] == shown.left_out


async def test_times_and_names_of_a_view(server_factory: Any) -> None:
    async with server_factory(systems={"pv": Watched(PLANTS), "r": Watched(REACTORS)}) as service:
        (plant,) = (await service.get("/api/v1/systems/pv"))["plants"]
        assert (plant["name"], plant["window"]) == ('UFV <b>"', ["06:30", "17:30"])
        assert (plant["sunrise"], plant["sunset"]) == ("2026-11-20T13:15:00.000Z", None)
        assert plant["inverters"][0]["suppressed_by"] == "Relay R: OVERVOLTAGE"
        first, second = (await service.get("/api/v1/systems/r"))["reactors"]
        assert (first["id"], first["state"], first["points"]) == ("R1", "connected", 3)
        assert first["parts"][0]["parameters"][0]["desired"] == "SP"
        assert second["parts"] == []


async def test_a_name_with_half_a_surrogate_is_shown(server_factory: Any) -> None:
    odd = PoeView([RoomView("\ud800", [])])
    async with server_factory(systems={"poe": Watched(odd)}) as service:
        assert (await service.get("/api/v1/systems/poe"))["rooms"][0]["name"] == "\ud800"


async def test_a_system_without_a_view_is_its_points(server_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "MOST_LISTED", 3)
    async with server_factory(systems={"plain": Plain()}) as service:
        service.table.add([Point(f"p{n}", Kind.NUMBER, "p") for n in range(5)], None, "plain")
        found = await service.get("/api/v1/systems/plain")
        SystemView.model_validate(found)
        assert found == {
            "name": "plain",
            "title": "plain",
            "kind": "other",
            "left_out": 2,
            "points": ["p0", "p1", "p2"],
        }
        assert (await service.get("/api/v1/systems/vigilia"))["kind"] == "other"


async def test_an_unknown_system_is_not_found(service: Any) -> None:
    status, body = await service.failing("GET", "/api/v1/systems/nothing")
    assert (status, body["error"]) == (404, "unknown-system")
