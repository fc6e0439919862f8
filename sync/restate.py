"""Restating a month: another version by what is known now, beside the one taken at the time (K1).

Asked for by a person, never done by itself: a report that was given out must go on adding up to what is
stored. Neighbours: ``portfolio_look`` takes months in the first place and has the new version written,
``commands/snapshots.py`` asks.
"""

from __future__ import annotations

from datetime import date

from success.snapshots import last_day
from sync.portfolio_facts import taken_as_of
from sync.portfolio_look import kept, mark_scopes
from sync.state import snapshots
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.snapshots import KeptSnapshot
from sync.workspace import Workspace


def restate(ws: Workspace, month: date, reason: str) -> tuple[KeptSnapshot, ...]:
    """Count a month that has ended once more, by the facts and the charter of now; return what is kept of it.

    ``month`` is its first day. The next push writes it. Raises StateError where the month was not taken for
    good yet.
    """
    with reading(ws.runtime.engine) as conn:
        before = [one.version for one in snapshots.every(conn, ws.id) if one.month == month and one.final]
    if not before:
        raise StateError(f"{month:%Y-%m} has not been taken for good: there is nothing to restate")
    today = ws.day_of(ws.now())
    found = taken_as_of(ws, None, [last_day(month)])
    taken = kept(ws, found, today, version=max(before) + 1, reason=reason)
    with writing(ws.runtime.engine) as conn:
        snapshots.keep(conn, ws.id, ws.now(), taken, {})
        mark_scopes(conn, ws, {one.scope for one in taken}, "a month restated")
    return tuple(taken)
