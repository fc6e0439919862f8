"""Blocking rows of the ledger that the CRM has taken in part.

Neighbours: ``ledger_push`` enters whole answers.
"""

from __future__ import annotations

from sqlalchemy import Connection, update

from sync.state.ledger_rows import LedgerRow, WriteState, write_ledger


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
