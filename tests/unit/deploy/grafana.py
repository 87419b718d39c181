"""What Grafana does with a query before a database sees it, and with the answer; written from what its sources say."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3] / "deploy" / "grafana"

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
"""`variableRegex` of Grafana's packages/…/variables; the form with brackets is not used here."""
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
"""`sExpr` of the PostgreSQL data source."""


@dataclass(frozen=True, eq=False)
class View:
    """What somebody looks at: a range of time, how fine, and the variables' values."""

    start_ms: int
    end_ms: int
    interval_ms: int
    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def interval(self) -> str:
        ms = self.interval_ms
        return f"{ms // 60_000}m" if ms % 60_000 == 0 else f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"

    def filled_in(self, text: str) -> str:
        """Put the variables in, as the browser does; what is none stays for the data source."""
        own = {
            "__from": str(self.start_ms),
            "__to": str(self.end_ms),
            "__interval_ms": str(self.interval_ms),
            "__interval": self.interval,
        }

        def value(found: re.Match[str]) -> str:
            name, form = found[1] or found[2], found[4]
            if name in own:
                return own[name]
            if name not in self.variables:
                assert not found[2], f"{found[0]} is no variable of the dashboard"
                return found[0]
            return _formatted(self.variables[name], form)

        return _VARIABLE.sub(value, text)


def _formatted(values: Sequence[str], form: str | None) -> str:
    match form:
        case "sqlstring":
            return ",".join("'" + value.replace("'", "''") + "'" for value in values)
        case "regex":
            escaped = [re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value) for value in values]
            return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
        case _:
            raise AssertionError(f"no query here uses the form {form!r}")


def dashboards(folder: str) -> dict[str, dict[str, Any]]:
    """The dashboards of one kind, by the name of their file."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "dashboards" / folder).iterdir())}


def queries(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The title of each panel, with each of its queries."""
    for panel in dashboard["panels"]:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            yield panel["title"], target


def panel_query(folder: str, name: str, number: int) -> dict[str, Any]:
    """The query of one panel."""
    (panel,) = [panel for panel in dashboards(folder)[name]["panels"] if panel["id"] == number]
    return panel["targets"][0]


# SQLite: pkg/plugin of fr-ser/grafana-sqlite-datasource


def ask_sqlite(path: str, target: Mapping[str, Any], view: View) -> list[dict[str, Any]]:
    """Run a panel's query as the plugin does; a time comes back in seconds."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        cursor = connection.execute(view.filled_in(target["rawQueryText"]))
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    connection.close()
    columns = {
        name: _typed([row[place] for row in rows], time=name in target["timeColumns"])
        for place, name in enumerate(names)
    }
    answer = [{name: columns[name][place] for name in names} for place in range(len(rows))]
    if target["queryType"] == "time series":
        _check_series(answer)
    return answer


def _typed(values: list[Any], *, time: bool) -> list[Any]:
    """The plugin takes the type of a computed column from its first value, and cuts off the decimals of an integer."""
    if time:
        assert all(value is None or isinstance(value, int | float) for value in values)
        return values
    first = next((value for value in values if value is not None), None)
    if isinstance(first, int):
        return [None if value is None else int(value) for value in values]
    if isinstance(first, str):
        return [None if value is None else str(value) for value in values]
    return values


def sqlite_values(path: str, query: str, view: View) -> list[Any]:
    """What a variable offers: the plugin wants one column."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute(view.filled_in(query)).fetchall()
    connection.close()
    assert all(len(row) == 1 for row in rows)
    return [row[0] for row in rows]


# PostgreSQL: pkg/tsdb/grafana-postgresql-datasource of Grafana


def postgresql_text(query: str, view: View) -> str:
    """Put variables and macros in."""

    def macro(found: re.Match[str]) -> str:
        match found[1]:
            case "__timeFrom":
                return f"'{_rfc3339(view.start_ms)}'"
            case "__timeTo":
                return f"'{_rfc3339(view.end_ms)}'"
            case "__timeFilter":
                return f"{found[2]} BETWEEN '{_rfc3339(view.start_ms)}' AND '{_rfc3339(view.end_ms)}'"
            case other:
                raise AssertionError(f"unknown macro {other!r}")

    return _MACRO.sub(macro, view.filled_in(query))


def postgresql_answer(target: Mapping[str, Any], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Return rows as `ask_sqlite` does."""
    answer = [
        {
            name: value.timestamp() if isinstance(value, datetime) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in rows
    ]
    if target["format"] == "time_series":
        _check_series(answer)
    return answer


def _rfc3339(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check_series(rows: Sequence[Mapping[str, Any]]) -> None:
    """What LongToWide of grafana-plugin-sdk-go asks for: times in order, a label, and one row for each of both."""
    times = [row["time"] for row in rows]
    assert times == sorted(times)
    labels = [tuple(value for value in row.values() if isinstance(value, str)) for row in rows]
    assert all(labels)
    assert len(set(zip(times, labels, strict=True))) == len(rows)
