"""Displays and alarm tree of whole sites, as files: what they name, refer to and look like."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.unit.interfaces.epics import bob_rules
from tests.unit.interfaces.epics.bob_drawing import Widget, svg, widgets
from vigilia import csstudio
from vigilia.catalogue import Catalogue, read_catalogue
from vigilia.config import Config, load_config
from vigilia.errors import ConfigError, StartError
from vigilia.language import use
from vigilia.points import Kind, Point
from vigilia.rules import Rule
from vigilia.store import Store
from vigilia.views import InverterView, PlantsView, PlantView, RelayView

HOSTILE = (
    "<script>&amp;\"'",
    "$(HOME)${PATH}",
    "Sala 7: conexões, 1º andar",
    "../../etc/passwd",
    "x" * 60,
    "\x1b[31mred",
    "--> <!-- ]]>",
)


CLASSES = ("Overvoltage", "Undervoltage", "Frequency", "Thermal", "Lockout", "Other")
PLANTS = PlantsView(
    [
        PlantView(
            *("7", "Usina <1>", "", "UTC", ("06:00", "18:00")),
            in_window=True,
            sun_elevation_deg=None,
            sunrise=None,
            sunset=None,
            last_data=None,
            points={"LastRecord": "7:LastRecord-Mon"},
            relays=[RelayView("1", "Relay 1", {name: f"7:Relay-1:{name}-Sts" for name in CLASSES})],
            inverters=[
                InverterView(
                    "2", "Inverter 2", {"Pac": "7:Inverter-2:Pac-Mon", "State": "7:Inverter-2:State-Sts"}, None
                )
            ],
            usual_silence_s=2700.0,
        )
    ]
)


@pytest.fixture(params=["en", "pt-BR"])
def _language(request: pytest.FixtureRequest) -> Iterator[None]:
    use(request.param)
    yield
    use("en")


def config(tmp_path: Path, more: str = "[epics]\n", rooms: tuple[str, ...] = ("Hall",), ports: int = 3) -> Config:
    switches = "".join(
        f"""
