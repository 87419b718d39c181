"""Every query of the dashboards of a history, answered by a database: rows, and the right ones."""

import itertools
from typing import Any

import pytest

from tests.unit.deploy.conftest import Source
from tests.unit.deploy.grafana import View, dashboards, panel_query, queries
from tests.unit.deploy.scene import (
    DAY,
    DOSED,
    END,
    FAILED,
    FAULT,
    FLICKER,
    GAP_END,
    GAP_START,
    HOUR,
    INVERTERS,
    LATELY,
    LINKS,
    LOOPS,
    MINUTE,
    ODD_ROOM,
    OUTPUTS,
    PLANTS,
    PORTS,
    PROBES,
    REACTORS,
    RELAYS,
    ROOM,
    SECOND,
    SPIKE,
)

NAMES = ["poe", "plants", "reactors", "own", "point"]
EVERYTHING = {
    "room": [ROOM, ODD_ROOM, "-"],
    "device": list(PORTS),
    "link": list(LINKS),
    "plant": list(PLANTS.values()),
    "inverter": list(INVERTERS),
    "relay": list(RELAYS),
    "reactor": list(REACTORS),
    "probe": [f"{reactor}:{part}" for reactor in REACTORS for part in PROBES],
    "output": [f"{reactor}:{part}" for reactor in REACTORS for part in OUTPUTS],
    "loop": [f"{reactor}:{part}" for reactor in REACTORS for part in LOOPS],
    "agent": [f"{reactor}:agent" for reactor in REACTORS],
    "instance": ["vigilia"],
    "point": ["T1:Power-Mon"],
}
SHORT = View(LATELY, END, 10 * SECOND, EVERYTHING)
MIDDLE = View(END - DAY, END, 2 * MINUTE, EVERYTHING)
LONG = View(END - 30 * DAY, END, HOUR, EVERYTHING)
VIEWS = pytest.mark.parametrize("view", [SHORT, MIDDLE, LONG], ids=["short", "middle", "long"])


def of(rows: list[dict[str, Any]], series: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["series"] == series]


def at(rows: list[dict[str, Any]], time_ms: int) -> dict[str, Any]:
    """The last row at a time or before it."""
    return [row for row in rows if row["time"] <= time_ms / 1000][-1]


def with_(view: View, **variables: list[str]) -> View:
    return View(view.start_ms, view.end_ms, view.interval_ms, {**view.variables, **variables})


@VIEWS
@pytest.mark.parametrize("name", NAMES)
async def test_every_panel_has_rows_in_the_range_of_time(name: str, view: View, history: Source) -> None:
    for title, target in queries(dashboards(f"history-{history.kind}")[name]):
        rows = await history.ask(target, view)
        assert rows, title
        if "time" in rows[0]:
            width = view.interval_ms
            assert view.start_ms - width <= rows[0]["time"] * 1000, title
            assert rows[-1]["time"] * 1000 <= view.end_ms + width, title
            assert len({row["time"] for row in rows}) <= (view.end_ms - view.start_ms) / width + 2, title


@pytest.mark.parametrize(
    ("name", "variable", "chosen", "expected"),
    [
        ("poe", "room", {}, ["-", ROOM, ODD_ROOM]),
        ("poe", "device", {"room": [ODD_ROOM]}, ["O'Neill%"]),
        ("poe", "device", {"room": ["-"]}, ["T4"]),
        ("poe", "link", {"room": [ROOM, ODD_ROOM]}, ["vigilia:sw-1", "vigilia:sw-2"]),
        ("plants", "plant", {}, ["Plant A", "Plant B"]),
        ("plants", "inverter", {"plant": ["Plant A"]}, ["100:Inverter-1", "100:Inverter-2"]),
        ("plants", "relay", {"plant": ["Plant B"]}, ["200:Relay-9"]),
        ("reactors", "reactor", {}, ["R1", "R2"]),
        (
            *("reactors", "probe", {"reactor": ["R1"]}),
            ["R1:agent", "R1:air", "R1:do", "R1:ec", "R1:orp", "R1:ph", "R1:temp"],
        ),
        ("reactors", "output", {"reactor": ["R2"]}, ["R2:acid", "R2:heater"]),
        ("reactors", "loop", {"reactor": ["R1"]}, ["R1:ph-control"]),
        ("reactors", "agent", {"reactor": ["R1", "R2"]}, ["R1:agent", "R2:agent"]),
        ("own", "instance", {}, ["vigilia"]),
        ("own", "link", {}, sorted(LINKS)),
    ],
)
async def test_variables_offer_what_there_is(
    name: str, variable: str, chosen: dict[str, list[str]], expected: list[str], history: Source
) -> None:
    (query,) = [
        one["query"]
        for one in dashboards(f"history-{history.kind}")[name]["templating"]["list"]
        if one["name"] == variable
    ]
    assert sorted(await history.values(query, with_(SHORT, **chosen))) == sorted(expected)


