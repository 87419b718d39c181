"""The `[alarms]` section: rules that add to what drivers declare or, by the same name, change it."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, model_validator

from vigilia.errors import ConfigError, Problem
from vigilia.points import Severity
from vigilia.rules import Rule
from vigilia.settings import Section


class RuleConfig(Section):
    """One entry of `[[alarms.rules]]`; what is left out stays as declared, or as a `Rule` has it."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")
    points: str | None = Field(default=None, min_length=1, max_length=200)
    states: list[str] | None = Field(default=None, min_length=1)
    low: float | None = Field(default=None, allow_inf_nan=False)
    lolo: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    hihi: float | None = Field(default=None, allow_inf_nan=False)
    stale_s: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    dead_band: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    on_count: int | None = Field(default=None, ge=1, le=1000)
    off_count: int | None = Field(default=None, ge=1, le=1000)
    severity: Literal["MINOR", "MAJOR", "INVALID"] | None = None

    def changes(self) -> dict[str, Any]:
        """Return what the entry says of a rule."""
        given = self.model_dump(exclude_none=True, exclude={"name"})
        if "points" in given:
            given["points"] = (given["points"],)
        if "states" in given:
            given["states"] = frozenset(given["states"])
        if "severity" in given:
            given["severity"] = Severity[given["severity"]]
        return given


class AlarmsConfig(Section):
    """The `[alarms]` section."""

    rules: list[RuleConfig] = []

    @model_validator(mode="after")
    def _check_names(self) -> "AlarmsConfig":
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"has the rule {twice[0]} twice; give each its own name")
        return self


def adjust(declared: list[Rule], config: AlarmsConfig, place: str) -> list[Rule]:
    """Return the rules in force. Raises ConfigError where an entry is no rule by itself."""
    rules = {rule.name: rule for rule in declared}
    problems: list[Problem] = []
    for entry in config.rules:
        rule = replace(rules.get(entry.name, Rule(entry.name, (), "vigilia")), **entry.changes())
        wrong = _wrong(rule, sorted(rules))
        if wrong is not None:
            problems.append(Problem(place, f"alarms.rules.{entry.name}", *wrong))
        rules[entry.name] = rule
    if problems:
        raise ConfigError(problems)
    return list(rules.values())


def _wrong(rule: Rule, known: list[str]) -> tuple[str, str] | None:
    """Return what is wrong with a rule as it would be in force, and what would be right; None: nothing."""
    limits = [limit for limit in (rule.lolo, rule.low, rule.high, rule.hihi) if limit is not None]
    if not rule.points:
        named = f", or correct its name to one of: {', '.join(known)}" if known else ""
        return "is not declared and has no points", f"name its points{named}"
    if limits != sorted(limits):
        return "has limits out of order", "lolo <= low < high <= hihi"
    if rule.stale_s is not None and (rule.states or limits):
        return "has stale_s beside states or limits", "make two rules of them"
    if not (rule.states or limits or rule.stale_s is not None):
        return "says of no reading that it is bad", "give states, low, lolo, high, hihi or stale_s"
    return None
