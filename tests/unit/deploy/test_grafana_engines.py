"""Every query of the dashboards of engines that take line protocol, answered by one: rows, and the right ones."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.deploy import engines
from tests.unit.deploy.grafana import View, dashboards, panel_query, queries
from tests.unit.deploy.scene import (
    DAY,
    DOSED,
    END,
    FAULT,
    FLICKER,
    HOUR,
    INVERTERS,
    LATELY,
    LINKS,
    LOOPS,
    MINUTE,
    OUTPUTS,
    PORTS,
    PROBES,
    REACTORS,
    RELAYS,
    ROOM,
    SECOND,
    SPIKE,
)

EVERYTHING = {
    "room": [ROOM],
    "device": list(PORTS),
    "link": list(LINKS),
    "plant": ["Plant A", "Plant B"],
    "inverter": list(INVERTERS),
    "relay": list(RELAYS),
    "reactor": list(REACTORS),
    "probe": [f"{reactor}:{part}" for reactor in REACTORS for part in PROBES],
    "output": [f"{reactor}:{part}" for reactor in REACTORS for part in OUTPUTS],
    "loop": [f"{reactor}:{part}" for reactor in REACTORS for part in LOOPS],
    "agent": [f"{reactor}:agent" for reactor in REACTORS],
    "instance": ["vigilia"],
    "point": ["T1:Power-Mon", "T1:PwrState-Raw"],
}
SHORT = View(LATELY, END, 10 * SECOND, EVERYTHING)
MIDDLE = View(END - DAY, END, 2 * MINUTE, EVERYTHING)
LONG = View(END - 30 * DAY, END, HOUR, EVERYTHING)


class Engine:
    """An engine as a data source of Grafana."""

    def __init__(self, kind: str, base: str) -> None:
        self.folder = f"history-{kind}"
        self.influx = kind == "influxdb"
        self._base = base

    def ask(self, target: dict[str, Any], view: View) -> list[dict[str, Any]]:
        ask = engines.ask_influx if self.influx else engines.ask_victoria
        return ask(self._base, target, view)

    def panel(self, name: str, number: int, view: View, ref: str = "A") -> list[dict[str, Any]]:
        (panel,) = [one for one in dashboards(self.folder)[name]["panels"] if one["id"] == number]
        (target,) = [one for one in panel["targets"] if one["refId"] == ref]
        return self.ask(target, view)

    def offered(self, name: str, variable: str, **chosen: list[str]) -> list[str]:
        (found,) = [one for one in dashboards(self.folder)[name]["templating"]["list"] if one["name"] == variable]
        view = View(SHORT.start_ms, SHORT.end_ms, SHORT.interval_ms, {**EVERYTHING, **chosen})
        if self.influx:
            return engines.influx_values(self._base, found["query"], view)
        return engines.victoria_values(self._base, found["query"], found.get("regex", ""), view)


@pytest.fixture(scope="module", params=["influxdb", "victoriametrics"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    running = engines.filled_influx if request.param == "influxdb" else engines.filled_victoria
    with running() as base:
        yield Engine(request.param, base)


@pytest.mark.parametrize("view", [SHORT, MIDDLE, LONG], ids=["short", "middle", "long"])
@pytest.mark.parametrize("name", ["poe", "plants", "reactors", "own", "point"])
def test_every_panel_has_rows(name: str, view: View, engine: Engine) -> None:
    for title, target in queries(dashboards(engine.folder)[name]):
        rows = engine.ask(target, view)
        assert [row for row in rows if row["value"] is not None], title
        assert all(row["series"] for row in rows), title


def test_variables_offer_what_there_is(engine: Engine) -> None:
    assert ROOM in engine.offered("poe", "room")
    assert engine.offered("poe", "device", room=[ROOM]) == ["T1", "T2"]
    assert engine.offered("poe", "link", room=[ROOM]) == ["vigilia:sw-1"]
    assert engine.offered("plants", "plant") == ["Plant A", "Plant B"]
    assert engine.offered("plants", "inverter", plant=["Plant A"]) == ["100:Inverter-1", "100:Inverter-2"]
    assert engine.offered("plants", "relay", plant=["Plant B"]) == ["200:Relay-9"]
    assert engine.offered("reactors", "reactor") == list(REACTORS)
    assert engine.offered("reactors", "output", reactor=["R2"]) == ["R2:acid", "R2:heater"]
    assert engine.offered("reactors", "loop", reactor=["R1"]) == ["R1:ph-control"]
    assert "R1:ph" in engine.offered("reactors", "probe", reactor=["R1"])
    assert engine.offered("reactors", "agent", reactor=["R1"]) == ["R1:agent"]
    assert engine.offered("own", "instance") == ["vigilia"]
    assert engine.offered("own", "link") == sorted(LINKS)
    assert "O'Neill%:Power-Mon" in engine.offered("point", "point")


@pytest.mark.parametrize("view", [MIDDLE, LONG], ids=["middle", "long"])
def test_extremes_are_kept(view: View, engine: Engine) -> None:
    found: dict[str, list[float]] = {}
    for ref in "A" if engine.influx else "ABC":
        for row in engine.panel("poe", 4, view, ref):
            found.setdefault(row["series"], []).append(row["value"])
    name = "T1:Power-Mon" if engine.influx else "T1"
    assert max(found[f"high {name}"]) == 95.0
    assert min(found[f"low {name}"]) == 4.5
    assert all(4.5 <= value < 50 for value in found[f"mean {name}"])


def test_states(engine: Engine) -> None:
    def of(number: int, name: str, view: View) -> list[tuple[float, float]]:
        rows = engine.panel("poe", number, view)
        return [(row["time"] * 1000, row["value"]) for row in rows if row["series"].split(":")[0] == name]

    around = [value for time, value in of(2, "T1", MIDDLE) if abs(time - FLICKER) <= 4 * MINUTE]
    assert 0.5 in around
    assert 0 not in around
    view = View(FAULT - HOUR, FAULT + HOUR, 2 * MINUTE, EVERYTHING)
    assert {value for _, value in of(10, "T2", view)} == {1, 3}
    assert {value for _, value in of(3, "T2", view)} == {0, 2}


def test_the_sum_of_a_plant(engine: Engine) -> None:
    rows = engine.panel("plants", 2, View(END - 5 * HOUR, END, 2 * MINUTE, EVERYTHING))

    def shown(time_ms: int) -> float:
        """What the top of the plant's line, or of its stacked inverters, is."""
        return sum(
            row["value"]
            for row in rows
            if row["time"] * 1000 == time_ms and row["series"].startswith(("100:", "Plant A"))
        )

    assert shown(END - 3 * HOUR) == pytest.approx(30.75)
    assert shown(END) == pytest.approx(10.25)
    (panel,) = [one for one in dashboards(engine.folder)["plants"]["panels"] if one["id"] == 2]
    assert ("stacking" in panel["fieldConfig"]["defaults"]["custom"]) is engine.influx


