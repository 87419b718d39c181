"""Rows as lines of the InfluxDB line protocol: `vigilia,point=NAME value=1.5,severity=0i,status=0i MILLISECONDS`.

A point's name is the only tag of its rows, so that a row keeps its identity when somebody moves the point to another
room; what is known of points is a measurement of its own, `vigilia_point`. VictoriaMetrics joins measurement and field
with `_`: there the same rows are `vigilia_value{point="NAME"}`, `vigilia_severity` and `vigilia_status`.

The protocol (https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/) escapes comma, equals
sign and space in a tag, quote and backslash in a text. Of a backslash in a tag it says nothing, and the engines differ:
InfluxDB 1.6 takes it as it is, VictoriaMetrics 1.79 has it doubled.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vigilia.history.backend import Bucket, PointInfo, RefusedRowsError, Row
from vigilia.points import Severity, Status, shorten

MEASUREMENT = "vigilia"
POINT_MEASUREMENT = "vigilia_point"

LINES_A_REQUEST = 5_000
"""About half a megabyte: InfluxDB takes 25 MB by default, a proxy before it often 1 MB."""

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_SEVERITIES: dict[float, Severity] = {int(severity): severity for severity in Severity}
_STATUSES: dict[float, Status] = {int(status): status for status in Status}
_QUOTED = str.maketrans({'"': '\\"', "\\": "\\\\"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine wants its lines."""

    doubles_backslashes: bool
    """In tags."""
    keeps_text: bool
    """It has fields that are texts. VictoriaMetrics takes a text for the number 0."""


def tag(text: str, dialect: Dialect) -> str:
    """Return a tag's value as a line has it. Raises RefusedRowsError where the protocol cannot say it."""
    if "\n" in text or (text.endswith("\\") and not dialect.doubles_backslashes):
        raise RefusedRowsError(
            f"rows of {shorten(text)} cannot be kept: in line protocol a name has no line break, "
            "and in InfluxDB it does not end with a backslash"
        )
    if dialect.doubles_backslashes:
        text = text.replace("\\", "\\\\")
    return text.translate(_TAG)


def lines_of(rows: Sequence[Row], dialect: Dialect) -> list[str]:
    """Return rows as lines. Of the same point and time only the last is among them.

    Raises RefusedRowsError for a name that the protocol cannot say.
    """
    names = {name: f"{MEASUREMENT},point={tag(name, dialect)} " for name in {row.point for row in rows}}
    last = {(row.point, row.time_ms): row for row in rows}
    return [_line(names[row.point], row, dialect) for row in last.values()]


def _line(head: str, row: Row, dialect: Dialect) -> str:
    state = f"severity={int(row.severity)}i,status={int(row.status)}i {row.time_ms}"
    if row.value is not None:
        return f"{head}value={float(row.value)!r},{state}"
    if row.text is not None and dialect.keeps_text:
        return f"{head}text={quoted(row.text)},{state}"
    return head + state


def quoted(text: str) -> str:
    """Return a text field's value as a line has it."""
    return f'"{text.translate(_QUOTED)}"'


def point_lines(points: Sequence[PointInfo], time_ms: int, dialect: Dialect) -> list[str]:
    """Return what is known of points as lines, as it is known at a time.

    Raises RefusedRowsError for a name that the protocol cannot say.
    """
    return [f"{_point_head(point, dialect)} {time_ms}" for point in points]


def requests(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give lines in such numbers as one request may have."""
    for start in range(0, len(lines), LINES_A_REQUEST):
        yield lines[start : start + LINES_A_REQUEST]


def _point_head(point: PointInfo, dialect: Dialect) -> str:
    tags = {
        "kind": point.kind,
        "device": point.device,
        "link": point.link,
        "area": point.area,
        "system": point.system,
    }
    told = {
        "units": point.units,
        "description": point.description,
        "labels": json.dumps(point.labels, ensure_ascii=False) if point.labels else "",
    }
    fields = "info=1"
    if dialect.keeps_text:
        fields = ",".join(f"{key}={quoted(text)}" for key, text in told.items())
    else:
        tags |= told
    said = {key: one_line for key, text in tags.items() if (one_line := " ".join(text.splitlines()).rstrip("\\"))}
    pairs = "".join(f",{key}={tag(text, dialect)}" for key, text in said.items())
    return f"{POINT_MEASUREMENT},point={tag(point.name, dialect)}{pairs} {fields}"


def labels_of(text: str) -> tuple[str, ...]:
    """Return the labels that were kept as a JSON list; none where it is not one, as where an engine cut it short."""
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return ()
    return tuple(str(label) for label in found) if isinstance(found, list) else ()  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def severity_of(number: float | None) -> Severity:
    """Return the severity that a row was kept with; without one there is no alarm, and a strange one is INVALID."""
    return _SEVERITIES.get(number or 0, Severity.INVALID)


def status_of(number: float | None) -> Status:
    """Return the status that a row was kept with; of a foreign row's strange one UDF."""
    return _STATUSES.get(number or 0, Status.UDF)


def reading_of(row: Row) -> Bucket:
    """Return a row as a series has it."""
    return Bucket(row.time_ms, row.value if row.text is None else row.text, row.value, row.value, row.severity)
