"""The portfolio look: what spans accounts, under a lease of its own: the snapshot of each month.

Rung once a day, after the accounts have been looked at. Months that have ended are taken once, with the
facts known when they had, so that looking hourly, daily or once gives the same snapshots; the month that
runs is taken at most once a day, with the facts known at the day's point of the grid. A look that lost its
lease changes nothing. Neighbours: ``look`` folds the accounts, ``success.snapshots`` counts,
``state.snapshots`` keeps, ``push`` writes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from mappings.catalogue import Home
from mappings.naming import vendor_name
from mappings.outbound import to_rows
from success.days import add_months, month_of, month_starts
from success.desired import RecordKind
from success.snapshot_records import TakenSnapshot, scope_of, snapshot_records
from success.snapshots import Snapshot, last_day
from sync import look as looking
from sync.look import RETRY_CURVE, wanted_row
from sync.portfolio_facts import taken_as_of
from sync.state import dirty, ledger, ledger_withdraw, snapshots
from sync.state.dirty import Claim, Scope
from sync.state.engine import reading, writing
from sync.state.leases import HOLD_S, Lease
from sync.state.ledger import WantedRow
from sync.state.snapshots import KeptSnapshot
from sync.workspace import Workspace

LEASE_S = HOLD_S
MONTHS_BEFORE = 12
"""Months before going live that are taken, from contracts alone: a year, for a trend to begin with."""

DAY = timedelta(days=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PortfolioLooked:
    """What a portfolio look did: months taken anew, and ledger rows changed."""

    months: int
    wanted: int


def look_on(ws: Workspace, owner: str) -> object | None:
    """Look at dirty accounts, and at the portfolio once none is left; ``None``: nothing to do."""
    return looking.look(ws, owner) or look_at_portfolio(ws, owner)


def look_at_portfolio(ws: Workspace, owner: str) -> PortfolioLooked | None:
    """Take what is due of the portfolio and enter what should stand in the CRM; ``None``: nothing is asked.

    Accounts come first: while one waits or is held nothing is done, for bands and segments are theirs.
    """
    if not ws.live:
        return None
    now = ws.now()
    with writing(ws.runtime.engine) as conn:
        if dirty.under_way(conn, ws.id, now, Scope.ACCOUNT):
            return None
        claims = dirty.claim(conn, ws.id, Scope.PORTFOLIO, Lease(owner, now, LEASE_S, 1))
    if not claims:
        return None
    try:
        return _look(ws, now, claims)
    except Exception as error:  # the accounts' own looks go on; it is kept, shown and tried again
        log.exception("the portfolio of %s cannot be looked at", ws.id)
        wait = RETRY_CURVE[min(claims[0].attempts, len(RETRY_CURVE)) - 1]
        with writing(ws.runtime.engine) as conn:
            dirty.fail(conn, ws.id, claims[0], f"{type(error).__name__}: {error}", now + wait)
        return PortfolioLooked(0, 0)


def _look(ws: Workspace, now: datetime, claims: Sequence[Claim]) -> PortfolioLooked:
    taken = _take_due(ws, now)
    with writing(ws.runtime.engine) as conn:
        if dirty.extend(conn, ws.id, claims, Lease("portfolio", now, LEASE_S, 1)) < len(claims):
            return PortfolioLooked(0, 0)
        snapshots.keep(conn, ws.id, now, taken)
        changed = _enter(conn, ws, now, claims[0].fence)
        dirty.finish(conn, ws.id, claims)
    return PortfolioLooked(len({one.month for one in taken}), changed)


def _take_due(ws: Workspace, now: datetime) -> list[KeptSnapshot]:
    """Return what is not taken yet: months that have ended, and the one that runs where not today."""
    today = ws.day_of(now)
    with reading(ws.runtime.engine) as conn:
        done = snapshots.ended_months(conn, ws.id)
        last = snapshots.taken_since(conn, ws.id, month_of(today))
    days = [last_day(month) for month in months_to_take(ws, today) if month not in done]
    if last is None or ws.day_of(last) < today:
        days.append(today)
    found: list[KeptSnapshot] = []
    for known_at, asked in _by_knowledge(ws, days, today).items():
        found += kept(ws, taken_as_of(ws, known_at, asked), today)
    return found


def months_to_take(ws: Workspace, today: date) -> list[date]:
    """Return the months that have ended by ``today``, from a year before going live on."""
    first = add_months(month_of(ws.day_of(ws.installation.epoch)), -MONTHS_BEFORE)
    return [month for month in month_starts(first, today) if last_day(month) < today]


def _by_knowledge(ws: Workspace, days: Iterable[date], today: date) -> dict[datetime, list[date]]:
    """Return the days to be counted by the instant whose facts count: for a month that ended, its end."""
    found: dict[datetime, list[date]] = {}
    for day in days:
        found.setdefault(ws.grid_point(day if day == today else day + DAY), []).append(day)
    return found


def kept(
    ws: Workspace, found: Iterable[Snapshot], today: date, version: int = 1, reason: str = ""
) -> list[KeptSnapshot]:
    """Return snapshots as they are kept; ``version`` above 1 and ``reason`` are a restatement's."""
    return [
        KeptSnapshot(
            scope=scope_of(one),
            month=one.month,
            version=version,
            final=last_day(one.month) < today,
            body=one.to_json(),
            charter_hash=ws.rules.charter_hash,
            restated_on=today if version > 1 else None,
            reason=reason,
        )
        for one in found
    ]


def _enter(conn: Connection, ws: Workspace, now: datetime, fence: int) -> int:
    """Enter all that is kept as what should stand, and have taken back what no month has any more."""
    if ws.homes.of[RecordKind.SNAPSHOT] is not Home.OBJECT:
        return 0
    rows = _rows(ws, snapshots.every(conn, ws.id))
    wanted = ledger.want(conn, ws.id, now, rows, fence)
    name = vendor_name(RecordKind.SNAPSHOT.value, ws.vendor)
    ledger_withdraw.give_up_others(conn, ws.id, name, {row.key for row in rows})
    return wanted.changed


def _rows(ws: Workspace, held: Iterable[KeptSnapshot]) -> list[WantedRow]:
    taken = [
        TakenSnapshot(Snapshot.from_json(one.body), one.version, one.final, one.restated_on) for one in held
    ]
    return [
        wanted_row(write, record.account_id, record.kind.value, record.reason)
        for record in snapshot_records(taken)
        for write in to_rows(record, ws.charter, ws.vendor, homes=ws.homes)
    ]
