"""The queries of a history in SQL. What they read of the schema is what any program may read.

Short ranges are answered from the readings, longer ones from the minutes and the hours, so that none looks at more rows
than it has to; so is what lies before the oldest reading that is kept. Hours whose rollups are still to be made anew
are answered from the readings.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import DataSourceRef

from builder.history import NO_AREA, Column, Points, Target
from builder.sql import Dialect
from builder.targets import sql

_INTERVAL = "${__interval_ms}"
_MINUTES_FROM_MS, _HOURS_FROM_MS = 15_000, 900_000
"""A spot this wide is shown a minute wide, or an hour: from the readings of many points it would take seconds."""
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_NONE = "CAST(NULL AS DOUBLE PRECISION)"


class SqlHistory:
    """Makes the queries of a history in SQLite or PostgreSQL."""

    everything = ""
    adds_up = True

    def __init__(self, dialect: Dialect, source: DataSourceRef, folder: str) -> None:
        self.folder = folder
        self.source = source
        self._dialect = dialect
        self._width = (
            f"(CASE WHEN {_INTERVAL} >= {_HOURS_FROM_MS} THEN {dialect.greatest(_INTERVAL, str(_HOUR_MS))}"
            f" WHEN {_INTERVAL} >= {_MINUTES_FROM_MS} THEN {dialect.greatest(_INTERVAL, str(_MINUTE_MS))}"
            f" ELSE {_INTERVAL} END)"
        )
        """Of a bucket, in milliseconds."""

    def values_of(self, column: str, points: Points) -> tuple[str, str]:
        """See History."""
        return f"SELECT DISTINCT {_shown(column)} FROM points p WHERE {_condition(points)} ORDER BY 1", ""

    def numbers(self, points: Points) -> Sequence[Target]:
        """See History."""
        buckets = (
            "SELECT series, bucket,\n"
            "    sum(mean * count) / nullif(sum(CASE WHEN mean IS NULL THEN 0 ELSE count END), 0) AS mean,\n"
            "    min(low) AS low, max(high) AS high\n"
            "  FROM found GROUP BY 1, 2"
        )
        return self._series(points, buckets, ("mean", "low", "high"))

    def flags(self, points: Points) -> Sequence[Target]:
        """See History."""
        buckets = (
            "SELECT series, bucket,\n"
            "    CASE WHEN min(low) < max(high) THEN 0.5 ELSE max(high) END AS state\n"
            "  FROM found GROUP BY 1, 2"
        )
        return self._series(points, buckets, ("state",))

    def states(self, points: Points) -> Sequence[Target]:
        """See History."""
        buckets = (
            "SELECT series, bucket, last AS state FROM (\n"
            "    SELECT series, bucket, last,\n"
            "      row_number() OVER (PARTITION BY series, bucket ORDER BY time DESC) AS place\n"
            "    FROM found WHERE last IS NOT NULL\n"
            "  ) ranked WHERE place = 1"
        )
        return self._series(points, buckets, ("state",))

    def severities(self, points: Points) -> Sequence[Target]:
        """See History."""
        buckets = "SELECT series, bucket, max(severity) AS severity FROM found GROUP BY 1, 2"
        return self._series(points, buckets, ("severity",))

    def total(self, points: Points) -> Sequence[Target]:
        """See History. What is INVALID counts as nothing."""
        text = (
            f"{self._found(points, 'p.name')},\n"
            "buckets AS (\n"
            "  SELECT series, family, bucket,\n"
            "    coalesce(sum(CASE WHEN usable THEN mean * count END)\n"
            "      / nullif(sum(CASE WHEN usable AND mean IS NOT NULL THEN count ELSE 0 END), 0), 0.0) AS value\n"
            "  FROM found GROUP BY 1, 2, 3\n"
            "),\n"
            "steps AS (\n"
            "  SELECT family, bucket,\n"
            "    value - coalesce(lag(value) OVER (PARTITION BY series ORDER BY bucket), 0.0) AS step\n"
            "  FROM buckets\n"
            "),\n"
            "summed AS (SELECT family, bucket, sum(step) AS step FROM steps GROUP BY 1, 2)\n"
            f"SELECT {self._dialect.shown('bucket')} AS time, family AS series,\n"
            "  CAST(sum(step) OVER (PARTITION BY family ORDER BY bucket) AS DOUBLE PRECISION) AS total\n"
            "FROM summed ORDER BY 1, 2"
        )
        return [sql(self.source, text, series=True)]

    def counts(self, points: Points) -> Sequence[Target]:
        """See History. What lies before the range is not counted."""
        text = (
            f"{self._found(points, _shown(points.label))}\n"
            f"SELECT {self._dialect.shown('bucket')} AS time, series,\n"
            "  CAST(sum(count) AS DOUBLE PRECISION) AS count\n"
            f"FROM found WHERE time > {self._dialect.ms(self._dialect.start)} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return [sql(self.source, text, series=True)]

    def newest(self, points: Points, columns: Sequence[Column]) -> Sequence[Target]:
        """See History."""
        shown = _shown(points.label)
        wanted = ",\n  ".join(f'{self._column(column)} AS "{column.title}"' for column in columns)
        text = (
            f'SELECT {shown} AS "{points.label}",\n  {wanted}\n'
            "FROM points p LEFT JOIN latest l ON l.point = p.id\n"
            f"WHERE {_condition(points)}\nGROUP BY 1 ORDER BY 1"
        )
        return [sql(self.source, text, series=False)]

    def _column(self, column: Column) -> str:
        d, named = self._dialect, _named(column.suffixes)
        match column.what:
            case "value":
                return f"max(CASE WHEN {named} THEN l.value END)"
            case "label":
                return f"max(CASE WHEN {named} THEN {d.label('p.labels', 'l.value')} END)"
            case "severity":
                return f"max(CASE WHEN {named} THEN l.severity END)"
            case "time":
                return d.shown(f"max(CASE WHEN {named} THEN {d.ms('l.time')} END)")
            case "text":
                return f"max(CASE WHEN {named} THEN l.text END)"
            case "sum":
                return f"sum(CASE WHEN {named} AND l.severity < 3 THEN l.value END)"
            case "count":
                return f"sum(CASE WHEN {named} AND l.value = 1 THEN 1 ELSE 0 END)"
            case "age":
                return f"{d.now} - max(CASE WHEN {named} THEN {d.seconds('l.text')} END)"
            case other:
                raise ValueError(f"a table of present values has no column of the kind {other!r}")

    def _series(self, points: Points, buckets: str, columns: tuple[str, ...]) -> Sequence[Target]:
        """Return a query for `columns` of buckets, with an empty one where a gap begins."""
        d = self._dialect
        values = ", ".join(f"CAST({column} AS DOUBLE PRECISION) AS {column}" for column in columns)
        nothing = ", ".join(f"{_NONE} AS {column}" for column in columns)
        text = (
            f"{self._found(points, _shown(points.label))},\n"
            f"buckets AS (\n  {buckets}\n),\n"
            "marked AS (\n"
            "  SELECT buckets.*, lead(bucket) OVER (PARTITION BY series ORDER BY bucket) AS following FROM buckets\n"
            ")\n"
            f"SELECT {d.shown('bucket')} AS time, series, {values} FROM marked\n"
            "UNION ALL\n"
            f"SELECT {d.shown(f'bucket + {self._width}')} AS time, series, {nothing} FROM marked\n"
            f"  WHERE following - bucket > {d.greatest(str(points.gap_s * 1000), f'{self._width} * 5 / 2')}\n"
            "ORDER BY 1, 2"
        )
        return [sql(self.source, text, series=True)]

    def _found(self, points: Points, series: str) -> str:
        """Return the beginning of a query: `found`, the rows of the finest table that is fine enough, in milliseconds.

        What was known when the range began is there too, at its start, unless it lies beyond a gap.
        """
        d = self._dialect
        firsts = ",\n    ".join(
            f"coalesce((SELECT x.time FROM {table} x WHERE x.point = p.id AND "
            f"x.time BETWEEN {d.later(d.start, -points.gap_s * 1000 - width)} AND {d.start} "
            f"ORDER BY x.time DESC LIMIT 1), {d.start}) AS first_{table}"
            for table, width in (("samples", 0), ("minutes", _MINUTE_MS), ("hours", _HOUR_MS))
        )
        oldest = ",\n    ".join(
            f"(SELECT x.time FROM {table} x WHERE x.point = p.id ORDER BY x.time LIMIT 1) AS oldest_{table}"
            for table in ("samples", "minutes")
        )
        width_ms = self._width
        reading = "s.value AS mean, s.value AS low, s.value AS high, s.value AS last, s.severity, 1 AS count"
        rollup = "r.mean, r.low, r.high, r.last, r.severity, r.count"
        dirty = f"d.hour > {d.later('r.time', -_HOUR_MS)} AND d.hour <= r.time"

        def time(of: str) -> str:
            shown = d.greatest(d.ms(f"{of}.time"), d.ms(d.start))
            return f"{shown} AS time, {shown} / {width_ms} * {width_ms} AS bucket"

        def rolled(table: str, width: int, when: str, finer: str, usable: str) -> str:
            wide = f"{width_ms} >= {width}"
            return (
                f"  SELECT c.series, c.family, {time('r')}, {rollup}, {usable} AS usable\n"
                f"  FROM chosen c JOIN {table} r ON r.point = c.id\n"
                f"  WHERE {when}r.time BETWEEN c.first_{table} AND {d.end}\n"
                f"    AND ({wide} OR c.oldest_{finer} IS NULL OR {d.later('r.time', width)} <= c.oldest_{finer})\n"
                f"    AND NOT EXISTS (SELECT 1 FROM dirty d WHERE d.point = c.id AND {dirty})"
            )

        return (
            "WITH chosen AS (\n"
            f"  SELECT p.id, {series} AS series, {_shown('area')} AS family,\n    {firsts},\n    {oldest}\n"
            f"  FROM points p WHERE {_condition(points)}\n"
            "),\n"
            "found AS (\n"
            f"  SELECT c.series, c.family, {time('s')}, {reading}, s.severity < 3 AS usable\n"
            "  FROM chosen c JOIN samples s ON s.point = c.id\n"
            f"  WHERE {width_ms} < {_MINUTE_MS} AND s.time BETWEEN c.first_samples AND {d.end}\n"
            "  UNION ALL\n"
            f"  SELECT c.series, c.family, {time('s')}, {reading}, s.severity < 3 AS usable\n"
            "  FROM chosen c JOIN (SELECT DISTINCT x.point, x.hour FROM dirty x) d ON d.point = c.id\n"
            "    JOIN samples s ON s.point = c.id\n"
            f"    AND s.time >= d.hour AND s.time < {d.later('d.hour', _HOUR_MS)}\n"
            f"  WHERE {width_ms} >= {_MINUTE_MS} AND s.time BETWEEN c.first_samples AND {d.end}\n"
            "  UNION ALL\n"
            + rolled("minutes", _MINUTE_MS, f"{width_ms} < {_HOUR_MS} AND ", "samples", "r.severity < 3")
            + "\n  UNION ALL\n"
            # One bad reading does not make an hour's mean worthless.
            + rolled("hours", _HOUR_MS, "", "minutes", "r.mean IS NOT NULL")
            + "\n)"
        )


def _shown(column: str) -> str:
    return f"coalesce(nullif(p.area, ''), '{NO_AREA}')" if column == "area" else f"p.{column}"


def _named(suffixes: Sequence[str]) -> str:
    named = " OR ".join(f"p.name LIKE '%:{suffix}'" for suffix in suffixes)
    return f"({named})" if len(suffixes) > 1 else named


def _condition(points: Points) -> str:
    chosen = [f"{_shown(column)} IN (${{{variable}:sqlstring}})" for column, variable in points.chosen]
    return " AND ".join([*([_named(points.suffixes)] if points.suffixes else []), *chosen]) or "1 = 1"
