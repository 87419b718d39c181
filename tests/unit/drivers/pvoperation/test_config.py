"""The `[pvoperation]` section: what it takes, and what it says of what it does not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drivers.pvoperation.conftest import make_config
from vigilia.clock import Clock
from vigilia.drivers import Surroundings
from vigilia.drivers.pvoperation.config import PvOperationConfig
from vigilia.drivers.pvoperation.driver import build
from vigilia.errors import StartError
from vigilia.settings import validate
from vigilia.table import PointTable

GOOD: dict[str, Any] = {"email": "ops@example.org", "password": "not-to-be-shown"}


def mistakes(**keys: Any) -> list[str]:
    _, problems = validate(PvOperationConfig, GOOD | keys, "vigilia.toml", "pvoperation")
    return [str(problem) for problem in problems]


def test_the_defaults() -> None:
    config, _ = validate(PvOperationConfig, GOOD, "vigilia.toml", "pvoperation")
    assert config is not None
    assert config.base_url == "https://apipv.pvoperation.com.br/api/v1"
    assert (config.relay_interval_s, config.inverter_interval_s, config.concurrency) == (600, 900, 8)
    assert config.relay_plant_ids is None
    assert "not-to-be-shown" not in repr(config)


@pytest.mark.parametrize("key", ["email", "password"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "<SEU_EMAIL_AQUI>",
        "<SUA_SENHA>",
        "COLE_AQUI",
        "cole_aqui_a_senha",
        "<seu_email@x>",
        "SEU_EMAIL_PVOPERATION",
        5,
    ],
)
def test_a_credential_that_is_none(key: str, value: Any) -> None:
    lines = mistakes(**{key: value})
    assert len(lines) == 1
    assert lines[0].startswith(f"vigilia.toml: pvoperation.{key}: ")
    if isinstance(value, str) and value.strip():
        assert lines[0].endswith(": is a placeholder; write the real one")
        assert value.strip() not in lines[0]


@pytest.mark.parametrize("key", ["email", "password"])
def test_a_credential_that_is_missing(key: str) -> None:
    content = {name: value for name, value in GOOD.items() if name != key}
    _, problems = validate(PvOperationConfig, content, "vigilia.toml", "pvoperation")
    assert [str(problem) for problem in problems] == [f"vigilia.toml: pvoperation.{key}: is missing; add it"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("base_url", "ftp://x", "is not the address of an API"),
        ("base_url", "https://", "is not the address of an API"),
        ("base_url", "https://me:secret@x/api", "is more than the address"),
        ("base_url", "https://x/api?token=secret", "is more than the address"),
        ("base_url", "https://x:secret/api", "is not an address"),
        ("base_url", "https://x/a b", "is not the address of an API"),
        ("relay_interval_s", 0.5, "cannot be 0.5"),
        ("inverter_interval_s", 0, "cannot be 0"),
        ("concurrency", 0, "cannot be 0"),
        ("relay_plants", "some", "cannot be 'some'"),
        ("window", ["17:30", "06:30"], "does not end after it begins"),
        ("window", ["6:30", "17:30"], "cannot be '6:30'"),
        ("window", ["06:30"], "cannot be a list"),
        ("failure_readings", 0, "cannot be 0"),
        ("plants", {"1": {"timezone": "Mars/Base"}}, "'Mars/Base' is no time zone"),
        ("plants", {"1": {"timezone": "../../etc/passwd"}}, "is no time zone"),
        ("plants", {"1": {"latitude": -8.0}}, "has only one of latitude and longitude"),
        ("plants", {"1": {"latitude": 91.0, "longitude": 0.0}}, "cannot be 91.0"),
        ("plants", {"1": {"speed": 1}}, "is not a known key"),
        ("intervals", 1, "is not a known key"),
    ],
)
def test_a_mistake_is_told(key: str, value: Any, said: str) -> None:
    lines = mistakes(**{key: value})
    assert any(said in line for line in lines), lines
    assert all(f"pvoperation.{key}" in line for line in lines)
    assert "secret" not in "".join(lines)


def test_plants_by_number_and_by_text() -> None:
    config = make_config("https://x/api/", relay_plants=[19478, "19479"])
    assert config.base_url == "https://x/api"
    assert config.relay_plant_ids == {"19478", "19479"}


def test_what_a_plant_has_for_itself() -> None:
    content = json.loads('{"19478": {"timezone": "America/Cuiaba", "window": ["07:30", "17:00"]}}')
    plant = make_config("https://x", plants=content).plants["19478"]
    assert (plant.timezone, plant.window) == ("America/Cuiaba", ["07:30", "17:00"])


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
async def test_a_bundle_that_is_none(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    surroundings = Surroundings(PointTable(clock, None), clock, {})  # type: ignore[arg-type]
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    build(make_config("https://127.0.0.1/api"), surroundings)
    monkeypatch.setenv(variable, str(tmp_path / "absent.pem"))
    with pytest.raises(StartError, match=f"^{variable}: .*absent.pem is no PEM bundle"):
        build(make_config("https://127.0.0.1/api"), surroundings)
    monkeypatch.setenv(variable, str(tmp_path))
    build(make_config("https://127.0.0.1/api"), surroundings)
    build(make_config("http://127.0.0.1/api"), surroundings)
