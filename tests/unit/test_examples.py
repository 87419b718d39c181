"""The examples, and the configurations that the documentation shows, are configurations."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vigilia.agent.config import load_config as load_agent
from vigilia.config import load_config

ROOT = Path(__file__).resolve().parents[2]
AGENT = ROOT / "examples" / "vigilia-agent.toml"
EXAMPLES = sorted(set(ROOT.glob("examples/**/*.toml")) - {AGENT})
SHOWN = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
_TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown_configurations(*sections: str) -> list[tuple[str, str]]:
    """Every TOML block of the documentation with one of these sections: such a block is a whole configuration."""
    return [
        (f"{path.relative_to(ROOT)}-{number}", text)
        for path in SHOWN
        for number, text in enumerate(_TOML.findall(path.read_text(encoding="utf-8")), 1)
        if any(f"[{section}]\n" in text for section in sections)
    ]


SERVERS = shown_configurations("aruba", "pvoperation", "reactor")
AGENTS = shown_configurations("agent")


def test_there_are_examples() -> None:
    names = {str(path.relative_to(ROOT / "examples")) for path in EXAMPLES}
    assert names >= {"poe-minimal.toml", "poe-full.toml", "plants.toml", "reactors.toml", "legacy/vigilia.toml"}
    assert len(SERVERS) >= 5
    assert len(AGENTS) >= 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_in_order(path: Path) -> None:
    config = load_config(path, {})
    assert config.drivers
    assert ("pvoperation" in config.drivers) == (config.epics is None)
    checked = subprocess.run(
        [sys.executable, "-m", "vigilia", "check", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stderr
    shown = checked.stdout
    assert shown.count("password = ") == shown.count('password = "***"')
    assert ('password = "***"' in shown) == ("reactor" not in config.drivers)


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


def test_reactors_example_shows_defaults() -> None:
    """What the example of reactors sets in [reactor] is what is in force without it."""
    shown = load_config(ROOT / "examples" / "reactors.toml", {}).drivers["reactor"][1]
    assert shown == type(shown)()


def test_agent_example_is_in_order_and_shows_every_key() -> None:
    config = load_agent(AGENT, {})
    text = AGENT.read_text(encoding="utf-8")
    entries = (config.agent, *config.buses, *config.sensors, *config.actuators, *config.loops)
    missing = {
        key for entry in entries for key in type(entry).model_fields if not re.search(rf"\b{key}(_file)? = ", text)
    }
    assert missing == {"chip", "channel"}  # the other way to say where a PWM output is


def test_agent_example_shows_defaults() -> None:
    """What the example of an agent sets without being asked to is what is in force without it."""
    config = load_agent(AGENT, {})
    examples = {"name"}
    for key, field in type(config.agent).model_fields.items():
        if not field.is_required() and key not in examples | {"data_dir"}:
            assert getattr(config.agent, key) == field.default, key
    assert config.data_dir == AGENT.parent / "agent-state"


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


def name_of(value: str) -> str:
    """Return what a test of a shown configuration is called: its place, and nothing of its text."""
    return "" if "\n" in value else value


@pytest.mark.parametrize(("name", "text"), AGENTS, ids=name_of)
def test_shown_configuration_of_an_agent_is_in_order(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "agent-token").write_text("secret\n")
    (tmp_path / "ca.pem").write_text("not read before the start\n")
    path = tmp_path / "vigilia-agent.toml"
    path.write_text(text, encoding="utf-8")
    assert load_agent(path, {}).sensors, name


@pytest.mark.parametrize(("name", "text"), SERVERS, ids=name_of)
def test_shown_configuration_is_in_order(name: str, text: str, tmp_path: Path) -> None:
    for file in ("switches.config", "rooms.config"):
        (tmp_path / file).write_bytes((ROOT / "examples" / "legacy" / file).read_bytes())
    (tmp_path / "sw-2.password").write_text("secret\n")
    (tmp_path / "agents-history").write_text("postgresql://vigilia_agent@192.0.2.5/history\n")
    for file in ("switches-ca.pem", "coordinator.pem", "coordinator.key"):
        (tmp_path / file).write_text("not read before the start\n")
    path = tmp_path / "vigilia.toml"
    path.write_text(text, encoding="utf-8")
    assert load_config(path, {}).drivers, name
