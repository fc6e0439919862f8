"""The pushing side of the ledger: claim, intend, answer.

Every function that enters an outcome checks the push fence of the claim: whoever lost the
lease to a later claim changes nothing and is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    literal,
    or_,
    select,
    update,
)

from sync.state import bulk
from sync.state.leases import Lease, claimable, free, held, next_fence, released, ripe
from sync.state.ledger_rows import (
    CALL_REFUSED,
    Acknowledgement,
    LedgerRow,
    WriteState,
    ledger_row,
    write_ledger,
)
from sync.state.schema import Row, chunks

PARENT = "PARENT"
"""The code of a row that was put off because what it hangs under is not written yet."""

CLEARED: Row = {"attempts": 0, "next_try_at": None, "error_code": None, "error_message": None}


def claim_pending(
    conn: Connection, installation_id: str, object_name: str, lease: Lease
) -> tuple[LedgerRow, ...]:
    """Take the oldest rows of an object to write that nobody holds; all share one new push fence.

    One writer per account: rows of accounts of which somebody holds any row, of whatever object, are left
    to the next claim, for two writes under one record lock each other out in the CRM. Rows sent under a
    lease that ended without an answer come back with ``uncertain`` set.
    """
    if conn.execute(_work(installation_id, object_name, lease).limit(1)).first() is None:
        return ()
    # Claims of an installation wait for each other here, so that each sees whose accounts the last one took.
    fence = next_fence(conn, installation_id)
    free = _work(installation_id, object_name, lease).where(~_account_held(lease.now))
    oldest = free.order_by(write_ledger.c.intent_at, write_ledger.c.key).limit(lease.limit)
    return _taken(conn, installation_id, oldest, lease, fence)


def claim_children(
    conn: Connection, installation_id: str, object_name: str, parents: Sequence[LedgerRow], lease: Lease
) -> tuple[LedgerRow, ...]:
    """Take the rows of an object to write that hang under ``parents``, claimed before; they share the fence.

    Nobody else can hold them: who holds a row of an account holds the account. Those that wait for their
    parent wait no longer.
    """
    if not parents:
        return ()
    wanted = {(row.object, row.key) for row in parents}
    found: list[LedgerRow] = []
    for chunk in chunks(sorted({row.account_id for row in parents})):
        work = _children(installation_id, object_name, lease).where(write_ledger.c.account_id.in_(chunk))
        rows = conn.execute(work).mappings().all()
        keys = [row["key"] for row in rows if any(tuple(pair) in wanted for pair in row["parent_keys"])]
        for names in chunks(keys):
            mine = _children(installation_id, object_name, lease).where(write_ledger.c.key.in_(names))
            found += _taken(conn, installation_id, mine.order_by(write_ledger.c.key), lease, parents[0].fence)
    return tuple(found)


def _work(installation_id: str, object_name: str, lease: Lease) -> Select[Any]:
    """Return the query of an object's rows to write that are free and ripe."""
    return _unwritten(installation_id, object_name).where(claimable(write_ledger, lease.now))


def _children(installation_id: str, object_name: str, lease: Lease) -> Select[Any]:
    """Return the query of an object's rows to write that are free, and ripe or waiting for their parent."""
    go = or_(ripe(write_ledger, lease.now), write_ledger.c.error_code.in_([PARENT, CALL_REFUSED]))
    return _unwritten(installation_id, object_name).where(free(write_ledger, lease.now), go)


def _unwritten(installation_id: str, object_name: str) -> Select[Any]:
    table = write_ledger.c
    here = and_(table.installation_id == installation_id, table.object == object_name)
    return select(write_ledger).where(here, table.state.in_([WriteState.PENDING, WriteState.SENT]))


def _account_held(now: datetime) -> ColumnElement[bool]:
    """Return the condition that somebody holds a row of the same account, of any object."""
    other = write_ledger.alias("other")
    return exists().where(
        other.c.installation_id == write_ledger.c.installation_id,
        other.c.account_id == write_ledger.c.account_id,
        held(other, now),
    )


