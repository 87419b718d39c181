"""From point names to PV names, and the limits EPICS sets to both.

Limits: 60 characters a name (`dbBase.h`, PVNAME_STRINGSZ), 16 states of an enum with labels of 25 characters
(`mbbiRecord.dbd`, DBR_ENUM strings of 26 bytes).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator

from vigilia.errors import Problem
from vigilia.points import Point

LONGEST_NAME = 60
LONGEST_LABEL = 25
MOST_LABELS = 16
_HASH_DIGITS = 8


def epics_name(prefix: str, point_name: str) -> str:
    """Return the PV name of a point: prefix + name, with `_` for each character that EPICS does not allow.

    Where an `INSTANCE:LINK:SUFFIX` does not fit, its link is cut, and ends with 8 hex digits of the SHA-256 of the
    whole. Only the service's own points of a link get that far: `check_names` refuses a device's name that is too long.
    """
    name = _allowed(prefix, point_name)
    instance, _, rest = point_name.partition(":")
    link, _, suffix = rest.rpartition(":")
    kept = len(link) - (len(name) - LONGEST_NAME) - _HASH_DIGITS
    if len(name) <= LONGEST_NAME or kept < 1:
        return name
    digits = hashlib.sha256(link.encode()).hexdigest()[:_HASH_DIGITS]
    return _allowed(prefix, f"{instance}:{link[:kept]}{digits}:{suffix}")


def _allowed(prefix: str, point_name: str) -> str:
    return prefix + re.sub(r"[^A-Za-z0-9_:+<>\[\];-]", "_", point_name)


def check_names(prefix: str, points: Iterable[Point]) -> Iterator[Problem]:
    """Give a problem for each device that has points which cannot be PVs, and for each kind of mistake it has.

    Mistakes are names too long, names that another point has, and labels too long or too many.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for point, name, mistakes in _judge(prefix, points):
        for wrong, right in mistakes:
            found.setdefault((point.device, wrong, right), []).append(name)
    for (device, wrong, right), names in found.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield Problem("[epics]", f"device {device}", f"PV {names[0]}{more}: {wrong}", right)


def servable(prefix: str, points: Iterable[Point]) -> list[Point]:
    """Return those of `points` that can be PVs, in their order: of two with one name the first."""
    return [point for point, _, mistakes in _judge(prefix, points) if not mistakes]


def _judge(prefix: str, points: Iterable[Point]) -> Iterator[tuple[Point, str, list[tuple[str, str]]]]:
    """Give each point with its PV name, and with what is wrong with it."""
    taken: dict[str, Point] = {}
    for point in points:
        name = epics_name(prefix, point.name) if _is_own(point) else _allowed(prefix, point.name)
        yield point, name, list(_mistakes(name, point, taken.setdefault(name, point)))


def _mistakes(name: str, point: Point, other: Point) -> Iterator[tuple[str, str]]:
    """Give what is wrong with a point's PV name and labels, and the remedy. `other` is the first to have that name."""
    if len(name) > LONGEST_NAME:
        too_long = "the prefix or the instance's name" if _is_own(point) else "the device's name or the prefix"
        yield f"longer than {LONGEST_NAME} characters", f"shorten {too_long}"
    if other is not point:
        right = "give one of the switches another name" if _is_own(point) else "rename one of the devices"
        yield f"also that of device {other.device}", right
    if len(point.labels) > MOST_LABELS or any(len(label) > LONGEST_LABEL for label in point.labels):
        yield "labels that EPICS cannot show", f"use at most {MOST_LABELS} labels of {LONGEST_LABEL} characters"


def _is_own(point: Point) -> bool:
    """Whether the point is one that the service keeps of itself, or of a link: those have no link they come through."""
    return not point.link
