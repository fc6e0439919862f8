"""The mirror: what the CRM holds, and what it held, as far as we have read it.

``store`` (from ``mirror_store``) keeps versions; the readers here answer for now and for
any moment, either as we knew it then (audits, replay) or as the CRM knew it (backtests).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from sync.state.mirror_rows import MirrorChange, MirrorRecord, StoredRecord, record_version, stored
from sync.state.mirror_store import mark_deleted, rehang, store
from sync.state.schema import chunks

__all__ = [
    "MirrorChange",
    "MirrorRecord",
    "ReadAgainst",
    "StoredRecord",
    "counts",
    "current",
    "deleted_ids",
    "find",
    "known_at",
    "live_ids",
    "mark_deleted",
    "rehang",
    "store",
    "versions",
    "versions_of",
]

ReadAgainst = Literal["ours", "source"]


def current(
    conn: Connection, installation_id: str, object_name: str, account_ids: Collection[str] | None = None
) -> list[StoredRecord]:
    """Return the records there now, of ``account_ids`` or all, by source id; deleted ones left out."""
    there = and_(_of(installation_id, object_name), record_version.c.superseded_at.is_(None))
    return _read(conn, (_among(select(record_version).where(there), part) for part in _parts(account_ids)))


def known_at(
    conn: Connection,
    installation_id: str,
    object_name: str,
    moment: datetime,
    read_against: ReadAgainst = "ours",
    account_ids: Collection[str] | None = None,
) -> list[StoredRecord]:
    """Return the records as known at ``moment`` (inclusive), by source id; deleted ones left out.

    ``ours``: the version we held then. ``source``: the version the CRM held then, also when
    it reached us later.
    """
    if read_against == "ours":
        held = _held_at(installation_id, object_name, moment)
        return _read(conn, (_among(held, part) for part in _parts(account_ids)))
    parts = _parts(account_ids)
    return _read(conn, (_source_at(installation_id, object_name, moment, part) for part in parts))


def find(
    conn: Connection, installation_id: str, object_name: str, source_ids: Sequence[str]
) -> dict[str, StoredRecord]:
    """Return the current versions by source id, deleted ones included; unknown ids left out."""
    there = and_(_of(installation_id, object_name), record_version.c.superseded_at.is_(None))
    found: dict[str, StoredRecord] = {}
    for chunk in chunks(source_ids):
        query = select(record_version).where(there, record_version.c.source_id.in_(chunk))
        found |= {row["source_id"]: stored(row) for row in conn.execute(query).mappings()}
    return found


def live_ids(conn: Connection, installation_id: str, object_name: str) -> Iterator[str]:
    """Yield the ids of the records there now, in no order; deleted ones left out."""
    table = record_version.c
    there = and_(table.superseded_at.is_(None), table.deleted.is_(False))
    yield from conn.execute(select(table.source_id).where(_of(installation_id, object_name), there)).scalars()


def deleted_ids(
    conn: Connection, installation_id: str, object_name: str, source_ids: Sequence[str]
) -> frozenset[str]:
    """Return those of the ids whose record is gone now; unknown ones are not."""
    table, found = record_version.c, set[str]()
    there = and_(_of(installation_id, object_name), table.superseded_at.is_(None), table.deleted.is_(True))
    for chunk in chunks(source_ids):
        found.update(conn.execute(select(table.source_id).where(there, table.source_id.in_(chunk))).scalars())
    return frozenset(found)


def versions(conn: Connection, installation_id: str, object_name: str, source_id: str) -> list[StoredRecord]:
    """Return every version of one record, oldest first, deleted ones included."""
    query = select(record_version).where(
        _of(installation_id, object_name), record_version.c.source_id == source_id
    )
    rows = conn.execute(query.order_by(record_version.c.seq)).mappings()
    return [stored(row) for row in rows]


def versions_of(
    conn: Connection,
    installation_id: str,
    object_name: str,
    source_ids: Sequence[str],
    moment: datetime | None = None,
    read_against: ReadAgainst = "ours",
) -> dict[str, list[StoredRecord]]:
    """Return the versions of records that had reached us by ``moment`` (inclusive), oldest first, by id.

    ``read_against`` ``source``: those the CRM had by then, in its order.
    """
    table, found = record_version.c, dict[str, list[StoredRecord]]()
    theirs = read_against == "source"
    at = table.source_at if theirs else table.ingested_at
    order = (table.source_id, *((table.source_at,) if theirs else ()), table.seq)
    for chunk in chunks(source_ids):
        query = select(record_version).where(_of(installation_id, object_name), table.source_id.in_(chunk))
        if moment is not None:
            query = query.where(at <= moment)
        for row in conn.execute(query.order_by(*order)).mappings():
            found.setdefault(row["source_id"], []).append(stored(row))
    return found


def counts(conn: Connection, installation_id: str) -> dict[str, int]:
    """Return how many records are there now per object, deleted ones left out."""
    table = record_version.c
    query = select(table.object, func.count()).where(
        table.installation_id == installation_id, table.superseded_at.is_(None), table.deleted.is_(False)
    )
    rows = conn.execute(query.group_by(table.object).order_by(table.object))
    return dict(rows.all())


def _of(installation_id: str, object_name: str) -> ColumnElement[bool]:
    return and_(record_version.c.installation_id == installation_id, record_version.c.object == object_name)


def _held_at(installation_id: str, object_name: str, moment: datetime) -> Select[*tuple[object, ...]]:
    table = record_version.c
    still = or_(table.superseded_at.is_(None), table.superseded_at > moment)
    return select(record_version).where(_of(installation_id, object_name), table.ingested_at <= moment, still)


def _source_at(
    installation_id: str, object_name: str, moment: datetime, accounts: Sequence[str] | None
) -> Select[*tuple[object, ...]]:
    table = record_version.c
    newest = func.row_number().over(
        partition_by=table.source_id, order_by=(table.source_at.desc(), table.seq.desc())
    )
    known = select(record_version, newest.label("rank")).where(
        _of(installation_id, object_name), table.source_at <= moment
    )
    if accounts is not None:  # all versions of what ever hung there; the newest decides below
        hung = select(table.source_id).where(
            _of(installation_id, object_name), table.account_id.in_(accounts)
        )
        known = known.where(table.source_id.in_(hung))
    ranked = known.subquery("ranked")
    query = select(ranked).where(ranked.c.rank == 1, ranked.c.deleted.is_(False))
    return query if accounts is None else query.where(ranked.c.account_id.in_(accounts))


def _among(query: Select[*tuple[object, ...]], accounts: Sequence[str] | None) -> Select[*tuple[object, ...]]:
    there = query.where(record_version.c.deleted.is_(False))
    return there if accounts is None else there.where(record_version.c.account_id.in_(accounts))


def _parts(account_ids: Collection[str] | None) -> Iterator[Sequence[str] | None]:
    return iter((None,)) if account_ids is None else chunks(sorted(set(account_ids)))


def _read(conn: Connection, queries: Iterable[Select[*tuple[object, ...]]]) -> list[StoredRecord]:
    found = [stored(row) for query in queries for row in conn.execute(query).mappings()]
    return sorted(found, key=lambda one: one.source_id)