def _taken(
    conn: Connection, installation_id: str, query: Select[Any], lease: Lease, fence: int
) -> tuple[LedgerRow, ...]:
    """Take the rows of a query under a fence, and return them as claimed."""
    found = conn.execute(query.with_for_update(skip_locked=True)).mappings().all()
    held = {"lease_owner": lease.owner, "leased_until": lease.until, "push_fence": fence}
    table = write_ledger.c
    for object_name in sorted({row["object"] for row in found}):
        here = and_(table.installation_id == installation_id, table.object == object_name)
        for chunk in chunks([row["key"] for row in found if row["object"] == object_name]):
            target = update(write_ledger).where(here, table.key.in_(chunk))
            conn.execute(target.values(**held, attempts=table.attempts + 1))
    return tuple(ledger_row(row, fence) for row in found)


def at_work(conn: Connection, now: datetime) -> frozenset[str]:
    """Return the installations of which somebody holds a row at ``now``: those a push is at work for."""
    somebody = write_ledger.c.lease_owner > ""  # what SQLite finds by the index of rows that are held
    query = select(write_ledger.c.installation_id).where(somebody, held(write_ledger, now)).distinct()
    return frozenset(conn.execute(query).scalars())


def lock(conn: Connection, installation_id: str, rows: Sequence[LedgerRow]) -> None:
    """Hold the rows until the transaction ends, taken in the order in which looks take them.

    For whoever enters outcomes one after the other: a look that wants the same rows then waits for all of
    them, or has all of them waited for. SQLite has one writer at a time and needs none of it.
    """
    if conn.dialect.name != bulk.POSTGRESQL:
        return
    table = write_ledger.c
    for object_name in sorted({row.object for row in rows}):
        for chunk in chunks(sorted({row.key for row in rows if row.object == object_name})):
            here = and_(table.installation_id == installation_id, table.object == object_name)
            query = select(table.key).where(here, table.key.in_(chunk))
            conn.execute(query.order_by(in_lock_order(conn)).with_for_update())


def in_lock_order(conn: Connection) -> ColumnElement[str]:
    """Return what to order rows of one object by to lock them as we sort them, whatever the collation."""
    return write_ledger.c.key.collate("C") if conn.dialect.name == bulk.POSTGRESQL else write_ledger.c.key


def mark_sent(
    conn: Connection, installation_id: str, now: datetime, rows: Sequence[LedgerRow]
) -> tuple[LedgerRow, ...]:
    """Enter the intent before the call; return the rows still ours: send these and no others.

    Commit before calling the CRM, or a crash would hide that the call was made.
    """
    ours = _still_ours(conn, installation_id, rows)
    sent = {"state": WriteState.SENT, "sent_at": now}
    _update_rows(conn, installation_id, ours, sent)
    return tuple(ours)


def acknowledge(
    conn: Connection, installation_id: str, now: datetime, answers: Sequence[Acknowledgement]
) -> int:
    """Enter that the CRM took the rows; return how many were still ours.

    A row whose desired values changed during the call becomes pending for another write; one that was given
    up meanwhile stays so, and is known to stand.
    """
    if not answers:
        return 0
    unchanged = write_ledger.c.desired_hash == bindparam("b_hash")
    settled = case((unchanged, WriteState.ACKNOWLEDGED.value), else_=WriteState.PENDING.value)
    values: dict[str, Any] = {
        "state": _unless_given_up(settled),
        "record_id": bindparam("b_record"),
        "acknowledged": bindparam("b_values"),
        "normalised": bindparam("b_normalised"),
        "acknowledged_at": now,
    }
    keys = [
        _key(answer.row)
        | {"b_hash": answer.row.desired_hash, "b_record": answer.record_id}
        | {"b_values": dict(answer.values), "b_normalised": dict(answer.normalised) or None}
        for answer in sorted(answers, key=lambda one: (one.row.object, one.row.key))
    ]
    statement = update(write_ledger).where(_held(installation_id)).values(values | released() | CLEARED)
    return conn.execute(statement, keys).rowcount


