"""Records of ours whose account is gone: to be taken back from the CRM, then forgotten.

A merge leaves two profiles on the survivor, and a deletion one on nobody, where reports over
profiles would count them. Neighbours: ``sync/bury.py`` marks, ``sync/withdraw.py`` takes back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from integration.port import Refusal, RowError
from sync.state.dirty import Scope, dirty
from sync.state.identity import ACCOUNT_KEY, identity, resolve
from sync.state.leases import claimable
from sync.state.ledger_rows import KEPT, LedgerRow, WriteState, ledger_row, retry_wait, write_ledger
from sync.state.schema import Row, chunks

STANDING = (WriteState.PENDING, WriteState.ACKNOWLEDGED, WriteState.BLOCKED)
UNANSWERED: Row = {
    "state": WriteState.WITHDRAW,
    "attempts": 0,
    "next_try_at": None,
    "error_code": None,
    "error_message": None,
}
"""A row whose answer is awaited stays its push's until the lease ends."""

GIVEN_UP: Row = UNANSWERED | {"lease_owner": None, "leased_until": None}


MADE_ANEW: Row = GIVEN_UP | {
    "state": WriteState.PENDING,
    **dict.fromkeys(("record_id", "acknowledged", "normalised", "acknowledged_at")),
}
"""A row whose record is gone by our own doing, and wanted; a push that holds it enters nothing any more."""

HEIR_READ = timedelta(minutes=2)
"""How long a merge's survivor may take to be read: the worker that was told of it may have died."""


def give_up(
    conn: Connection, installation_id: str, objects: Collection[str], account_ids: Collection[str]
) -> int:
    """Mark the records that stand in ``objects`` under accounts that are gone; return how many.

    One whose answer is awaited is marked as well, and stays its push's until the lease ends: whether it
    stands is asked before it is taken back. Wanted again before that, as after a restore, a record stays.
    """
    table = write_ledger.c
    target = update(write_ledger).where(
        table.installation_id == installation_id, table.object.in_(sorted(objects))
    )
    stand = target.where(table.record_id.is_not(None), table.state.in_(STANDING)).values(GIVEN_UP)
    awaited = target.where(table.state == WriteState.SENT).values(UNANSWERED)
    return sum(
        conn.execute(marking.where(table.account_id.in_(chunk))).rowcount
        for marking in (stand, awaited)
        for chunk in chunks(sorted(set(account_ids)))
    )


def give_up_unanswered(
    conn: Connection,
    installation_id: str,
    now: datetime,
    objects: Collection[str],
    account_ids: Collection[str],
) -> int:
    """Mark of ``objects`` what may have been made under accounts others go on for; return how many.

    Wanted again by those, a record that stands goes on as theirs: it is left alone for a while in which the
    survivor is read, and until it has been looked at (``heirs_waiting``).
    """
    table = write_ledger.c
    awaited = (table.state == WriteState.SENT) & table.record_id.is_(None)
    here = (table.installation_id == installation_id) & table.object.in_(sorted(objects))
    marking = update(write_ledger).where(here, awaited).values(UNANSWERED | {"next_try_at": now + HEIR_READ})
    chunked = chunks(sorted(set(account_ids)))
    return sum(conn.execute(marking.where(table.account_id.in_(chunk))).rowcount for chunk in chunked)


def give_up_others(
    conn: Connection, installation_id: str, object_name: str, wanted: Collection[str], prefix: str
) -> int:
    """Mark records of an object whose key begins with ``prefix`` and is not wanted; return how many.

    Those never made are forgotten.
    """
    table = write_ledger.c
    here = (table.installation_id == installation_id) & (table.object == object_name)
    here &= table.key.startswith(prefix, autoescape=True)
    query = select(table.key).where(here, table.state.in_(STANDING))
    others = sorted(set(conn.execute(query).scalars()) - set(wanted))
    for chunk in chunks(others):
        mine = here & table.key.in_(chunk)
        conn.execute(delete(write_ledger).where(mine, table.record_id.is_(None)))
        conn.execute(update(write_ledger).where(mine).values(GIVEN_UP))
    return len(others)


