"""What each part of a usage source was counted for."""

import sqlalchemy as sa
from alembic import op

revision = "v0009_usage_parts"
down_revision = "v0008_usage_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "usage_part",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "source", "part", name="pk_usage_part"),
    )
    cell = ("source", "part", "day", "account_ref", "line_ref", "product", "feature")
    numbers = ("row_count", "use_count", "duration_s", "error_count")
    op.create_table(
        "usage_part_sum",
        sa.Column("installation_id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Date() if name == "day" else sa.Text(), nullable=False) for name in cell),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in numbers),
        sa.PrimaryKeyConstraint("installation_id", *cell, name="pk_usage_part_sum"),
    )
