"""Records of ours whose account is gone: to be taken back from the CRM, then forgotten.

A merge leaves two profiles on the survivor, and a deletion one on nobody, where reports over
profiles would count them. Neighbours: ``sync/bury.py`` marks, ``sync/withdraw.py`` takes back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, select, update

from sync.state.ledger_rows import WriteState, write_ledger
from sync.state.schema import chunks

STANDING = (WriteState.PENDING, WriteState.ACKNOWLEDGED, WriteState.BLOCKED)


def give_up(
    conn: Connection, installation_id: str, objects: Collection[str], account_ids: Collection[str]
) -> int:
    """Mark the records that stand in ``objects`` under accounts that are gone; return how many.

    One whose answer is awaited is left to its push: it ends as refused or as a record of nobody.
    Wanted again before it was taken back, as after a restore, a record stays.
    """
    table = write_ledger.c
    target = update(write_ledger).where(
        table.installation_id == installation_id,
        table.object.in_(sorted(objects)),
        table.record_id.is_not(None),
        table.state.in_(STANDING),
    )
    values = {"state": WriteState.WITHDRAW, "lease_owner": None, "leased_until": None, "next_try_at": None}
    return sum(
        conn.execute(target.where(table.account_id.in_(chunk)).values(values)).rowcount
        for chunk in chunks(sorted(set(account_ids)))
    )


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
    values = {"state": WriteState.WITHDRAW, "lease_owner": None, "leased_until": None, "next_try_at": None}
    for chunk in chunks(others):
        mine = here & table.key.in_(chunk)
        conn.execute(delete(write_ledger).where(mine, table.record_id.is_(None)))
        conn.execute(update(write_ledger).where(mine).values(values))
    return len(others)


def given_up(
    conn: Connection, installation_id: str, object_name: str, limit: int
) -> tuple[tuple[str, str], ...]:
    """Return (key, record id) of records to take back, by key."""
    table = write_ledger.c
    query = select(table.key, table.record_id).where(
        table.installation_id == installation_id,
        table.object == object_name,
        table.state == WriteState.WITHDRAW,
    )
    return tuple((row[0], row[1]) for row in conn.execute(query.order_by(table.key).limit(limit)))


def taken_back(conn: Connection, installation_id: str, object_name: str, keys: Sequence[str]) -> int:
    """Forget records that were taken back, also where the CRM has told of it as a deletion meanwhile."""
    table = write_ledger.c
    target = delete(write_ledger).where(
        table.installation_id == installation_id,
        table.object == object_name,
        table.state.in_([WriteState.WITHDRAW, WriteState.TOMBSTONE]),
    )
    return sum(conn.execute(target.where(table.key.in_(chunk))).rowcount for chunk in chunks(sorted(keys)))
