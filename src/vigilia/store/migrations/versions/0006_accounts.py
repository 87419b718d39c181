"""Users, their sessions, API tokens, failed sign-ins, and the record of who came in and who may."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Without a limit on PostgreSQL, for SQLite minds none."""
    return (sa.String(length) if length else sa.Text()).with_variant(sa.String(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("name", _text(60), primary_key=True),
        sa.Column("role", _text(20), nullable=False),
        sa.Column("password_hash", _text(200), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("created_by", _text(200), nullable=False),
        sa.Column("password_at", sa.Float, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id_hash", _text(64), primary_key=True),
        sa.Column("user", _text(60), nullable=False),
        sa.Column("host", _text(200), nullable=False),
        sa.Column("began_at", sa.Float, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("ends_at", sa.Float, nullable=False),
    )
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_table(
        "api_tokens",
        sa.Column("name", _text(60), primary_key=True),
        sa.Column("role", _text(20), nullable=False),
        sa.Column("token_hash", _text(64), nullable=False, unique=True),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("created_by", _text(200), nullable=False),
        sa.Column("ends_at", sa.Float),
    )
    op.create_table(
        "failed_sign_ins",
        sa.Column("key", _text(300), primary_key=True),
        sa.Column("level", sa.Float, nullable=False),
        sa.Column("failed_at", sa.Float, nullable=False),
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("event", _text(40), nullable=False),
        sa.Column("about", _text(200), nullable=False),
        sa.Column("via", _text(40), nullable=False),
        sa.Column("user", _text(200), nullable=False),
        sa.Column("host", _text(200), nullable=False),
        sa.Column("detail", _text(), nullable=False),
    )
    op.create_index("ix_access_log_event", "access_log", ["event", "id"])
