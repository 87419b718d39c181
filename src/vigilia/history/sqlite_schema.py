"""The tables of a history in an SQLite file. What other programs may rely on is in docs/reference/history.md.

Programs insert into, and read from, the view `samples`; its triggers do what the recorder does for its own rows.
Beneath it a reading takes 26 bytes and not 30: severity and status are one number, and a text is a BLOB in the value's
place. New rows arrive in a small table and go on into the large one in sorted runs: a second's readings of a thousand
points would else touch a thousand pages of it. A point and time is in one of the two only.
"""

# ruff: noqa: S608 - statements are put together from tables and columns of ours; values are bound

import sqlite3

from vigilia.errors import StartError
from vigilia.history.ladder import HOUR_MS, LATEST_MS

_ROLLUP = """(
  point INTEGER NOT NULL, time INTEGER NOT NULL, mean REAL, low REAL, high REAL, last REAL, text TEXT,
  severity INTEGER NOT NULL, count INTEGER NOT NULL, numbers INTEGER NOT NULL, PRIMARY KEY (point, time)
) WITHOUT ROWID"""

_RAW = """(
  point INTEGER NOT NULL, time INTEGER NOT NULL, value REAL, state INTEGER NOT NULL, PRIMARY KEY (point, time)
) WITHOUT ROWID"""

_SHOWN = """SELECT point, time,
  CASE typeof(value) WHEN 'real' THEN value END AS value,
  CASE typeof(value) WHEN 'blob' THEN CAST(value AS TEXT) END AS text,
  state >> 5 AS severity, state & 31 AS status FROM"""

_NEW_STATE = "coalesce(new.severity, 0) << 5 | coalesce(new.status, 0)"
_NEW_VALUE = "coalesce(CAST(new.text AS BLOB), new.value)"

_RAW_SINCE = "(SELECT time FROM marks WHERE name = 'raw since')"
_EARLIER = "ON CONFLICT DO UPDATE SET since = excluded.since WHERE excluded.since < dirty.since"

_CHECK = f"""SELECT RAISE(ABORT, 'samples: point is an id of the table points')
    WHERE NOT EXISTS (SELECT 1 FROM points WHERE id = new.point);
  SELECT RAISE(ABORT, 'samples: time is an integer, milliseconds UTC since 1970')
    WHERE typeof(new.time) <> 'integer' OR new.time NOT BETWEEN 0 AND {LATEST_MS};
  SELECT RAISE(ABORT, 'samples: value is a finite number, or NULL')
    WHERE typeof(new.value) NOT IN ('real', 'integer', 'null') OR abs(new.value) > 1.7976931348623157e308;
  SELECT RAISE(ABORT, 'samples: text is a text, or NULL, and NULL where there is a value')
    WHERE typeof(new.text) NOT IN ('text', 'null') OR new.text IS NOT NULL AND new.value IS NOT NULL;
  SELECT RAISE(ABORT, 'samples: severity is 0 to 3, and status 0 to 31')
    WHERE coalesce(new.severity, 0) NOT IN (0, 1, 2, 3) OR typeof(coalesce(new.status, 0)) <> 'integer'
      OR coalesce(new.status, 0) NOT BETWEEN 0 AND 31;"""

_KEEP = f"""DELETE FROM stored WHERE point = new.point AND time = new.time;
  INSERT INTO arrived (point, time, value, state)
    SELECT new.point, new.time, {_NEW_VALUE}, {_NEW_STATE}
    WHERE new.time >= {_RAW_SINCE}
    ON CONFLICT DO UPDATE SET value = excluded.value, state = excluded.state;
  INSERT INTO dirty (point, hour, since)
    SELECT new.point, new.time / {HOUR_MS} * {HOUR_MS}, new.time WHERE new.time >= {_RAW_SINCE} {_EARLIER};
  INSERT INTO late (point, time, value, state)
    SELECT new.point, new.time, {_NEW_VALUE}, {_NEW_STATE}
    WHERE new.time < {_RAW_SINCE}
    ON CONFLICT DO UPDATE SET value = excluded.value, state = excluded.state;
  INSERT INTO latest (point, time, value, text, severity, status)
    VALUES (new.point, new.time, new.value, new.text, coalesce(new.severity, 0), coalesce(new.status, 0))
    ON CONFLICT DO UPDATE SET time = excluded.time, value = excluded.value, text = excluded.text,
      severity = excluded.severity, status = excluded.status WHERE excluded.time >= latest.time;"""

