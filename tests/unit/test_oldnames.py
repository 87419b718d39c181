"""The environment names that users already have: the same rules as for ours."""

from pathlib import Path
from typing import Any

import pytest

from vigilia.oldnames import KEYS, advise, translate
from vigilia.settings import Secret, Section, merge_environment, read_secret_files, validate


class Plant(Section):
    base_url: str = "https://api.example.org"
    email: str
    password: Secret


class Teams(Section):
    enabled: bool = True
    webhook_url: Secret | None = None


class Notify(Section):
    teams: Teams | None = None


MODELS: dict[str, type[Section]] = {"pvoperation": Plant, "notify": Notify}


def merge(table: dict[str, Any], **environment: str) -> tuple[dict[str, Any], list[str]]:
    """The table with the environment over it, and what is wrong."""
    given = translate(environment)
    _, problems = merge_environment(table, MODELS, given.variables, given.names)
    return table, [str(problem) for problem in (*given.problems, *problems)]


def test_email_and_password_alone_switch_the_plant_monitor_on() -> None:
    table, problems = merge({}, PVOP_EMAIL="ana@example.org", PVOP_PASSWORD=" s3cret ")
    assert problems == []
    section, wrong = validate(Plant, table["pvoperation"], "environment", "pvoperation")
    assert wrong == []
    assert section is not None
    assert (section.email, section.password.get_secret_value()) == ("ana@example.org", "s3cret")


def test_every_name_wins_over_the_file() -> None:
    file = {
        "pvoperation": {"base_url": "f", "email": "f", "password": "f"},
        "notify": {"teams": {"webhook_url": "f", "enabled": True}},
    }
    table, problems = merge(
        file,
        PVOP_BASE_URL="https://e",
        PVOP_EMAIL="e",
        PVOP_PASSWORD="e",
        TEAMS_WEBHOOK_URL="https://e/hook",
        TEAMS_ENABLED="False",
    )
    assert problems == []
    assert table["pvoperation"]["base_url"] == "https://e"
    assert table["pvoperation"]["email"] == "e"
    assert table["pvoperation"]["password"].get_secret_value() == "e"
    assert table["notify"]["teams"]["webhook_url"].get_secret_value() == "https://e/hook"
    assert table["notify"]["teams"]["enabled"] is False


def test_ours_win_over_the_old_ones() -> None:
    table, _ = merge({}, PVOP_EMAIL="old", VIGILIA_PVOPERATION__EMAIL="new", PVOP_BASE_URL="only")
    assert table["pvoperation"] == {"email": "new", "base_url": "only"}
    table, problems = merge({}, PVOP_PASSWORD="old", VIGILIA_PVOPERATION__PASSWORD_FILE="credential")
    assert table["pvoperation"] == {"password_file": "credential"}
    assert problems == []


def test_a_password_of_the_environment_takes_the_place_of_the_files_password_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("of the file")
    table, _ = merge({"pvoperation": {"email": "e", "password_file": "old"}}, PVOP_PASSWORD="of the environment")
    assert read_secret_files(table["pvoperation"], Plant, tmp_path, "f", "pvoperation") == []
    assert table["pvoperation"]["password"].get_secret_value() == "of the environment"


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("spelling", ["True False", "1 0", "on off", "yes no", "SIM não", "TRUE FALSE"])
def test_spellings_of_teams_enabled(spelling: str, value: bool) -> None:
    table, problems = merge({}, TEAMS_ENABLED=f" {spelling.split()[0 if value else 1]} ")
    assert (table["notify"]["teams"], problems) == ({"enabled": value}, [])


def test_a_teams_enabled_that_is_neither() -> None:
    _, (problem,) = merge({}, TEAMS_ENABLED="maybe")
    assert problem.startswith("environment variable TEAMS_ENABLED: notify.teams.enabled: cannot be 'maybe'; ")


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize(
    "text", ["", "  ", "<SEU_EMAIL_PVOPERATION>", " <SUA_SENHA> ", "COLE_AQUI", "https://COLE_AQUI_SUA_URL/x"]
)
def test_a_placeholder_is_named_and_not_repeated(name: str, text: str) -> None:
    table, (problem,) = merge({}, **{name: text})
    assert problem.startswith(f"environment variable {name}: {KEYS[name]}: is ")
    assert problem.endswith("; set it to the real value, or unset it")
    assert not text.strip() or text.strip() not in problem
    assert table == {}


def test_a_placeholder_in_a_file_is_none_either() -> None:
    _, problems = validate(Plant, {"email": "e", "password": "<SUA_SENHA_PVOPERATION>"}, "f", "pvoperation")
    assert [str(problem) for problem in problems] == ["f: pvoperation.password: is a placeholder; write the real one"]


def test_what_is_missing_is_named_with_the_variable_that_supplies_it() -> None:
    _, problems = validate(Plant, {"email": "e"}, "f", "pvoperation")
    assert [str(advise(problem)) for problem in problems] == [
        "f: pvoperation.password: is missing; add it, or set PVOP_PASSWORD"
    ]
    _, problems = validate(Plant, {"email": 1, "password": "p"}, "f", "pvoperation")
    assert [advise(problem) for problem in problems] == problems


def test_other_variables_stay_as_they_are() -> None:
    environment = {"PATH": "/bin", "PVOP_OTHER": "x", "VIGILIA_SITE__NAME": "n"}
    given = translate(environment)
    assert (given.variables, given.names, given.problems) == (environment, {}, ())
