"""The store's tables, as the newest migration leaves them. A test holds the two against each other."""

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("write_id", String(36), nullable=False, unique=True),
    Column("asked_at", Float, nullable=False),
    Column("point", String(200), nullable=False),
    Column("value", JSON),
    Column("previous", JSON),
    Column("via", String(40), nullable=False),
    Column("user", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("outcome", String(40)),
    Column("detail", Text),
    Column("answered_at", Float),
    Index("ix_audit_point", "point"),
)
"""Every write that was asked for: by whom, what, and how it ended (`outcome` null: not answered yet)."""

chosen = Table(
    "chosen",
    metadata,
    Column("point", String(200), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("chosen_at", Float, nullable=False),
    Column("write_id", String(36), nullable=False),
    Column("confirmed", Boolean, nullable=False),
)
"""The last value somebody wrote to each set point, and whether the equipment confirmed it."""

known_points = Table(
    "known_points",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("driver", String(40), nullable=False),
    Column("definition", JSON, nullable=False),
    Column("first_seen", Float, nullable=False),
)
"""Points as they were last declared, so that a start knows them before the equipment speaks."""
