"""What is left of people who were forgotten: keyed hashes, and what a forgetting under way needs."""

import sqlalchemy as sa
from alembic import op

revision = "v0012_persons"
down_revision = "v0011_holds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "person_key",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", name="pk_person_key"),
    )
    op.create_table(
        "person_tombstone",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "mark", name="pk_person_tombstone"),
    )
    op.create_table(
        "person_forgetting",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "id", name="pk_person_forgetting"),
    )
