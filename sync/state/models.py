"""Trained models: every training whole and for ever, and which one was in force when.

A version is the number of the training of its key. ``sync/models.py`` trains and brings into force;
``workspace`` asks which are in force. Text and hash are those of ``success.prediction.model_text``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    RowMapping,
    Table,
    Text,
    func,
    insert,
    select,
)

from sync.state.errors import StateError
from sync.state.schema import Instant, installation_column, metadata

model_version = Table(
    "model_version",
    metadata,
    installation_column(),
    Column("key", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("definition", Integer, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    Column("charter_hash", Text, nullable=False),
    Column("trained_at", Instant, nullable=False),
    Column("first_day", Date),
    Column("last_day", Date),
)

model_life = Table(
    "model_life",
    metadata,
    installation_column(),
    Column("key", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("version", Integer),
    Column("author", Text, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("report", Text),
)


@dataclass(frozen=True, slots=True)
class Training:
    """What a training made: the model's text and hash, and what of.

    ``definition`` is the version the charter gave the model, ``first_day`` and ``last_day`` the first and
    the last day features were taken from.
    """

    key: str
    content_hash: str
    body: str
    definition: int
    horizon_days: int
    charter_hash: str
    trained_at: datetime
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Version:
    """A stored training and its number."""

    version: int
    training: Training

    @property
    def name(self) -> str:
        """Return how people name it: KEY@V."""
        return f"{self.training.key}@{self.version}"


@dataclass(frozen=True, slots=True)
class Life:
    """One entry of a model's history: from ``effective_at`` (UTC) this version was in force, None: none.

    ``report`` is the hash of the backtest report that let it pass; ``forced`` that none did.
    """

    key: str
    seq: int
    version: int | None
    author: str
    effective_at: datetime
    reason: str
    forced: bool
    report: str | None


def add(conn: Connection, installation_id: str, training: Training) -> Version:
    """Keep a training under the next number of its key; return it.

    Training anew to the same content under the same definition gives the version that is there.
    """
    past = versions(conn, installation_id, training.key)
    same = [one for one in past if _same(one.training, training)]
    if same:
        return same[-1]
    found = Version(past[-1].version + 1 if past else 1, training)
    conn.execute(
        insert(model_version).values(
            installation_id=installation_id,
            key=training.key,
            version=found.version,
            content_hash=training.content_hash,
            body=training.body,
            definition=training.definition,
            horizon_days=training.horizon_days,
            charter_hash=training.charter_hash,
            trained_at=training.trained_at,
            first_day=training.first_day,
            last_day=training.last_day,
        )
    )
    return found


def versions(conn: Connection, installation_id: str, key: str | None = None) -> list[Version]:
    """Return the trainings of a key, or of all, by key and number."""
    query = select(model_version).where(model_version.c.installation_id == installation_id)
    if key is not None:
        query = query.where(model_version.c.key == key)
    rows = conn.execute(query.order_by(model_version.c.key, model_version.c.version)).mappings()
    return [_version(row) for row in rows]


def version_of(conn: Connection, installation_id: str, key: str, version: int | None = None) -> Version:
    """Return a training by its number, the last one by default. Raises StateError where there is none."""
    found = versions(conn, installation_id, key)
    chosen = [one for one in found if version in (None, one.version)]
    if not chosen:
        named = key if version is None else f"{key}@{version}"
        known = ", ".join(one.name for one in found) or "none"
        raise StateError(
            f"there is no trained model {named} ({known}); `colonnade model train {key}` makes one"
        )
    return chosen[-1]


def enter(conn: Connection, installation_id: str, life: Life) -> Life:
    """Enter a version into force, or none; return the entry with its number."""
    past = history(conn, installation_id, life.key)
    seq = past[-1].seq + 1 if past else 1
    conn.execute(
        insert(model_life).values(
            installation_id=installation_id,
            key=life.key,
            seq=seq,
            version=life.version,
            author=life.author,
            effective_at=life.effective_at,
            reason=life.reason,
            forced=life.forced,
            report=life.report,
        )
    )
    return replace(life, seq=seq)


def history(conn: Connection, installation_id: str, key: str | None = None) -> list[Life]:
    """Return the entries of a key, or of all, oldest first."""
    query = select(model_life).where(model_life.c.installation_id == installation_id)
    if key is not None:
        query = query.where(model_life.c.key == key)
    return [_life(row) for row in conn.execute(query.order_by(model_life.c.key, model_life.c.seq)).mappings()]


def in_force(conn: Connection, installation_id: str, at: datetime) -> Mapping[str, Version] | None:
    """Return the versions in force at ``at`` (UTC, inclusive) by key; None where none ever was by then."""
    table = model_life.c
    mine = (table.installation_id == installation_id) & (table.effective_at <= at)
    newest = select(table.key, func.max(table.seq)).where(mine).group_by(table.key)
    last = {row[0]: row[1] for row in conn.execute(newest)}
    if not last:
        return None
    entered = [one for one in history(conn, installation_id) if last.get(one.key) == one.seq]
    return {
        one.key: version_of(conn, installation_id, one.key, one.version)
        for one in entered
        if one.version is not None
    }


def _same(one: Training, other: Training) -> bool:
    return (one.content_hash, one.definition, one.horizon_days) == (
        other.content_hash,
        other.definition,
        other.horizon_days,
    )


def _version(row: RowMapping) -> Version:
    training = Training(
        key=row["key"],
        content_hash=row["content_hash"],
        body=row["body"],
        definition=row["definition"],
        horizon_days=row["horizon_days"],
        charter_hash=row["charter_hash"],
        trained_at=row["trained_at"],
        first_day=row["first_day"],
        last_day=row["last_day"],
    )
    return Version(row["version"], training)


def _life(row: RowMapping) -> Life:
    return Life(
        key=row["key"],
        seq=row["seq"],
        version=row["version"],
        author=row["author"],
        effective_at=row["effective_at"],
        reason=row["reason"],
        forced=row["forced"],
        report=row["report"],
    )
