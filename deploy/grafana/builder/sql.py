"""The two kinds of SQL that the dashboards speak: what differs between SQLite and PostgreSQL, and nothing else."""

from typing import Protocol


class Dialect(Protocol):
    """How one database says it. Times are in milliseconds within a query, and Grafana's variables are still in it."""

    start: str
    """The start of what the dashboard shows, as the tables have times."""
    end: str

    def ms(self, time: str) -> str:
        """Return a time of a table in milliseconds."""
        ...

    def shown(self, milliseconds: str) -> str:
        """Return milliseconds as what Grafana takes for a time."""
        ...

    def later(self, time: str, milliseconds: int) -> str:
        """Return a time of a table so much later."""
        ...

    def greatest(self, *of: str) -> str:
        """Return the greatest of some expressions."""
        ...

    def least(self, *of: str) -> str:
        """Return the least of some expressions."""
        ...

    def label(self, labels: str, value: str) -> str:
        """Return the text of an enum's value."""
        ...

    def seconds(self, text: str) -> str:
        """Return the seconds since 1970 of a time written in ISO 8601."""
        ...

    now: str
    """Seconds since 1970."""


class Sqlite:
    """SQLite through the plugin frser-sqlite-datasource: variables are put in as text, and times are seconds."""

    start = "$__from"
    end = "$__to"
    now = "CAST(strftime('%s', 'now') AS REAL)"

    def ms(self, time: str) -> str:
        """See Dialect."""
        return time

    def shown(self, milliseconds: str) -> str:
        """See Dialect."""
        return f"({milliseconds}) / 1000.0"

    def later(self, time: str, milliseconds: int) -> str:
        """See Dialect."""
        return f"{time} + {milliseconds}" if milliseconds >= 0 else f"{time} - {-milliseconds}"

    def greatest(self, *of: str) -> str:
        """See Dialect."""
        return f"max({', '.join(of)})"

    def least(self, *of: str) -> str:
        """See Dialect."""
        return f"min({', '.join(of)})"

    def label(self, labels: str, value: str) -> str:
        """See Dialect."""
        return f"json_extract({labels}, '$[' || CAST({value} AS INTEGER) || ']')"

    def seconds(self, text: str) -> str:
        """See Dialect."""
        return f"CAST(strftime('%s', {text}) AS REAL)"


class Postgresql:
    """PostgreSQL through Grafana's own data source, which has macros for the range of time."""

    start = "$__timeFrom()::timestamptz"
    end = "$__timeTo()::timestamptz"
    now = "extract(epoch FROM now())"

    def ms(self, time: str) -> str:
        """See Dialect."""
        return f"(extract(epoch FROM {time}) * 1000)::bigint"

    def shown(self, milliseconds: str) -> str:
        """See Dialect."""
        return f"to_timestamp(({milliseconds}) / 1000.0)"

    def later(self, time: str, milliseconds: int) -> str:
        """See Dialect."""
        sign = "+" if milliseconds >= 0 else "-"
        return f"{time} {sign} interval '{abs(milliseconds)} ms'"

    def greatest(self, *of: str) -> str:
        """See Dialect."""
        return f"greatest({', '.join(of)})"

    def least(self, *of: str) -> str:
        """See Dialect."""
        return f"least({', '.join(of)})"

    def label(self, labels: str, value: str) -> str:
        """See Dialect."""
        return f"({labels}::jsonb ->> ({value})::int)"

    def seconds(self, text: str) -> str:
        """See Dialect."""
        return f"extract(epoch FROM ({text})::timestamptz)"
