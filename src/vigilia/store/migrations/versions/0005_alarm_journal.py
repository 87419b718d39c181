"""The journal of alarms, indices for alarm figures, and notices that repeat others."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Without a limit on PostgreSQL, for SQLite minds none."""
    return (sa.String(length) if length else sa.Text()).with_variant(sa.String(), "postgresql")


def upgrade() -> None:
    """Make the table, the column and the indices. What happened before is not known."""
    op.create_table(
        "alarm_journal",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("alarm", _text(260), nullable=False),
        sa.Column("incident", _text(36), nullable=False),
        sa.Column("event", _text(20), nullable=False),
        sa.Column("state", _text(20), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("happened_at", sa.Float),
        sa.Column("via", _text(40), nullable=False),
        sa.Column("user", _text(200), nullable=False),
        sa.Column("host", _text(200), nullable=False),
        sa.Column("comment", _text(), nullable=False),
        sa.Column("until", sa.Float),
        sa.Column("cause", _text(260), nullable=False),
        sa.Column("detail", _text(), nullable=False),
        sa.Column("channel", _text(60), nullable=False),
        sa.Column("card", sa.Integer),
    )
    op.create_index("ix_alarm_journal_at", "alarm_journal", ["at", "id"])
    op.create_index("ix_alarm_journal_alarm", "alarm_journal", ["alarm", "at", "id"])
    op.create_index("ix_incidents_found", "incidents", ["found_at", "told", "alarm", "severity"])
    op.create_index("ix_incidents_alarm_found", "incidents", ["alarm", "found_at"])
    op.drop_index("ix_incidents_alarm", "incidents")
    op.add_column("outbox", sa.Column("repeats", sa.Integer))
    op.create_index("ix_outbox_repeats", "outbox", ["repeats"])
