"""The documentation agrees with the program, and its links lead somewhere."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from vigilia.agent.buses.config import I2cBusConfig, OneWireBusConfig, SimBusConfig, UartBusConfig
from vigilia.agent.config import AgentSection
from vigilia.agent.loops.config import PhDosingConfig, ThermostatConfig
from vigilia.agent.outputs.config import PmpConfig, PwmConfig, RelayConfig
from vigilia.agent.sensors.config import Ds18b20Config, EzoConfig
from vigilia.config import SiteConfig, StoreConfig
from vigilia.drivers.aruba.config import ArubaConfig, PortConfig, SwitchConfig
from vigilia.drivers.pvoperation.config import PlantConfig, PvOperationConfig
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.history.config import HistoryConfig, PointsConfig
from vigilia.interfaces.api.answers import _WRITE_ERRORS, kebab
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.auth.config import AuthConfig
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.notify.config import AppriseConfig, NotifyConfig, RouteConfig, TeamsConfig
from vigilia.ping import HealthConfig
from vigilia.settings import Secret, Section
from vigilia.sim.aruba import FAULTS
from vigilia.sim.aruba.command import add_arguments
from vigilia.sim.reactor import FAULTS as REACTOR_FAULTS
from vigilia.sim.reactor import PLACES
from vigilia.sim.reactor.command import add_arguments as add_reactor_arguments
from vigilia.wire.reactor.v1 import reactor_pb2

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("**/*.md"), *ROOT.glob("*.md")])

SECTIONS: dict[str, type[Section]] = {
    "[site]": SiteConfig,
    "[web]": WebConfig,
    "[web.auth]": AuthConfig,
    "[store]": StoreConfig,
    "[history]": HistoryConfig,
    "[[history.points]]": PointsConfig,
    "[health]": HealthConfig,
    "[epics]": EpicsConfig,
    "[notify]": NotifyConfig,
    "[notify.teams]": TeamsConfig,
    "[notify.apprise]": AppriseConfig,
    "[[notify.routes]]": RouteConfig,
    "[aruba]": ArubaConfig,
    "[[aruba.switches]]": SwitchConfig,
    "[[aruba.switches]] ports": PortConfig,
    "[pvoperation]": PvOperationConfig,
    '[pvoperation.plants."ID"]': PlantConfig,
    "[reactor]": ReactorConfig,
}

ENTRIES: dict[str, dict[str, type[Section]]] = {
    "[[buses]]": {"i2c": I2cBusConfig, "uart": UartBusConfig, "w1": OneWireBusConfig, "sim": SimBusConfig},
    "[[sensors]]": {"ezo-…": EzoConfig, "ds18b20": Ds18b20Config},
    "[[actuators]]": {"pwm": PwmConfig, "relay": RelayConfig, "ezo-pmp": PmpConfig},
    "[[loops]]": {"ph-dosing": PhDosingConfig, "thermostat": ThermostatConfig},
}
"""The lists of an agent's configuration, and the models of each by their kinds."""

REFERRED_TO = re.compile(r"\bdocs/[\w./-]+\.md\b")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
TAKEN = re.compile(r'\bpicture\(\s*page,\s*f?"([^"]+)"')
KEPT = re.compile(r'\bkeep\(view, "([^"]+)"\)')
LOOK = "(desktop|phone)-(en|pt-BR)-(light|dark)"
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def section_of(text: str, heading: str) -> str:
    """What stands below `## heading`, up to the next heading of that level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading!r}"
    return found[1]


def rows_of(text: str) -> dict[str, list[str]]:
    """The rows of the tables in `text`, by the code in their first cell."""
    rows: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `"):
            rows[cells[0].strip("| `")] = cells
    return rows


@pytest.mark.parametrize("heading", SECTIONS)
def test_configuration_reference_has_every_key_and_its_default(heading: str) -> None:
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    assert_keys_and_defaults(section_of(page, heading), SECTIONS[heading].model_fields)


def assert_keys_and_defaults(text: str, fields: dict[str, FieldInfo]) -> None:
    """The table in `text` has these keys and no others, each with its default."""
    rows = rows_of(text)
    assert rows.keys() == fields.keys()
    assert {name: rows[name][2] for name in fields} == {name: default_of(field) for name, field in fields.items()}


def default_of(field: FieldInfo) -> str:
    """Return what a table says of a field's default."""
    if field.is_required():
        return "required"
    if field.default is None:
        return "not set"
    if isinstance(field.default, Section):
        shown = field.default.model_dump(exclude_none=True).items()
        return f"`{{ {', '.join(f'{name} = {json.dumps(value)}' for name, value in shown)} }}`"
    default = field.default.get_secret_value() if isinstance(field.default, Secret) else field.default
    return f"`{json.dumps(default)}`"


def test_agent_reference_has_every_key_of_its_own_section() -> None:
    page = (DOCS / "reference" / "agent-configuration.md").read_text(encoding="utf-8")
    assert_keys_and_defaults(section_of(page, "[agent]"), AgentSection.model_fields)


@pytest.mark.parametrize("heading", ENTRIES)
def test_agent_reference_has_every_key_of_its_lists(heading: str) -> None:
    """What all kinds of a list share stands below the list's heading, what is a kind's own below that of the kind."""
    page = (DOCS / "reference" / "agent-configuration.md").read_text(encoding="utf-8")
    kinds = {
        kind: {name: field for name, field in model.model_fields.items() if name != "kind"}
        for kind, model in ENTRIES[heading].items()
    }
    first, *others = kinds.values()
    common = {
        name: field
        for name, field in first.items()
        if all(name in other and default_of(other[name]) == default_of(field) for other in others)
        and shared(name, ENTRIES[heading].values())
    }
    assert_keys_and_defaults(section_of(page, heading), common)
    for kind, fields in kinds.items():
        own = {name: field for name, field in fields.items() if name not in common}
        assert_keys_and_defaults(section_of(page, f'{heading} kind = "{kind}"'), own)


