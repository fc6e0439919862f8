"""The ledger's table and rows: what should stand in the CRM, what we sent, what it took.

Two fences: ``fence`` is the look that last said what is desired, ``push_fence`` the claim
that is writing it. Were they one, a push would make the next look seem stale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Column, ColumnElement, Index, RowMapping, Table, Text, and_, or_

from integration.port import FieldValues, Link
from sync.state.leases import held_index, retry_columns
from sync.state.schema import Instant, JsonText, Row, content_hash, installation_column, metadata

write_ledger = Table(
    "write_ledger",
    metadata,
    installation_column(),
    Column("object", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record_id", Text),
    Column("desired", JsonText, nullable=False),
    Column("seed", JsonText, nullable=False),
    Column("parents", JsonText, nullable=False),
    Column("parent_keys", JsonText, nullable=False),
    Column("acknowledged", JsonText),
    Column("normalised", JsonText),
    Column("state", Text, nullable=False),
    Column("desired_hash", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("push_fence", BigInteger, nullable=False, server_default="0"),
    Column("lease_owner", Text),
    Column("leased_until", Instant),
    Column("intent_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("acknowledged_at", Instant),
    *retry_columns(),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("reason", Text, nullable=False),
    held_index("write_ledger"),
    Index("ix_write_ledger_work", "installation_id", "state", "object", "intent_at"),
    Index("ix_write_ledger_account", "installation_id", "account_id"),
    Index("ix_write_ledger_record", "installation_id", "record_id", "object"),
)


KEPT = "NOT_TAKEN_BACK"
"""Our code of a row whose record the CRM does not let us take back; its own words are the message."""

CALL_REFUSED = "CALL_REFUSED"
"""Our code of a row that met a call refused as a whole; the CRM's own code and words are the message."""

STILL_TRIED = (KEPT, CALL_REFUSED)
"""What is shown as blocked, and asked for on the curve all the same."""

RETRY_CURVE = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1))


def retry_wait(attempts: int) -> timedelta:
    """Return after what time a row is tried again that failed ``attempts`` times; the last step stays."""
    return RETRY_CURVE[min(max(attempts, 1), len(RETRY_CURVE)) - 1]


class WriteState(StrEnum):
    """Where a row stands; ``sent`` without an answer is uncertain once its lease has ended.

    ``withdraw``: its account is gone, and the record is to be taken back.
    """

    PENDING = "pending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    BLOCKED = "blocked"
    TOMBSTONE = "tombstone"
    WITHDRAW = "withdraw"


def shown_as_blocked() -> ColumnElement[bool]:
    """Return the condition that a row waits for a person, whether or not it is tried by itself as well."""
    table = write_ledger.c
    return or_(table.state == WriteState.BLOCKED, and_(_open(), table.error_code.in_(STILL_TRIED)))


def waits_for_nobody() -> ColumnElement[bool]:
    """Return the condition that a row is to be written or taken back, and that no person is waited for."""
    table = write_ledger.c
    return and_(_open(), or_(table.error_code.is_(None), table.error_code.not_in(STILL_TRIED)))


def _open() -> ColumnElement[bool]:
    return write_ledger.c.state.in_([WriteState.PENDING, WriteState.SENT, WriteState.WITHDRAW])


@dataclass(frozen=True, slots=True)
class WantedRow:
    """A record that should stand in the CRM, in the vendor's field names.

    ``desired`` fields are ours and kept true, ``seed`` is set on create only. ``parents`` are
    CRM records by id, ``parent_keys`` our own records as (object, key).
    """

    object: str
    key: str
    account_id: str
    kind: str
    desired: FieldValues
    seed: FieldValues = field(default_factory=dict)
    parents: tuple[Link, ...] = ()
    parent_keys: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    record_id: str | None = None

    def columns(self) -> Row:
        """Return the row's columns that come from the look."""
        return {
            "object": self.object,
            "key": self.key,
            "account_id": self.account_id,
            "kind": self.kind,
            "desired": dict(self.desired),
            "seed": dict(self.seed),
            "parents": sorted([link.object, link.id] for link in self.parents),
            "parent_keys": sorted(list(pair) for pair in self.parent_keys),
            "desired_hash": self.hash(),
            "reason": self.reason,
            "record_id": self.record_id,
        }

    def hash(self) -> str:
        """Return the hash of what is to be kept true: fields and parents, not the seed or the reason."""
        parents = sorted([link.object, link.id] for link in self.parents)
        parent_keys = sorted(list(pair) for pair in self.parent_keys)
        return content_hash({"fields": self.desired, "parents": parents, "parent_keys": parent_keys})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a look changed: rows to write, rows refused for an older fence, rows buried for ever."""

    changed: int
    refused: int
    buried: int


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row of the ledger.

    ``fence`` is the push's, from the claim. ``uncertain``: it was sent before and the answer
    was lost, so find out what stands in the CRM before writing. ``acknowledged`` are the
    values as they stand in the CRM since it last took any, ``None`` if it never did; ``normalised``
    are those of them it keeps in another form, as we sent them.
    """

    object: str
    key: str
    account_id: str
    kind: str
    state: WriteState
    record_id: str | None
    desired: FieldValues
    seed: FieldValues
    parents: tuple[Link, ...]
    parent_keys: tuple[tuple[str, str], ...]
    acknowledged: FieldValues | None
    desired_hash: str
    fence: int
    attempts: int
    uncertain: bool
    sent_at: datetime | None
    acknowledged_at: datetime | None
    error_code: str | None
    error_message: str | None
    reason: str
    normalised: FieldValues = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The CRM took a claimed row: under which id and with which values (desired, and seed if created).

    ``values`` are as the CRM keeps them, ``normalised`` those we sent in another form, as we sent them.
    """

    row: LedgerRow
    record_id: str
    values: FieldValues
    normalised: FieldValues = field(default_factory=dict)


def ledger_row(row: RowMapping, fence: int | None = None) -> LedgerRow:
    """Return the stored row, as claimed with ``fence`` where one is given."""
    claimed = fence is not None
    return LedgerRow(
        object=row["object"],
        key=row["key"],
        account_id=row["account_id"],
        kind=row["kind"],
        state=WriteState(row["state"]),
        record_id=row["record_id"],
        desired=row["desired"],
        seed=row["seed"],
        parents=tuple(Link(*pair) for pair in row["parents"]),
        parent_keys=tuple((pair[0], pair[1]) for pair in row["parent_keys"]),
        acknowledged=row["acknowledged"],
        desired_hash=row["desired_hash"],
        fence=row["push_fence"] if fence is None else fence,
        attempts=row["attempts"] + (1 if claimed else 0),
        uncertain=row["state"] == WriteState.SENT,
        sent_at=row["sent_at"],
        acknowledged_at=row["acknowledged_at"],
        error_code=row["error_code"],
        error_message=row["error_message"],
        reason=row["reason"],
        normalised=row["normalised"] or {},
    )
