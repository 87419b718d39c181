"""What a start makes of the configuration: drivers, their points, alarm rules; for the service, and to see beforehand.

A rehearsal makes it all without a store and without touching equipment, so that what is wrong shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vigilia.clock import Clock
from vigilia.config import Config
from vigilia.drivers import Driver, Surroundings
from vigilia.errors import ConfigError, Problem, StartError
from vigilia.history.archive import rules_of
from vigilia.interfaces.epics.names import check_names
from vigilia.ownpoints import Counts, HistoryCounts, OwnPoints
from vigilia.points import Origin, Point, Value
from vigilia.rules import Rule
from vigilia.table import PointTable

_NOTHING: Mapping[str, Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a start would make."""

    drivers: Mapping[str, Driver]
    table: PointTable
    """With all points, and nothing read of them."""


def rehearse(config: Config, remembered: Mapping[str, Mapping[str, Any]] = _NOTHING) -> Rehearsal:
    """Make everything that a start makes. `remembered` has, by driver, what of its surroundings a store would give.

    Raises ConfigError or StartError.
    """
    clock = Clock()
    table = PointTable(clock, _NoJournal())
    common = Surroundings(table, clock, {}, instance=config.site.instance, zone=config.zone)
    drivers = build_drivers(config, {name: replace(common, **remembered.get(name, {})) for name in config.drivers})
    links = [link for driver in drivers.values() for link in driver.links]
    history = HistoryCounts(float, int, int, float) if config.history.enabled else None
    epics = int if config.epics else None
    counts = Counts(int, int, int, int, int, float, epics, epics, history)
    complete_points(config, table, OwnPoints(config.site.instance, links, table, clock, counts))
    return Rehearsal(drivers, table)


def build_drivers(config: Config, surroundings: Mapping[str, Surroundings]) -> dict[str, Driver]:
    """Make the configured drivers, and put their points into the table. Raises StartError for a name taken twice."""
    drivers: dict[str, Driver] = {}
    for name, (plugin, section) in config.drivers.items():
        driver = drivers[name] = plugin.build(section, surroundings[name])
        try:
            surroundings[name].table.add(driver.points, driver.write, name)
        except ValueError as error:
            raise StartError(f"[{name}]: {error}: give one of the devices another name") from error
    return drivers


def rules_declared(drivers: Mapping[str, Driver], config: Config) -> list[Rule]:
    """Return every alarm rule that is declared."""
    declared = [rule for driver in drivers.values() for rule in driver.rules]
    return declared + (rules_of(config.site.instance) if config.history.enabled else [])


def complete_points(config: Config, table: PointTable, own: OwnPoints) -> None:
    """Put the service's own points into the table, and see that EPICS can serve what is configured.

    Of what drivers found at work, EPICS itself leaves out what it cannot serve: no start fails for that. Raises
    ConfigError.
    """
    try:
        table.add(own.points)
    except ValueError as error:
        right = "choose an instance name that no device has"
        raise ConfigError([Problem(config.source, "site.instance", str(error), right)]) from error
    found = {name for name, (plugin, _) in config.drivers.items() if plugin.grows} | config.outside_epics
    configured = (point for point in table.points() if table.system(point.name) not in found)
    problems = list(check_names(config.epics.prefix, configured)) if config.epics else []
    if problems:
        raise ConfigError(
            [
                Problem(config.source, f"{problem.place} {problem.key}", problem.wrong, problem.right)
                for problem in problems
            ]
        )


class _NoJournal:
    """The journal of a table that nobody writes to."""

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        raise NotImplementedError

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        raise NotImplementedError
