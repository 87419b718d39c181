"""What docs/reference/history.md tells other programs to do works."""

import re
import sqlite3
from pathlib import Path

from tests.unit.history.places import FOR_EVER, row
from vigilia.history.backend import PointInfo
from vigilia.history.ladder import LATEST_MS
from vigilia.history.postgresql_schema import agents_role
from vigilia.history.sqlite import SqliteHistory
from vigilia.points import Severity, Status

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "history.md"
NAME = "R1:ph:pH-Mon"


def statements(heading: str) -> list[str]:
    """The blocks of SQL below a heading of the page."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```sql\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


async def test_another_program_writes_into_sqlite(tmp_path: Path) -> None:
    history = await SqliteHistory.open(f"sqlite:///{tmp_path}/history.db", FOR_EVER)
    insert, select = statements("In SQLite")
    for _ in range(2):
        with sqlite3.connect(tmp_path / "history.db", timeout=5) as other:
            other.executescript(insert)
    assert other.execute(select).fetchall() == [("2026-03-10 08:50:00", 7.02, 0), ("2026-03-10 08:50:10", None, 3)]
    other.close()
    first = row(NAME, 1_773_132_600_120, 7.02)
    second = row(NAME, 1_773_132_610_131, severity=Severity.INVALID, status=Status.UDF)
    assert await history.rows(NAME, 0, LATEST_MS, 10) == [first, second]
    assert await history.latest() == [second]
    assert await history.points() == [PointInfo(NAME, "number", "pH")]
    await history.close()


def test_the_role_of_agents_is_the_one_that_the_tests_have() -> None:
    assert statements("In PostgreSQL")[0] == agents_role("vigilia_agent")


async def test_the_page_names_every_column(tmp_path: Path) -> None:
    await (await SqliteHistory.open(f"sqlite:///{tmp_path}/history.db", FOR_EVER)).close()
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (`.*?) \| (.*?) \|$", page, re.MULTILINE))
    said = {name: text for names, text in rows.items() for name in re.findall(r"`(\w+)`", names)}
    with sqlite3.connect(tmp_path / "history.db") as connection:
        for table in ("points", "samples", "minutes", "hours", "history_version"):
            columns = {column for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")}
            assert columns <= set(re.findall(r"`(\w+)`", said[table])), table
    connection.close()
