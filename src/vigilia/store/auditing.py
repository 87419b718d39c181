"""The audit as people look at it: which writes they want to see, and what is shown of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from vigilia.clock import iso
from vigilia.store import schema

_audit = schema.audit.c

_NO_FAILURE = ("confirmed", "pending")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which writes are wanted; what is left empty takes everything. Times in seconds UTC."""

    point: str = ""
    """A point's name; or its beginning, before an asterisk at the end."""
    user: str = ""
    start: float | None = None
    end: float | None = None
    """Before it."""
    outcome: str = ""
    """As the audit has it; or "failed", anything but success; or "open", none yet."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must be."""
        found: list[ColumnElement[bool]] = []
        if self.point.endswith("*"):
            found.append(_audit.point.startswith(self.point[:-1], autoescape=True))
        elif self.point:
            found.append(_audit.point == self.point)
        if self.user:
            found.append(_audit.user == self.user)
        if self.start is not None:
            found.append(_audit.asked_at >= self.start)
        if self.end is not None:
            found.append(_audit.asked_at < self.end)
        match self.outcome:
            case "":
                pass
            case "open":
                found.append(_audit.outcome.is_(None))
            case "failed":
                found.append(_audit.outcome.not_in(_NO_FAILURE))
            case _:
                found.append(_audit.outcome == self.outcome)
        return found


EVERY_WRITE = AuditFilter()


def audit_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row of the audit as it is shown."""
    answered = row["answered_at"]
    return {
        "id": row["id"],
        "time": iso(row["asked_at"]),
        "point": row["point"],
        "value": row["value"],
        "previous": row["previous"],
        "via": row["via"],
        "user": row["user"],
        "host": row["host"],
        "outcome": row["outcome"],
        "detail": row["detail"],
        "answered": None if answered is None else iso(answered),
    }
