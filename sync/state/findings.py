"""Findings for people: contradictions, blocked writes and the like, one row per matter.

Reported again, a finding counts up and keeps its first time; a resolved one that comes back
is open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, Table, Text, select, update

from sync.state.schema import Instant, chunks, installation_column, key_columns, metadata, upsert

finding = Table(
    "finding",
    metadata,
    installation_column(),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("message", Text, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Column("resolved_at", Instant),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A matter: its kind (contradiction, blocked ...), its subject, and how often it was found."""

    kind: str
    subject: str
    message: str
    first_at: datetime
    last_at: datetime
    times: int
    resolved_at: datetime | None


def report(
    conn: Connection, installation_id: str, now: datetime, kind: str, messages: Mapping[str, str]
) -> None:
    """Keep what was found, message by subject; the newest message stands."""
    rows = [
        {
            "installation_id": installation_id,
            "kind": kind,
            "subject": subject,
            "message": messages[subject],
            "first_at": now,
            "last_at": now,
            "count": 1,
        }
        for subject in sorted(messages)
    ]
    if rows:
        new = upsert(conn, finding)
        changes = {"message": new.excluded.message, "last_at": now, "resolved_at": None}
        counted = changes | {"count": finding.c.count + 1}
        conn.execute(new.on_conflict_do_update(index_elements=key_columns(finding), set_=counted), rows)


def resolve(conn: Connection, installation_id: str, now: datetime, kind: str, subjects: Iterable[str]) -> int:
    """Close the open findings about the subjects; return how many."""
    done, table = 0, finding.c
    for chunk in chunks(sorted(set(subjects))):
        target = update(finding).where(
            table.installation_id == installation_id,
            table.kind == kind,
            table.subject.in_(chunk),
            table.resolved_at.is_(None),
        )
        done += conn.execute(target.values(resolved_at=now)).rowcount
    return done


def open_findings(conn: Connection, installation_id: str, kind: str | None = None) -> list[Finding]:
    """Return what is open, of one kind or all, by kind and subject."""
    table = finding.c
    query = select(finding).where(table.installation_id == installation_id, table.resolved_at.is_(None))
    if kind is not None:
        query = query.where(table.kind == kind)
    rows = conn.execute(query.order_by(table.kind, table.subject)).mappings()
    return [
        Finding(
            row["kind"],
            row["subject"],
            row["message"],
            row["first_at"],
            row["last_at"],
            row["count"],
            row["resolved_at"],
        )
        for row in rows
    ]
