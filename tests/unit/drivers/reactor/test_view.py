"""The reactors as pages show them: forms and wizards are made from this alone."""

import pytest

from tests.unit.drivers.reactor.agents import PARTS, number
from tests.unit.drivers.reactor.conftest import Run
from vigilia.drivers.reactor import view
from vigilia.views import Viewed
from vigilia.wire.reactor.v1 import reactor_pb2 as wire


async def test_a_reactor_is_shown_with_its_parts_and_what_can_be_done(at_work: Run) -> None:
    async with at_work() as site:
        assert isinstance(site.driver, Viewed)
        agent = site.agent(parts=(*PARTS, wire.Part(name="new", role=99, parameters=[number("X", 1)])))  # type: ignore[arg-type]
        async with agent.reporting():
            found = site.driver.view()
        assert (found.kind, found.left_out) == ("reactors", 0)
        (reactor,) = found.reactors
        assert (reactor.item.id, reactor.item.name) == ("R1", "Reator um")
        assert reactor.points["Connected"] == "vigilia:R1:Connected-Sts"
        ph, heater, acid = reactor.parts
        assert [(part.name, part.title, part.kind, part.model) for part in reactor.parts] == [
            ("ph", "ph", "sensor", "ezo-ph"),
            ("heater", "Aquecedor", "actuator", "pwm"),
            ("acid", "acid", "actuator", "ezo-pmp"),
        ]
        assert (heater.place, heater.contact) == ("GPIO 18", "R1:heater:Comm-Sts")
        duty, power, safe, on_time = heater.parameters
        assert (duty.title, duty.role, duty.kind, duty.units, duty.limits) == (
            *("Duty", "setting", "number"),
            *("%", (0.0, 100.0)),
        )
        assert (duty.desired, duty.reported, duty.command) == ("R1:heater:Duty-SP", "R1:heater:Duty-RB", None)
        assert duty.step == 1.0  # it declares no decimals
        assert (power.desired, power.reported, power.labels) == (
            *("R1:heater:Power-Sel", "R1:heater:Power-Sts"),
            ("Off", "On"),
        )
        assert (safe.role, safe.desired, safe.reported) == ("reading", None, "R1:heater:Safe-Sts")
        assert on_time.title == "On time"
        dose, dosed = acid.parameters
        assert (dose.role, dose.command, dose.takes_value, dose.limits) == (
            *("command", "R1:acid:Dose-SP", True),
            (0.5, 20.0),
        )
        assert (dosed.reported, heater.calibration) == ("R1:acid:Dosed-Mon", None)
        assert [p.takes_value for p in ph.parameters if p.name in ("Calibrate", "Find")] == [True, False]
        assert next(p.step for p in ph.parameters if p.name == "pH") == 0.01
        names = {
            name
            for part in reactor.parts
            for p in part.parameters
            for name in (p.desired, p.reported, p.command)
            if name is not None
        }
        assert all(name in site.table for name in [*names, *reactor.points.values(), "R1:heater:Comm-Sts"])


async def test_a_probe_is_shown_with_the_points_of_its_calibration(at_work: Run) -> None:
    async with at_work() as site:
        agent = site.agent()
        async with agent.reporting():
            calibration = site.driver.view().reactors[0].parts[0].calibration
        assert calibration is not None
        assert (calibration.command, calibration.state) == ("R1:ph:Calibrate-Cmd", "R1:ph:Calibration-Mon")
        assert (calibration.calibrating, calibration.export) == (None, None)  # this one does not tell


async def test_one_that_waits_has_no_parts(at_work: Run) -> None:
    async with at_work(accept="known") as site:
        await site.agent("R9").register()
        (reactor,) = site.driver.view().reactors
        assert (reactor.item.id, reactor.item.presence, reactor.points, reactor.parts) == ("R9", "waiting", {}, [])


async def test_a_view_has_an_end(at_work: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "MOST_LISTED", 20)
    async with at_work() as site:
        for name in ("R1", "R2"):
            await site.agent(name).register()
        found = site.driver.view()
        assert [reactor.item.id for reactor in found.reactors] == ["R1"]
        assert found.left_out == 13


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Duty", "Duty"),
        ("DeadBand", "Dead band"),
        ("DoseHour", "Dose hour"),
        ("pH", "pH"),
        ("CO2", "CO2"),
        ("DO", "DO"),
    ],
)
def test_titles(name: str, title: str) -> None:
    assert view._title(name) == title  # noqa: SLF001 - every name has its words
