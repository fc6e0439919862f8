"""Stored states of the daily fold: a cache that may be dropped and rebuilt by replay.

A state belongs to the charter it was folded under; ``sync/`` folds on from the newest one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Column, Connection, Date, Table, Text, delete, func, select

from sync.state.schema import chunks, installation_column, key_columns, metadata, upsert

fold_state = Table(
    "fold_state",
    metadata,
    installation_column(),
    Column("account_id", Text, primary_key=True),
    Column("grid_day", Date, primary_key=True),
    Column("state", Text, nullable=False),
    Column("charter_hash", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredFold:
    """An account's fold state after the step of ``grid_day`` (00:00 in the installation's time zone)."""

    account_id: str
    grid_day: date
    state: str
    charter_hash: str


def put(conn: Connection, installation_id: str, states: Sequence[StoredFold]) -> None:
    """Keep states, in place of those of the same account and day."""
    rows = [
        {
            "installation_id": installation_id,
            "account_id": one.account_id,
            "grid_day": one.grid_day,
            "state": one.state,
            "charter_hash": one.charter_hash,
        }
        for one in sorted(states, key=lambda one: (one.account_id, one.grid_day))
    ]
    if rows:
        new = upsert(conn, fold_state)
        changes = {"state": new.excluded.state, "charter_hash": new.excluded.charter_hash}
        statement = new.on_conflict_do_update(index_elements=key_columns(fold_state), set_=changes)
        conn.execute(statement, rows)


def newest(
    conn: Connection, installation_id: str, account_ids: Collection[str], until: date
) -> dict[str, StoredFold]:
    """Return each account's newest state of a grid day on or before ``until``; unknown ones left out."""
    table, found = fold_state.c, {}
    for chunk in chunks(sorted(set(account_ids))):
        mine = (table.installation_id == installation_id) & table.account_id.in_(chunk)
        last = select(table.account_id, func.max(table.grid_day).label("grid_day"))
        last_days = last.where(mine, table.grid_day <= until).group_by(table.account_id).subquery()
        same = (table.account_id == last_days.c.account_id) & (table.grid_day == last_days.c.grid_day)
        for row in conn.execute(select(fold_state).join(last_days, same).where(mine)):
            found[row.account_id] = StoredFold(row.account_id, row.grid_day, row.state, row.charter_hash)
    return found


def drop(
    conn: Connection,
    installation_id: str,
    account_ids: Collection[str] | None = None,
    since: date | None = None,
) -> int:
    """Forget states of the accounts (all when ``None``) from the day ``since`` on; return how many."""
    target = delete(fold_state).where(fold_state.c.installation_id == installation_id)
    if since is not None:
        target = target.where(fold_state.c.grid_day >= since)
    if account_ids is None:
        return conn.execute(target).rowcount
    parts = chunks(sorted(set(account_ids)))
    return sum(conn.execute(target.where(fold_state.c.account_id.in_(part))).rowcount for part in parts)


def prune(conn: Connection, installation_id: str, before: date) -> int:
    """Forget states of days before the one given, but never an account's newest; return how many."""
    later = fold_state.alias("later")
    newer = select(later.c.grid_day).where(
        later.c.installation_id == installation_id,
        later.c.account_id == fold_state.c.account_id,
        later.c.grid_day > fold_state.c.grid_day,
    )
    old = (fold_state.c.grid_day < before) & newer.exists()
    target = delete(fold_state).where(fold_state.c.installation_id == installation_id, old)
    return conn.execute(target).rowcount
