"""Which dashboards there are, and what their files hold."""

import json
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from builder import alarms, own, plants, poe, reactors
from builder.history import History
from builder.influx import Influx
from builder.metrics import Metrics
from builder.sql import Postgresql, Sqlite
from builder.sql_history import SqlHistory
from builder.sql_store import SqlStore
from builder.targets import POSTGRESQL, SQLITE, STORE_POSTGRESQL, STORE_SQLITE

FOLDER = Path(__file__).resolve().parents[1] / "dashboards"

HISTORIES: tuple[History, ...] = (
    SqlHistory(Sqlite(), SQLITE, "history-sqlite"),
    SqlHistory(Postgresql(), POSTGRESQL, "history-postgresql"),
    Metrics(),
    Influx(),
)
OF_HISTORY = {
    "poe": poe.make,
    "plants": plants.make,
    "reactors": reactors.make,
    "own": own.make,
    "point": own.make_point,
}
"""What is made of each kind of history, by the name of its file."""


def files() -> Iterator[tuple[Path, str]]:
    """Give the path and the text of each file, below FOLDER."""
    for history in HISTORIES:
        for name, make in OF_HISTORY.items():
            yield Path(history.folder) / f"{name}.json", _text(make(history))
    yield Path("store-sqlite") / "alarms.json", _text(alarms.make(STORE_SQLITE, SqlStore(Sqlite())))
    yield Path("store-postgresql") / "alarms.json", _text(alarms.make(STORE_POSTGRESQL, SqlStore(Postgresql())))


def _text(dashboard: Dashboard) -> str:
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
