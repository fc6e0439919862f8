"""What one worker holds, in every table that is claimed: prolonged while it works, given back when it leaves.

Rows that another transaction is writing just now are left out: they are being finished, or prolonged the
next time. So neither side waits for the other, whatever the order in which it touches rows.
Neighbours: ``leases`` says how long a claim stands; ``sync/holding.py`` calls this from a worker.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Table, case, select, tuple_, update

from sync.state.dirty import dirty
from sync.state.due import due
from sync.state.inbox import inbox
from sync.state.leases import released
from sync.state.ledger_rows import write_ledger
from sync.state.schema import Row

CLAIMED = (dirty, inbox, write_ledger, due)


def prolong(conn: Connection, owner: str, until: datetime) -> int:
    """Have everything ``owner`` holds stand until the instant; return how many rows those are."""
    return sum(_change(conn, table, owner, {"leased_until": until}) for table in CLAIMED)


def give_back(conn: Connection, owner: str) -> int:
    """Free everything ``owner`` holds, as if it had not been taken; return how many rows those were.

    A row marked as sent stays so: whoever takes it next asks the CRM before it writes.
    """
    return sum(_change(conn, table, owner, _untaken(table)) for table in CLAIMED)


def _untaken(table: Table) -> Row:
    attempts = table.c.get("attempts")
    once_less = {} if attempts is None else {"attempts": case((attempts > 0, attempts - 1), else_=0)}
    return released() | once_less


def _change(conn: Connection, table: Table, owner: str, values: Row) -> int:
    key = list(table.primary_key.columns)
    ours = select(*key).where(table.c.lease_owner == owner).with_for_update(skip_locked=True)
    return conn.execute(update(table).where(tuple_(*key).in_(ours)).values(values)).rowcount
