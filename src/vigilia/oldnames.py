"""The environment names that the plant monitor's users already have, beside the `VIGILIA_…` of every key.

They follow the same rules: the environment wins over the file, and its presence makes the section. Where both names of
a key are given, `VIGILIA_…` wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vigilia.errors import Problem
from vigilia.settings import ENVIRONMENT_PREFIX, is_placeholder

KEYS = {
    "PVOP_BASE_URL": "pvoperation.base_url",
    "PVOP_EMAIL": "pvoperation.email",
    "PVOP_PASSWORD": "pvoperation.password",
    "TEAMS_WEBHOOK_URL": "notify.teams.webhook_url",
    "TEAMS_ENABLED": "notify.teams.enabled",
}
"""The key that each name stands for."""

_SPELLINGS = {"sim": "true", "verdadeiro": "true", "não": "false", "nao": "false", "falso": "false"}
"""Words for TEAMS_ENABLED besides those of every boolean variable (true, false, 1, 0, on, off, yes, no)."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment under the names that `settings.merge_environment` knows."""

    variables: Mapping[str, str]
    names: Mapping[str, str]
    """What the user calls a variable that was renamed."""
    problems: tuple[Problem, ...]


def translate(environment: Mapping[str, str]) -> Environment:
    """Return `environment` with the users' names turned into ours; an empty one or a placeholder is a problem."""
    variables = dict(environment)
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for name, key in KEYS.items():
        variable = ENVIRONMENT_PREFIX + key.upper().replace(".", "__")
        if name not in environment or variable in environment or f"{variable}_FILE" in environment:
            continue
        text = environment[name].strip()
        if not text or is_placeholder(text):
            wrong = "is a placeholder" if text else "is empty"
            problems.append(
                Problem(f"environment variable {name}", key, wrong, "set it to the real value, or unset it")
            )
            continue
        if name == "TEAMS_ENABLED":
            text = _SPELLINGS.get(text.lower(), text.lower())
        variables[variable] = text
        names[variable] = name
    return Environment(variables, names, tuple(problems))


def advise(problem: Problem) -> Problem:
    """Return a problem with a key that is missing with the name that would supply it."""
    name = next((name for name, key in KEYS.items() if problem.key == key), None)
    return replace(problem, right=f"add it, or set {name}") if name and problem.wrong == "is missing" else problem
