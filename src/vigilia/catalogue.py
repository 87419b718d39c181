"""Every point that the service has, or would have: from the configuration, and from what the store remembers.

It makes the drivers without reaching any equipment, and reads the store beside the service that has it, or without one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vigilia.alarms.config import adjust
from vigilia.config import Config
from vigilia.errors import StartError
from vigilia.interfaces.epics.access import without_open_puts
from vigilia.interfaces.epics.names import epics_name, servable
from vigilia.language import tr
from vigilia.points import Point
from vigilia.rehearsal import rehearse, rules_declared
from vigilia.rules import Rule
from vigilia.store import Store
from vigilia.store.alarms import load_checkpoints
from vigilia.store.url import SQLITE
from vigilia.views import DriverView, Viewed

OWN_SYSTEM = "vigilia"
"""What the service's own points belong to."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there is."""

    points: Sequence[tuple[str, Point]]
    """Each with the section of its driver, "vigilia" for the service's own, in the service's order."""
    rules: Sequence[Rule]
    """The alarm rules in force."""
    views: Sequence[DriverView] = ()
    """The equipment of those drivers that say how it belongs together."""
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    """What people call the systems; others are called by their section."""

    def served(self, config: Config) -> list[tuple[str, Point, str]]:
        """Return what EPICS serves: the section, the point as it is served, and its PV.

        Raises StartError where it serves nothing.
        """
        if config.epics is None:
            raise StartError("the configuration has no [epics] section, and so there are no PVs: add one")
        systems = {point.name: system for system, point in self.points if system not in config.outside_epics}
        points = [point for _, point in self.points if point.name in systems]
        if config.epics.open_to_all:
            points = without_open_puts(points)
        prefix = config.epics.prefix
        return [(systems[point.name], point, epics_name(prefix, point.name)) for point in servable(prefix, points)]


async def read_catalogue(config: Config) -> Catalogue:
    """Return what there is. A store that is not there yet remembers nothing.

    Raises ConfigError, StartError for a store that cannot be read, StoreError.
    """
    rehearsal = rehearse(config, await _remembered(config))
    table = rehearsal.table
    rules = adjust(rules_declared(rehearsal.drivers, config), config.alarms, config.source)
    viewed = {name: driver for name, driver in rehearsal.drivers.items() if isinstance(driver, Viewed)}
    return Catalogue(
        [(table.system(point.name), point) for point in table.points()],
        rules,
        [driver.view() for driver in viewed.values()],
        {name: driver.title for name, driver in viewed.items()} | {OWN_SYSTEM: tr("The watch itself")},
    )


async def _remembered(config: Config) -> dict[str, dict[str, Any]]:
    """Return what the store gives the drivers that grow, as it is named in their surroundings."""
    url = config.store.url.get_secret_value()
    growing = [name for name, (plugin, _) in config.drivers.items() if plugin.grows]
    if not growing or not _is_there(url):
        return {}
    store = await Store.look(url)
    try:
        return {
            name: {"known": await store.known_points(name), "checkpoints": await load_checkpoints(store, name)}
            for name in growing
        }
    finally:
        await store.close()


def _is_there(url: str) -> bool:
    """Say whether there can be a store at `url`: the service makes a file when it first starts."""
    return not url.startswith(SQLITE) or Path(url.removeprefix(SQLITE)).exists()
