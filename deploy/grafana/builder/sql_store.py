"""The queries of the store, where alarms, incidents and notices are. Its times are in seconds: vigilia.store.schema."""

from builder.history import NO_AREA
from builder.sql import Dialect

WIDTH = "${__interval_ms}"
_HALF_AN_HOUR_S = 1800


class SqlStore:
    """Makes the queries of a store in SQLite or PostgreSQL."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._start = f"({dialect.ms(dialect.start)} / 1000.0)"
        self._end = f"({dialect.ms(dialect.end)} / 1000.0)"

    def areas(self) -> str:
        """Return the query of the variable: the areas that had incidents."""
        return f"SELECT DISTINCT {_area()} FROM incidents i ORDER BY 1"

    def standing(self) -> str:
        """Return what gives the alarms that are not simply normal, the newest first."""
        flag = "CAST(a.state ->> '{}' AS TEXT) IN ('true', '1')"
        since = "CAST(a.state ->> 'since' AS DOUBLE PRECISION)"
        return (
            f"SELECT {self._time(since)} AS since, coalesce(i.system, '') AS system, {_area()} AS area,\n"
            "  coalesce(i.equipment, a.point) AS equipment,\n"
            "  coalesce(nullif(i.label, ''), nullif(i.family, ''), a.rule) AS alarm,\n"
            "  coalesce(CAST(a.state ->> 'severity' AS INTEGER), i.severity) AS severity,\n"
            f"  CASE WHEN {flag.format('out_of_service')} THEN 'out-of-service'\n"
            f"    WHEN {flag.format('shelved')} THEN 'shelved'\n"
            "    WHEN i.ended_at IS NULL AND i.suppressed_by <> '' THEN 'suppressed'\n"
            "    ELSE CAST(a.state ->> 'base' AS TEXT) END AS state,\n"
            "  CAST(a.state ->> 'detail' AS TEXT) AS detail, a.point AS point,\n"
            f"  CAST(({since} - {_HALF_AN_HOUR_S}) * 1000 AS BIGINT) AS from_ms\n"
            "FROM alarms a LEFT JOIN incidents i ON i.id = CAST(a.state ->> 'incident' AS TEXT)\n"
            f"WHERE {_area()} IN (${{area:sqlstring}})\n"
            "ORDER BY 1 DESC"
        )

    def figures(self) -> str:
        """Return what gives one row of counts: alarms by how they stand, and notices."""
        d = self._dialect
        flag = "CAST(state ->> '{}' AS TEXT) IN ('true', '1')"
        base = "CAST(state ->> 'base' AS TEXT)"
        return (
            "SELECT\n"
            f"  (SELECT count(*) FROM alarms WHERE {base} IN ('unacknowledged', 'acknowledged')) AS active,\n"
            f"  (SELECT count(*) FROM alarms WHERE {base} IN ('unacknowledged', 'returned')) AS unacknowledged,\n"
            f"  (SELECT count(*) FROM alarms WHERE {flag.format('shelved')} OR {flag.format('out_of_service')})"
            ' AS "put aside",\n'
            '  (SELECT count(*) FROM outbox WHERE delivered_at IS NULL) AS "notices waiting",\n'
            f"  (SELECT coalesce({d.now} - min(created_at), 0.0) FROM outbox WHERE delivered_at IS NULL)"
            ' AS "oldest notice"'
        )

    def began(self) -> str:
        """Return what gives how many incidents began, by family."""
        bucket = f"CAST(i.began_at * 1000 AS BIGINT) / {WIDTH} * {WIDTH}"
        return (
            f"SELECT {self._dialect.shown(bucket)} AS time, coalesce(nullif(i.family, ''), i.rule) AS family,\n"
            "  CAST(count(*) AS DOUBLE PRECISION) AS incidents\n"
            f"FROM incidents i WHERE i.began_at BETWEEN {self._start} AND {self._end}\n"
            f"  AND {_area()} IN (${{area:sqlstring}})\n"
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )

    def going_on(self) -> str:
        """Return what gives how many incidents of each area were going on, whenever that changed."""
        d = self._dialect
        mine = f"{_area()} IN (${{area:sqlstring}}) AND i.began_at <= {self._end}"
        return (
            "WITH changes AS (\n"
            f"  SELECT {_area()} AS area, {d.greatest('i.began_at', self._start)} AS moment, 1 AS step\n"
            f"  FROM incidents i WHERE {mine} AND (i.ended_at IS NULL OR i.ended_at >= {self._start})\n"
            "  UNION ALL\n"
            f"  SELECT {_area()}, i.ended_at, -1\n"
            f"  FROM incidents i WHERE {mine} AND i.ended_at BETWEEN {self._start} AND {self._end}\n"
            "  UNION ALL\n"
            f"  SELECT DISTINCT {_area()}, {self._start}, 0 FROM incidents i WHERE {mine}\n"
            f"    AND (i.ended_at IS NULL OR i.ended_at >= {self._start})\n"
            "),\n"
            "sums AS (SELECT area, moment, sum(step) AS step FROM changes GROUP BY 1, 2)\n"
            f"SELECT {self._time('moment')} AS time, area,\n"
            "  CAST(sum(step) OVER (PARTITION BY area ORDER BY moment) AS DOUBLE PRECISION) AS incidents\n"
            "FROM sums ORDER BY 1, 2"
        )

    def unavailable(self) -> str:
        """Return what gives how long each area was unavailable: a moment counts once, whatever holds it."""
        d = self._dialect
        ended = f"coalesce(i.ended_at, {d.now})"
        new = d.greatest("0.0", f"until - {d.greatest('since', 'coalesce(reached, since)')}")
        return (
            "WITH parts AS (\n"
            "  SELECT coalesce(nullif(i.area, ''), i.equipment) AS plant,\n"
            f"    {d.greatest('i.began_at', self._start)} AS since, {d.least(ended, self._end)} AS until\n"
            f"  FROM incidents i WHERE i.outage AND i.began_at < {self._end}\n"
            f"    AND (i.ended_at IS NULL OR i.ended_at > {self._start}) AND {_area()} IN (${{area:sqlstring}})\n"
            "),\n"
            "ordered AS (\n"
            "  SELECT plant, since, until, max(until) OVER (PARTITION BY plant ORDER BY since, until\n"
            "    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached FROM parts\n"
            ")\n"
            f"SELECT plant, sum({new}) AS unavailable, count(*) AS incidents\n"
            "FROM ordered GROUP BY 1 ORDER BY 2 DESC, 1"
        )

    def incidents(self) -> str:
        """Return what gives the incidents of the range, the newest first."""
        d = self._dialect
        until = f"coalesce(i.ended_at, {d.now})"
        return (
            f"SELECT {self._time('i.began_at')} AS since, {until} - i.began_at AS lasted,\n"
            "  CASE WHEN i.ended_at IS NULL THEN 'yes' ELSE '' END AS open,\n"
            f"  i.system, {_area()} AS area, i.equipment,\n"
            "  coalesce(nullif(i.label, ''), nullif(i.family, ''), i.rule) AS alarm, i.severity, i.detail, i.point,\n"
            "  CASE WHEN i.suppressed_by <> '' THEN 'suppressed' WHEN i.told THEN 'told' WHEN i.brief THEN 'brief'\n"
            "    ELSE '' END AS notice,\n"
            f"  CAST((i.began_at - {_HALF_AN_HOUR_S}) * 1000 AS BIGINT) AS from_ms,\n"
            f"  CAST(({until} + {_HALF_AN_HOUR_S}) * 1000 AS BIGINT) AS to_ms\n"
            f"FROM incidents i WHERE i.began_at <= {self._end}\n"
            f"  AND (i.ended_at IS NULL OR i.ended_at >= {self._start}) AND {_area()} IN (${{area:sqlstring}})\n"
            "ORDER BY i.began_at DESC LIMIT 1000"
        )

    def outbox(self) -> str:
        """Return what gives the notices that wait, the oldest first."""
        return (
            f"SELECT {self._time('created_at')} AS since, channel, kind, area, attempts, card, error\n"
            "FROM outbox WHERE delivered_at IS NULL ORDER BY id LIMIT 1000"
        )

    def waiting(self) -> str:
        """Return what gives how many notices waited for each channel, whenever that changed."""
        d = self._dialect
        return (
            "WITH changes AS (\n"
            f"  SELECT channel, {d.greatest('created_at', self._start)} AS moment, 1 AS step FROM outbox\n"
            f"  WHERE created_at <= {self._end} AND (delivered_at IS NULL OR delivered_at >= {self._start})\n"
            "  UNION ALL\n"
            "  SELECT channel, delivered_at, -1 FROM outbox\n"
            f"  WHERE created_at <= {self._end} AND delivered_at BETWEEN {self._start} AND {self._end}\n"
            "  UNION ALL\n"
            f"  SELECT DISTINCT channel, {self._start}, 0 FROM outbox\n"
            "),\n"
            "sums AS (SELECT channel, moment, sum(step) AS step FROM changes GROUP BY 1, 2)\n"
            f"SELECT {self._time('moment')} AS time, channel,\n"
            "  CAST(sum(step) OVER (PARTITION BY channel ORDER BY moment) AS DOUBLE PRECISION) AS notices\n"
            "FROM sums ORDER BY 1, 2"
        )

    def _time(self, seconds: str) -> str:
        return self._dialect.shown(f"{seconds} * 1000.0")


def _area() -> str:
    return f"coalesce(nullif(i.area, ''), '{NO_AREA}')"
