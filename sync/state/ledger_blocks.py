"""What is shown as blocked and not only that: rows taken in part, and rows tried by themselves as well.

Neighbours: ``ledger_push`` enters whole answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, update

from sync.state.ledger_rows import STILL_TRIED, LedgerRow, WriteState, write_ledger
from sync.state.schema import Row, chunks


def block_taken(conn: Connection, installation_id: str, row: LedgerRow, code: str, message: str) -> bool:
    """Block a row that this claim has just acknowledged, unless it is wanted otherwise; return whether."""
    table = write_ledger.c
    target = update(write_ledger).where(
        table.installation_id == installation_id,
        table.object == row.object,
        table.key == row.key,
        table.push_fence == row.fence,
        table.state == WriteState.ACKNOWLEDGED,
    )
    blocked = {"state": WriteState.BLOCKED, "error_code": code, "error_message": message}
    return conn.execute(target.values(blocked)).rowcount == 1


def hasten(conn: Connection, installation_id: str, object_name: str, keys: Sequence[str]) -> int:
    """Have rows that are tried by themselves as well tried by the next push; return how many."""
    table = write_ledger.c
    here = (table.installation_id == installation_id) & (table.object == object_name)
    again: Row = {"attempts": 0, "next_try_at": None, "error_code": None, "error_message": None}
    target = update(write_ledger).where(here, table.error_code.in_(STILL_TRIED)).values(again)
    return sum(conn.execute(target.where(table.key.in_(chunk))).rowcount for chunk in chunks(sorted(keys)))
