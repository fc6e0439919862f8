"""The charter's life: every version whole, by content, and which was in force when.

``mappings`` reads and checks charters; here their text is kept so that a replay finds the
very one that was in force.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Connection, Integer, RowMapping, Table, Text, insert, select

from sync.state.errors import StateError
from sync.state.schema import Instant, installation_column, metadata, upsert

charter_version = Table(
    "charter_version",
    metadata,
    installation_column(),
    Column("content_hash", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
)

charter_life = Table(
    "charter_life",
    metadata,
    installation_column(),
    Column("seq", Integer, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
)


class Action(StrEnum):
    """How a version came into force."""

    APPLY = "apply"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Decision:
    """Who brings a charter into force, from when (UTC, inclusive), and why."""

    author: str
    effective_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CharterLife:
    """One entry of the history: this content came into force at ``effective_at`` (UTC)."""

    seq: int
    content_hash: str
    action: Action
    author: str
    effective_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Charter:
    """A stored charter and the entry that brought it into force."""

    body: str
    schema_version: int
    life: CharterLife


def hash_of(body: str) -> str:
    """Return the content hash a charter's text is kept under."""
    return hashlib.sha256(body.encode()).hexdigest()


def apply(
    conn: Connection, installation_id: str, body: str, schema_version: int, decision: Decision
) -> CharterLife:
    """Bring a charter into force; return its entry.

    Applying what is in force already adds nothing. Raises StateError when the decision would
    take effect before the last one: history is not rewritten.
    """
    past = history(conn, installation_id)
    content = hash_of(body)
    if past and past[-1].content_hash == content:
        return past[-1]
    _refuse_backdating(past, decision)
    row = {"installation_id": installation_id, "content_hash": content}
    version = upsert(conn, charter_version).values(**row, body=body, schema_version=schema_version)
    conn.execute(version.on_conflict_do_nothing())
    return _enter(conn, installation_id, past, content, action=Action.APPLY, decision=decision)


def rollback(conn: Connection, installation_id: str, decision: Decision) -> CharterLife:
    """Bring back the charter applied before the one in force; return its entry.

    Rolling back twice goes two charters back. Raises StateError when there is none before.
    """
    past = history(conn, installation_id)
    _refuse_backdating(past, decision)
    before = _before(past, installation_id)
    return _enter(conn, installation_id, past, before, action=Action.ROLLBACK, decision=decision)


def earlier(conn: Connection, installation_id: str) -> str:
    """Return the text of the charter a rollback would bring back. Raises StateError when there is none."""
    before = _before(history(conn, installation_id), installation_id)
    body = body_of(conn, installation_id, before)
    if body is None:
        raise StateError(f"the charter {before[:12]} of {installation_id} is not kept any more")
    return body


def _before(past: list[CharterLife], installation_id: str) -> str:
    applied = _applied(past)
    if len(applied) <= 1:
        message = f"there is no earlier charter of {installation_id} to roll back to"
        raise StateError(message)
    return applied[-2]


def current(conn: Connection, installation_id: str, at: datetime) -> Charter | None:
    """Return the charter in force at ``at``, ``None`` before the first."""
    query = (
        select(charter_life, charter_version.c.body, charter_version.c.schema_version)
        .join(
            charter_version,
            (charter_version.c.installation_id == charter_life.c.installation_id)
            & (charter_version.c.content_hash == charter_life.c.content_hash),
        )
        .where(charter_life.c.installation_id == installation_id, charter_life.c.effective_at <= at)
        .order_by(charter_life.c.seq.desc())
        .limit(1)
    )
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else Charter(row["body"], row["schema_version"], _life(row))


def history(conn: Connection, installation_id: str) -> list[CharterLife]:
    """Return every entry, oldest first."""
    query = select(charter_life).where(charter_life.c.installation_id == installation_id)
    return [_life(row) for row in conn.execute(query.order_by(charter_life.c.seq)).mappings()]


def body_of(conn: Connection, installation_id: str, content_hash: str) -> str | None:
    """Return a stored charter's text by its hash, ``None`` when it was never applied."""
    query = select(charter_version.c.body).where(
        charter_version.c.installation_id == installation_id,
        charter_version.c.content_hash == content_hash,
    )
    return conn.execute(query).scalar()


def _applied(past: list[CharterLife]) -> list[str]:
    stack: list[str] = []
    for entry in past:
        if entry.action is Action.APPLY:
            stack.append(entry.content_hash)
        else:
            stack.pop()
    return stack


def _refuse_backdating(past: list[CharterLife], decision: Decision) -> None:
    if past and decision.effective_at < past[-1].effective_at:
        message = (
            f"a charter is in force from {past[-1].effective_at.isoformat()}; take effect from then or later"
        )
        raise StateError(message)


def _enter(
    conn: Connection,
    installation_id: str,
    past: list[CharterLife],
    content: str,
    *,
    action: Action,
    decision: Decision,
) -> CharterLife:
    life = CharterLife(
        past[-1].seq + 1 if past else 1,
        content,
        action,
        decision.author,
        decision.effective_at,
        decision.reason,
    )
    conn.execute(
        insert(charter_life).values(
            installation_id=installation_id,
            seq=life.seq,
            content_hash=content,
            action=action,
            author=life.author,
            effective_at=life.effective_at,
            reason=life.reason,
        )
    )
    return life


def _life(row: RowMapping) -> CharterLife:
    return CharterLife(
        row["seq"],
        row["content_hash"],
        Action(row["action"]),
        row["author"],
        row["effective_at"],
        row["reason"],
    )
