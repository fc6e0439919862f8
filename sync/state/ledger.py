"""The ledger of writes: desired, sent, acknowledged, and what stands in between.

A look says what it wants; a push claims, marks the intent, calls the CRM, and enters the
answer. A crash at any point leaves a row that says what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from sync.state import bulk
from sync.state.leases import Waiting, claimable, waiting_since
from sync.state.ledger_push import (
    PARENT,
    acknowledge,
    block,
    claim_children,
    claim_pending,
    in_lock_order,
    lock,
    mark_sent,
    release,
    retry,
)
from sync.state.ledger_rows import (
    CALL_REFUSED,
    Acknowledgement,
    LedgerRow,
    Wanted,
    WantedRow,
    WriteState,
    ledger_row,
    retry_wait,
    shown_as_blocked,
    write_ledger,
)
from sync.state.schema import Row, canonical_json, chunks, key_columns, upsert

__all__ = [
    "CALL_REFUSED",
    "PARENT",
    "Acknowledgement",
    "LedgerRow",
    "Wanted",
    "WantedRow",
    "WriteState",
    "acknowledge",
    "block",
    "blocked",
    "by_record",
    "claim_children",
    "claim_pending",
    "counts",
    "drop_unmade",
    "find",
    "hasten",
    "lock",
    "mark_sent",
    "of_accounts",
    "release",
    "reopen",
    "reopen_refused",
    "retry",
    "retry_wait",
    "tombstone",
    "unheld",
    "want",
]

FROM_LOOK = (
    "account_id",
    "kind",
    "desired",
    "seed",
    "parents",
    "parent_keys",
    "desired_hash",
    "reason",
    "fence",
    "intent_at",
)
FORGOTTEN: Row = dict.fromkeys(("acknowledged", "normalised", "acknowledged_at"))
UNWRITTEN = (WriteState.PENDING, WriteState.SENT)


def want(
    conn: Connection, installation_id: str, now: datetime, rows: Sequence[WantedRow], fence: int
) -> Wanted:
    """Say what should stand in the CRM, as the look holding ``fence`` sees it.

    What is wanted already changes nothing and wakes nobody; a row last wanted by a later
    fence is refused; a tombstone stays. A row in flight stays ``sent`` with its new values.
    """
    unique = {(row.object, row.key): row for row in sorted(rows, key=lambda one: (one.object, one.key))}
    known = _known(conn, installation_id, list(unique))
    changed: list[Row] = []
    confirmed: list[tuple[str, str]] = []
    refused = buried = 0
    for key, row in unique.items():
        held = known.get(key)
        if held is not None and held["state"] == WriteState.TOMBSTONE:
            buried += 1
        elif held is not None and held["fence"] > fence:
            refused += 1
        elif held is not None and _same(held, row):
            confirmed.append(key)
        else:
            changed.append(_columns(installation_id, now, row, fence))
    _put(conn, changed)
    _raise_fence(conn, installation_id, confirmed, fence)
    return Wanted(len(changed), refused, buried)


def reopen(
    conn: Connection,
    installation_id: str,
    object_name: str,
    keys: Iterable[str],
    *,
    recreate: bool = False,
) -> int:
    """Make acknowledged or blocked rows pending again; return how many.

    For a field somebody else changed, or a block the admin has mended. ``recreate`` forgets
    the CRM's id and values, for a record of ours that is gone and should come back.
    """
    values: dict[str, Any] = {"state": WriteState.PENDING, "attempts": 0, "next_try_at": None}
    values |= {"error_code": None, "error_message": None}
    if recreate:
        values |= dict.fromkeys(("record_id", "acknowledged", "normalised", "acknowledged_at"))
    settled = write_ledger.c.state.in_([WriteState.ACKNOWLEDGED, WriteState.BLOCKED])
    return _update_keys(conn, installation_id, object_name, keys, settled, values=values)


def reopen_refused(conn: Connection, installation_id: str, code: str) -> int:
    """Make every row blocked with ``code`` pending again, of whatever object; return how many."""
    values: dict[str, Any] = {"state": WriteState.PENDING, "attempts": 0, "next_try_at": None}
    values |= {"error_code": None, "error_message": None}
    table = write_ledger.c
    target = update(write_ledger).where(
        table.installation_id == installation_id, table.state == WriteState.BLOCKED, table.error_code == code
    )
    return conn.execute(target.values(values)).rowcount


def tombstone(
    conn: Connection, installation_id: str, object_name: str, keys: Iterable[str], reason: str
) -> int:
    """Bury rows whose record a person deleted: never written or recreated again; return how many."""
    values = {"state": WriteState.TOMBSTONE, "reason": reason, "lease_owner": None, "leased_until": None}
    alive = write_ledger.c.state != WriteState.TOMBSTONE
    return _update_keys(conn, installation_id, object_name, keys, alive, values=values)


def drop_unmade(conn: Connection, installation_id: str, account_ids: Iterable[str]) -> int:
    """Forget what was wanted of accounts that are gone and never made; return how many rows.

    There is no record to remember, and nothing it could hang under: a restored account is looked at anew.
    """
    table = write_ledger.c
    waiting = table.record_id.is_(None) & table.state.in_([WriteState.PENDING, WriteState.BLOCKED])
    target = delete(write_ledger).where(table.installation_id == installation_id, waiting)
    return sum(
        conn.execute(target.where(table.account_id.in_(chunk))).rowcount
        for chunk in chunks(sorted(set(account_ids)))
    )


def move(
    conn: Connection, installation_id: str, object_name: str, key: str, record_id: str, *, anew: bool
) -> int:
    """Have a row stand for another record of the CRM, into which its own was merged; return how many rows.

    It is compared with what stands there before anything is written. ``anew``: what the CRM took for its
    own record is forgotten, so that links which that one had are made for this one.
    """
    settled = case(
        (write_ledger.c.state == WriteState.ACKNOWLEDGED, WriteState.PENDING.value),
        else_=write_ledger.c.state,
    )
    values: dict[str, Any] = {"record_id": record_id, "state": settled}
    values |= FORGOTTEN if anew else {}
    alive = write_ledger.c.state != WriteState.TOMBSTONE
    return _update_keys(conn, installation_id, object_name, [key], alive, values=values)


def revive(conn: Connection, installation_id: str, object_name: str, rows: Iterable[LedgerRow]) -> int:
    """Dig out buried rows whose record a person restored; return how many. They are compared again.

    Of a row under records of ours what the CRM took is forgotten: those may have been made anew meanwhile,
    and its links are made to them.
    """
    values: dict[str, Any] = {"state": WriteState.PENDING, "attempts": 0, "next_try_at": None}
    values |= {"error_code": None, "error_message": None}
    buried, done = write_ledger.c.state == WriteState.TOMBSTONE, 0
    under = {row.key: bool(row.parent_keys) for row in rows}
    for anew in (False, True):
        keys = [key for key, is_under in under.items() if is_under is anew]
        done += _update_keys(
            conn, installation_id, object_name, keys, buried, values=values | (FORGOTTEN if anew else {})
        )
    return done


def counts(conn: Connection, installation_id: str) -> dict[tuple[str, WriteState], int]:
    """Return how many rows there are per (object, state)."""
    table = write_ledger.c
    query = select(table.object, table.state, func.count()).where(table.installation_id == installation_id)
    rows = conn.execute(query.group_by(table.object, table.state).order_by(table.object, table.state))
    return {(object_name, WriteState(state)): number for object_name, state, number in rows}


def hasten(conn: Connection, installation_id: str, code: str) -> int:
    """Have rows put off with ``code`` claimed by the next push; return how many."""
    table = write_ledger.c
    waiting = and_(table.state == WriteState.PENDING, table.error_code == code)
    target = update(write_ledger).where(table.installation_id == installation_id, waiting)
    return conn.execute(target.values(next_try_at=None, attempts=0)).rowcount


def blocked(conn: Connection, installation_id: str, limit: int | None = 1000) -> list[LedgerRow]:
    """Return the blocked rows with the CRM's own words, oldest intent first; all with ``None``.

    Among them those that are tried by themselves as well: what the CRM does not let us take back, and what
    it refused as a whole.
    """
    query = select(write_ledger).where(write_ledger.c.installation_id == installation_id, shown_as_blocked())
    ordered = query.order_by(write_ledger.c.intent_at, write_ledger.c.object, write_ledger.c.key)
    return [ledger_row(row) for row in conn.execute(ordered.limit(limit)).mappings()]


def find(
    conn: Connection, installation_id: str, object_name: str, keys: Sequence[str]
) -> dict[str, LedgerRow]:
    """Return the rows that exist among ``keys``."""
    found = _select_in(conn, installation_id, object_name, "key", keys)
    return {row.key: row for row in found}


def by_record(
    conn: Connection, installation_id: str, object_name: str, record_ids: Sequence[str]
) -> dict[str, LedgerRow]:
    """Return the rows by the CRM's record id; tells whether a record is one of ours."""
    found = _select_in(conn, installation_id, object_name, "record_id", record_ids)
    return {row.record_id: row for row in found if row.record_id is not None}