def block(
    conn: Connection,
    installation_id: str,
    row: LedgerRow,
    code: str,
    message: str,
    *,
    record_id: str | None = None,
) -> bool:
    """Enter the CRM's refusal in its own words; not tried again until wanted differently or reopened.

    ``record_id`` is the record's where it stands all the same. Returns whether the row was still ours.
    """
    unchanged = write_ledger.c.desired_hash == row.desired_hash
    state = case((unchanged, WriteState.BLOCKED.value), else_=WriteState.PENDING.value)
    values: Row = {"error_code": code, "error_message": message, "next_try_at": None}
    values["state"] = _unless_given_up(state)
    if record_id is not None:
        values["record_id"] = record_id
    return _update_rows(conn, installation_id, [row], values | released()) == 1


def retry(
    conn: Connection,
    installation_id: str,
    row: LedgerRow,
    at: datetime,
    code: str,
    message: str,
    *,
    uncertain: bool = False,
) -> bool:
    """Enter a failure to be tried again at ``at``; return whether the row was still ours.

    ``uncertain``: no answer came, so the CRM may have taken it; the next claim says so.
    """
    state = WriteState.SENT if uncertain else WriteState.PENDING
    values: Row = {"error_code": code, "error_message": message, "next_try_at": at}
    values["state"] = _unless_given_up(literal(state.value))
    return _update_rows(conn, installation_id, [row], values | released()) == 1


def release(conn: Connection, installation_id: str, rows: Sequence[LedgerRow]) -> int:
    """Give back claimed rows that were not sent, to be claimed by anybody; return how many were ours."""
    return _update_rows(conn, installation_id, rows, released() | {"attempts": 0})


def _unless_given_up(state: ColumnElement[str]) -> ColumnElement[str]:
    """Return the state a row gets, but for one whose account went while it was written."""
    withdraw = WriteState.WITHDRAW.value
    return case((write_ledger.c.state == withdraw, withdraw), else_=state)


def _key(row: LedgerRow) -> Row:
    return {"b_object": row.object, "b_key": row.key, "b_fence": row.fence}


def _held(installation_id: str) -> ColumnElement[bool]:
    table = write_ledger.c
    return and_(
        table.installation_id == installation_id,
        table.object == bindparam("b_object"),
        table.key == bindparam("b_key"),
        table.push_fence == bindparam("b_fence"),
        table.lease_owner.is_not(None),
    )


def _update_rows(conn: Connection, installation_id: str, rows: Sequence[LedgerRow], values: Row) -> int:
    """Give rows that are still ours the same values, a statement for many of them; return how many were."""
    keys: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        keys.setdefault((row.object, row.fence), []).append(row.key)
    table, done = write_ledger.c, 0
    for (object_name, fence), names in sorted(keys.items()):
        here = and_(table.installation_id == installation_id, table.object == object_name)
        ours = and_(table.push_fence == fence, table.lease_owner.is_not(None))
        for chunk in chunks(sorted(names)):
            target = update(write_ledger).where(here, ours, table.key.in_(chunk))
            done += conn.execute(target.values(values)).rowcount
    return done


def _still_ours(conn: Connection, installation_id: str, rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    table, ours = write_ledger.c, set[tuple[str, str]]()
    for object_name in sorted({row.object for row in rows}):
        mine = [row for row in rows if row.object == object_name]
        for chunk in chunks(sorted(mine, key=lambda one: one.key)):
            query = select(table.key, table.push_fence, table.lease_owner).where(
                table.installation_id == installation_id,
                table.object == object_name,
                table.key.in_([row.key for row in chunk]),
            )
            locked = query.order_by(in_lock_order(conn)).with_for_update()
            held = {key: fence for key, fence, owner in conn.execute(locked) if owner is not None}
            ours |= {(row.object, row.key) for row in chunk if held.get(row.key) == row.fence}
    return [row for row in rows if (row.object, row.key) in ours]
