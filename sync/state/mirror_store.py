"""Writes the mirror: a new version only where something differs, and never backwards.

``sync/`` pulls call ``store`` with what the CRM sent; ``mirror`` reads it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, bindparam, func, select, update

from sync.state import bulk
from sync.state.mirror_rows import MirrorChange, MirrorRecord, record_version, stored
from sync.state.schema import chunks, microseconds

Id = tuple[str, str]
MIRROR_LOCK = 0x6D6972726F72  # "mirror": keeps this lock apart from others on PostgreSQL
COLUMNS: Final = tuple(record_version.c.keys())
OBJECT, SOURCE_ID, SUPERSEDED_AT = (COLUMNS.index(name) for name in ("object", "source_id", "superseded_at"))
HEAD = ("object", "source_id", "seq", "source_at", "confirmed_at", "account_id", "body_hash")


@dataclass(slots=True)
class _Head:
    """The newest version of a record, as far as deciding about the next one needs it."""

    seq: int
    source_at: datetime
    confirmed_at: datetime
    account_id: str | None
    body_hash: str


@dataclass(slots=True)
class _Batch:
    """What one store is about to write."""

    installation_id: str
    heads: dict[Id, _Head]
    now: datetime
    now_kept: int
    inserts: list[list[Any]] = field(default_factory=list)
    """Rows to come, as the database keeps them, in the order of its columns."""
    superseded: set[Id] = field(default_factory=set)
    confirmed: dict[Id, _Head] = field(default_factory=dict)
    changed: dict[Id, None] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    unchanged: int = 0
    stale: int = 0


def store(
    conn: Connection, installation_id: str, now: datetime, records: Sequence[MirrorRecord]
) -> MirrorChange:
    """Keep what the CRM sent; return what changed.

    A record older (``source_at``) than what the CRM is known to have held since is stale and
    left out; at the same instant a different body wins, since links change without moving
    the record's time.
    """
    _one_at_a_time(conn, installation_id)
    ordered = sorted(records, key=lambda one: (one.object, one.source_id, one.source_at))
    ids = list(dict.fromkeys((one.object, one.source_id) for one in ordered))
    heads = _heads(conn, installation_id, ids)
    batch = _Batch(installation_id, heads, now, microseconds(now))
    for record in ordered:
        _consider(batch, record)
    _write(conn, installation_id, batch)
    return MirrorChange(tuple(batch.changed), batch.unchanged, batch.stale, frozenset(batch.touched))


def _one_at_a_time(conn: Connection, installation_id: str) -> None:
    """Hold the installation's mirror until the transaction ends; SQLite's writers already wait.

    Row locks do not help for a record met for the first time: two workers would both insert it.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(installation_id, MIRROR_LOCK))))


def mark_deleted(
    conn: Connection,
    installation_id: str,
    now: datetime,
    object_name: str,
    deletions: Sequence[tuple[str, datetime]],
) -> MirrorChange:
    """Keep that records are gone, by (source id, deleted at); return what changed.

    The last values and account stay on the deleted version; ids never mirrored are left out.
    """
    times = dict(deletions)
    gone = [
        replace(row, source_at=times[row.source_id], deleted=True)
        for row in _current(conn, installation_id, object_name, list(times))
    ]
    return store(conn, installation_id, now, gone)


def rehang(
    conn: Connection, installation_id: str, now: datetime, object_name: str, accounts: dict[str, str | None]
) -> MirrorChange:
    """Hang records, by source id, under other canonical accounts; return what changed.

    For a parent that became known after its child, or accounts that were merged.
    """
    moved = [
        replace(row, account_id=accounts[row.source_id])
        for row in _current(conn, installation_id, object_name, list(accounts))
    ]
    heads = _heads(conn, installation_id, [(one.object, one.source_id) for one in moved])
    at_head = [
        replace(one, source_at=max(one.source_at, heads[one.object, one.source_id].confirmed_at))
        for one in moved
    ]
    return store(conn, installation_id, now, at_head)


def _consider(batch: _Batch, record: MirrorRecord) -> None:
    key = (record.object, record.source_id)
    head, body = batch.heads.get(key), record.body()
    digest = record.hash(body)
    if head is not None and record.source_at < head.confirmed_at:
        batch.stale += 1
    elif head is not None and digest == head.body_hash:
        batch.unchanged += 1
        _confirm(batch, key, head, record.source_at)
    else:
        _add_version(batch, record, head, body, digest)


