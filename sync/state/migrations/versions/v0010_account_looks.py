"""What the last look at each account found: the day of its next border, its owner, band and ARR."""

import sqlalchemy as sa
from alembic import op

revision = "v0010_account_looks"
down_revision = "v0009_usage_parts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; empty, it has everybody looked at with the next new day."""
    op.create_table(
        "account_look",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("border_on", sa.Date(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("band", sa.Text(), nullable=True),
        sa.Column("arr", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "account_id", name="pk_account_look"),
    )
    op.create_index("ix_account_look_owner_id", "account_look", ["owner_id", "installation_id"])
