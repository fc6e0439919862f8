"""Connecting by consent: consents under way, and who renews an installation's tokens."""

import sqlalchemy as sa
from alembic import op

revision = "v0002_connect"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "consent_request",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("state_hash", name="pk_consent_request"),
    )
    op.create_index("ix_consent_request_expires_at", "consent_request", ["expires_at"])
    op.create_table(
        "token_lease",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", name="pk_token_lease"),
    )