def test_reactors(engine: Engine) -> None:
    def of(number: int, part: str, ref: str = "A") -> list[tuple[float, float]]:
        rows = engine.panel("reactors", number, MIDDLE, ref)
        return [
            (row["time"] * 1000, row["value"]) for row in rows if part in row["series"] and row["value"] is not None
        ]

    assert {value for _, value in of(2, "R1:ph")} == {7.25}
    dosed = of(15, "R1:acid")
    assert {value for time, value in dosed if time < DOSED - 4 * MINUTE} == {10.0}
    assert {value for time, value in dosed if time > DOSED + 4 * MINUTE} == {15.0}
    assert {value for time, value in of(14, "R2:heater") if time > DOSED + 4 * MINUTE} == {1}
    assert {value for _, value in of(14, "R1:heater")} == {0}
    chosen = View(MIDDLE.start_ms, MIDDLE.end_ms, MIDDLE.interval_ms, {**EVERYTHING, "agent": ["R1:agent"]})
    assert {value for _, value in of(20, "R1")} == {120}
    assert not [row for row in engine.panel("reactors", 20, chosen) if "R2" in row["series"]]


def test_records_are_counted(engine: Engine) -> None:
    rows = engine.panel("plants", 6, View(END - 5 * HOUR, END - 1, HOUR, EVERYTHING))
    name = "100:LastRecord-Mon" if engine.influx else "100"
    values = [row["value"] for row in rows if row["series"] == name]
    assert values[1:-1] == [4] * len(values[1:-1])
    assert len(values) >= 4


def test_the_spike_is_seen_close_by(engine: Engine) -> None:
    view = View(SPIKE - 10 * MINUTE, SPIKE + 10 * MINUTE, SECOND, EVERYTHING)
    assert 95.0 in [row["value"] for row in engine.panel("point", 2, view)]
    assert panel_query(engine.folder, "point", 2)