def shared(name: str, models: Iterable[type[Section]]) -> bool:
    """Say whether a field is inherited by all models, and made anew by none."""
    return all(name not in model.__annotations__ for model in models)


def test_simulator_reference_has_every_fault_and_option() -> None:
    page = (DOCS / "reference" / "simulator.md").read_text(encoding="utf-8")
    assert [fault for fault in FAULTS if f"`{fault}`" not in section_of(page, "Faults")] == []
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = [f"--{name.replace('_', '-')}" for name in vars(parser.parse_args([]))]
    assert options
    assert [option for option in options if f"`{option}" not in section_of(page, "Options")] == []


def test_reactor_simulator_reference_has_every_fault_place_and_option() -> None:
    page = (DOCS / "reference" / "sim-reactor.md").read_text(encoding="utf-8")
    assert rows_of(section_of(page, "Faults")).keys() == REACTOR_FAULTS.keys()
    for fault, cells in rows_of(section_of(page, "Faults")).items():
        takes = set(re.findall(r"`([a-z_]+)`", cells[2]))
        assert takes == REACTOR_FAULTS[fault].takes - {"duration_s", "count"}, fault
        assert ("count" in REACTOR_FAULTS[fault].takes) == (cells[3].strip(" |") == "yes"), fault
    assert [place for place in PLACES if f"`{place}`" not in section_of(page, "Faults")] == []
    parser = argparse.ArgumentParser()
    add_reactor_arguments(parser)
    options = [f"--{name.replace('_', '-')}" for name in vars(parser.parse_args([]))]
    assert [option for option in options if f"`{option}" not in section_of(page, "Options")] == []


def test_wire_reference_names_every_call_and_enumeration() -> None:
    """The page explains the calls; the file that it leads to is the protocol."""
    page = (DOCS / "reference" / "reactor-protocol.md").read_text(encoding="utf-8")
    for service in reactor_pb2.DESCRIPTOR.services_by_name.values():
        assert [method.name for method in service.methods if f"`{method.name}`" not in page] == []
    outcomes = reactor_pb2.CommandState.Outcome.DESCRIPTOR.values
    decisions = reactor_pb2.RegisterReply.Decision.DESCRIPTOR.values
    named = [value.name for value in (*outcomes, *decisions) if value.number]
    assert [name for name in named if f"`{name}`" not in page] == []
    assert (ROOT / "src/vigilia/wire/reactor/v1/reactor.proto").is_file()
    assert "src/vigilia/wire/reactor/v1/reactor.proto" in page


def test_api_reference_has_every_write_error() -> None:
    errors = section_of((DOCS / "reference" / "api.md").read_text(encoding="utf-8"), "Errors")
    for kind, status in _WRITE_ERRORS.items():
        if kind.__name__ != "WriteError":  # no driver here has one of its own
            assert re.search(rf"^\| {int(status)} \| `{kebab(kind.__name__)}`", errors, re.MULTILINE), kind


def test_points_reference_is_that_of_the_declarations() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "points-reference"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    dead: list[str] = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.is_file() or (anchor and anchor not in anchors_of(file)):
            dead.append(target)
    assert dead == []


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-") for heading in headings}


def shown_pictures() -> set[str]:
    """The pictures of the documentation's folders that its pages show, as paths from the root."""
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in IMAGE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
        if not re.match(r"[a-z]+:", target)
    }
    return {str(path.relative_to(ROOT)) for path in shown}


def kept_pictures() -> set[str]:
    """The pictures that are kept with the source, as paths from the root: of screens, those that .gitignore excepts."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    screens = {line.removeprefix("!") for line in ignored if line.startswith("!docs/assets/screens/")}
    return screens | {str(path.relative_to(ROOT)) for path in (DOCS / "images").iterdir()}


def test_every_picture_that_is_kept_is_shown_and_every_one_shown_is_kept() -> None:
    assert shown_pictures() == kept_pictures()


def test_every_screen_that_is_shown_is_one_that_a_test_takes() -> None:
    """None was made by hand, and none is of a page that no test opens any more."""
    source = "".join(test.read_text(encoding="utf-8") for test in ROOT.glob("tests/browser/test_*.py"))
    names = [re.sub(r"\{\w+\}", "[a-z]+", name.replace("{look}", LOOK)) for name in TAKEN.findall(source)]
    taken = re.compile("|".join(names))
    assert names
    screens = {Path(name).stem for name in shown_pictures() if name.startswith("docs/assets/screens/")}
    assert screens
    assert sorted(name for name in screens if not taken.fullmatch(name)) == []


def test_every_picture_of_the_terminal_is_one_that_a_test_takes() -> None:
    source = (ROOT / "tests/unit/tui/test_pictures.py").read_text(encoding="utf-8")
    shown = {name for name in shown_pictures() if name.startswith("docs/images/terminal-")}
    assert shown == {f"docs/images/terminal-{name}.svg" for name in KEPT.findall(source)} != set()


def test_pages_that_the_source_refers_to_exist() -> None:
    named = {
        (str(source.relative_to(ROOT)), page)
        for source in ROOT.glob("src/**/*.py")
        for page in REFERRED_TO.findall(source.read_text(encoding="utf-8"))
    }
    assert named
    assert [pair for pair in sorted(named) if not (ROOT / pair[1]).is_file()] == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [
        str(page.relative_to(DOCS)) for page in DOCS.glob("**/*.md") if str(page.relative_to(DOCS)) not in navigation
    ] == []
