"""What a CRM keeps in another form than we sent it, remembered with the row that sent it."""

import sqlalchemy as sa
from alembic import op

revision = "v0004_normalised"
down_revision = "v0003_installed_parts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a row written before has none, which is as it was."""
    op.add_column("write_ledger", sa.Column("normalised", sa.Text(), nullable=True))
