"""From point names to PV names, and the limits EPICS sets to both.

Limits: 60 characters a name (`dbBase.h`, PVNAME_STRINGSZ), 16 states of an enum with labels of 25 characters
(`mbbiRecord.dbd`, DBR_ENUM strings of 26 bytes).
"""

import re
from collections.abc import Iterable, Iterator

from vigilia.errors import Problem
from vigilia.points import Point

LONGEST_NAME = 60
LONGEST_LABEL = 25
MOST_LABELS = 16


def epics_name(prefix: str, point_name: str) -> str:
    """Return the PV name of a point: prefix + name, with `_` for each character that EPICS does not allow."""
    return prefix + re.sub(r"[^A-Za-z0-9_:+<>\[\];-]", "_", point_name)


def check_names(prefix: str, points: Iterable[Point]) -> Iterator[Problem]:
    """Give a problem for each point that cannot be a PV: name too long, clash of names, labels too long or many."""
    taken: dict[str, str] = {}
    for point in points:
        name = epics_name(prefix, point.name)
        if len(name) > LONGEST_NAME:
            wrong = f"its PV name {name} has {len(name)} characters"
            yield Problem("[epics]", f"point {point.name}", wrong, f"shorten the device or prefix: {LONGEST_NAME} fit")
        if name in taken:
            wrong = f"its PV name {name} is that of point {taken[name]} as well"
            yield Problem("[epics]", f"point {point.name}", wrong, "rename one of the devices")
        taken.setdefault(name, point.name)
        if len(point.labels) > MOST_LABELS or any(len(label) > LONGEST_LABEL for label in point.labels):
            wrong = "has labels that EPICS cannot show"
            right = f"use at most {MOST_LABELS} labels of {LONGEST_LABEL} characters"
            yield Problem("[epics]", f"point {point.name}", wrong, right)
