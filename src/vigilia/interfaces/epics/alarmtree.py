"""The alarm tree for Phoebus: its XML, by system, area and device, as the alarm server's `-import` takes it.

Format: `XmlModelReader` of ControlSystemStudio phoebus (`app/alarm/model`): a `config` with `component` elements, in
them more and `pv` elements with `description`, `enabled`, `latching`, `annunciating`. A path in the tree is written
with slashes, so that no name has one; a name that a parent has twice, or a PV that is there twice, is refused or left
out.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple
from xml.etree import ElementTree as ET

from vigilia.errors import printable
from vigilia.points import Point
from vigilia.rules import Rule

FILE = "alarms.xml"
_Path = tuple[str, ...]


class TreePv(NamedTuple):
    """A PV of the tree and what it is for."""

    system: str
    """The section of the driver it belongs to."""
    point: Point
    pv: str


def in_tree(points: Iterable[TreePv], rules: Sequence[Rule], systems: Mapping[str, str]) -> list[TreePv]:
    """Return the PVs that alarms are shown by: those a rule watches, and choices that carry a write's failure.

    Where an own point of a link is watched it goes to its link's system: `systems` has that by link.
    """
    watch = _Watch(rules)
    found: list[TreePv] = []
    for served in points:
        if served.point.setpoint or watch.has(served):
            link = served.point.covers.removeprefix("link:") if not served.point.link else ""
            found.append(served._replace(system=systems.get(link, served.system)))
    return found


class _Watch:
    """The points that rules are for. Names without a wildcard, thousands of links' contacts, are looked up at once."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._exact: set[tuple[str, str]] = set()
        self._patterns: set[tuple[str, str]] = set()
        for rule in rules:
            system = rule.system if rule.own_points else ""
            for pattern in rule.points:
                (self._patterns if set(pattern) & set("*?[") else self._exact).add((system, pattern))

    def has(self, served: TreePv) -> bool:
        """Say whether any rule is for a point."""
        name, systems = served.point.name, ("", served.system)
        return any((system, name) in self._exact for system in systems) or any(
            system in systems and fnmatchcase(name, pattern) for system, pattern in self._patterns
        )


def alarm_tree(config: str, points: Iterable[TreePv], titles: Mapping[str, str], mark: str) -> bytes:
    """Return the tree called `config`, with `mark` as a comment below its first line.

    `titles` says what people call the systems; one that is not in it is called by its section.
    """
    root = ET.Element("config", name=_part(config))
    components: dict[_Path, ET.Element] = {(): root}
    seen: set[str] = set()
    for system, point, pv in points:
        if pv in seen:
            continue
        seen.add(pv)
        path = tuple(
            _part(part) for part in (titles.get(system, system), point.area, point.equipment or point.device) if part
        )
        element = ET.SubElement(_component(components, path), "pv", name=pv)
        latches = not point.setpoint
        for name, value in (
            ("description", _spoken(point.description or point.name)),
            ("enabled", "true"),
            ("latching", str(latches).lower()),
            ("annunciating", "false"),
        ):
            ET.SubElement(element, name).text = value
    ET.indent(root)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {mark} -->\n{ET.tostring(root, encoding="unicode")}\n'.encode()
    )


def _component(components: dict[_Path, ET.Element], path: _Path) -> ET.Element:
    if path not in components:
        components[path] = ET.SubElement(_component(components, path[:-1]), "component", name=path[-1])
    return components[path]


def _part(name: str) -> str:
    """Return a name as a part of a path in the tree."""
    return printable(name).replace("/", "-").replace("\\", "-").strip() or "-"


def _spoken(text: str) -> str:
    """Return a description: one that begins with `*` or `!` would change how it is announced."""
    return printable(text).lstrip("*! ") or "-"