async def test_any_point_can_be_chosen(history: Source) -> None:
    (variable,) = dashboards(f"history-{history.kind}")["point"]["templating"]["list"]
    assert not variable["includeAll"], "ten thousand lines at first"
    assert "O'Neill%:Power-Mon" in await history.values(variable["query"], SHORT)


@VIEWS
async def test_extremes_are_kept_at_every_width(view: View, history: Source) -> None:
    shown = View(SPIKE - HOUR, SPIKE + HOUR, view.interval_ms, view.variables) if view is SHORT else view
    rows = of(await history.ask(panel_query(f"history-{history.kind}", "poe", 4), shown), "T1")
    assert max(row["high"] for row in rows if row["high"] is not None) == 95.0
    assert min(row["low"] for row in rows if row["low"] is not None) == 4.5
    # Between 4.5 and 5.5 W in turn, a minute each; the spike weighs no more than one reading does.
    mean = {SHORT: 95.0, MIDDLE: (4.5 + 5.5 + 95) / 3, LONG: (60 * 5.0 + 95) / 61}[view]
    assert at(rows, SPIKE)["mean"] == pytest.approx(mean)
    assert all(row["low"] <= row["mean"] <= row["high"] for row in rows if row["mean"] is not None)


async def test_what_is_not_rolled_up_yet_is_there_once(history: Source) -> None:
    query = panel_query(f"history-{history.kind}", "plants", 6)
    for view in (SHORT, MIDDLE):
        rows = of(await history.ask(query, view), "Plant A")
        last = [row for row in rows if row["time"] * 1000 > END - 3 * HOUR]
        assert sum(row["count"] for row in last) == 12
    per_hour = of(await history.ask(query, LONG), "Plant A")
    assert [row["count"] for row in per_hour[-4:]] == [4, 4, 4, 1]


async def test_a_range_of_which_only_hours_are_left_is_answered_from_them(history: Source) -> None:
    view = View(END - 29 * HOUR, END - 26 * HOUR, 10 * SECOND, EVERYTHING)
    rows = of(await history.ask(panel_query(f"history-{history.kind}", "poe", 5), view), "T1")
    assert [row["time"] * 1000 for row in rows if row["mean"] is not None][-1] == END - 26 * HOUR
    assert rows[0]["mean"] == pytest.approx(53.7)


@pytest.mark.parametrize(("interval_ms", "apart_ms"), [(20 * SECOND, MINUTE), (20 * MINUTE, HOUR)])
async def test_spots_narrower_than_a_rollup_are_answered_from_it(
    interval_ms: int, apart_ms: int, history: Source
) -> None:
    view = View(END - 20 * HOUR, END, interval_ms, EVERYTHING)
    rows = of(await history.ask(panel_query(f"history-{history.kind}", "poe", 5), view), "T1")
    times = [row["time"] * 1000 for row in rows]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {apart_ms}
    assert [row for row in rows if row["mean"] is None] == []


async def test_a_gap_is_empty_and_nothing_else_is(history: Source) -> None:
    rows = await history.ask(panel_query(f"history-{history.kind}", "poe", 5), SHORT)
    assert not [row for row in of(rows, "T1") if row["mean"] is None]
    (empty,) = [row for row in of(rows, "T2") if row["mean"] is None]
    assert GAP_START < empty["time"] * 1000 < GAP_END


async def test_what_was_known_before_the_range_is_shown_at_its_start(history: Source) -> None:
    start = END - 90 * SECOND
    view = View(start, start + 20 * SECOND, SECOND, EVERYTHING)
    rows = of(await history.ask(panel_query(f"history-{history.kind}", "poe", 5), view), "T1")
    assert [(row["time"] * 1000, row["mean"]) for row in rows] == [(start, pytest.approx(53.7))]


async def test_states_tell_the_last_and_severities_the_worst(history: Source) -> None:
    folder = f"history-{history.kind}"
    for view in (MIDDLE, LONG):
        start = view if view is LONG else View(FAULT - HOUR, END, 2 * MINUTE, EVERYTHING)
        worst = of(await history.ask(panel_query(folder, "poe", 3), start), "T2")
        assert at(worst, FAULT)["severity"] == 2
        assert at(worst, FAULT - HOUR)["severity"] == 0
    view = View(END - 5 * HOUR, END, 2 * MINUTE, EVERYTHING)
    states = of(await history.ask(panel_query(folder, "plants", 4), view), "100:Inverter-2")
    assert at(states, FAILED - MINUTE)["state"] == 0
    assert at(states, FAILED)["state"] == 1


