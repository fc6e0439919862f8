"""Writes versions older than any we held: what the CRM knew before we read it.

They carry the time the CRM knew and the time they reached us, and were superseded at once: read against
``source`` they answer, read against ``ours`` they do not. Neighbours: ``mirror_store`` writes what is
new, ``sync/history.py`` calls this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from integration.port import FieldValues
from sync.state.mirror_rows import MirrorRecord, StoredRecord, record_version
from sync.state.schema import Row, chunks

Past = Sequence[tuple[datetime, FieldValues]]


def store_past(
    conn: Connection,
    installation_id: str,
    now: datetime,
    heads: Mapping[str, StoredRecord],
    past: Mapping[str, Past],
) -> int:
    """Keep the versions older than the oldest held of each record, by source id; return how many.

    ``heads`` are the current versions: account and links are theirs, since a CRM keeps no history of
    links. Asking twice keeps nothing new.
    """
    rows: list[Row] = []
    for chunk in chunks(sorted(past.keys() & heads.keys())):
        object_name = heads[chunk[0]].object
        oldest = _oldest(conn, installation_id, object_name, chunk)
        for source_id in chunk:
            seq, at = oldest[source_id]
            earlier = [one for one in past[source_id] if one[0] < at]
            rows += [
                _row(installation_id, now, heads[source_id], seq - len(earlier) + number, version)
                for number, version in enumerate(earlier)
            ]
    if rows:
        conn.execute(insert(record_version), rows)
    return len(rows)


def _oldest(
    conn: Connection, installation_id: str, object_name: str, ids: Sequence[str]
) -> dict[str, tuple[int, datetime]]:
    """Return (number, CRM time) of the oldest version held of each record."""
    table = record_version.c
    query = select(table.source_id, table.seq, table.source_at).where(
        table.installation_id == installation_id, table.object == object_name, table.source_id.in_(ids)
    )
    return {row[0]: (row[1], row[2]) for row in conn.execute(query.order_by(table.seq.desc()))}


def _row(
    installation_id: str,
    now: datetime,
    head: StoredRecord,
    seq: int,
    version: tuple[datetime, FieldValues],
) -> Row:
    at, values = version
    record = MirrorRecord(
        head.object, head.source_id, at, {**dict.fromkeys(head.values), **values}, head.links, head.account_id
    )
    return {
        "installation_id": installation_id,
        "object": head.object,
        "source_id": head.source_id,
        "seq": seq,
        "created_at": head.created_at,
        "source_at": at,
        "confirmed_at": at,
        "ingested_at": now,
        "superseded_at": now,
        "account_id": head.account_id,
        "body": record.document(),
        "body_hash": record.hash(record.body()),
        "deleted": False,
    }