def record_ids(conn: Connection, installation_id: str, object_name: str) -> Iterator[str]:
    """Yield the CRM's ids of an object's records that the ledger counts on; buried ones left out."""
    table = write_ledger.c
    here = and_(table.installation_id == installation_id, table.object == object_name)
    alive = and_(table.record_id.is_not(None), table.state != WriteState.TOMBSTONE)
    yield from conn.execute(select(table.record_id).where(here, alive)).scalars()


def of_accounts(conn: Connection, installation_id: str, account_ids: Collection[str]) -> list[LedgerRow]:
    """Return every row of the accounts, by object and key."""
    found: list[LedgerRow] = []
    for chunk in chunks(sorted(set(account_ids))):
        query = select(write_ledger).where(
            write_ledger.c.installation_id == installation_id, write_ledger.c.account_id.in_(chunk)
        )
        found += [ledger_row(row) for row in conn.execute(query).mappings()]
    return sorted(found, key=lambda row: (row.object, row.key))


def unheld(conn: Connection, now: datetime) -> tuple[Waiting, ...]:
    """Return, over all installations, the rows to write that nobody holds, per object; for the sweeper."""
    table = write_ledger.c
    since = waiting_since(write_ledger, table.intent_at)
    rows = conn.execute(
        select(table.installation_id, table.object, func.count(), since)
        .where(table.state.in_([*UNWRITTEN, WriteState.WITHDRAW]), claimable(write_ledger, now))
        .group_by(table.installation_id, table.object)
        .order_by(table.installation_id, table.object)
    )
    return tuple(Waiting(*row) for row in rows)


