"""The documentation agrees with the program, and its links lead somewhere."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vigilia.cli import _LATER
from vigilia.config import SiteConfig, StoreConfig
from vigilia.drivers.aruba.config import ArubaConfig, PortConfig, SwitchConfig
from vigilia.drivers.pvoperation.config import PlantConfig, PvOperationConfig
from vigilia.drivers.reactor.config import ReactorConfig
from vigilia.history.config import HistoryConfig, PointsConfig
from vigilia.interfaces.api.answers import _WRITE_ERRORS, kebab
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.notify.config import AppriseConfig, NotifyConfig, RouteConfig, TeamsConfig
from vigilia.ping import HealthConfig
from vigilia.settings import Secret, Section
from vigilia.sim.aruba import FAULTS
from vigilia.sim.aruba.command import add_arguments

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("**/*.md"), *ROOT.glob("*.md")])

SECTIONS: dict[str, type[Section]] = {
    "[site]": SiteConfig,
    "[web]": WebConfig,
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

REFERRED_TO = re.compile(r"\bdocs/[\w./-]+\.md\b")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
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
    rows = rows_of(section_of(page, heading))
    fields = SECTIONS[heading].model_fields
    assert rows.keys() == fields.keys()
    for name, field in fields.items():
        if field.is_required():
            expected = "required"
        elif field.default is None:
            expected = "not set"
        else:
            default = field.default.get_secret_value() if isinstance(field.default, Secret) else field.default
            expected = f"`{json.dumps(default)}`"
        assert rows[name][2] == expected, f"{heading} {name}"


def test_simulator_reference_has_every_fault_and_option() -> None:
    page = (DOCS / "reference" / "simulator.md").read_text(encoding="utf-8")
    assert [fault for fault in FAULTS if f"`{fault}`" not in section_of(page, "Faults")] == []
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = [f"--{name.replace('_', '-')}" for name in vars(parser.parse_args([]))]
    assert options
    assert [option for option in options if f"`{option}" not in section_of(page, "Options")] == []


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


def test_documentation_does_not_promise_commands_of_later_versions() -> None:
    for page in PAGES:
        shown = re.findall(r"\bvigilia ([a-z]+)", page.read_text(encoding="utf-8"))
        assert not set(shown) & set(_LATER), page.name
