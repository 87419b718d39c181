"""Incidents whose start is not known, for they were taken over from the monitor before."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; of every incident so far the start is known."""
    op.add_column("incidents", sa.Column("start_known", sa.Boolean, nullable=False, server_default=sa.true()))