def heirs_waiting(conn: Connection, installation_id: str, account_ids: Collection[str]) -> frozenset[str]:
    """Return those of the accounts for which another goes on that is yet to be looked at.

    What that look wants of their records is its own from then on. One whose look fails is not waited for.
    """
    keys = resolve(conn, installation_id, ACCOUNT_KEY, sorted(set(account_ids)))
    table, mine, found = identity.c, dirty.c.installation_id == installation_id, set[str]()
    for account, key in keys.items():
        heirs = select(table.source).where(
            table.installation_id == installation_id,
            table.kind == ACCOUNT_KEY,
            table.minted == key,
            table.source != account,
        )
        others = list(conn.execute(heirs).scalars())
        waits = mine & (dirty.c.scope == Scope.ACCOUNT) & dirty.c.id.in_(others) & dirty.c.error.is_(None)
        if others and conn.execute(select(dirty.c.id).where(waits).limit(1)).first() is not None:
            found.add(account)
    return frozenset(found)


def given_up(
    conn: Connection, installation_id: str, now: datetime, object_name: str, limit: int
) -> tuple[tuple[str, str], ...]:
    """Return (key, record id) of records to take back that nobody holds and that may be tried, by key.

    Those an heir may yet want are left out.
    """
    query = _given_up(installation_id, now, object_name).where(write_ledger.c.record_id.is_not(None))
    found = conn.execute(query.order_by(write_ledger.c.key).limit(limit)).mappings().all()
    waiting = heirs_waiting(conn, installation_id, [row["account_id"] for row in found])
    return tuple((row["key"], row["record_id"]) for row in found if row["account_id"] not in waiting)


def put_off(
    conn: Connection, installation_id: str, now: datetime, object_name: str, kept: Mapping[str, RowError]
) -> None:
    """Enter why the CRM keeps records (key to refusal), to be tried again on the curve.

    What it does not call busy is shown as blocked.
    """
    table = write_ledger.c
    here = (table.installation_id == installation_id) & (table.object == object_name)
    here &= table.state == WriteState.WITHDRAW
    for chunk in chunks(sorted(kept)):
        tries = dict(conn.execute(select(table.key, table.attempts).where(here, table.key.in_(chunk))).all())
        for key, attempts in tries.items():
            error = kept[key]
            code, words = KEPT, f"it cannot be taken back: {error.code}: {error.words}"
            if error.refusal is Refusal.BUSY:
                code, words = error.code, error.words
            failed = {"attempts": attempts + 1, "next_try_at": now + retry_wait(attempts + 1)}
            told = failed | {"error_code": code, "error_message": words}
            conn.execute(update(write_ledger).where(here, table.key == key).values(told))


def unanswered(
    conn: Connection, installation_id: str, now: datetime, object_name: str, limit: int
) -> tuple[LedgerRow, ...]:
    """Return rows to take back of which it is not known whether they stand, by key; nobody holds them.

    Those an heir may yet want are left out.
    """
    query = _given_up(installation_id, now, object_name).where(write_ledger.c.record_id.is_(None))
    found = conn.execute(query.order_by(write_ledger.c.key).limit(limit)).mappings().all()
    waiting = heirs_waiting(conn, installation_id, [row["account_id"] for row in found])
    return tuple(
        replace(ledger_row(row), uncertain=True) for row in found if row["account_id"] not in waiting
    )


def found_standing(
    conn: Connection, installation_id: str, object_name: str, records: Mapping[str, str]
) -> int:
    """Enter which records (key to id) stand of rows to take back; return how many."""
    table = write_ledger.c
    target = update(write_ledger).where(
        table.installation_id == installation_id,
        table.object == object_name,
        table.state == WriteState.WITHDRAW,
    )
    return sum(
        conn.execute(target.where(table.key == key).values(record_id=record_id)).rowcount
        for key, record_id in sorted(records.items())
    )


def _given_up(installation_id: str, now: datetime, object_name: str) -> Select[Any]:
    return select(write_ledger).where(
        write_ledger.c.installation_id == installation_id,
        write_ledger.c.object == object_name,
        write_ledger.c.state == WriteState.WITHDRAW,
        claimable(write_ledger, now),
    )


def taken_back(
    conn: Connection, installation_id: str, object_name: str, records: Mapping[str, str | None]
) -> int:
    """Forget records (key to id) that were taken back, also where the CRM has told of it meanwhile.

    One that was wanted again while it was taken back is to be made anew. Returns how many were forgotten.
    """
    table, done = write_ledger.c, 0
    here = (table.installation_id == installation_id) & (table.object == object_name)
    gone = table.state.in_([WriteState.WITHDRAW, WriteState.TOMBSTONE])
    for key, record_id in sorted(records.items()):
        mine = here & (table.key == key) & table.record_id.is_not_distinct_from(record_id)
        forgotten = conn.execute(delete(write_ledger).where(mine, gone)).rowcount
        done += forgotten
        if not forgotten and record_id is not None:
            conn.execute(update(write_ledger).where(mine).values(MADE_ANEW))
    return done
