"""The first tables: audit of writes, chosen set points, known points."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Without a limit on PostgreSQL, for SQLite minds none."""
    return (sa.String(length) if length else sa.Text()).with_variant(sa.String(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("write_id", _text(36), nullable=False, unique=True),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("point", _text(200), nullable=False),
        sa.Column("value", sa.JSON),
        sa.Column("previous", sa.JSON),
        sa.Column("via", _text(40), nullable=False),
        sa.Column("user", _text(200), nullable=False),
        sa.Column("host", _text(200), nullable=False),
        sa.Column("outcome", _text(40)),
        sa.Column("detail", _text()),
        sa.Column("answered_at", sa.Float),
    )
    op.create_index("ix_audit_point", "audit", ["point"])
    op.create_table(
        "chosen",
        sa.Column("point", _text(200), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("chosen_at", sa.Float, nullable=False),
        sa.Column("write_id", _text(36), nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "known_points",
        sa.Column("name", _text(200), primary_key=True),
        sa.Column("driver", _text(40), nullable=False),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("first_seen", sa.Float, nullable=False),
    )
