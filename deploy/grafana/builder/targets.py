"""The queries of data sources that the SDK has no classes for, in the form in which Grafana keeps them."""

from typing import Any

from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

SQLITE = DataSourceRef("frser-sqlite-datasource", "vigilia-history-sqlite")
POSTGRESQL = DataSourceRef("grafana-postgresql-datasource", "vigilia-history-postgresql")
VICTORIAMETRICS = DataSourceRef("prometheus", "vigilia-history-victoriametrics")
INFLUXDB = DataSourceRef("influxdb", "vigilia-history-influxdb")
STORE_SQLITE = DataSourceRef("frser-sqlite-datasource", "vigilia-store-sqlite")
STORE_POSTGRESQL = DataSourceRef("grafana-postgresql-datasource", "vigilia-store-postgresql")


class _Query(variants.Dataquery):
    """A query as it stands in the file of a dashboard."""

    def __init__(self, source: DataSourceRef, ref: str, content: dict[str, Any]) -> None:
        self._content = {"refId": ref, "datasource": source, **content}

    def to_json(self) -> dict[str, Any]:
        """Return what the file has."""
        return self._content


class Query(Builder[variants.Dataquery]):
    """A query of any data source."""

    def __init__(self, source: DataSourceRef, ref: str, **content: Any) -> None:
        self._query = _Query(source, ref, content)

    def build(self) -> variants.Dataquery:
        """Return the query."""
        return self._query


def sql(source: DataSourceRef, text: str, *, series: bool, ref: str = "A") -> Query:
    """Return an SQL query for lines over time (`series`) or for a table; its column `time` is the time."""
    if source.type_val == "frser-sqlite-datasource":
        # The plugin shows rawQueryText in its editor and runs it; queryText is what alerts would run.
        kind = "time series" if series else "table"
        return Query(
            source, ref, rawQueryText=text, queryText=text, queryType=kind, timeColumns=["time", "since", "read"]
        )
    form = "time_series" if series else "table"
    return Query(source, ref, rawSql=text, rawQuery=True, editorMode="code", format=form)
