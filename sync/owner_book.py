"""Owners' books: what one owner's accounts are worth, keep and stand at, month by month.

Taken only where the charter asks (``snapshots: {by_owner: true}``). A look at an account proposes: where its
owner, band or ARR is another than at the look before, the books concerned are marked, the former owner's and
the new one's. A book is settled under its own lease once no account is dirty: months that have ended once, by
the facts known at their end; the one that runs by those known now, as often as it is marked. Kept with us
and printed by ``colonnade snapshots``. Neighbours: ``proposals`` marks, ``allocation`` claims,
``portfolio_look`` says which months are due, ``success.snapshots`` counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from success.snapshots import Snapshot
from sync.allocation import Allocator
from sync.portfolio_facts import books_as_of
from sync.portfolio_look import LEASE_S, MonthsTaken, keep_months, take_due
from sync.proposals import PREFIX, asked
from sync.workspace import Workspace

TOGETHER = 200


def _take(ws: Workspace, now: datetime, ids: Sequence[str]) -> MonthsTaken:
    """Count what is due of some owners' books; nothing where the charter has stopped asking meanwhile."""
    scopes = [f"{PREFIX}{one}" for one in ids] if asked(ws) else []
    today = ws.day_of(now)

    def books(known_at: datetime, days: Sequence[date]) -> tuple[Snapshot, ...]:
        ended = [day for day in days if day != today]
        found = books_as_of(ws, known_at, ended, ids) if ended else ()
        return found + (books_as_of(ws, None, [today], ids) if today in days else ())

    return take_due(ws, now, scopes, books, every_time=True)


def _enter(conn: Connection, ws: Workspace, now: datetime, found: MonthsTaken, _fence: int) -> int:
    keep_months(conn, ws, now, found)
    return len(found.taken)


OWNERS = Allocator(LEASE_S, _take, _enter, TOGETHER)
