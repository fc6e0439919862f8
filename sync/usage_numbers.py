"""How much of the usage received belongs to an account, why the rest does not, how late it comes (C16, K27).

Counted in raw rows, quarantined ones among them: whether a row counts under its contract is another
question. Reads only. Neighbours: ``usage_identity`` matches, ``commands/metrics.py`` and the doctor print.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from sqlalchemy import Connection

from sync.state import identity, usage_names, usage_store
from sync.state.engine import reading
from sync.state.usage_names import Names
from sync.usage_identity import Unmatched, matched
from sync.workspace import Workspace

LAG_DAYS = 28
NAMED = 10


@dataclass(frozen=True, slots=True)
class UnmatchedName:
    """What usage named that led to no account, why, and how many rows wait there."""

    reason: Unmatched
    named: str
    rows: int


@dataclass(frozen=True, slots=True)
class UsageIntake:
    """Raw rows of usage up to ``as_of``: those that belong to an account, and the rest by reason.

    ``ahead`` rows are dated later and wait for their day; they are in no other count. ``lag`` is the days
    from use to receipt over the rows of the last 28 days of receipt, as median and as the 95th of 100.
    ``names`` are those with the most rows that belong to nobody.
    """

    as_of: date
    rows: int
    matched: int
    match_rate: Fraction | None
    unmatched: Mapping[Unmatched, int]
    names: tuple[UnmatchedName, ...]
    ahead: int
    lag_median_days: int | None
    lag_95_days: int | None


def intake(ws: Workspace, as_of: date, known_at: datetime | None = None) -> UsageIntake:
    """Return the intake's figures as of a day, accounts and their names as known at a moment."""
    with reading(ws.runtime.engine) as conn:
        rows = usage_store.rows_by_ref(conn, ws.id, as_of)
        ahead = usage_store.rows_after(conn, ws.id, as_of)
        lags = usage_store.lags(conn, ws.id, (as_of - timedelta(days=LAG_DAYS - 1), as_of))
        found = _matched(conn, ws, usage_names.names_of(conn, ws.id, rows.keys()), known_at)
    lost: Counter[tuple[Unmatched, str]] = Counter()
    for ref, count in rows.items():
        names, account = found[ref]
        if isinstance(account, Unmatched):
            lost[account, _told(names)] += count
    by_reason: Counter[Unmatched] = Counter()
    for (reason, _), count in lost.items():
        by_reason[reason] += count
    total, missed = sum(rows.values()), lost.total()
    most = sorted(lost.items(), key=lambda one: (-one[1], one[0]))[:NAMED]
    return UsageIntake(
        as_of=as_of,
        rows=total,
        matched=total - missed,
        match_rate=Fraction(total - missed, total) if total else None,
        unmatched=dict(sorted(by_reason.items())),
        names=tuple(UnmatchedName(reason, name, count) for (reason, name), count in most),
        ahead=ahead,
        lag_median_days=_percentile(lags, Fraction(1, 2)),
        lag_95_days=_percentile(lags, Fraction(95, 100)),
    )


def _matched(
    conn: Connection, ws: Workspace, named: Mapping[str, Names], known_at: datetime | None
) -> dict[str, tuple[Names, str | Unmatched]]:
    if ws.charter.usage is not None:
        found = matched(conn, ws, set(named.values()), known_at)
        return {ref: (names, found[names]) for ref, names in named.items()}
    known = identity.resolve(
        conn, ws.id, identity.USAGE_REF_KEY, sorted({one.account for one in named.values()})
    )
    return {ref: (names, known.get(names.account, Unmatched.UNKNOWN_ACCOUNT)) for ref, names in named.items()}


def _told(names: Names) -> str:
    """Return what was named, in the words of the charter."""
    parts = (("account", names.account), ("subscription", names.subscription), ("domain", names.email_domain))
    return ", ".join(f"{kind} {name}" for kind, name in parts if name)


def _percentile(lags: Sequence[tuple[int, int]], share: Fraction) -> int | None:
    """Return the smallest lag by which at least a share of the rows had come; of (days, rows) in order."""
    wanted, seen = share * sum(rows for _, rows in lags), 0
    for days, rows in lags:
        seen += rows
        if seen >= wanted:
            return days
    return None
