"""The demonstration's plants: a script that the simulator takes, with something to see in the first minutes."""

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from vigilia.demo import plants
from vigilia.demo.processes import environment_of
from vigilia.sim.pvoperation.script import Script, spans
from vigilia.sim.pvoperation.scriptfile import read_script
from vigilia.sim.pvoperation.truth import truth

DAY = date(2026, 3, 10)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    file = tmp_path / "plants.json"
    file.write_text(json.dumps(plants.script(DAY)))
    return read_script(file)


def test_the_simulator_takes_it(script: Script) -> None:
    assert [plant.name for plant in script.plants.values()] == [name for _, name, *_ in plants.PLANTS]
    assert all(spans(plant) for plant in script.plants.values())


def test_days_are_alike(script: Script) -> None:
    for plant in script.plants.values():
        starts = {plant.local(span.start) for span in spans(plant)}
        for day in (DAY, DAY + timedelta(days=29)):
            assert {start.time() for start in starts if start.date() == day} == {start.time() for start in starts}


def test_there_is_something_to_see_in_the_first_minutes(script: Script) -> None:
    plant = script.plant(19478)
    begin = plant.moment(datetime.combine(DAY, time.fromisoformat(plants.BEGINS)))
    alarms = truth(script, begin + 120 * plants.SPEED)
    told = {(alarm.kind, alarm.plant): alarm for alarm in alarms if alarm.cleared is None or alarm.cleared > begin}
    first = told["inverter", 19478]
    assert first.raised <= begin < (first.cleared or 0) <= begin + 40 * plants.SPEED
    relay = told["relay", 19479]
    assert begin < relay.raised < (relay.cleared or 0) < begin + 60 * plants.SPEED
    assert ("inverter", 19479) not in told, "the relay keeps its inverters quiet"
    assert told["inverter", 19480].cleared is None


def test_what_the_commands_name_is_there(script: Script) -> None:
    plant, inverter = plants.FAILED
    assert script.plant(int(plant)).inverter(inverter).outages
    plant, relay = plants.RELAY
    assert script.plant(int(plant)).relay(relay).trips


def test_settings_are_taken_from_what_the_simulator_prints() -> None:
    said = ["PVOP_EMAIL=a@example.com", "TEAMS_WEBHOOK_URL='http://x/?a=1&b=2'", "control http://y/?a=b", "ready"]
    assert plants.settings(said) == {"PVOP_EMAIL": "a@example.com", "TEAMS_WEBHOOK_URL": "http://x/?a=1&b=2"}


def test_nothing_of_another_service_reaches_the_processes() -> None:
    outer = {"PATH": "/bin", "VIGILIA_NOTIFY__TEAMS__WEBHOOK_URL": "real", "PVOP_EMAIL": "real", "TEAMS_ENABLED": "0"}
    assert environment_of(outer, {"PVOP_EMAIL": "sim"}) == {"PATH": "/bin", "PVOP_EMAIL": "sim"}
