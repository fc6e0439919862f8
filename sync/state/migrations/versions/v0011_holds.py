"""What one worker holds is found at once; and which programs the schema still serves."""

import sqlalchemy as sa
from alembic import op

revision = "v0011_holds"
down_revision = "v0010_account_looks"
branch_labels = None
depends_on = None

CLAIMED = ("dirty", "inbox", "write_ledger", "due")
FIRST = "v0001"


def upgrade() -> None:
    """Index the rows that somebody holds; make the table of the floor, which all programs so far stand on."""
    somebody = sa.text("lease_owner IS NOT NULL")
    for table in CLAIMED:
        op.create_index(
            f"ix_{table}_held",
            table,
            ["lease_owner"],
            sqlite_where=somebody,
            postgresql_where=somebody,
        )
    floor = op.create_table(
        "schema_floor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("oldest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schema_floor"),
    )
    op.bulk_insert(floor, [{"id": 1, "oldest": FIRST}])
