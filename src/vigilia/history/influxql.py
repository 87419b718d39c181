"""InfluxQL: how names stand in a statement, and what an answer says.

See https://docs.influxdata.com/influxdb/v1/query_language/spec/.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vigilia.history.backend import PointInfo, Row
from vigilia.history.lineprotocol import labels_of, severity_of, status_of

Result = dict[str, Any]
_UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Table:
    """One series of an answer, row by row."""

    tags: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]


def condition(point: str, start_ms: int, end_ms: int) -> str:
    """Return the condition for the rows of a point in a time, both ends included."""
    return f"point={literal(point)} AND time>={start_ms}ms AND time<={end_ms}ms"


def literal(text: str) -> str:
    """Return a text as InfluxQL has it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def identifier(text: str) -> str:
    """Return a name of the engine's own as InfluxQL has it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def tables_in(result: Result) -> list[Table]:
    """Return the series of one statement's result. Raises KeyError, TypeError or ValueError where it is none."""
    return [
        Table(table.get("tags", {}), [dict(zip(table["columns"], row, strict=True)) for row in table.get("values", ())])
        for table in result.get("series", ())
    ]


def rows_in(point: str, found: Sequence[Table]) -> list[Row]:
    """Return the rows of a point that were asked for by all their fields."""
    return [row_in(point, values) for table in found for values in table.rows]


def row_in(point: str, values: Mapping[str, Any]) -> Row:
    """Return a row of a point."""
    value, text = values["value"], values["text"]
    number = None if value is None or text is not None else float(value)
    return Row(point, values["time"], number, text, severity_of(values["severity"]), status_of(values["status"]))


def point_in(tags: Mapping[str, str], values: Mapping[str, Any]) -> PointInfo:
    """Return what a row of the points' own measurement says."""
    return PointInfo(
        name=tags["point"],
        kind=tags.get("kind", ""),
        units=values["units"] or "",
        description=values["description"] or "",
        device=tags.get("device", ""),
        link=tags.get("link", ""),
        area=tags.get("area", ""),
        system=tags.get("system", ""),
        labels=labels_of(values["labels"]),
    )


def seconds(duration: str) -> float:
    """Return the seconds of a duration such as "168h0m0s"."""
    return sum(float(number) * _UNIT_S[unit] for number, unit in re.findall(r"([\d.]+)([hms])", duration))
