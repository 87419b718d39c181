"""The `[notify]` section: what is taken, and refusals that never repeat a secret."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_config import GOOD, load, mistakes
from vigilia.notify.config import BUDGET, NotifyConfig

URL = "https://tenant.example:443/powerautomate/automations/x/invoke?api-version=1&sig=s3cret%2B"


def notify(folder: Path, table: dict[str, Any], **environment: str) -> NotifyConfig:
    return load(folder, {**GOOD, "notify": table}, **environment).notify


def test_absent_is_off(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    assert config.notify == NotifyConfig()
    assert config.notify.channels == ()
    assert "notify" not in config.show()


def test_defaults(tmp_path: Path) -> None:
    teams = notify(tmp_path, {"teams": {"webhook_url": URL}}).teams
    assert teams is not None
    assert (teams.enabled, teams.format) == (True, "adaptive")
    assert teams.heartbeat_times == ["07:00", "12:00", "17:00", "20:00", "23:00"]
    assert teams.windows == [(count, float(seconds)) for count, seconds in BUDGET]
    assert teams.webhook_url is not None
    assert teams.webhook_url.get_secret_value() == URL


def test_the_environment_alone_switches_it_on(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD, VIGILIA_NOTIFY__TEAMS__WEBHOOK_URL=URL)
    assert config.notify.channels == ("teams",)
    assert "s3cret" not in config.show()
    off = load(tmp_path, GOOD, VIGILIA_NOTIFY__TEAMS__WEBHOOK_URL=URL, VIGILIA_NOTIFY__TEAMS__ENABLED="False")
    assert off.notify.channels == ()


def test_a_channel_that_is_off_needs_no_url(tmp_path: Path) -> None:
    assert notify(tmp_path, {"teams": {"enabled": False}}).channels == ()
    assert notify(tmp_path, {"teams": {"enabled": False, "webhook_url": "no URL"}}).channels == ()
    (problem,) = mistakes(tmp_path, {**GOOD, "notify": {"teams": {"enabled": False, "webhook_url": "COLE_AQUI"}}})
    assert "notify.teams.webhook_url: is a placeholder; write the real one" in problem


def test_the_url_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(f"{URL}\n")
    teams = notify(tmp_path, {"teams": {"webhook_url_file": "hook"}}).teams
    assert teams is not None
    assert teams.webhook_url is not None
    assert teams.webhook_url.get_secret_value() == URL


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/hook", "http://localhost/hook", "http://[::1]:1/hook", URL])
def test_urls_that_are_taken(tmp_path: Path, url: str) -> None:
    assert notify(tmp_path, {"teams": {"webhook_url": url}}).channels == ("teams",)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example/s3cret", "is not https"),
        ("ftp://hooks.example/s3cret", "is not https"),
        ("http://127.0.0.1.example/s3cret", "is not https"),
        ("s3cret", "is no URL"),
        ("https://", "is no URL"),
        ("https://[s3cret", "is no URL"),
        ("https://x.example:s3cret/", "is no URL"),
        ("https://x.example/s3 cret", "is no URL"),
        ("https://x.example/s3\ncret", "is no URL"),
        ("COLE_AQUI_s3cret", "is a placeholder; write the real one"),
        ("https://x.example/cole_aqui?s3cret", "is a placeholder; write the real one"),
        ("<SUA_URL_s3cret>", "is a placeholder; write the real one"),
        ("", "is missing"),
    ],
)
def test_urls_that_are_refused_by_name_and_never_by_value(tmp_path: Path, url: str, words: str) -> None:
    (problem,) = mistakes(tmp_path, {**GOOD, "notify": {"teams": {"webhook_url": url}}})
    assert f"vigilia.toml: notify.teams.webhook_url: {words}" in problem
    assert "s3" not in problem
    (problem,) = mistakes(tmp_path, GOOD, VIGILIA_NOTIFY__TEAMS__WEBHOOK_URL=url)
    assert f"environment variable VIGILIA_NOTIFY__TEAMS__WEBHOOK_URL: notify.teams.webhook_url: {words}" in problem
    assert "s3" not in problem


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"teams": {}}, "notify.teams.webhook_url: is missing; "),
        ({"teams": {"webhook_url": URL, "heartbeat_times": ["7:00"]}}, "'7:00', which is no time of day"),
        ({"teams": {"webhook_url": URL, "heartbeat_times": ["24:00"]}}, "no time of day"),
        ({"teams": {"webhook_url": URL, "budget": []}}, "is no budget"),
        ({"teams": {"webhook_url": URL, "budget": [[4]]}}, "is no budget"),
        ({"teams": {"webhook_url": URL, "budget": [[0, 1]]}}, "out of range"),
        ({"teams": {"webhook_url": URL, "format": "html"}}, "write 'adaptive' or 'messagecard'"),
        ({"routes": [{"channel": "teams"}]}, "has a route to teams, which is not configured"),
        ({"apprise": {"urls": [5]}}, "is not a text"),
    ],
)
def test_mistakes(tmp_path: Path, table: dict[str, Any], words: str) -> None:
    (problem,) = mistakes(tmp_path, {**GOOD, "notify": table})
    assert words in problem
