"""Values on their way between a point and the wire. What does not fit the point is refused, and never guessed."""

import math

from vigilia.points import INTEGER_RANGE, LONGEST_TEXT, Kind, Point, Severity, Status, Value, shorten
from vigilia.wire.reactor.v1 import reactor_pb2 as wire

LONGEST_DETAIL = 500
_STATUSES = {int(status): status for status in Status}
_LOW, _HIGH = INTEGER_RANGE


class BadValue(ValueError):
    """A value that its point cannot hold."""


def value_of(point: Point, value: wire.Value) -> Value | None:
    """Return a wire value as its point holds it; None where there is none. Raises BadValue."""
    which = value.WhichOneof("kind")
    if which is None:
        return None
    match point.kind, which:
        case Kind.NUMBER, "number" | "integer":
            number = float(value.number if which == "number" else value.integer)
            if math.isfinite(number):
                return number
        case Kind.INTEGER, "integer":
            if _LOW <= value.integer <= _HIGH:
                return value.integer
        case Kind.ENUM, "integer":
            if 0 <= value.integer < len(point.labels):
                return value.integer
        case Kind.BOOLEAN, "boolean":
            return value.boolean
        case Kind.TEXT, "text":
            return value.text[:LONGEST_TEXT]
        case _:
            pass
    raise BadValue(f"{point.name} cannot hold {shorten(getattr(value, which))}")


def wire_value(point: Point, value: Value) -> wire.Value:
    """Return a point's value as it travels."""
    match point.kind:
        case Kind.NUMBER:
            return wire.Value(number=float(value))
        case Kind.INTEGER | Kind.ENUM:
            return wire.Value(integer=int(value))
        case Kind.BOOLEAN:
            return wire.Value(boolean=bool(value))
        case Kind.TEXT:
            return wire.Value(text=str(value))


def alarm_of(severity: int, status: int) -> tuple[Severity, Status]:
    """Return an alarm as points have it; of what this version does not know, the severity counts."""
    known = Severity(severity) if 0 <= severity <= Severity.INVALID else Severity.INVALID
    if known is Severity.NO_ALARM:
        return known, Status.NO_ALARM
    return known, _STATUSES.get(status) or Status.STATE