def _known(
    conn: Connection, installation_id: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], RowMapping]:
    by_object: dict[str, list[str]] = {}
    for object_name, key in keys:
        by_object.setdefault(object_name, []).append(key)
    table = write_ledger.c
    columns = (table.key, table.state, table.fence, table.desired_hash, table.account_id)
    # Documents are not taken apart: all that matters is whether one is there, and is the same text.
    further = (type_coerce(table.seed, Text).label("seed"), table.acknowledged.is_not(None).label("made"))
    known: dict[tuple[str, str], RowMapping] = {}
    for object_name, names in by_object.items():
        for chunk in chunks(names):
            query = select(*columns, *further, table.record_id).where(
                table.installation_id == installation_id, table.object == object_name, table.key.in_(chunk)
            )
            locked = query.order_by(in_lock_order(conn)).with_for_update()
            known |= {(object_name, row["key"]): row for row in conn.execute(locked).mappings()}
    return known


def _same(held: RowMapping, row: WantedRow) -> bool:
    seed_matters = not held["made"]  # after the first write the seed is the customer's
    return bool(
        held["state"] != WriteState.WITHDRAW
        and held["desired_hash"] == row.hash()
        and held["account_id"] == row.account_id
        and (not seed_matters or held["seed"] == canonical_json(dict(row.seed)))
        and (row.record_id is None or held["record_id"] is not None)
    )


def _columns(installation_id: str, now: datetime, row: WantedRow, fence: int) -> Row:
    return {
        "installation_id": installation_id,
        **row.columns(),
        "state": WriteState.PENDING,
        "fence": fence,
        "intent_at": now,
    }


def _put(conn: Connection, rows: list[Row]) -> None:
    if not rows:
        return
    new, table = upsert(conn, write_ledger), write_ledger.c
    in_flight = or_(table.state == WriteState.SENT, table.state == WriteState.TOMBSTONE)
    changes: dict[str, Any] = {name: new.excluded[name] for name in FROM_LOOK}
    lost = and_(table.state == WriteState.WITHDRAW, table.record_id.is_(None))  # whether it stands is unknown
    state = case((in_flight, table.state), (lost, WriteState.SENT), else_=WriteState.PENDING)
    changes |= {"state": state}
    changes |= {"record_id": func.coalesce(table.record_id, new.excluded.record_id)}
    changes |= {"attempts": 0, "next_try_at": None, "error_code": None, "error_message": None}
    statement = new.on_conflict_do_update(
        index_elements=key_columns(write_ledger), set_=changes, where=table.fence <= new.excluded.fence
    )
    conn.execute(statement, rows)


def _raise_fence(conn: Connection, installation_id: str, keys: Sequence[tuple[str, str]], fence: int) -> None:
    # An orphan with an older fence must not overwrite what this look has just confirmed.
    for object_name in sorted({key[0] for key in keys}):
        names = [key[1] for key in keys if key[0] == object_name]
        older = write_ledger.c.fence < fence
        _update_keys(conn, installation_id, object_name, names, older, values={"fence": fence})


def _update_keys(
    conn: Connection,
    installation_id: str,
    object_name: str,
    keys: Iterable[str],
    condition: ColumnElement[bool],
    *,
    values: dict[str, Any],
) -> int:
    here = and_(write_ledger.c.installation_id == installation_id, write_ledger.c.object == object_name)
    done = 0
    for chunk in chunks(sorted(set(keys))):
        target = update(write_ledger).where(here, condition, write_ledger.c.key.in_(chunk))
        done += conn.execute(target.values(values)).rowcount
    return done


def _select_in(
    conn: Connection, installation_id: str, object_name: str, column: str, wanted: Sequence[str]
) -> list[LedgerRow]:
    dialect, found = conn.dialect.name, list[LedgerRow]()
    for chunk in chunks(wanted):
        named = {"whose": installation_id, "of": object_name, "wanted": bulk.texts(dialect, chunk)}
        found += [ledger_row(row) for row in conn.execute(_rows_among(dialect, column), named).mappings()]
    return found


@lru_cache
def _rows_among(dialect: str, column: str) -> Select[Any]:
    table = write_ledger.c
    here = and_(table.installation_id == bindparam("whose"), table.object == bindparam("of"))
    return select(write_ledger).where(here, bulk.among(dialect, table[column], "wanted"))
