"""The configuration of an agent: its own section, and the buses, sensors, actuators and loops that others define.

`vigilia-agent.toml`, and VIGILIA_AGENT__KEY of the environment over its `[agent]`. The reference: docs/how-to/agent.md.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, cast

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from vigilia.agent.addresses import host_and_port, is_loopback
from vigilia.agent.buses.config import BusConfig
from vigilia.agent.loops.config import LoopConfig
from vigilia.agent.outputs.config import ActuatorConfig
from vigilia.agent.references import check_references
from vigilia.agent.sensors.config import SensorConfig
from vigilia.errors import ConfigError, Problem
from vigilia.settings import (
    Secret,
    Section,
    Table,
    merge_environment,
    problems_of,
    read_secret_files,
    read_toml,
    validate,
)

DEFAULT_FILE = "vigilia-agent.toml"
_OURS = "VIGILIA_AGENT__"
_MOST_ENTRIES = 100
"""Of a kind: a Pi has room for far fewer."""


class AgentSection(Section):
    """The `[agent]` section: who the agent is, and where its server is found."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,24}$")
    name: str = Field(default="", max_length=60)
    coordinator: str
    data_dir: str = "agent-state"
    language: Literal["pt-BR", "en"] = "pt-BR"
    failsafe_after_s: float = Field(default=30.0, ge=1, le=86_400)
    """Real seconds without the server after which outputs do what their `on_lost_server` says."""
    token: Secret | None = None
    ca_file: str | None = None
    insecure: bool = False

    @field_validator("coordinator")
    @classmethod
    def _check_coordinator(cls, address: str) -> str:
        host_and_port(address)
        return address

    @property
    def plain(self) -> bool:
        """Whether the server is reached without TLS: on this machine, or where `insecure` says so."""
        return self.insecure or is_loopback(host_and_port(self.coordinator)[0])

    def resolved(self, base: Path) -> Self:
        """Return the section with absolute paths. Raises ConfigError for a server that cannot be trusted."""
        update: dict[str, object] = {"data_dir": str(base / self.data_dir)}
        problems: list[Problem] = []
        if self.ca_file is not None:
            ca_file = base / self.ca_file
            if not ca_file.is_file():
                problems.append(Problem("[agent]", "ca_file", f"{ca_file} is no file", "name a PEM bundle"))
            update["ca_file"] = str(ca_file)
        if self.token is None and not self.plain:
            wrong = f"is missing, and {self.coordinator} is not on this machine"
            right = 'name the file that "vigilia reactor enrol" wrote, or set insecure = true'
            problems.append(Problem("[agent]", "token_file", wrong, right))
        if problems:
            raise ConfigError(problems)
        return self.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The configuration in force."""

    source: str
    """Where it came from, for messages."""
    agent: AgentSection
    buses: tuple[BusConfig, ...]
    sensors: tuple[SensorConfig, ...]
    actuators: tuple[ActuatorConfig, ...]
    loops: tuple[LoopConfig, ...]

    @property
    def data_dir(self) -> Path:
        """Where the agent keeps what it must not forget."""
        return Path(self.agent.data_dir)

    def secrets(self) -> list[str]:
        """Return every secret in it, for `vigilia.logs.hide`."""
        return [self.agent.token.get_secret_value()] if self.agent.token else []


def find_config(argument: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return the configuration file to read: the argument, $VIGILIA_CONFIG, ./vigilia-agent.toml, or none."""
    named = argument or environment.get("VIGILIA_CONFIG")
    if named:
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def load_config(path: Path | None, environment: Mapping[str, str] | None = None) -> AgentConfig:
    """Return the configuration of a file (None: no file) with the environment over it.

    Raises ConfigError with everything that is wrong, not only the first.
    """
    environment = os.environ if environment is None else environment
    place = str(path) if path else "environment"
    base = (path.resolve() if path else Path.cwd() / DEFAULT_FILE).parent
    table = read_toml(path) if path else {}
    ours = {name: text for name, text in environment.items() if name.startswith(_OURS)}
    origins, problems = merge_environment(table, {"agent": AgentSection}, ours)
    known: dict[str, Any] = {
        "buses": BusConfig,
        "sensors": SensorConfig,
        "actuators": ActuatorConfig,
        "loops": LoopConfig,
    }
    for name in table.keys() - known.keys() - {"agent"}:
        right = f"remove it, or correct its spelling: agent, {', '.join(known)}"
        problems.append(Problem(place, f"[{name}]", "is not a known section", right))
    agent, wrong = _load_agent(table.get("agent", {}), base, place)
    problems += [_traced(problem, place, origins) for problem in wrong]
    entries: dict[str, tuple[Any, ...]] = {}
    for name, model in known.items():
        entries[name], wrong = _load_entries(name, model, table.get(name, []), place)
        problems += wrong
    if not problems:  # an entry that could not be read would be missed by all that refer to it
        problems += check_references(place, entries)
    if agent is None or problems:
        raise ConfigError(problems)
    return AgentConfig(source=place, agent=agent, **entries)


