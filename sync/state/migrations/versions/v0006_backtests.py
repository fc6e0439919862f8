"""Reports of backtests, and who brought something into force without a passing one."""

import sqlalchemy as sa
from alembic import op

revision = "v0006_backtests"
down_revision = "v0005_models"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "backtest_report",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_hash", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "installation_id", "subject", "subject_hash", "made_at", name="pk_backtest_report"
        ),
    )
    op.create_table(
        "backtest_waiver",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_hash", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "subject", "subject_hash", name="pk_backtest_waiver"),
    )
