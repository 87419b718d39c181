"""A history in an SQLite file."""

from pathlib import Path

import pytest

from tests.unit.history.places import Place
from vigilia.history.sqlite import SqliteHistory


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    return Place(SqliteHistory, f"sqlite:///{tmp_path}/history.db")
