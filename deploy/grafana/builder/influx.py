"""The queries of a history in InfluxDB 1.x: measurement `vigilia`, tag `point`, fields `value` and `severity`."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import DataSourceRef

from builder.history import Column, Points, Target
from builder.targets import INFLUXDB, Query

_GROUPED = 'GROUP BY time($__interval), "point" fill(none)'


class Influx:
    """Makes the queries in InfluxQL."""

    folder = "history-influxdb"
    source: DataSourceRef = INFLUXDB
    everything = ".*"
    adds_up = False

    def values_of(self, column: str, points: Points) -> tuple[str, str]:
        """See History."""
        if column == "name":
            return 'SHOW TAG VALUES FROM "vigilia" WITH KEY = "point"', ""
        chosen = "".join(f' AND "{place}" =~ /^${{{name}:regex}}$/' for place, name in points.chosen)
        named = f'"point" =~ /:{_either(points.suffixes)}$/'
        return f'SHOW TAG VALUES FROM "vigilia_point" WITH KEY = "{column}" WHERE {named}{chosen}', ""

    def numbers(self, points: Points) -> Sequence[Target]:
        """See History."""
        columns = 'mean("value") AS "mean", min("value") AS "low", max("value") AS "high"'
        return [_query(f'SELECT {columns} FROM "vigilia" WHERE {_condition(points)} {_GROUPED}', "$col $tag_point")]

    def total(self, points: Points) -> Sequence[Target]:
        """See History. InfluxDB 1.6 adds up wrongly what it filled in (measured): the panel stacks the points."""
        grouped = 'GROUP BY time($__interval), "point" fill(previous)'
        return [
            _query(f'SELECT last("value") AS "value" FROM "vigilia" WHERE {_condition(points)} {grouped}', "$tag_point")
        ]

    def flags(self, points: Points) -> Sequence[Target]:
        """See History."""
        return self._one('(min("value") + max("value")) / 2', points)

    def states(self, points: Points) -> Sequence[Target]:
        """See History."""
        return self._one('last("value")', points)

    def severities(self, points: Points) -> Sequence[Target]:
        """See History."""
        return self._one('max("severity")', points)

    def counts(self, points: Points) -> Sequence[Target]:
        """See History."""
        return self._one('count("severity")', points)

    def newest(self, points: Points, columns: Sequence[Column]) -> Sequence[Target]:
        """See History."""
        del points, columns
        return ()

    def _one(self, what: str, points: Points) -> Sequence[Target]:
        return [_query(f'SELECT {what} AS "value" FROM "vigilia" WHERE {_condition(points)} {_GROUPED}', "$tag_point")]


def _query(text: str, alias: str) -> Query:
    return Query(INFLUXDB, "A", query=text, rawQuery=True, resultFormat="time_series", alias=alias)


def _condition(points: Points) -> str:
    """Return the condition for rows; a point's device is the part of its name before the suffix."""
    variables = dict(points.chosen)
    if "name" in variables:
        return f'"point" =~ /^${{{variables["name"]}:regex}}$/ AND $timeFilter'
    device = f"${{{variables['device']}:regex}}" if "device" in variables else ".+"
    return f'"point" =~ /^{device}:{_either(points.suffixes)}$/ AND $timeFilter'


def _either(suffixes: Sequence[str]) -> str:
    return suffixes[0] if len(suffixes) == 1 else f"({'|'.join(suffixes)})"
