"""Reactors that were accepted, and what their settings should be."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Without a limit on PostgreSQL, for SQLite minds none."""
    return (sa.String(length) if length else sa.Text()).with_variant(sa.String(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "reactors",
        sa.Column("id", _text(24), primary_key=True),
        sa.Column("accepted_at", sa.Float, nullable=False),
        sa.Column("accepted_by", _text(200), nullable=False),
        sa.Column("token_hash", _text(64), nullable=False),
        sa.Column("name", _text(100), nullable=False),
        sa.Column("version", _text(60), nullable=False),
        sa.Column("boot", _text(64), nullable=False),
        sa.Column("machine", _text(64), nullable=False),
        sa.Column("registered_at", sa.Float),
    )
    op.create_table(
        "reactor_settings",
        sa.Column("reactor", _text(24), primary_key=True),
        sa.Column("part", _text(24), primary_key=True),
        sa.Column("parameter", _text(40), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("state", _text(20), nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("asked_by", _text(200), nullable=False),
        sa.Column("held", sa.JSON),
        sa.Column("held_revision", sa.BigInteger, nullable=False),
    )
