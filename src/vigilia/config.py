"""The whole configuration: every part's section, loaded, merged, checked, and shown.

Sections belong to the parts they configure; this module only brings them together. The outside contract is
docs/reference/configuration.md.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, cast
from zoneinfo import ZoneInfo

import tomli_w
from pydantic import Field, field_validator

from vigilia.alarms.config import AlarmsConfig
from vigilia.drivers import Plugin, find_plugins
from vigilia.errors import ConfigError, Problem
from vigilia.history.config import HistoryConfig
from vigilia.interfaces.api.config import WebConfig
from vigilia.interfaces.epics.config import EpicsConfig
from vigilia.notify.config import NotifyConfig
from vigilia.oldnames import advise, translate
from vigilia.ping import HealthConfig
from vigilia.settings import (
    ENVIRONMENT_PREFIX,
    Secret,
    Section,
    Table,
    merge_environment,
    read_secret_files,
    read_toml,
    validate,
)
from vigilia.store.config import StoreConfig
from vigilia.store.url import SQLITE, StoreUrl

DEFAULT_FILE = "vigilia.toml"
AnyDatabase = TypeVar("AnyDatabase", StoreConfig, HistoryConfig)


class SiteConfig(Section):
    """The `[site]` section: what belongs to the place and the instance as a whole."""

    name: str = "Vigilia"
    instance: str = Field(default="vigilia", pattern=r"^[A-Za-z0-9_-]{1,30}$")
    timezone: str = "America/Sao_Paulo"
    language: Literal["pt-BR", "en"] = "pt-BR"
    data_dir: str = "state"
    log_dir: str = "logs"

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"{name[:60]!r} is no time zone; write one such as America/Sao_Paulo") from error
        return name

    def resolved(self, base: Path) -> Self:
        """Return the section with absolute folders."""
        return self.model_copy(update={"data_dir": str(base / self.data_dir), "log_dir": str(base / self.log_dir)})


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration in force."""

    source: str
    """Where it came from, for messages."""
    site: SiteConfig
    web: WebConfig
    store: StoreConfig
    history: HistoryConfig
    health: HealthConfig
    epics: EpicsConfig | None
    notify: NotifyConfig
    alarms: AlarmsConfig
    drivers: Mapping[str, tuple[Plugin, Section]]
    """By section name: the driver and its validated section."""

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.site.timezone)

    @property
    def data_dir(self) -> Path:
        """Where the state is kept."""
        return Path(self.site.data_dir)

    @property
    def outside_epics(self) -> frozenset[str]:
        """The drivers whose section has `epics = false`."""
        return frozenset(name for name, (_, section) in self.drivers.items() if not getattr(section, "epics", True))

    def show(self) -> str:
        """Return the effective configuration as TOML, secrets hidden."""
        sections = self._sections().items()
        return tomli_w.dumps({name: _plain(section.model_dump()) for name, section in sections if section})

    def secrets(self) -> list[str]:
        """Return every secret in it, for `vigilia.logs.hide`."""
        return [secret for section in self._sections().values() for secret in _secrets_in(section)]

    def _sections(self) -> dict[str, Section | None]:
        return {
            "site": self.site,
            "web": self.web,
            "store": self.store,
            "history": self.history,
            "health": self.health,
            "epics": self.epics,
            "notify": self.notify if self.notify != NotifyConfig() else None,
            "alarms": self.alarms if self.alarms.rules else None,
            **{name: section for name, (_, section) in self.drivers.items()},
        }


def find_config(argument: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return the configuration file to read: the argument, $VIGILIA_CONFIG, ./vigilia.toml, or none."""
    named = argument or environment.get("VIGILIA_CONFIG")
    if named:
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def load_config(path: Path | None, environment: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a file (None: no file) with the environment over it.

    Raises ConfigError with everything that is wrong, not only the first.
    """
    environment = os.environ if environment is None else environment
    place = str(path) if path else "environment"
    base = _base(path)
    plugins = find_plugins()
    core: dict[str, type[Section]] = {
        "site": SiteConfig,
        "web": WebConfig,
        "store": StoreConfig,
        "history": HistoryConfig,
        "health": HealthConfig,
        "epics": EpicsConfig,
        "notify": NotifyConfig,
        "alarms": AlarmsConfig,
    }
    models = core | {name: plugin.config for name, plugin in plugins.items()}
    table = read_toml(path) if path else {}
    given = translate(environment)
    origins, problems = merge_environment(table, models, given.variables, given.names)
    problems += given.problems
    sections: dict[str, Section] = {}
    always_on: Table = {"site": {}, "web": {}, "store": {}, "history": {}, "health": {}}
    for name, value in (always_on | table).items():
        section, wrong = _load_section(name, value, models, base, place)
        problems += [_traced(advise(problem), place, origins) for problem in wrong]
        if section is not None:
            sections[name] = section
    drivers = {name: (plugin, sections[name]) for name, plugin in plugins.items() if name in sections}
    if not drivers and not problems:
        right = f"add a section such as [{next(iter(plugins), 'aruba')}], or set {ENVIRONMENT_PREFIX}…__… variables"
        problems.append(Problem(place, "drivers", "no driver is configured", right))
    if problems:
        raise ConfigError(problems)
    site = cast(SiteConfig, sections["site"])
    return Config(
        source=place,
        site=site,
        web=cast(WebConfig, sections["web"]),
        store=_with_file(cast(StoreConfig, sections["store"]), "vigilia.db", base, site),
        history=_with_file(cast(HistoryConfig, sections["history"]), "history.db", base, site),
        health=cast(HealthConfig, sections["health"]),
        epics=cast(EpicsConfig | None, sections.get("epics")),
        notify=cast(NotifyConfig, sections.get("notify", NotifyConfig())),
        alarms=cast(AlarmsConfig, sections.get("alarms", AlarmsConfig())),
        drivers=drivers,
    )


@dataclass(frozen=True, slots=True)
class Views:
    """What is needed to look at a service and its databases from outside, on the same machine."""

    site: SiteConfig
    web: WebConfig
    store: StoreConfig
    history: HistoryConfig

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.site.timezone)

    def secrets(self) -> list[str]:
        """Return every secret in it, for `vigilia.logs.hide`."""
        return [secret for section in (self.store, self.history) for secret in _secrets_in(section)]