[[aruba.switches]]
name = "sw-{number}"
url = "http://127.0.0.1:{8000 + number}"
room = {toml(room)}
ports = [ {", ".join(f'{{ port = "{port}", device = "D-{number}:Cam-{port}" }}' for port in range(1, ports + 1))} ]
"""
        for number, room in enumerate(rooms, 1)
    )
    file = tmp_path / "vigilia.toml"
    file.write_text(f'[site]\nname = "Night & day"\n{more}{switches}')
    return load_config(file, {})


def toml(text: str) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" if c in '\\"' or not c.isprintable() else c for c in text) + '"'


def written(tmp_path: Path, loaded: Config) -> Path:
    folder = tmp_path / "screens"
    csstudio.write_screens(loaded, folder)
    return folder


def plant_and_reactor() -> list[tuple[str, Point]]:
    """Points as the drivers declare them for a plant and a reactor, and of a driver that nobody here knows."""

    def of_plant(name: str, kind: Kind, device: str, equipment: str, labels: tuple[str, ...] = ()) -> tuple[str, Point]:
        point = Point(
            name, kind, device, "pvoperation", f"{name} of it", labels=labels, area="Usina <1>", equipment=equipment
        )
        return "pvoperation", point

    def of_reactor(suffix: str, kind: Kind, part: str, **more: object) -> tuple[str, Point]:
        point = Point(f"R1:{part}:{suffix}", kind, f"R1:{part}", "R1", f"Part {part}: {suffix}", area="R1", **more)  # type: ignore[arg-type]
        return "reactor", point

    relay = [
        of_plant(f"7:Relay-1:{name}-Sts", Kind.ENUM, "7:Relay-1", "Relay 1", ("Normal", "Active")) for name in CLASSES
    ]
    asked = {"writable": True, "setpoint": True, "guarded": True}
    return [
        of_plant("7:LastRecord-Mon", Kind.TEXT, "7", "Usina <1>"),
        *relay,
        of_plant("7:Inverter-2:Pac-Mon", Kind.NUMBER, "7:Inverter-2", "Inverter 2"),
        of_plant("7:Inverter-2:State-Sts", Kind.ENUM, "7:Inverter-2", "Inverter 2", ("Normal", "Failed")),
        of_reactor("pH-Mon", Kind.NUMBER, "ph", units=None),
        of_reactor("Comm-Sts", Kind.ENUM, "ph", labels=("Normal", "Failed")),
        of_reactor("Duty-SP", Kind.NUMBER, "heater", **asked),
        of_reactor("Duty-RB", Kind.NUMBER, "heater"),
        of_reactor("Mode-Sel", Kind.ENUM, "heater", labels=("a", "b", "c", "d"), **asked),
        of_reactor("Mode-Sts", Kind.ENUM, "heater", labels=("a", "b", "c", "d")),
        of_reactor("Dose-SP", Kind.NUMBER, "acid", writable=True, guarded=True),
        of_reactor("Prime-Cmd", Kind.BOOLEAN, "acid", labels=("Idle", "Run"), writable=True, guarded=True),
        of_reactor("Note-Mon", Kind.TEXT, "acid", long_text=True),
        of_reactor("Enable-Sel", Kind.ENUM, "control", labels=("Off", "On"), **asked),
        of_reactor("Enable-Sts", Kind.ENUM, "control", labels=("Off", "On")),
        of_reactor("Setpoint-SP", Kind.NUMBER, "control", **asked),
        of_reactor("Setpoint-RB", Kind.NUMBER, "control"),
        *(
            ("reactor", Point(f"vigilia:R1:{suffix}", kind, "vigilia:R1", area="R1", labels=labels, covers=covers))
            for suffix, kind, labels, covers in (
                ("Connected-Sts", Kind.ENUM, ("Disconnected", "Connected"), "link:R1"),
                ("Since-Mon", Kind.TEXT, (), ""),
                ("Error-Mon", Kind.TEXT, (), ""),
                ("SamplesWaiting-Mon", Kind.INTEGER, (), ""),
            )
        ),
        ("other", Point("Thing:Level-Mon", Kind.NUMBER, "Thing", "serial-1", "How high it stands. " * 10, units="m")),
        ("other", Point("Thing:Open-Cmd", Kind.ENUM, "Thing", "serial-1", labels=("No", "Yes", "Half"), writable=True)),
    ]


def everything(tmp_path: Path, more: str = '[epics]\nwriters = ["console"]\n') -> tuple[Config, Catalogue]:
    loaded = config(tmp_path, more, ("Hall", "Hall", "Cellar"))
    catalogue = asyncio.run(read_catalogue(loaded))
    points = [*catalogue.points, *plant_and_reactor()]
    return loaded, replace(catalogue, points=points, views=[*catalogue.views, PLANTS])


def put(tmp_path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = tmp_path / "all" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "all"


@pytest.mark.usefixtures("_language")
def test_a_whole_site_is_in_order_and_names_every_pv_it_should(tmp_path: Path) -> None:
    loaded, catalogue = everything(tmp_path)
    folder = put(tmp_path, csstudio.make_files(loaded, catalogue))
    assert bob_rules.faults(folder) == []
    served = {pv for _, _, pv in catalogue.served(loaded)}
    shown = bob_rules.pvs(folder)
    assert shown - served == set()
    assert served - shown == set()
    files = {file.name for file in folder.glob("*.bob")}
    assert files == {
        *("index.bob", "watch.bob", "room-hall.bob", "room-cellar.bob", "switch-sw-1.bob", "switch-sw-2.bob"),
        *("switch-sw-3.bob", "plant-7.bob", "reactor-r1.bob", "device-serial-1.bob"),
    }
    ports = ET.parse(folder / "switch-sw-2.bob").findall(".//macros/PORT")
    assert [port.text for port in ports] == ["1", "2", "3"] * 2, "each with its counters"
    assert bob_rules.opened(folder / "index.bob") == files - {"index.bob"}, "the index leads everywhere"
    assert all("index.bob" in bob_rules.opened(folder / name) for name in files - {"index.bob"})
    assert bob_rules.opened(folder / "room-hall.bob") == {"index.bob", "switch-sw-1.bob", "switch-sw-2.bob"}


def room(widget: Widget) -> float:
    """How long a text may be: on one line, or on as many as fit."""
    wraps = widget.element.findtext("wrap_words") == "true"
    return widget.width * (widget.height // (widget.size * 1.2) if wraps else 1)


def cut_off(drawn: Iterable[Widget]) -> list[Widget]:
    texts = (widget for widget in drawn if widget.kind in ("label", "action_button"))
    return [widget for widget in texts if len(widget.text) * widget.size * 0.56 > room(widget) + widget.size]


def overlap(one: Widget, other: Widget) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@pytest.mark.usefixtures("_language")
@pytest.mark.parametrize(
    "name", ["room-hall", "switch-sw-1", "plant-7", "reactor-r1", "device-serial-1", "watch", "index"]
)
def test_nothing_overlaps_and_every_text_fits(tmp_path: Path, name: str) -> None:
    loaded, catalogue = everything(tmp_path)
    folder = put(tmp_path, csstudio.make_files(loaded, catalogue))
    drawn = [widget for widget in widgets(folder / f"{name}.bob") if widget.kind not in ("embedded", "rectangle")]
    assert [(a, b) for a, b in combinations(drawn, 2) if overlap(a, b)] == []
    assert cut_off(drawn) == []
    assert svg(folder / f"{name}.bob").startswith("<svg")


def test_hostile_names(tmp_path: Path) -> None:
    loaded = config(tmp_path, rooms=HOSTILE)
    folder = written(tmp_path, loaded)
    assert bob_rules.faults(folder) == []
    assert {path.parent for path in tmp_path.rglob("*.bob")} == {folder, folder / "templates"}
    assert all(re.fullmatch(r"[a-z0-9.-]+", path.name) for path in folder.rglob("*.bob"))
    assert [text for file in folder.glob("*.bob") for text in cut_off(widgets(file))] == []
    titles = {ET.parse(file).getroot().findtext("name") for file in folder.glob("room-*.bob")}
    assert len(titles) == len(HOSTILE)
    assert "Sala 7: conexões, 1º andar" in titles
    tree = ET.parse(folder / "alarms.xml")
    assert not any(set("/\\\x1b") & set(part.get("name", "")) for part in tree.iter("component"))


def test_names_that_become_one_file_name_are_told_apart_whatever_their_order(tmp_path: Path) -> None:
    def files(*rooms: str) -> dict[str | None, str]:
        folder = written(tmp_path, config(tmp_path, rooms=rooms))
        return {ET.parse(file).getroot().findtext("name"): file.name for file in folder.glob("room-*.bob")}

    one, other = files("A B", "a-b", "?", ""), files("", "?", "a-b", "A B")
    assert one == other
    assert len(set(one.values())) == 4


def test_a_prefix_and_names_that_epics_does_not_take_are_those_of_the_ioc(tmp_path: Path) -> None:
    loaded = config(tmp_path, '[epics]\nprefix = "SI-01:"\n')
    folder = written(tmp_path, loaded)
    assert "SI-01:D-1:Cam-1:PwrState-Sel" in bob_rules.pvs(folder)
    assert all(pv.startswith("SI-01:") for pv in bob_rules.pvs(folder))


def test_what_epics_is_not_to_serve_is_on_no_screen(tmp_path: Path) -> None:
    loaded, catalogue = everything(tmp_path, "[epics]\n[reactor]\nepics = false\n")
    files = csstudio.make_files(loaded, catalogue)
    assert "reactor-r1.bob" not in files
    assert b"R1:" not in files["alarms.xml"]


def test_commands_that_nobody_may_put_are_only_shown(tmp_path: Path) -> None:
    loaded, catalogue = everything(tmp_path, "[epics]\n")
    reactor = csstudio.make_files(loaded, catalogue)["reactor-r1.bob"].decode()
    assert "templates/dose.bob" not in reactor
    assert "templates/run.bob" not in reactor
    assert "R1:acid:Dose-SP" in reactor


def test_no_equipment_at_all_says_so(tmp_path: Path) -> None:
    loaded = config(tmp_path, "[epics]\n[reactor]\n", rooms=())
    folder = written(tmp_path, loaded)
    assert bob_rules.faults(folder) == []
    assert {file.name for file in folder.glob("*.bob")} == {"index.bob", "watch.bob"}
    empty = csstudio.make_files(loaded, Catalogue([], []))
    assert len(re.findall(b"<text>", empty["index.bob"])) == 2, "a title, and what to do"
    assert list(ET.fromstring(empty["alarms.xml"])) == []


def test_without_epics_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"no \[epics\] section"):
        written(tmp_path, config(tmp_path, ""))
    assert not (tmp_path / "screens").exists()


def test_names_that_the_service_would_refuse_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="longer than 60 characters"):
        written(tmp_path, config(tmp_path, f'[epics]\nprefix = "{"P" * 40}"\n'))


async def test_points_that_the_store_remembers_are_shown_while_the_service_is_down(tmp_path: Path) -> None:
    loaded = config(tmp_path, '[epics]\nwriters = ["console"]\n[pvoperation]\nemail = "a@b.c"\npassword = "x"\n')
    url = loaded.store.url.get_secret_value()
    plant = [point for system, point in plant_and_reactor() if system == "pvoperation"]
    store = await Store.open(url)
    try:
        await store.add_points("pvoperation", plant, 0.0)
        catalogue = await read_catalogue(loaded)  # beside the one that has it open
    finally:
        await store.close()
    assert {point.name for point in plant} <= {point.name for _, point in catalogue.points}
    assert "plant-7.bob" in csstudio.make_files(loaded, catalogue)


def test_a_hundred_switches(tmp_path: Path) -> None:
    folder = written(tmp_path, config(tmp_path, rooms=tuple(f"Room {n % 20}" for n in range(100)), ports=48))
    assert len(list(folder.glob("switch-*.bob"))) == 100
    (room, *_) = folder.glob("room-*.bob")
    assert len(ET.parse(room).getroot().findall("widget[@type='embedded']")) == 5 * 49


# The alarm tree


def test_the_tree_has_what_alarms_are_shown_by(tmp_path: Path) -> None:
    loaded, catalogue = everything(tmp_path)
    tree = ET.fromstring(csstudio.make_files(loaded, catalogue)["alarms.xml"])
    assert (tree.tag, tree.get("name")) == ("config", "vigilia")
    pvs = {pv.get("name"): pv for pv in tree.iter("pv")}
    assert {pv.rpartition(":")[2] for pv in map(str, pvs)} == {
        *("PwrState-Sel", "PwrState-Raw", "Connected-Sts", "HistoryDropped-Mon", "HistoryLag-Mon"),
        *("Duty-SP", "Mode-Sel", "Enable-Sel", "Setpoint-SP"),
    }
    raw = pvs["D-1:Cam-1:PwrState-Raw"]
    assert {child.tag: child.text for child in raw if child.tag != "description"} == {
        "enabled": "true",
        "latching": "true",
        "annunciating": "false",
    }
    assert "sw-1" in raw.findtext("description", "")
    assert pvs["D-1:Cam-1:PwrState-Sel"].findtext("latching") == "false"
    systems = [component.get("name") for component in tree.findall("component")]
    assert systems[0] == "PoE ports"
    hall = tree.find("component[@name='PoE ports']/component[@name='Hall']")
    assert hall is not None
    devices = [component.get("name") for component in hall.findall("component")]
    assert devices == ["D-1:Cam-1", "D-1:Cam-2", "D-1:Cam-3", "D-2:Cam-1", "D-2:Cam-2", "D-2:Cam-3", "sw-1", "sw-2"]


def test_no_parent_has_a_name_twice_and_no_pv_is_there_twice(tmp_path: Path) -> None:
    loaded, catalogue = everything(tmp_path)
    points, rules = [*catalogue.points] * 2, [*catalogue.rules, Rule("all", ("*",), "vigilia")]
    catalogue = replace(catalogue, points=points, rules=rules)
    tree = ET.fromstring(csstudio.make_files(loaded, catalogue)["alarms.xml"])
    for parent in tree.iter():
        names = [component.get("name") for component in parent.findall("component")]
        assert len(names) == len(set(names))
    pvs = [pv.get("name") for pv in tree.iter("pv")]
    assert len(pvs) == len(set(pvs)) == len({pv for _, _, pv in catalogue.served(loaded)})
