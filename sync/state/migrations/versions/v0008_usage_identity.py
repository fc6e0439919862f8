"""By which names usage goes and who claims them; and no address of a person among those seen."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "v0008_usage_identity"
down_revision = "v0007_snapshots"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables; have users that were kept by their address kept by what it hashes to."""
    op.create_table(
        "usage_name",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("email_domain", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "ref", name="pk_usage_name"),
    )
    for kind in ("account", "subscription", "email_domain"):
        op.create_index(f"ix_usage_name_{kind}", "usage_name", ["installation_id", kind])
    op.create_table(
        "usage_claim",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "installation_id", "kind", "name", "record_id", "since", name="pk_usage_claim"
        ),
    )
    op.create_index("ix_usage_claim_account", "usage_claim", ["installation_id", "account_id"])
    op.create_index("ix_usage_claim_record", "usage_claim", ["installation_id", "record_id"])
    _hide_addresses()


def _hide_addresses() -> None:
    seen = sa.table("presence_day", sa.column("installation_id", sa.Text()), sa.column("user_ref", sa.Text()))
    conn = op.get_bind()
    named = sa.select(seen.c.installation_id, seen.c.user_ref).where(seen.c.user_ref.like("%@%")).distinct()
    for installation_id, user in conn.execute(named).all():
        hidden = "@" + hashlib.sha256(f"{installation_id}\n{user}".encode()).hexdigest()[:32]
        same = (seen.c.installation_id == installation_id) & (seen.c.user_ref == user)
        conn.execute(sa.update(seen).where(same).values(user_ref=hidden))
