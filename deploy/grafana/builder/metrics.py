"""The queries of a history in VictoriaMetrics: `vigilia_value{point="…"}`, `vigilia_severity`, `vigilia_point_info`."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import DataSourceRef

from builder.history import NO_AREA, Column, Points, Target
from builder.targets import VICTORIAMETRICS, Query


class Metrics:
    """Makes the queries in MetricsQL."""

    folder = "history-victoriametrics"
    source: DataSourceRef = VICTORIAMETRICS
    everything = ".*"
    adds_up = True

    def values_of(self, column: str, points: Points) -> tuple[str, str]:
        """See History."""
        if column == "name":
            return "label_values(vigilia_severity, point)", ""
        told = _told(points.suffixes, points.chosen)
        return f"query_result(count by ({column}) ({told}))", f'/^\\{{{column}="(.*)"\\}} /'

    def numbers(self, points: Points) -> Sequence[Target]:
        """See History."""
        functions = {"mean": "avg_over_time", "low": "min_over_time", "high": "max_over_time"}
        return [
            _query(_called(f"{function}({_readings(points)})", points), f"{column} {{{{series}}}}", ref)
            for ref, (column, function) in zip("ABC", functions.items(), strict=True)
        ]

    def total(self, points: Points) -> Sequence[Target]:
        """See History. What is INVALID, or older than half an hour, counts as nothing."""
        newest = f"last_over_time({_selector(points)}[30m])"
        good = f"last_over_time({_selector(points, 'severity')}[30m]) < 3"
        area = f'label_replace({_told(points.suffixes, ())}, "area", "{NO_AREA}", "area", "")'
        usable = f"({newest} and on(point) ({good}))"
        return [_query(f"sum by (area) ({usable} * on(point) group_left(area) {area})", "{{area}}")]

    def flags(self, points: Points) -> Sequence[Target]:
        """See History."""
        both = f"(min_over_time({_readings(points)}) + max_over_time({_readings(points)})) / 2"
        return [_query(_called(both, points), "{{series}}")]

    def states(self, points: Points) -> Sequence[Target]:
        """See History."""
        return [_query(_called(f"last_over_time({_readings(points)})", points), "{{series}}")]

    def severities(self, points: Points) -> Sequence[Target]:
        """See History."""
        return [_query(_called(f"max_over_time({_readings(points, 'severity')})", points), "{{series}}")]

    def counts(self, points: Points) -> Sequence[Target]:
        """See History."""
        count = f"count_over_time({_readings(points, 'severity')})"
        mine = _told(points.suffixes, points.chosen)
        return [_query(_called(f"({count} and on(point) {mine})", points), "{{series}}")]

    def newest(self, points: Points, columns: Sequence[Column]) -> Sequence[Target]:
        """See History."""
        del points, columns
        return ()


def _told(suffixes: Sequence[str], chosen: Sequence[tuple[str, str]]) -> str:
    """Return 1 for each point, with what is known of it as labels: what was said last, be that earlier or later."""
    told = f'tlast_over_time(vigilia_point_info{{point=~".+:{_either(suffixes)}"}}[800d] offset -400d)'
    found = f"topk(1, {told}) by (point) ^ 0"
    for label, variable in chosen:
        found = f'label_match({found}, "{label}", "${variable}")'
    return found


def _query(expression: str, legend: str, ref: str = "A") -> Query:
    return Query(
        VICTORIAMETRICS,
        ref,
        expr=expression,
        legendFormat=legend,
        range=True,
        instant=False,
        editorMode="code",
        format="time_series",
    )


def _readings(points: Points, what: str = "value") -> str:
    return f"{_selector(points, what)}[$__interval]"


def _selector(points: Points, what: str = "value") -> str:
    """Return what selects the series; a point's device is the part of its name before the suffix."""
    variables = dict(points.chosen)
    if "name" in variables:
        return f'vigilia_{what}{{point=~"${variables["name"]}"}}'
    device = f"${variables['device']}" if "device" in variables else ".+"
    return f'vigilia_{what}{{point=~"{device}:{_either(points.suffixes)}"}}'


def _called(expression: str, points: Points) -> str:
    part = "(.*)" if points.label == "name" else "(.*):.*"
    return f'label_replace({expression}, "series", "$1", "point", "{part}")'


def _either(suffixes: Sequence[str]) -> str:
    return suffixes[0] if len(suffixes) == 1 else f"({'|'.join(suffixes)})"
