"""Settings: files, environment and secrets; and what is said of wrong ones."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from vigilia.errors import ConfigError, Problem
from vigilia.settings import (
    LARGEST_FILE_BYTES,
    Secret,
    Section,
    merge_environment,
    problems_of,
    read_file,
    read_secret_files,
    read_toml,
    validate,
)


class Member(Section):
    url: str
    token: Secret | None = None


class Part(Section):
    pace_s: float = Field(default=1.0, ge=0.1, le=10)
    count: int = 1
    verify: bool = True
    note: str | None = None
    password: Secret | None = None
    times: list[str] = []
    one: Member | None = None
    members: list[Member] = []
    plants: dict[str, Member] = {}


SECTIONS = {"part": Part}


def problem_of(path: Path) -> Problem:
    with pytest.raises(ConfigError) as raised:
        read_toml(path)
    assert len(raised.value.problems) == 1
    return raised.value.problems[0]


# Files


def test_a_toml_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[part]\npace_s = 2.5\n")
    assert read_toml(tmp_path / "a.toml") == {"part": {"pace_s": 2.5}}


def test_an_empty_file_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"")
    assert read_toml(tmp_path / "a.toml") == {}


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"\x00\xff\xfe\x80" * 100, "UTF-8"),
        (b"pace_s = \n", "is not TOML: .*line 1"),
        (b"a = 1\na = 2\n", "is not TOML: .*line 2"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
        (b"a = " + b"1" * 5_000, "is not TOML"),
        (b"a = \x01", "is not TOML"),
        (b"#" * (LARGEST_FILE_BYTES + 1), "larger than 5 MB"),
    ],
    ids=["binary", "half a line", "twice", "nested", "long number", "control", "huge"],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes, wrong: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    problem = problem_of(path)
    assert problem.place == str(path)
    assert problem.key == "file"
    assert re.search(wrong, problem.wrong)
    assert problem.right


@pytest.mark.parametrize("name", ["missing.toml", "", "a\0b", "x" * 300])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    problem = problem_of(tmp_path / name)
    assert "cannot be read" in problem.wrong
    assert problem.right == "name a TOML file"


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * LARGEST_FILE_BYTES)
    assert len(read_file(tmp_path / "a", "a file")) == LARGEST_FILE_BYTES


# Validation


def problems(value: object) -> list[str]:
    section, wrong = validate(Part, value, "a.toml", "part")
    assert (section is None) == bool(wrong)
    return [str(problem) for problem in wrong]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"pace_s": "fast"}, "a.toml: part.pace_s: cannot be 'fast'; input should be a valid number"),
        ({"pace_s": True}, "a.toml: part.pace_s: cannot be True; input should be a valid number"),
        ({"pace_s": 0.01}, "a.toml: part.pace_s: cannot be 0.01; input should be greater than or equal to 0.1"),
        ({"pace_s": float("nan")}, "a.toml: part.pace_s: cannot be nan; input should be less than or equal to 10"),
        ({"pace_s": float("inf")}, "a.toml: part.pace_s: cannot be inf; input should be less than or equal to 10"),
        ({"count": 1.0}, "a.toml: part.count: cannot be 1.0; input should be a valid integer"),
        ({"verify": 1}, "a.toml: part.verify: cannot be 1; input should be a valid boolean"),
        ({"pase_s": 1}, "a.toml: part.pase_s: is not a known key; remove it or correct its spelling"),
        ({"members": [{}]}, "a.toml: part.members[0].url: is missing; add it"),
        ({"members": {"url": "x"}}, "a.toml: part.members: cannot be a table; input should be a valid list"),
        ({"one": 5}, "a.toml: part.one: cannot be 5; write a table of keys"),
        ({"plants": {"7": {"urls": "x", "url": "y"}}}, "a.toml: part.plants.7.urls: is not a known key; remove it "),
        (5, "a.toml: part: cannot be 5; write a table of keys"),
        ([], "a.toml: part: cannot be a list; write a table of keys"),
    ],
)
def test_a_mistake_is_named_with_place_key_reason_and_remedy(value: object, expected: str) -> None:
    assert len(problems(value)) == 1
    assert problems(value)[0].startswith(expected)


def test_all_mistakes_are_named_at_once() -> None:
    assert len(problems({"pace_s": "x", "count": "y", "unknown": 1, "members": [{"url": 1}]})) == 4


def test_one_problem_is_one_line_whatever_the_key() -> None:
    (line,) = problems({"a\nb\x1b[31m\r": 1})
    assert "\n" not in line
    assert line.isprintable()
    assert r"a\nb\x1b[31m\r" in line


def test_a_file_as_a_whole_has_a_name_in_its_problem() -> None:
    assert [str(problem) for problem in validate(Part, 5, "a.json", "")[1]] == [
        "a.json: file: cannot be 5; write a table of keys"
    ]


def test_numbers_beyond_all_measure_can_be_complained_of() -> None:
    assert "part.times" in problems({"times": 16**6000})[0]


# Secrets


def test_a_secret_prints_as_stars() -> None:
    secret = Secret("hunter2")
    assert (str(secret), repr(secret)) == ("***", "Secret('***')")
    assert "hunter2" not in f"{Part(password=secret)!r} {Part(password=secret)}"
    assert secret.get_secret_value() == "hunter2"


@pytest.mark.parametrize(
    "value",
    [
        {"password": 31337},
        {"password": 31337.0},
        {"password": ["31337"]},
        {"password": {"x": "31337"}},
        {"one": ["31337"]},
        {"members": {"url": "u", "token": "31337"}},
        {"members": [{"url": "u", "token": 31337}]},
        {"members": [[{"token": "31337"}]]},
        {"plants": [{"token": "31337"}]},
        {"times": [{"token": "31337"}]},
        [{"password": "31337"}],
    ],
)
def test_no_message_repeats_what_may_be_a_secret(value: object) -> None:
    lines = problems(value)
    assert lines
    assert "31337" not in " ".join(lines)


def test_a_secret_of_another_type_is_told_to_be_quoted() -> None:
    assert problems({"password": 31337}) == ["a.toml: part.password: is not a text; write it in quotes"]


def read_secrets(table: dict[str, Any], base: Path) -> list[str]:
    return [str(problem) for problem in read_secret_files(table, Part, base, "a.toml", "part")]


def test_secrets_come_from_files_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("  hunter2\n")
    table: dict[str, Any] = {
        "password_file": "secret",
        "one": {"url": "u", "token_file": str(tmp_path / "secret")},
        "members": [{"url": "u", "token_file": "secret"}, {"url": "v"}],
    }
    assert read_secrets(table, tmp_path) == []
    part = Part.model_validate(table)
    found = (part.password, part.one and part.one.token, part.members[0].token)
    assert [secret and secret.get_secret_value() for secret in found] == ["hunter2"] * 3
    assert part.members[1].token is None


def test_a_systemd_credential_wins_over_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("of the folder")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "secret").write_text("of systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    table: dict[str, Any] = {"password_file": "secret"}
    assert read_secrets(table, tmp_path) == []
    assert table == {"password": "of systemd"}


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("nowhere", "No such file"),
        (".", "Is a directory"),
        ("binary", "codec"),
        ("large", "64 KiB"),
        ("empty", "(empty)"),
        (5, "not a path"),
        ("a\0b", "null"),
    ],
)
def test_a_secret_file_that_cannot_be_used(tmp_path: Path, named: object, reason: str) -> None:
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    (tmp_path / "large").write_text("hunter2" * 10_000)
    (tmp_path / "empty").write_text(" \n")
    (line,) = read_secrets({"members": [{"url": "u", "token_file": named}]}, tmp_path)
    assert line.startswith("a.toml: part.members[0].token_file: cannot be read (")
    assert line.endswith("; name a file that holds the secret")
    assert reason in line
    assert "hunter2" not in line


def test_a_secret_and_its_file_together_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    assert read_secrets({"password": "hunter2", "password_file": "secret"}, tmp_path) == [
        "a.toml: part.password_file: is given together with password; give one of them"
    ]
    table: dict[str, Any] = {"password": None, "password_file": "secret"}
    assert read_secrets(table, tmp_path) == []
    assert table == {"password": "hunter2"}


def test_a_file_key_of_what_is_no_secret_is_unknown(tmp_path: Path) -> None:
    table: dict[str, Any] = {"note_file": "x"}
    assert read_secrets(table, tmp_path) == []
    assert "part.note_file: is not a known key" in problems(table)[0]


# Environment


def merged(table: dict[str, Any], **environment: str) -> tuple[dict[str, Any], list[str]]:
    _, wrong = merge_environment(table, SECTIONS, environment)
    return table, [str(problem) for problem in wrong]


def test_the_environment_wins_and_makes_the_section() -> None:
    assert merged({"part": {"pace_s": 1.0, "count": 3}}, VIGILIA_PART__PACE_S="2.5") == (
        {"part": {"pace_s": 2.5, "count": 3}},
        [],
    )
    assert merged({}, VIGILIA_PART__COUNT="4") == ({"part": {"count": 4}}, [])


def test_texts_of_the_environment_become_the_type_of_their_key() -> None:
    table, wrong = merged(
        {},
        VIGILIA_PART__VERIFY="false",
        VIGILIA_PART__NOTE="007",
        VIGILIA_PART__PASSWORD="12345",
        VIGILIA_PART__TIMES='["07:00"]',
        VIGILIA_PART__MEMBERS='[{"url": "u"}]',
        VIGILIA_PART__ONE__URL="v",
        VIGILIA_PART__ONE__TOKEN_FILE="secret",
        VIGILIA_PART__PLANTS='{"7": {"url": "w"}}',
    )
    assert wrong == []
    assert table["part"]["one"].pop("token_file") == "secret"
    part = Part.model_validate(table["part"])
    assert part.verify is False
    assert part.note == "007"
    assert part.password is not None
    assert part.password.get_secret_value() == "12345"
    assert part.times == ["07:00"]
    assert (part.members[0].url, part.one and part.one.url, part.plants["7"].url) == ("u", "v", "w")


@pytest.mark.parametrize(
    ("variable", "text", "key", "reason"),
    [
        ("VIGILIA_PART__PACE_S", "fast", "part.pace_s", "valid number"),
        ("VIGILIA_PART__PACE_S", "99", "part.pace_s", "less than or equal to 10"),
        ("VIGILIA_PART__PACE_S", "nan", "part.pace_s", "cannot be 'nan'"),
        ("VIGILIA_PART__TIMES", "07:00", "part.times", "is not JSON"),
        ("VIGILIA_PART__TIMES", "[" * 100_000, "part.times", "is not JSON"),
        ("VIGILIA_PART__PASE_S", "1", "part.pase_s", "not a known key"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, text: str, key: str, reason: str) -> None:
    _, wrong = merged({}, **{variable: text})
    assert len(wrong) == 1
    assert wrong[0].startswith(f"environment variable {variable}: {key}: ")
    assert reason in wrong[0]


def test_a_secret_file_may_be_named_by_a_variable() -> None:
    assert merged({}, VIGILIA_PART__PASSWORD_FILE="secret") == ({"part": {"password_file": "secret"}}, [])


def test_variables_of_others_are_left_alone() -> None:
    environment = {
        "PATH": "x",
        "VIGILIA_CLOCK": "x10",
        "VIGILIA_CONFIG": "y",
        "VIGILIA_AGENT__ID": "R1",
        "PART__X": "1",
    }
    assert merged({}, **environment) == ({}, [])


def test_a_section_that_does_not_exist_is_kept_for_the_complaint() -> None:
    assert merged({}, VIGILIA_PARTS__X="1") == ({"parts": {"x": "1"}}, [])


def test_what_came_from_the_environment_is_known() -> None:
    environment = {"VIGILIA_PART__COUNT": "4", "VIGILIA_PARTS__ONE__X": "1", "VIGILIA_PART__PACE_S": "fast"}
    origins, _ = merge_environment({"part": {}}, SECTIONS, environment)
    assert origins == {
        "part.count": "environment variable VIGILIA_PART__COUNT",
        "parts": "environment variable VIGILIA_PARTS__ONE__X",
        "parts.one.x": "environment variable VIGILIA_PARTS__ONE__X",
    }


def test_the_environment_wins_over_a_section_that_is_no_table() -> None:
    assert merged({"part": 5}, VIGILIA_PART__COUNT="1") == ({"part": {"count": 1}}, [])


keys = st.sampled_from(["PACE_S", "COUNT", "VERIFY", "TIMES", "ONE", "ONE__URL", "MEMBERS", "PLANTS", "", "X", "_"])
texts = st.text() | st.sampled_from(["[]", "{}", "nan", "1e999", "null", "[[[", '{"a": 1}'])


@given(st.dictionaries(keys.map(lambda key: f"VIGILIA_PART__{key}"), texts))
def test_no_environment_does_worse_than_problems(environment: dict[str, str]) -> None:
    table: dict[str, Any] = {}
    _, wrong = merge_environment(table, SECTIONS, environment)
    section, more = validate(Part, table.get("part", {}), "environment", "part")
    assert section is not None or more
    assert all(str(problem).isprintable() for problem in wrong + more)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(Part.model_fields)), inner),
)


@given(json_values)
def test_no_value_does_worse_than_problems(value: object) -> None:
    section, wrong = validate(Part, value, "a.toml", "part")
    assert (section is None) == bool(wrong)
    for problem in wrong:
        assert problem.key.startswith("part")
        assert problem.wrong
        assert problem.right


def test_problems_of_is_what_validate_gives() -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as raised:
        Part.model_validate(json.loads('{"count": "x"}'))
    assert problems_of(raised.value, "a.toml", "part") == validate(Part, {"count": "x"}, "a.toml", "part")[1]
