"""The first schema: every table of the state."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    _charter_life()
    _charter_version()
    _clock()
    _credential()
    _cursor()
    _dirty()
    _due()
    _fence()
    _finding()
    _fold_state()
    _identity()
    _inbox()
    _installation()
    _presence_day()
    _record_version()
    _usage_day()
    _usage_message()
    _write_ledger()


def _charter_life() -> None:
    op.create_table(
        "charter_life",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "seq", name="pk_charter_life"),
    )


def _charter_version() -> None:
    op.create_table(
        "charter_version",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "content_hash", name="pk_charter_version"),
    )


def _clock() -> None:
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("base_at", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clock"),
    )


def _credential() -> None:
    op.create_table(
        "credential",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "kind", name="pk_credential"),
    )


def _cursor() -> None:
    op.create_table(
        "cursor",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=True),
        sa.Column("high_water", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "object", name="pk_cursor"),
    )


def _dirty() -> None:
    op.create_table(
        "dirty",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("installation_id", "scope", "id", name="pk_dirty"),
    )
    op.create_index("ix_dirty_oldest", "dirty", ["installation_id", "first_at", "scope"])


def _due() -> None:
    op.create_table(
        "due",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("last_run_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("grid_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "task", name="pk_due"),
    )
    op.create_index("ix_due_next_at", "due", ["next_at"])


def _fence() -> None:
    op.create_table(
        "fence",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", name="pk_fence"),
    )


def _finding() -> None:
    op.create_table(
        "finding",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("installation_id", "kind", "subject", name="pk_finding"),
    )


def _fold_state() -> None:
    op.create_table(
        "fold_state",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("grid_day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("charter_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "account_id", "grid_day", name="pk_fold_state"),
    )


def _identity() -> None:
    op.create_table(
        "identity",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("minted", sa.Text(), nullable=False),
        sa.Column("first_minted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "kind", "source", name="pk_identity"),
    )
    op.create_index("ix_identity_minted", "identity", ["installation_id", "minted", "kind"])


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("installation_id", "dedupe_key", name="pk_inbox"),
    )
    op.create_index("ix_inbox_work", "inbox", ["installation_id", "state", "received_at"])


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", name="pk_installation"),
        sa.UniqueConstraint("vendor", "account_id", name="uq_installation_vendor_account_id"),
    )


def _presence_day() -> None:
    op.create_table(
        "presence_day",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("account_ref", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_ref", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint(
            "installation_id", "account_ref", "product", "day", "user_ref", name="pk_presence_day"
        ),
    )


def _record_version() -> None:
    op.create_table(
        "record_version",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("source_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("ingested_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "object", "source_id", "seq", name="pk_record_version"),
    )
    op.create_index(
        "ix_record_version_account", "record_version", ["installation_id", "account_id", "object"]
    )
    op.create_index(
        "uq_record_version_current",
        "record_version",
        ["installation_id", "object", "source_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def _usage_day() -> None:
    op.create_table(
        "usage_day",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("account_ref", sa.Text(), nullable=False),
        sa.Column("line_ref", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("use_count", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.BigInteger(), nullable=False),
        sa.Column("error_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "installation_id",
            "account_ref",
            "line_ref",
            "product",
            "feature",
            "day",
            "received_on",
            name="pk_usage_day",
        ),
    )


def _usage_message() -> None:
    op.create_table(
        "usage_message",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("dedupe_hash", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "dedupe_hash", name="pk_usage_message"),
    )


def _write_ledger() -> None:
    op.create_table(
        "write_ledger",
        sa.Column("installation_id", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("desired", sa.Text(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("parent_keys", sa.Text(), nullable=False),
        sa.Column("acknowledged", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("desired_hash", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("push_fence", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("intent_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("installation_id", "object", "key", name="pk_write_ledger"),
    )
    op.create_index("ix_write_ledger_account", "write_ledger", ["installation_id", "account_id"])
    op.create_index("ix_write_ledger_record", "write_ledger", ["installation_id", "record_id", "object"])
    op.create_index(
        "ix_write_ledger_work", "write_ledger", ["installation_id", "state", "object", "intent_at"]
    )