def load_outputs(path: Path | None) -> tuple[list[BusConfig], list[ActuatorConfig], list[Problem]]:
    """Return the buses and actuators of a file that are in order, and what is wrong with the others.

    For making outputs safe: no mistake elsewhere may be in the way of that. Raises ConfigError for what is no TOML.
    """
    table = read_toml(path) if path else {}
    buses, of_buses = _load_entries("buses", BusConfig, table.get("buses", []), str(path))
    actuators, of_actuators = _load_entries("actuators", ActuatorConfig, table.get("actuators", []), str(path))
    return list(buses), list(actuators), of_buses + of_actuators


def _load_agent(value: Any, base: Path, place: str) -> tuple[AgentSection | None, list[Problem]]:
    """Return the agent's own section validated and resolved, or what is wrong with it."""
    problems: list[Problem] = []
    if isinstance(value, dict):
        problems = read_secret_files(cast(Table, value), AgentSection, base, place, "agent")
    agent, wrong = validate(AgentSection, cast(object, value), place, "agent")
    problems += wrong
    if agent is not None and not problems:
        try:
            return agent.resolved(base), []
        except ConfigError as error:
            problems += [Problem(place, f"agent.{found.key}", found.wrong, found.right) for found in error.problems]
    return None, problems


def _load_entries(name: str, model: Any, value: Any, place: str) -> tuple[tuple[Any, ...], list[Problem]]:
    """Return those of a list of tables that are in order, and what is wrong with the others."""
    if not isinstance(value, list):
        return (), [Problem(place, name, "is not a list of tables", f"begin each with [[{name}]]")]
    tables = cast(list[Any], value)
    if len(tables) > _MOST_ENTRIES:
        return (), [Problem(place, name, f"has {len(tables)} entries", f"write {_MOST_ENTRIES} at most")]
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    good: list[Any] = []
    problems: list[Problem] = []
    for index, entry in enumerate(tables):
        try:
            good.append(adapter.validate_python(entry))
        except ValidationError as error:
            kind = str(cast(Table, entry).get("kind", "")) if isinstance(entry, dict) else ""
            where = f"{name}[{index}]"
            problems += [_of_entry(problem, where, kind) for problem in problems_of(error, place, where)]
    return tuple(good), problems


def _of_entry(problem: Problem, where: str, kind: str) -> Problem:
    """Say a problem of an entry as people see the file: without the kind in the path, and what a limit is."""
    key = problem.key
    if kind and key.startswith(f"{where}.{kind}"):
        key = where + key.removeprefix(f"{where}.{kind}")
    right = problem.right
    if problem.wrong == "is missing" and key.rpartition(".")[2].startswith("max_"):
        right = "state the limit; 0 means none, on purpose"
    return Problem(problem.place, key, problem.wrong, right)


def _traced(problem: Problem, place: str, origins: Mapping[str, str]) -> Problem:
    """Put the variable in place of the file before a problem with what came from the environment."""
    variable = origins.get(problem.key) if problem.place == place else None
    return Problem(variable, problem.key, problem.wrong, problem.right) if variable else problem