def load_listener(path: Path | None, environment: Mapping[str, str]) -> tuple[SiteConfig, WebConfig]:
    """Return what a client on this machine needs to find the running service.

    Nothing else of the configuration is looked at: whoever asks need not be able to read its secrets.
    Raises ConfigError.
    """
    found = _load_some(path, environment, {"site": SiteConfig, "web": WebConfig})
    return cast(SiteConfig, found["site"]), cast(WebConfig, found["web"])


def load_views(path: Path | None, environment: Mapping[str, str]) -> Views:
    """Return what is needed to look at the service and its databases. Raises ConfigError; see `load_listener`."""
    models = {"site": SiteConfig, "web": WebConfig, "store": StoreConfig, "history": HistoryConfig}
    found = _load_some(path, environment, models)
    base, site = _base(path), cast(SiteConfig, found["site"])
    return Views(
        site,
        cast(WebConfig, found["web"]),
        _with_file(cast(StoreConfig, found["store"]), "vigilia.db", base, site),
        _with_file(cast(HistoryConfig, found["history"]), "history.db", base, site),
    )


def _load_some(
    path: Path | None, environment: Mapping[str, str], models: Mapping[str, type[Section]]
) -> dict[str, Section]:
    """Return some sections, and look at no other. Raises ConfigError."""
    place = str(path) if path else "environment"
    base = _base(path)
    table = read_toml(path) if path else {}
    begins = tuple(f"{ENVIRONMENT_PREFIX}{name.upper()}__" for name in models)
    ours = {name: text for name, text in environment.items() if name.startswith(begins)}
    origins, problems = merge_environment(table, models, ours)
    found: dict[str, Section] = {}
    for name in models:
        section, wrong = _load_section(name, table.get(name, {}), models, base, place)
        problems += [_traced(problem, place, origins) for problem in wrong]
        found |= {name: section} if section else {}
    if problems:
        raise ConfigError(problems)
    return found


def _base(path: Path | None) -> Path:
    """Return the folder that relative paths are relative to."""
    return (path.resolve() if path else Path.cwd() / DEFAULT_FILE).parent


def _load_section(
    name: str, value: Any, models: Mapping[str, type[Section]], base: Path, place: str
) -> tuple[Section | None, list[Problem]]:
    """Return one section validated and resolved, or what is wrong with it."""
    if name not in models:
        right = f"remove it, or correct its spelling: {', '.join(sorted(models))}"
        return None, [Problem(place, f"[{name}]", "is not a known section", right)]
    problems: list[Problem] = []
    table = cast(Table, value) if isinstance(value, dict) else None
    if table is not None:
        problems = read_secret_files(table, models[name], base, place, name)
    section, wrong = validate(models[name], cast(object, value), place, name)
    problems += wrong
    if section is not None and not problems:
        try:
            section = section.resolved(base)
        except ConfigError as error:
            problems += [_placed(problem, place) for problem in error.problems]
    return section, problems


def _placed(problem: Problem, place: str) -> Problem:
    """Put the file before a problem that only names its section."""
    if not problem.place.startswith("["):
        return problem
    return Problem(place, f"{problem.place} {problem.key}", problem.wrong, problem.right)


def _traced(problem: Problem, place: str, origins: Mapping[str, str]) -> Problem:
    """Put the variable in place of the file before a problem with what came from the environment."""
    key = re.sub(r"^\[(\w+)\] ?", r"\1.", problem.key).rstrip(".")
    for start, variable in origins.items():
        # A section that a variable made is that variable's; what the section lacks is not.
        inside = "." in start and key.startswith((f"{start}.", f"{start}["))
        if problem.place == place and (key == start or inside):
            return replace(problem, place=variable)
    return problem


def _with_file(section: AnyDatabase, default: str, base: Path, site: SiteConfig) -> AnyDatabase:
    """Return the section with the path of its database, where that is a file; no url: `default` in the data folder."""
    url = section.url.get_secret_value()
    if url and not url.startswith(SQLITE):
        return section
    path = base / url.removeprefix(SQLITE) if url else Path(site.data_dir) / default
    return section.model_copy(update={"url": type(section.url)(f"{SQLITE}{path}")})


def _plain(value: Any) -> Any:
    """Return a section's dump as TOML can hold it: secrets as `***`, nothing for what is not set."""
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast(Table, value).items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in cast("list[Any]", value)]
    return value


def _secrets_in(value: Any) -> Iterator[str]:
    """Give every secret in a section, however deep."""
    if isinstance(value, StoreUrl):
        yield from value.passwords()
    elif isinstance(value, Secret):
        yield value.get_secret_value()
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for inner in cast(Table, value).values():
            yield from _secrets_in(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("list[Any]", value):
            yield from _secrets_in(inner)
