"""10,000 alarms and 5,000 points in the terminal view, and names that would be obeyed by a terminal."""

import re
import time
from pathlib import Path

import pytest

from tests.unit.store.conftest import cluster
from tests.unit.store.postgresql import Cluster
from tests.unit.tui.conftest import viewed
from tests.unit.tui.seeded import alarm_row, fill_history, fill_store, good, incident_row, urls_in
from vigilia.points import Kind, Point

__all__ = ["cluster"]

SWITCHES, PORTS = 50, 100
HOSTILE = "T1\x1b[2J\x1b]0;owned\x07\u202egnp\r\n[bold red]x[/]\u200b"


def points_of(switches: int, ports: int) -> list[Point]:
    return [
        Point(f"T{s}-{p}:Power-Mon", Kind.NUMBER, f"T{s}-{p}", f"sw-{s}", units="W", area=f"Room {s}")
        for s in range(switches)
        for p in range(ports)
    ]


async def test_ten_thousand_alarms_and_five_thousand_points(tmp_path: Path) -> None:
    now = time.time()
    store, history = urls_in(tmp_path)
    points = points_of(SWITCHES, PORTS)
    rules = ("low", "high")
    alarms = [
        alarm_row(rule, point.name, now - 60 - n, f"{rule}-{n}") for rule in rules for n, point in enumerate(points)
    ]
    incidents = [
        incident_row(
            f"{rule}-{n}",
            rule,
            point,
            "aruba",
            now - 60 - n,
            suppressed_by="" if rule == "low" and n % PORTS == 0 else f"low@{points[n - n % PORTS].name}",
        )
        for rule in rules
        for n, point in enumerate(points)
    ]
    await fill_store(store, {"aruba": points}, alarms, incidents)
    await fill_history(history, {"aruba": points}, [good(point.name, now - 5, 7.5) for point in points])
    (tmp_path / "vigilia.toml").write_text('[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:1"\n')
    async with viewed(tmp_path / "vigilia.toml") as view:
        await view.press("2")
        await view.until("Alarms (10000, !! 50)", "(+199) low")
        await view.press("space")
        await view.until("└ ")
        keys = ["down"] * 20 + ["pagedown"] * 5 + ["G", "g"]
        began = time.monotonic()
        await view.press(*keys)
        assert (time.monotonic() - began) / len(keys) < 0.5, "each key is answered at once"
        await view.press("slash", *"t49-99:")
        await view.until("T49-99", lambda: "T48-" not in view.text)
        await view.press("enter", "3", "G")
        await view.until("T9-99:Power-Mon", "7.5 W", "from history")


async def test_what_a_terminal_would_obey_is_spelled_out(tmp_path: Path) -> None:
    now = time.time()
    store, history = urls_in(tmp_path)
    point = Point(HOSTILE, Kind.TEXT, HOSTILE, HOSTILE, description=HOSTILE, area=HOSTILE)
    more = {"family": HOSTILE, "label": HOSTILE, "detail": HOSTILE}
    await fill_store(
        store,
        {"aruba": [point]},
        [alarm_row(HOSTILE, HOSTILE, now - 60, "i-1")],
        [incident_row("i-1", HOSTILE, point, HOSTILE, now - 60, **more)],
    )
    await fill_history(history, {"aruba": [point]}, [good(HOSTILE, now - 5, None, HOSTILE)])
    (tmp_path / "vigilia.toml").write_text('[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:1"\n')
    async with viewed(tmp_path / "vigilia.toml", size=(140, 24)) as view:
        await view.until("service DOWN; data")
        for keys in (["1"], ["2"], ["enter"], ["escape", "3"], ["enter"], ["c"], ["escape", "escape", "4"], ["enter"]):
            await view.press(*keys)
            if keys != ["1"]:
                await view.until("T1\\x1b[2J")
            assert all(sign == "\n" or sign.isprintable() for sign in view.text), repr(view.text)
            # Characters outside of lines are those that reach the terminal as they are.
            assert not set("\x1b\x07\r\u202e\u200b") & set(view.text)


async def test_a_store_and_a_history_in_postgresql(cluster: Cluster, tmp_path: Path) -> None:
    now = time.time()
    url = cluster.fresh()
    points = points_of(1, 3)
    await fill_store(
        url,
        {"aruba": points},
        [alarm_row("low", points[0].name, now - 60, "i-1")],
        [incident_row("i-1", "low", points[0], "aruba", now - 60)],
    )
    await fill_history(url, {"aruba": points}, [good(point.name, now - 5 - n, 7.5) for point in points for n in (0, 9)])
    config = tmp_path / "vigilia.toml"
    config.write_text(
        f'[site]\nlanguage = "en"\n[web]\nlisten = "127.0.0.1:1"\n[store]\nurl = "{url}"\n[history]\nurl = "{url}"\n'
    )
    async with viewed(config) as view:
        await view.press("2")
        await view.until("NEW", "low")
        await view.press("c")
        await view.until("the last 1 h, W")
        await view.press("escape", "3")
        await view.until("7.5 W")
        cluster.stop()
        try:
            await view.until("!! the store postgresql://", "does not answer", seconds=60)
            assert "hush-hush" not in view.text
        finally:
            cluster.start()
        await view.until(lambda: "does not answer" not in view.text, seconds=60)


WHOLE_AT_80 = {
    "1": (r"aruba +!! MAJOR +0 +1 +0 +\?/1 +2", r"sw-1 +\?connected +- +-"),
    "2": (
        r"!! MAJOR +NEW +\d+m yes +\(\+3\) Relay alarms: LO… UFV Cedro: Relay 1",
        r" ! MINOR +returned +\d+m - +ph-low +Reactor 1: R1",
        r"!! MAJOR +acked +1h\d\d yes +PoE faults: PoE fault +Room 1: TB-01:CamMF-01",
    ),
    "3": (
        r"19480:Relay-1:Lockout-Sts +Active +!! MAJOR +STATE +\d+[sm]",
        r"TB-01:CamMF-01:PwrState-Sel +w On +ok +\d+[sm]",
    ),
    "4": (r".*\d\d:\d\d:\d\d +\d+m… !! MAJOR +yes +Relay alarms: LO… UFV Cedro: Relay 1",),
}
"""Lines of each page, of which only what an alarm is called is cut short."""


async def test_an_ordinary_terminal_shows_states_devices_and_ages_whole(folder: Path) -> None:
    async with viewed(folder / "vigilia.toml", size=(80, 24)) as view:
        for page, lines in WHOLE_AT_80.items():
            await view.press(page)
            await view.until(*(lambda line=line: bool(re.search(f"(?m)^{line}$", view.text)) for line in lines))
            assert view.text.splitlines()[-1].endswith("q end"), view.text


@pytest.mark.parametrize("size", [(40, 10), (200, 60), (20, 5)])
async def test_any_size_of_a_terminal(folder: Path, size: tuple[int, int]) -> None:
    wide, high = size
    async with viewed(folder / "vigilia.toml", size=size) as view:
        await view.until(lambda: view.app.vigil.picture.alarms_known)
        for key, told in (("1", "Worst"), ("2", "NEW"), ("3", "Value"), ("4", "Began")):
            await view.press(key)
            if high >= 10:
                await view.until(told, "service DOWN", lambda: view.text.splitlines()[-1].endswith("q end"))
            if wide >= 200 and key in "24":
                await view.until("Relay alarms: LOCKOUT")
            assert len(view.text.split("\n")) == high
        await view.press("question_mark", "escape", "2", "enter", "escape", "3", "c", "escape")
        assert view.app.is_running
