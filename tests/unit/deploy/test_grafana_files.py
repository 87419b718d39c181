"""What Grafana is provisioned with is whole: files as the program makes them, sources that exist, fixed ids."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.deploy.grafana import ROOT, dashboards

FOLDERS = sorted(path.name for path in (ROOT / "dashboards").iterdir())
SCRIPT = ROOT.parents[1] / "scripts" / "grafana-dashboards"
PROVISIONED = sorted((ROOT / "provisioning").glob("*/*.yaml"))


def provisioned(kind: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text("utf-8")) for path in PROVISIONED if path.parent.name == kind]


def data_sources() -> dict[str, str]:
    return {one["uid"]: one["type"] for file in provisioned("datasources") for one in file["datasources"]}


def sources_in(value: object) -> list[dict[str, str]]:
    """Every reference to a data source, wherever it stands."""
    if isinstance(value, dict):
        own = [value["datasource"]] if isinstance(value.get("datasource"), dict) else []
        return own + [found for part in value.values() for found in sources_in(part)]
    return [found for part in value for found in sources_in(part)] if isinstance(value, list) else []


def test_the_files_are_what_the_program_makes() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_there_is_a_data_source_and_a_provider_for_each_folder() -> None:
    assert set(data_sources()) == {f"vigilia-{folder}" for folder in FOLDERS}
    paths = [provider["options"]["path"] for file in provisioned("dashboards") for provider in file["providers"]]
    assert sorted(paths) == [f"${{VIGILIA_DASHBOARDS}}/{folder}" for folder in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS)
def test_dashboards_use_the_data_source_of_their_folder_and_no_other(folder: str) -> None:
    for name, dashboard in dashboards(folder).items():
        found = {(one["uid"], one["type"]) for one in sources_in(dashboard)}
        assert found == {(f"vigilia-{folder}", data_sources()[f"vigilia-{folder}"])}, name
        for panel in dashboard["panels"]:
            assert all("datasource" in target for target in panel["targets"]), panel["title"]
        for variable in dashboard["templating"]["list"]:
            assert "datasource" in variable, variable["name"]


def test_identities_are_fixed_and_the_same_for_every_kind() -> None:
    """So a link does not have to know which database the history is in."""
    uids: dict[str, set[str]] = {}
    panels: dict[tuple[str, int], set[str]] = {}
    for folder in FOLDERS:
        for name, dashboard in dashboards(folder).items():
            uids.setdefault(name, set()).add(dashboard["uid"])
            numbers = [panel["id"] for panel in dashboard["panels"]]
            assert len(numbers) == len(set(numbers)), f"{folder} {name}"
            for panel in dashboard["panels"]:
                panels.setdefault((name, panel["id"]), set()).add(panel["title"])
    assert uids == {name: {f"vigilia-{name}"} for name in uids}
    assert {"poe", "plants", "reactors", "own", "point", "alarms"} == uids.keys()
    assert [key for key, titles in panels.items() if len(titles) > 1] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_panels_stand_beside_and_below_each_other(folder: str) -> None:
    for name, dashboard in dashboards(folder).items():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken, f"{name}: {panel['title']}"
            assert place["x"] + place["w"] <= 24, f"{name}: {panel['title']}"
            taken |= cells


@pytest.mark.parametrize("path", PROVISIONED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_provisioning_holds_no_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    file = yaml.safe_load(text)
    assert file["apiVersion"] == 1
    for source in file.get("datasources", []):
        for secret in source.get("secureJsonData", {}).values():
            assert re.fullmatch(r"\$__file\{/[^}]+\}", secret)
        assert "password" not in json.dumps(source.get("jsonData", {}))


def test_the_check_sees_a_file_that_was_changed(tmp_path: Path) -> None:
    """The builder is copied, so that its dashboards can be spoilt."""
    copy = tmp_path / "deploy" / "grafana"
    for part in ("builder", "dashboards"):
        for path in (ROOT / part).rglob("*.*"):
            if path.is_file() and path.suffix in (".py", ".json"):
                target = copy / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    script = tmp_path / "scripts" / "grafana-dashboards"
    script.parent.mkdir()
    script.write_bytes(SCRIPT.read_bytes())
    spoilt = copy / "dashboards" / FOLDERS[0] / "own.json"
    spoilt.write_text(spoilt.read_text("utf-8").replace("Memory", "Memories"))
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert f"{FOLDERS[0]}/own.json differs" in done.stderr