async def test_a_switch_that_went_off_and_on_within_a_bucket_is_both(history: Source) -> None:
    query = panel_query(f"history-{history.kind}", "poe", 2)
    fine = of(await history.ask(query, SHORT), "T1")
    assert at(fine, FLICKER)["state"] == 0
    coarse = of(await history.ask(query, MIDDLE), "T1")
    assert at(coarse, FLICKER)["state"] == 0.5
    assert at(coarse, FLICKER + 10 * MINUTE)["state"] == 1


@VIEWS
async def test_the_sum_of_a_plant_is_that_of_its_inverters_newest_records(view: View, history: Source) -> None:
    query = panel_query(f"history-{history.kind}", "plants", 2)
    rows = await history.ask(query, view)
    assert at(of(rows, "Plant A"), FAILED - HOUR + 20 * MINUTE)["total"] == pytest.approx(30.75)
    assert at(of(rows, "Plant A"), END)["total"] == pytest.approx(10.25)
    assert at(of(rows, "Plant B"), END)["total"] == pytest.approx(10.25)
    one = await history.ask(query, with_(view, inverter=["100:Inverter-2"]))
    assert at(of(one, "Plant A"), END)["total"] == pytest.approx(0.0)


async def test_tables_show_the_present(history: Source) -> None:
    folder = f"history-{history.kind}"
    ports = await history.ask(panel_query(folder, "poe", 1), SHORT)
    assert [row["device"] for row in ports] == sorted(PORTS)
    assert ports[0]["state"] == "Delivering"
    assert ports[0] | {"power": 4.5, "voltage": 53.7, "severity": 0, "read": END / 1000} == ports[0]
    assert await history.ask(panel_query(folder, "poe", 1), with_(SHORT, room=["-"])) == ports[-1:]
    first, second = await history.ask(panel_query(folder, "plants", 1), SHORT)
    expected = {"area": "Plant A", "power": 10.25, "inverters failed": 1, "relay alarms": 1}
    assert first | expected == first
    assert second | {"area": "Plant B", "inverters failed": 0, "relay alarms": 0} == second
    assert first["newest record"] == "2026-03-10T12:00:00Z"
    assert first["age of it"] > 0
    (point,) = await history.ask(panel_query(folder, "point", 1), SHORT)
    assert point["value"] == 4.5


@VIEWS
async def test_reactors(view: View, history: Source) -> None:
    async def ask(number: int, **chosen: list[str]) -> list[dict[str, Any]]:
        return await history.ask(panel_query(f"history-{history.kind}", "reactors", number), with_(view, **chosen))

    assert {row["series"] for row in await ask(2)} == {"R1:ph", "R2:ph"}
    assert {row["series"] for row in await ask(2, reactor=["R2"])} == {"R2:ph"}
    assert {row["mean"] for row in await ask(2)} - {None} == {7.25}
    dosed = of(await ask(15), "R1:acid")
    assert (at(dosed, DOSED - HOUR)["mean"], at(dosed, END)["mean"]) == (10.0, 15.0)
    assert {row["series"] for row in await ask(14) if row["state"]} == {"R2:heater"}
    assert {row["series"] for row in await ask(12, output=["R1:heater"])} == {"R1:heater"}
    assert {row["state"] for row in of(await ask(18), "R1:ph-control")} - {None} == {2.0}


async def test_reactors_now(history: Source) -> None:
    first, second = await history.ask(panel_query(f"history-{history.kind}", "reactors", 1), SHORT)
    assert first | {"area": "R1", "outputs safe": 0, "samples waiting": 120, "agent since": 2} == first
    assert second | {"area": "R2", "outputs safe": 1, "samples waiting": 0, "samples dropped": 2} == second


async def test_a_room_shows_its_own_ports_only(history: Source) -> None:
    for title, target in queries(dashboards(f"history-{history.kind}")["poe"]):
        rows = await history.ask(target, with_(SHORT, room=[ODD_ROOM], link=["vigilia:sw-2"]))
        named = {row.get("series", row.get("device")) for row in rows}
        assert named <= {ODD_ROOM} or all(name.startswith(("O'Neill%", "vigilia:sw-2")) for name in named), title
