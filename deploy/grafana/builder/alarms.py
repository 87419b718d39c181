"""The dashboard of alarms, from the store: how they stand, what was, what it cost, and what people have yet to hear."""

from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard, DataSourceRef

from builder.panels import (
    GREEN,
    ORANGE,
    RED,
    dashboard,
    figures,
    grid,
    lines,
    severity_cell,
    timeline,
    variable,
)
from builder.sql_store import SqlStore
from builder.targets import sql

_POINT = "/d/vigilia-point?var-point=${__data.fields.point:percentencode}&from=${__data.fields.from_ms}&to="
_GOING_ON = {"0": ("None", GREEN), "1": ("One", ORANGE), **{str(count): (str(count), RED) for count in range(2, 21)}}


def make(source: DataSourceRef, store: SqlStore) -> Dashboard:
    """Return the dashboard for one kind of store."""

    def series(text: str) -> list[Any]:
        return [sql(source, text, series=True)]

    def table(text: str) -> list[Any]:
        return [sql(source, text, series=False)]

    hidden = {"custom.hidden": True}
    common = {"severity": severity_cell(), "since": {"unit": "dateTimeAsIso"}, "from_ms": hidden, "to_ms": hidden}
    seconds = {"unit": "s"}
    return dashboard(
        "vigilia-alarms",
        "Alarms",
        "From the store: alarms, incidents, and notices on their way.",
        [variable("area", "Room, plant or reactor", source, store.areas())],
        [
            figures(1, "Now", source, table(store.figures()), columns={"oldest notice": seconds}),
            grid(
                2,
                "Alarms now",
                source,
                table(store.standing()),
                columns={**common, "point": _link(f"{_POINT}now")},
                description="All that are not simply normal. The point leads to its chart.",
            ),
            lines(3, "Incidents begun", source, series(store.began()), bars=True),
            grid(
                4,
                "Unavailable in this time",
                source,
                table(store.unavailable()),
                columns={"unavailable": seconds},
                width=12,
                description="By plant, or by equipment that has none. A moment counts once, however many incidents "
                "hold it; incidents that do not count as an outage are left out.",
            ),
            timeline(5, "Incidents going on", source, series(store.going_on()), _GOING_ON, connect=True),
            grid(
                6,
                "Incidents",
                source,
                table(store.incidents()),
                columns={**common, "lasted": seconds, "point": _link(_POINT + "${__data.fields.to_ms}")},
                height=12,
                description="The newest thousand that touch this time. The point leads to its chart.",
            ),
            lines(7, "Notices waiting", source, series(store.waiting()), steps=True, connect=True),
            grid(8, "Notices that wait", source, table(store.outbox()), columns=common, width=12),
        ],
        hours=24 * 7,
    )


def _link(url: str) -> dict[str, Any]:
    return {"links": [{"title": "Chart", "url": url}]}
