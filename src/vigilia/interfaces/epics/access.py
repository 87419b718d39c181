"""The EPICS access security file: who may put, made from `writers` or read from a file of the site's own.

Writable records are in group DEFAULT, all others in group VIGILIA_READ, which takes no puts. Level 0 opens the fields
that operators change (VAL) and not those that configure a record. TRAPWRITE reports each put with its user and host.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from vigilia.points import Point

READ_GROUP = "VIGILIA_READ"
_READ_ONLY = f"\nASG({READ_GROUP}) {{\n    RULE(1, READ)\n}}\n"


def access_rules(writers: Sequence[str]) -> str:
    """Return the access security file for `writers`: "*" anybody, "host" anybody there, "user@host" one there."""
    groups: list[str] = []
    rules: list[str] = []
    for index, writer in enumerate(writers):
        user, _, host = writer.rpartition("@")
        members: list[str] = []
        if user:
            groups.append(f'UAG(writer{index}) {{ "{user}" }}')
            members.append(f"UAG(writer{index})")
        if host != "*":
            groups.append(f'HAG(host{index}) {{ "{host}" }}')
            members.append(f"HAG(host{index})")
        conditions = f" {{ {' '.join(members)} }}" if members else ""
        rules.append(f"    RULE(0, WRITE, TRAPWRITE){conditions}")
    return "\n".join([*groups, "ASG(DEFAULT) {", "    RULE(1, READ)", *rules, "}"]) + _READ_ONLY


def with_read_group(own_rules: str) -> str:
    """Return a site's own access security file with the group of the read-only records added."""
    return own_rules + _READ_ONLY


def without_open_puts(points: Iterable[Point]) -> list[Point]:
    """Return points as they are served where anybody may put: those that are guarded take no puts."""
    return [replace(point, writable=False) if point.guarded else point for point in points]
