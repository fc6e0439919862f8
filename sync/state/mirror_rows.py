"""The mirror's table and its rows: every version of every CRM record, in two times.

``source_at`` is when the CRM knew, ``ingested_at`` when we knew; ``superseded_at`` is when
a later version reached us (empty on the current one). ``confirmed_at`` is the newest CRM
time at which this version was still what the CRM held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, RowMapping, Table, Text, text

from integration.port import CrmRecord, FieldValues, Link
from sync.state.schema import (
    Instant,
    JsonText,
    canonical_json,
    canonical_texts,
    installation_column,
    metadata,
)

record_version = Table(
    "record_version",
    metadata,
    installation_column(),
    Column("object", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("created_at", Instant),
    Column("source_at", Instant, nullable=False),
    Column("confirmed_at", Instant, nullable=False),
    Column("ingested_at", Instant, nullable=False),
    Column("superseded_at", Instant),
    Column("account_id", Text),
    Column("body", JsonText, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Index("ix_record_version_account", "installation_id", "account_id", "object"),
)
Index(
    "uq_record_version_current",
    record_version.c.installation_id,
    record_version.c.object,
    record_version.c.source_id,
    unique=True,
    sqlite_where=text("superseded_at IS NULL"),
    postgresql_where=text("superseded_at IS NULL"),
)


@dataclass(frozen=True, slots=True)
class MirrorRecord:
    """A record as just read from the CRM; ``account_id`` is the canonical account it hangs under."""

    object: str
    source_id: str
    source_at: datetime
    values: FieldValues
    links: tuple[Link, ...] = ()
    account_id: str | None = None
    deleted: bool = False
    created_at: datetime | None = None

    @classmethod
    def of(cls, record: CrmRecord, account_id: str | None) -> MirrorRecord:
        """Return the CRM's record hung under ``account_id``; archived counts as deleted."""
        return cls(
            record.object,
            record.id,
            record.source_at,
            record.values,
            record.links,
            account_id,
            record.archived,
            record.created_at,
        )

    def document(self) -> dict[str, Any]:
        """Return what is stored: values, and links in one order whatever the CRM's."""
        return {"values": dict(self.values), "links": self._links()}

    def body(self) -> str:
        """Return the document as it is stored: its canonical JSON."""
        links = canonical_json(self._links()) if self.links else "[]"
        return f'{{"links":{links},"values":{canonical_texts(self.values)}}}'

    def _links(self) -> list[tuple[str, str]]:
        return sorted((link.object, link.id) for link in self.links)

    def hash(self, body: str) -> str:
        """Return the hash that tells versions apart, of ``body`` (its own), account and deletion.

        It is that of the canonical JSON of the three, whose middle part is written already.
        """
        account, deleted = canonical_json(self.account_id), "true" if self.deleted else "false"
        whole = f'{{"account":{account},"body":{body},"deleted":{deleted}}}'
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A version as the mirror holds it, with both its times (UTC).

    ``created_at`` is when the CRM made the record; where it did not say, when this version changed.
    ``confirmed_at`` is the newest CRM time at which it was still this version.
    """

    object: str
    source_id: str
    seq: int
    source_at: datetime
    ingested_at: datetime
    account_id: str | None
    values: FieldValues
    links: tuple[Link, ...]
    deleted: bool
    created_at: datetime
    confirmed_at: datetime

    def as_crm(self) -> CrmRecord:
        """Return the CRM's record it was."""
        return CrmRecord(
            self.object,
            self.source_id,
            self.values,
            self.created_at,
            self.source_at,
            self.deleted,
            self.links,
        )


@dataclass(frozen=True, slots=True)
class MirrorChange:
    """What a store changed.

    ``changed`` are (object, source id) with a new version, ``unchanged`` those held already,
    ``stale`` those older than what we hold. ``touched_accounts`` are the accounts to look
    at, with the former account of a record that moved.
    """

    changed: tuple[tuple[str, str], ...]
    unchanged: int
    stale: int
    touched_accounts: frozenset[str]


def stored(row: RowMapping | Mapping[str, Any]) -> StoredRecord:
    """Return the version in a row of ``record_version``."""
    body = row["body"]
    return StoredRecord(
        row["object"],
        row["source_id"],
        row["seq"],
        row["source_at"],
        row["ingested_at"],
        row["account_id"],
        body["values"],
        tuple(Link(*link) for link in body["links"]),
        row["deleted"],
        row["created_at"] or row["source_at"],
        row["confirmed_at"],
    )
