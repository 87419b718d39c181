"""Scripts: what they refuse, what changes them, and the files they come from."""

import json
import math
from datetime import date
from pathlib import Path

import pytest

from tests.unit.sim.pvoperation.plants import CUIABA, DAY, SAO_PAULO, a_plant, a_script, at
from vigilia.sim.pvoperation import (
    Inverter,
    Outage,
    Script,
    ScriptFileError,
    Span,
    Trip,
    UnknownEquipmentError,
    describe_script,
    generate,
    read_script,
    truth,
)

TOML = """
day = 2026-03-10
[[plants]]
id = 19478
name = "UFV Cedro"
timezone = "America/Cuiaba"
capacity_kwp = 480
stops = [{ from = "13:00", to = "14:10" }]
[[plants.relays]]
id = "901"
trips = [{ flags = ["r59A"], from = "10:02", to = "10:31" }]
[[plants.inverters]]
id = "701"
outages = [{ from = "11:00", to = "2026-03-10T12:00:00", pac_kw = -0.4 }, { from = "15:00" }]
"""


def test_a_script_from_toml_and_back_through_json(tmp_path: Path) -> None:
    (tmp_path / "day.toml").write_text(TOML)
    script = read_script(tmp_path / "day.toml")
    plant = script.plant(19478)
    assert (script.first_day, plant.name, plant.zone, plant.capacity_kwp) == (DAY, "UFV Cedro", CUIABA, 480)
    assert plant.relays["901"].trips == [Trip(at("10:02", CUIABA), at("10:31", CUIABA), ("r59A",))]
    assert plant.inverters["701"].outages == [
        Outage(at("11:00", CUIABA), at("12:00", CUIABA), -0.4),
        Outage(at("15:00", CUIABA), math.inf),
    ]
    assert plant.stops == [Span(at("13:00", CUIABA), at("14:10", CUIABA))]
    (tmp_path / "day.json").write_text(json.dumps(describe_script(script)))
    assert describe_script(read_script(tmp_path / "day.json")) == describe_script(script)


def test_the_same_seed_gives_the_same_day() -> None:
    def day(seed: int) -> Script:
        return generate(5, 4, 2, seed=seed, first_day=DAY, zones=[SAO_PAULO, CUIABA])

    assert describe_script(day(7)) == describe_script(day(7))
    assert describe_script(day(7)) != describe_script(day(8))
    assert [plant.zone for plant in day(7).plants.values()] == [SAO_PAULO, CUIABA] * 2 + [SAO_PAULO]
    assert {alarm.kind for alarm in truth(day(7))} == {"relay", "inverter"}
    assert truth(generate(5, seed=7, first_day=DAY, zones=[SAO_PAULO], events=False)) == []


@pytest.mark.parametrize("seed", range(20))
def test_plants_without_relays_or_inverters(seed: int) -> None:
    for relays, inverters in ((0, 2), (2, 0), (0, 0)):
        script = generate(2, inverters, relays, seed=seed, first_day=DAY, zones=[SAO_PAULO])
        truth(script)
        assert all(len(plant.relays) == relays for plant in script.plants.values())


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("id = 19478", "", "plants.0.id: Field required"),
        ("America/Cuiaba", "Mars/Base", "no time zone 'Mars/Base'"),
        ('"10:31"', '"09:00"', "not after its start"),
        ('"10:02"', '"ten"', "'ten' is no time"),
        ("r59A", "r99", "flags are r99: give some of r27A"),
        ("-0.4", "0.4", "0.4 kW: give 0 or less"),
        ('from = "15:00"', 'from = "2026-03-09T15:00"', "before 2026-03-10, the script's first day"),
        ('"701"', '"901"', "a relay and an inverter of the same id: 901"),
        ('name = "UFV Cedro"', 'name = "x"\nsurprise = 1', "surprise: Extra inputs"),
        ('name = "UFV Cedro"', 'name = "x"\ndawn = "19:00"', "dawn must come before dusk"),
        ("[[plants]]", "[[plants", "day.toml: "),
    ],
)
def test_files_that_are_no_script(tmp_path: Path, old: str, new: str, part: str) -> None:
    assert old in TOML
    (tmp_path / "day.toml").write_text(TOML.replace(old, new))
    with pytest.raises(ScriptFileError, match=r"day\.toml: ") as caught:
        read_script(tmp_path / "day.toml")
    assert part in str(caught.value)


def test_the_past_stands() -> None:
    script = a_script()
    now = at("12:00")
    script.trip(1, "901", Trip(now), now)
    with pytest.raises(ValueError, match=r"which has passed: give 2026-03-10 12:00:00 or later"):
        script.outage(1, "701", Outage(now - 1, now + 600), now)
    with pytest.raises(UnknownEquipmentError, match="plant 1 has no inverter '9': there are 701, 702"):
        script.stop(1, "9", Span(now), now)
    with pytest.raises(UnknownEquipmentError, match="no plant 3: there are 1"):
        script.stop(3, None, Span(now), now)
    with pytest.raises(ValueError, match="flags are missing"):
        script.trip(1, "901", Trip(now, flags=()), now)


def test_what_holds_can_be_ended() -> None:
    script, now = a_script(), at("12:00")
    script.trip(1, "901", Trip(now - 600, flags=("r49",)))
    script.stop(1, "901", Span(now + 60))
    script.outage(1, "701", Outage(now - 600, now + 600, -1.0))
    script.stop(1, None, Span(now - 60))
    plant = script.plant(1)
    assert [script.end(1, equipment, now) for equipment in ("901", "701", "702", None)] == [1, 1, 0, 1]
    assert plant.relays["901"].trips == [Trip(now - 600, now, ("r49",))]
    assert plant.relays["901"].stops == [Span(now + 60)]
    assert plant.inverters["701"].outages == [Outage(now - 600, now, -1.0)]
    assert plant.stops == [Span(now - 60, now)]


def test_senseless_equipment() -> None:
    with pytest.raises(ValueError, match=r"rated 0\.5 kW: give 5 or more"):
        Inverter("1", 0.5)
    with pytest.raises(ValueError, match="two plants"):
        Script([a_plant(1), a_plant(1)], date(2026, 3, 10))
