"""The ledger at an uninstall: which records are ours, and what is forgotten once they are gone.

Rows of native records (deals, tasks) stay: what we opened there is people's by now, and only
the row tells, at a later install, that it need not be opened again. Their acknowledged values
are emptied, for the fields that held them are gone. Neighbours: ``sync/uninstall.py``,
``sync/reclaim.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, select, update

from sync.state.ledger_rows import LedgerRow, WriteState, ledger_row, write_ledger
from sync.state.schema import Row

NOTHING: Mapping[str, str | None] = {}
UNKNOWN_HASH = ""
"""No desired values hash to it: the next look finds all of them missing."""


def standing(conn: Connection, installation_id: str, object_name: str) -> tuple[LedgerRow, ...]:
    """Return the rows of an object whose record stands or may stand in the CRM, by key."""
    table = write_ledger.c
    query = select(write_ledger).where(
        table.installation_id == installation_id,
        table.object == object_name,
        table.state != WriteState.TOMBSTONE,
        (table.record_id.is_not(None)) | (table.state == WriteState.SENT),
    )
    return tuple(ledger_row(row) for row in conn.execute(query.order_by(table.key)).mappings())


def count_standing(conn: Connection, installation_id: str) -> dict[str, int]:
    """Return how many records of ours are known to stand, by object."""
    table = write_ledger.c
    query = select(table.object, func.count()).where(
        table.installation_id == installation_id,
        table.state != WriteState.TOMBSTONE,
        table.record_id.is_not(None),
    )
    return {row[0]: row[1] for row in conn.execute(query.group_by(table.object))}


def held(conn: Connection, installation_id: str, now: datetime) -> int:
    """Return how many rows a worker is writing just now: claimed, and its lease has not ended."""
    table = write_ledger.c
    query = select(func.count()).where(table.installation_id == installation_id, table.leased_until > now)
    return int(conn.execute(query).scalar_one())


def forget(conn: Connection, installation_id: str, object_name: str) -> int:
    """Forget every row of an object; return how many."""
    table = write_ledger.c
    target = delete(write_ledger).where(table.installation_id == installation_id, table.object == object_name)
    return conn.execute(target).rowcount


def forget_all_but(conn: Connection, installation_id: str, kept: Collection[str]) -> int:
    """Forget the rows of every object but ``kept``, and there those that never got a record."""
    table = write_ledger.c
    unmade = and_(table.record_id.is_(None), table.state != WriteState.TOMBSTONE)
    target = delete(write_ledger).where(
        table.installation_id == installation_id, table.object.not_in(sorted(kept)) | unmade
    )
    return conn.execute(target).rowcount


def empty(conn: Connection, installation_id: str, now: datetime, object_name: str) -> int:
    """Keep of an object's rows only which record each is: none of our values stands there any more."""
    table = write_ledger.c
    target = update(write_ledger).where(
        table.installation_id == installation_id,
        table.object == object_name,
        table.state != WriteState.TOMBSTONE,
    )
    values: Row = {"acknowledged": NOTHING, "normalised": None, "acknowledged_at": now}
    values |= {"desired_hash": UNKNOWN_HASH}
    values |= {"state": WriteState.ACKNOWLEDGED, "lease_owner": None, "leased_until": None}
    values |= {"attempts": 0, "next_try_at": None, "error_code": None, "error_message": None}
    return conn.execute(target.values(values)).rowcount


def emptied(conn: Connection, installation_id: str, object_name: str, limit: int) -> tuple[LedgerRow, ...]:
    """Return rows of which only the record is known, by key; those refused since are left out."""
    table = write_ledger.c
    query = select(write_ledger).where(
        table.installation_id == installation_id,
        table.object == object_name,
        table.state.not_in([WriteState.TOMBSTONE, WriteState.BLOCKED]),
        table.acknowledged == NOTHING,
        table.record_id.is_not(None),
    )
    rows = conn.execute(query.order_by(table.key).limit(limit)).mappings()
    return tuple(ledger_row(row) for row in rows)


def fill(
    conn: Connection, installation_id: str, object_name: str, values: Mapping[str, Mapping[str, str | None]]
) -> None:
    """Enter, by key, what stands in the record again."""
    table = write_ledger.c
    for key in sorted(values):
        target = update(write_ledger).where(
            table.installation_id == installation_id, table.object == object_name, table.key == key
        )
        conn.execute(target.values(acknowledged=dict(values[key])))
