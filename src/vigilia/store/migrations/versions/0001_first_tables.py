"""The first tables: audit of writes, chosen set points, known points."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("write_id", sa.String(36), nullable=False, unique=True),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("point", sa.String(200), nullable=False),
        sa.Column("value", sa.JSON),
        sa.Column("previous", sa.JSON),
        sa.Column("via", sa.String(40), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(40)),
        sa.Column("detail", sa.Text),
        sa.Column("answered_at", sa.Float),
    )
    op.create_index("ix_audit_point", "audit", ["point"])
    op.create_table(
        "chosen",
        sa.Column("point", sa.String(200), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("chosen_at", sa.Float, nullable=False),
        sa.Column("write_id", sa.String(36), nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "known_points",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("driver", sa.String(40), nullable=False),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("first_seen", sa.Float, nullable=False),
    )
