"""The examples, and the configurations that the documentation shows, are configurations."""

import re
from pathlib import Path

import pytest

from vigilia.app import check
from vigilia.config import load_config

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(ROOT.glob("examples/**/*.toml"))
SHOWN = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
_TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown_configurations() -> list[tuple[str, str]]:
    """Every TOML block of the documentation that is a whole configuration: one with a driver."""
    return [
        (f"{path.relative_to(ROOT)}-{number}", text)
        for path in SHOWN
        for number, text in enumerate(_TOML.findall(path.read_text(encoding="utf-8")), 1)
        if "[aruba]" in text or "[pvoperation]" in text
    ]


def test_there_are_examples() -> None:
    names = {str(path.relative_to(ROOT / "examples")) for path in EXAMPLES}
    assert names >= {"poe-minimal.toml", "poe-full.toml", "plants.toml", "legacy/vigilia.toml"}
    assert len(shown_configurations()) >= 3


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_in_order(path: Path) -> None:
    config = load_config(path, {})
    assert config.drivers
    assert ("aruba" in config.drivers) == (config.epics is not None)
    check(config)
    shown = config.show()
    assert shown.count("password = ") == shown.count('password = "***"') > 0


def test_full_example_shows_defaults() -> None:
    """What the full example sets beside its switches is what is in force without it."""
    full = load_config(ROOT / "examples" / "poe-full.toml", {})
    minimal = load_config(ROOT / "examples" / "poe-minimal.toml", {})
    for part in ("site", "web", "store", "history", "epics"):
        assert getattr(full, part) == getattr(minimal, part), part
    without_switches = {"switches"}
    assert full.drivers["aruba"][1].model_dump(exclude=without_switches) == minimal.drivers["aruba"][1].model_dump(
        exclude=without_switches
    )


def test_plants_example_shows_defaults() -> None:
    """What the example of plants sets besides its examples is what is in force without it."""
    example = load_config(ROOT / "examples" / "plants.toml", {})
    names = {"PVOP_EMAIL": "a@example.com", "PVOP_PASSWORD": "secret", "TEAMS_WEBHOOK_URL": "https://example.org/x"}
    alone = load_config(None, names)
    its_own = {"email", "password", "plants"}
    shown, default = (config.drivers["pvoperation"][1].model_dump(exclude=its_own) for config in (example, alone))
    assert shown == default
    assert example.notify.heartbeat_times == alone.notify.heartbeat_times
    assert example.zone == alone.zone


def test_legacy_example_reads_the_old_files() -> None:
    config = load_config(ROOT / "examples" / "legacy" / "vigilia.toml", {})
    switches = config.drivers["aruba"][1].model_dump()["switches"]
    assert [(switch["name"], switch["room"]) for switch in switches] == [
        ("192.0.2.10", "Connectivity room"),
        ("192.0.2.11:8080", "Booster gallery"),
    ]
    assert [port["device"] for switch in switches for port in switch["ports"]] == [
        "TB-01:CamMF-01",
        "TB-01:CamMF-02",
        "BO-01:CamMF-01",
        "BO-02:CamMF-03",
    ]


@pytest.mark.parametrize(("name", "text"), shown_configurations(), ids=lambda value: value if "\n" not in value else "")
def test_shown_configuration_is_in_order(name: str, text: str, tmp_path: Path) -> None:
    for file in ("switches.config", "rooms.config"):
        (tmp_path / file).write_bytes((ROOT / "examples" / "legacy" / file).read_bytes())
    (tmp_path / "sw-2.password").write_text("secret\n")
    (tmp_path / "switches-ca.pem").write_text("not read before the start\n")
    path = tmp_path / "vigilia.toml"
    path.write_text(text, encoding="utf-8")
    assert load_config(path, {}).drivers, name