_FORGET = f"""DELETE FROM stored WHERE point = old.point AND time = old.time;
  DELETE FROM arrived WHERE point = old.point AND time = old.time;
  INSERT INTO dirty (point, hour, since)
    SELECT old.point, old.time / {HOUR_MS} * {HOUR_MS}, old.time WHERE old.time >= {_RAW_SINCE} {_EARLIER};"""

_STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE history_version (revision INTEGER NOT NULL)",
        """CREATE TABLE points (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL DEFAULT '', units TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '', device TEXT NOT NULL DEFAULT '', link TEXT NOT NULL DEFAULT '',
  area TEXT NOT NULL DEFAULT '', system TEXT NOT NULL DEFAULT '', labels TEXT NOT NULL DEFAULT '[]'
)""",
        f"CREATE TABLE stored {_RAW}",
        f"CREATE TABLE arrived {_RAW}",
        f"CREATE TABLE late {_RAW}",  # older than raw's keeping: they go into the rollups, and nowhere else
        f"CREATE VIEW samples AS {_SHOWN} stored UNION ALL {_SHOWN} arrived",
        f"CREATE TABLE minutes {_ROLLUP}",
        f"CREATE TABLE hours {_ROLLUP}",
        """CREATE TABLE latest (
  point INTEGER PRIMARY KEY, time INTEGER NOT NULL, value REAL, text TEXT, severity INTEGER NOT NULL,
  status INTEGER NOT NULL
)""",
        # Of which hours the rollups are to be made anew, and from which time on: what is before it is in them.
        """CREATE TABLE dirty (
  point INTEGER NOT NULL, hour INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (point, hour)
) WITHOUT ROWID""",
        "CREATE TABLE marks (name TEXT PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO marks VALUES ('raw since', 0), ('minutes since', 0), ('hours since', 0), ('stored until', -1)",
        f"CREATE TRIGGER samples_insert INSTEAD OF INSERT ON samples BEGIN {_CHECK} {_KEEP} END",
        f"CREATE TRIGGER samples_update INSTEAD OF UPDATE ON samples BEGIN {_CHECK} {_FORGET} {_KEEP} END",
        f"CREATE TRIGGER samples_delete INSTEAD OF DELETE ON samples BEGIN {_FORGET} END",
    ),
)
"""What brings a file from each revision to the next; the first makes it from nothing."""


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the schema to this program's revision, within a transaction of the caller's.

    Raises StartError for a file that a newer program has changed, or that is something else's.
    """
    revision = _revision(connection, path)
    if revision > len(_STEPS):
        raise StartError(
            f"the history {path} was written by a newer Vigilia (revision {revision}, this one knows {len(_STEPS)}): "
            "install that one again, or name another file"
        )
    if revision == len(_STEPS):
        return
    for statements in _STEPS[revision:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute("DELETE FROM history_version")
    connection.execute("INSERT INTO history_version VALUES (?)", (len(_STEPS),))


def check_revision(connection: sqlite3.Connection, path: str) -> None:
    """Raise StartError for a file that this program cannot read as it is."""
    if (revision := _revision(connection, path)) != len(_STEPS):
        raise StartError(
            f"the history {path} is of revision {revision}, and this program reads {len(_STEPS)}: start the service to "
            "bring it up to date, or use the program that wrote it"
        )


def _revision(connection: sqlite3.Connection, path: str) -> int:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "history_version" in tables:
        return int(connection.execute("SELECT max(revision) FROM history_version").fetchone()[0] or 0)
    if tables:
        raise StartError(f"{path} is a database of something else: name another file for the history")
    return 0
