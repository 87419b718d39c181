"""Every point that the service has, or would have: from the configuration, and from what the store remembers.

It makes the drivers without reaching any equipment, and reads the store beside the service that has it, or without one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vigilia.alarms.config import adjust
from vigilia.clock import Clock
from vigilia.config import Config
from vigilia.drivers import Driver, Surroundings
from vigilia.errors import StartError
from vigilia.interfaces.epics.access import without_open_puts
from vigilia.interfaces.epics.names import epics_name, servable
from vigilia.ownpoints import Counts, HistoryCounts, OwnPoints
from vigilia.points import Origin, Point, Value
from vigilia.rules import Rule
from vigilia.store import Store
from vigilia.store.alarms import load_checkpoints
from vigilia.store.url import SQLITE
from vigilia.table import PointTable

OWN_SYSTEM = "vigilia"
"""What the service's own points belong to."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there is."""

    points: Sequence[tuple[str, Point]]
    """Each with the section of its driver, "vigilia" for the service's own, in the service's order."""
    rules: Sequence[Rule]
    """The alarm rules in force."""

    def served(self, config: Config) -> list[tuple[str, Point, str]]:
        """Return what EPICS serves: the section, the point as it is served, and its PV.

        Raises StartError where it serves nothing, ConfigError where the service would not start with these names.
        """
        if config.epics is None:
            raise StartError("the configuration has no [epics] section, and so there are no PVs: add one")
        systems = {point.name: system for system, point in self.points if system not in config.outside_epics}
        points = [point for _, point in self.points if point.name in systems]
        if config.epics.open_to_all:
            points = without_open_puts(points)
        prefix = config.epics.prefix
        return [(systems[point.name], point, epics_name(prefix, point.name)) for point in servable(prefix, points)]


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the store remembers of one driver."""

    known: Sequence[Point] = ()
    checkpoints: Mapping[str, Any] | None = None


async def read_catalogue(config: Config) -> Catalogue:
    """Return what there is. A store that is not there yet remembers nothing.

    Raises ConfigError, StartError for a store that cannot be read, StoreError.
    """
    memories = await _memories(config)
    table = PointTable(Clock(), _NoJournal())
    drivers: dict[str, Driver] = {}
    for name, (plugin, section) in config.drivers.items():
        memory = memories.get(name, _Memory())
        surroundings = Surroundings(
            table,
            Clock(),
            {},
            instance=config.site.instance,
            zone=config.zone,
            known=memory.known,
            checkpoints=memory.checkpoints or {},
        )
        driver = drivers[name] = plugin.build(section, surroundings)
        try:
            table.add(driver.points, driver.write, name)
        except ValueError as error:
            raise StartError(f"[{name}]: {error}: give one of the devices another name") from error
    links = [link for driver in drivers.values() for link in driver.links]
    table.add(OwnPoints(config.site.instance, links, table, Clock(), _counts(config)).points)
    rules = adjust([rule for driver in drivers.values() for rule in driver.rules], config.alarms, config.source)
    return Catalogue([(table.system(point.name), point) for point in table.points()], rules)


async def _memories(config: Config) -> dict[str, _Memory]:
    url = config.store.url.get_secret_value()
    growing = [name for name, (plugin, _) in config.drivers.items() if plugin.grows]
    if not growing or not _is_there(url):
        return {}
    store = await Store.look(url)
    try:
        return {name: _Memory(await store.known_points(name), await load_checkpoints(store, name)) for name in growing}
    finally:
        await store.close()


def _is_there(url: str) -> bool:
    """Say whether there can be a store at `url`: the service makes a file when it first starts."""
    return not url.startswith(SQLITE) or Path(url.removeprefix(SQLITE)).exists()


def _counts(config: Config) -> Counts:
    """Say that everything is counted that the service counts; nothing of it is ever asked."""
    history = HistoryCounts(float, int, int, float) if config.history.enabled else None
    epics = int if config.epics else None
    return Counts(int, int, int, int, int, float, epics, epics, history)


class _NoJournal:
    """The journal of a table that nobody writes to."""

    def asked(self, point: Point, value: Value | None, previous: Value | None, origin: Origin) -> str:
        raise NotImplementedError

    def answered(self, write_id: str, outcome: str, detail: str) -> None:
        raise NotImplementedError
