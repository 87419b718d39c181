"""MetricsQL: how a history's series are selected, and what the answers of the Prometheus API say.

See https://docs.victoriametrics.com/metricsql/ and https://docs.victoriametrics.com/#prometheus-querying-api-usage.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from vigilia.history.backend import PointInfo, Row
from vigilia.history.lineprotocol import MEASUREMENT, POINT_MEASUREMENT, labels_of, severity_of, status_of

VALUE, SEVERITY, STATUS = (f"{MEASUREMENT}_{field}" for field in ("value", "severity", "status"))
ANY = f"{MEASUREMENT}_(value|severity|status)"
INFO = f"{POINT_MEASUREMENT}_info"

NUMBERS = ("min_over_time", "max_over_time", "avg_over_time", "last_over_time")
"""What is asked of the values in a bucket."""
STATES = ("max_over_time", "count_over_time", "tfirst_over_time", "tlast_over_time")
"""What is asked of the severities in a bucket: the worst, how many rows there are, and from when to when."""
NEWEST = ("tlast_over_time", "last_over_time")


@dataclass(slots=True)
class Parts:
    """One row, put together from the three series that it is kept in."""

    value: float | None = None
    severity: float = 0
    status: float = 0


@dataclass(slots=True)
class Newest:
    """The newest sample of each of a point's series: its time in milliseconds, and the number."""

    times: dict[str, int] = field(default_factory=dict[str, int])
    numbers: dict[str, float] = field(default_factory=dict[str, float])


def quoted(text: str) -> str:
    """Return a text as MetricsQL has it: as Go writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def literal_pattern(names: Sequence[str]) -> str:
    """Return a regular expression (RE2) that matches these names and nothing else."""
    return "|".join("".join(c if c.isalnum() or not c.isascii() else f"\\{c}" for c in name) for name in names)


def rollup(functions: Sequence[str], selector: str, window_ms: int) -> str:
    """Return the expression for several functions of the samples in one window, at once."""
    listed = ",".join(f'"{function}"' for function in functions)
    return f"aggr_over_time(({listed}),{selector}[{window_ms}ms]) keep_metric_names"


def milliseconds(seconds: float | str) -> int:
    """Return a time of the Prometheus API in milliseconds."""
    return round(float(seconds) * 1000)


def matrix(found: Mapping[str, Any]) -> dict[int, dict[str, float]]:
    """Return an answer's numbers by the time they are of, and the function that made them."""
    by_time: dict[int, dict[str, float]] = {}
    for series in found["data"]["result"]:
        function = series["metric"]["rollup"]
        for moment, number in series["values"]:
            by_time.setdefault(milliseconds(moment), {})[function] = float(number)
    return by_time


def vector(found: Mapping[str, Any]) -> list[float]:
    """Return the numbers of an answer that has one for each series."""
    return [float(series["value"][1]) for series in found["data"]["result"]]


def newest(found: Mapping[str, Any]) -> dict[str, Newest]:
    """Return the newest samples that an answer to `rollup(NEWEST, …)` tells of, by point."""
    by_point: dict[str, Newest] = {}
    for series in found["data"]["result"]:
        labels, number = series["metric"], float(series["value"][1])
        at = by_point.setdefault(labels["point"], Newest())
        if labels["rollup"] == "tlast_over_time":
            at.times[labels["__name__"]] = milliseconds(number)
        else:
            at.numbers[labels["__name__"]] = number
    return by_point


def newest_row(point: str, found: Newest) -> Row:
    """Return a point's newest row: a series whose newest sample is older has nothing in it."""
    latest = max(found.times.values())
    now = {name: found.numbers[name] for name, moment in found.times.items() if moment == latest}
    return Row(point, latest, now.get(VALUE), None, severity_of(now.get(SEVERITY)), status_of(now.get(STATUS)))


def newest_points(found: Mapping[str, Any]) -> dict[str, PointInfo]:
    """Return what was last said of each point, from an answer to when each was said."""
    latest: dict[str, tuple[float, PointInfo]] = {}
    for series in found["data"]["result"]:
        info, moment = point_in(series["metric"]), float(series["value"][1])
        if moment > latest.get(info.name, (0.0, None))[0]:
            latest[info.name] = (moment, info)
    return {name: info for name, (_, info) in latest.items()}


def point_in(labels: Mapping[str, str]) -> PointInfo:
    """Return what the labels of a point's own series say."""
    return PointInfo(
        name=labels["point"],
        kind=labels.get("kind", ""),
        units=labels.get("units", ""),
        description=labels.get("description", ""),
        device=labels.get("device", ""),
        link=labels.get("link", ""),
        area=labels.get("area", ""),
        system=labels.get("system", ""),
        labels=labels_of(labels.get("labels", "")),
    )


def rows_in(point: str, exported: bytes) -> list[Row]:
    """Return the rows of an export, in order: JSON lines of samples, a series each, or parts of one.

    Raises KeyError, TypeError or ValueError where it is none.
    """
    by_time: dict[int, Parts] = {}
    for name, moment, number in _samples(exported):
        parts = by_time.setdefault(moment, Parts())
        if name == VALUE:
            parts.value = number
        elif name == SEVERITY:
            parts.severity = number
        else:
            parts.status = number
    return [
        Row(point, moment, parts.value, None, severity_of(parts.severity), status_of(parts.status))
        for moment, parts in sorted(by_time.items())
    ]


def _samples(exported: bytes) -> Iterator[tuple[str, int, float]]:
    for line in exported.splitlines():
        series = orjson.loads(line)
        name = series["metric"]["__name__"]
        for moment, number in zip(series["timestamps"], series["values"], strict=True):
            if number is not None:
                yield name, moment, float(number)
