"""Alarms, incidents, the outbox, and what drivers and channels must remember."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Without a limit on PostgreSQL, for SQLite minds none."""
    return (sa.String(length) if length else sa.Text()).with_variant(sa.String(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "checkpoints",
        sa.Column("driver", _text(40), primary_key=True),
        sa.Column("key", _text(200), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("kept_at", sa.Float, nullable=False),
    )
    op.create_table(
        "alarms",
        sa.Column("id", _text(260), primary_key=True),
        sa.Column("rule", _text(60), nullable=False),
        sa.Column("point", _text(200), nullable=False),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("counters", sa.JSON, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
    )
    op.create_index("ix_alarms_point", "alarms", ["point"])
    op.create_table(
        "incidents",
        sa.Column("id", _text(36), primary_key=True),
        sa.Column("alarm", _text(260), nullable=False),
        sa.Column("rule", _text(60), nullable=False),
        sa.Column("system", _text(40), nullable=False),
        sa.Column("point", _text(200), nullable=False),
        sa.Column("device", _text(200), nullable=False),
        sa.Column("area", _text(200), nullable=False),
        sa.Column("equipment", _text(200), nullable=False),
        sa.Column("family", _text(80), nullable=False),
        sa.Column("label", _text(80), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("began_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.Column("last_seen_at", sa.Float, nullable=False),
        sa.Column("detail", _text(), nullable=False),
        sa.Column("suppressed_by", _text(260), nullable=False),
        sa.Column("brief", sa.Boolean, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("outage", sa.Boolean, nullable=False),
        sa.Column("found_at", sa.Float, nullable=False),
    )
    op.create_index("ix_incidents_began", "incidents", ["began_at"])
    op.create_index("ix_incidents_ended", "incidents", ["ended_at"])
    op.create_index("ix_incidents_alarm", "incidents", ["alarm"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", _text(60), nullable=False),
        sa.Column("kind", _text(20), nullable=False),
        sa.Column("alarm", _text(260), nullable=False),
        sa.Column("incident", _text(36), nullable=False),
        sa.Column("area", _text(200), nullable=False),
        sa.Column("notice", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("card", sa.Integer),
        sa.Column("claimed_at", sa.Float),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("delivered_at", sa.Float),
        sa.Column("error", _text(), nullable=False),
    )
    op.create_index("ix_outbox_waiting", "outbox", ["channel", "delivered_at", "id"])
    op.create_index("ix_outbox_incident", "outbox", ["incident"])
    op.create_table(
        "channels",
        sa.Column("name", _text(60), primary_key=True),
        sa.Column("next_card", sa.Integer, nullable=False),
        sa.Column("sent", sa.JSON, nullable=False),
    )
    op.create_table(
        "marks",
        sa.Column("name", _text(60), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