def _confirm(batch: _Batch, key: Id, head: _Head, source_at: datetime) -> None:
    # Without this an older, different copy arriving late would pass for news.
    if source_at > head.confirmed_at:
        head.confirmed_at = source_at
        batch.confirmed[key] = head


def _add_version(batch: _Batch, record: MirrorRecord, head: _Head | None, body: str, digest: str) -> None:
    key = (record.object, record.source_id)
    if head is not None:
        _supersede(batch, key)
    seq, source_at = 1 if head is None else head.seq + 1, microseconds(record.source_at)
    created_at = None if record.created_at is None else microseconds(record.created_at)
    batch.inserts.append(
        [  # in the order of the table's columns, which ``tests/state/test_mirror.py`` reads back by name
            batch.installation_id,
            record.object,
            record.source_id,
            seq,
            created_at,
            source_at,
            source_at,  # confirmed_at
            batch.now_kept,  # ingested_at
            None,  # superseded_at
            record.account_id,
            body,
            digest,
            record.deleted,
        ]
    )
    for account in (record.account_id, None if head is None else head.account_id):
        if account is not None:
            batch.touched.add(account)
    batch.changed[key] = None
    batch.heads[key] = _Head(seq, record.source_at, record.source_at, record.account_id, digest)


def _supersede(batch: _Batch, key: Id) -> None:
    last = batch.inserts[-1] if batch.inserts else None  # versions of one record stand together
    if last is not None and (last[OBJECT], last[SOURCE_ID]) == key:
        last[SUPERSEDED_AT] = batch.now_kept
    else:
        batch.superseded.add(key)


def _write(conn: Connection, installation_id: str, batch: _Batch) -> None:
    table = record_version.c
    mine = table.installation_id == installation_id
    for object_name, ids in _by_object(sorted(batch.superseded)).items():
        for chunk in chunks(ids):
            open_ones = update(record_version).where(
                mine, table.object == object_name, table.source_id.in_(chunk), table.superseded_at.is_(None)
            )
            conn.execute(open_ones.values(superseded_at=batch.now))
    bulk.insert_rows(conn, record_version, batch.inserts)
    if batch.confirmed:
        _write_confirmed(conn, installation_id, batch.confirmed)


def _write_confirmed(conn: Connection, installation_id: str, confirmed: dict[Id, _Head]) -> None:
    target = update(record_version).where(
        record_version.c.installation_id == installation_id,
        record_version.c.object == bindparam("b_object"),
        record_version.c.source_id == bindparam("b_id"),
        record_version.c.seq == bindparam("b_seq"),
    )
    seen = [
        {"b_object": key[0], "b_id": key[1], "b_seq": head.seq, "b_at": head.confirmed_at}
        for key, head in confirmed.items()
    ]
    conn.execute(target.values(confirmed_at=bindparam("b_at")), seen)


def _by_object(ids: Sequence[Id]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for object_name, source_id in ids:
        grouped.setdefault(object_name, []).append(source_id)
    return grouped


def _heads(conn: Connection, installation_id: str, ids: Sequence[Id]) -> dict[Id, _Head]:
    dialect, heads = conn.dialect.name, dict[Id, _Head]()
    for object_name, source_ids in _by_object(ids).items():
        for chunk in chunks(source_ids):
            named = {"whose": installation_id, "of": object_name, "ids": bulk.texts(dialect, chunk)}
            found = conn.execute(_head_query(dialect), named)
            heads |= {(row[0], row[1]): _Head(*row[2:]) for row in found}
    return heads


@lru_cache
def _head_query(dialect: str) -> Select[Any]:
    table = record_version.c
    query = select(*(table[name] for name in HEAD)).where(
        table.installation_id == bindparam("whose"),
        table.object == bindparam("of"),
        bulk.among(dialect, table.source_id, "ids"),
        table.superseded_at.is_(None),
    )
    return query.order_by(table.source_id).with_for_update()


def _current(
    conn: Connection, installation_id: str, object_name: str, source_ids: Sequence[str]
) -> list[MirrorRecord]:
    table = record_version.c
    found: list[MirrorRecord] = []
    for chunk in chunks(source_ids):
        query = select(record_version).where(
            table.installation_id == installation_id,
            table.object == object_name,
            table.source_id.in_(chunk),
            table.superseded_at.is_(None),
        )
        found += [_as_read(row) for row in conn.execute(query).mappings()]
    return found


def _as_read(row: RowMapping) -> MirrorRecord:
    one = stored(row)
    return MirrorRecord(
        one.object,
        one.source_id,
        one.source_at,
        one.values,
        one.links,
        one.account_id,
        one.deleted,
        row["created_at"],
    )
