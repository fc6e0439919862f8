"""Months of the portfolio and of its segments: what spans accounts, each scope under a lease of its own.

Asked for once a day, after the accounts have been looked at. Months that have ended are taken once, with
the facts known when they had, so that looking hourly, daily or once gives the same snapshots; the month
that runs is taken at most once a day, with the facts known at the day's point of the grid. Neighbours:
``allocation`` claims and checks the fence, ``look`` folds the accounts, ``success.snapshots`` counts,
``state.snapshots`` keeps, ``push`` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from mappings.catalogue import Home
from mappings.naming import vendor_name
from mappings.outbound import to_rows
from success.days import add_months, month_of, month_starts
from success.desired import RecordKind
from success.snapshot_records import ACROSS, TakenSnapshot, scope_of, snapshot_records
from success.snapshots import Over, Snapshot, last_day
from sync.allocation import Allocator
from sync.look import wanted_row
from sync.portfolio_facts import taken_as_of
from sync.state import cursors, dirty, findings, ledger, ledger_withdraw, snapshots
from sync.state.cursors import Cursor, Phase
from sync.state.dirty import Scope
from sync.state.engine import reading
from sync.state.leases import HOLD_S
from sync.state.ledger import WantedRow
from sync.state.snapshots import KeptSnapshot
from sync.workspace import Workspace

LEASE_S = HOLD_S
TOGETHER = 100
MONTHS_BEFORE = 12
"""Months before going live that are taken, from contracts alone: a year, for a trend to begin with."""

DAY = timedelta(days=1)
UNDECIDED = "undecided"
"""A finding: an account that is counted as unknown in a snapshot because it cannot be decided."""
Take = Callable[[datetime, Sequence[date]], Iterable[Snapshot]]


@dataclass(frozen=True, slots=True)
class MonthsTaken:
    """Months counted for some scopes of snapshots: ``days`` are those each was counted as of.

    ``met`` are all scopes there was something to count of on those days, ``undecided`` the accounts counted
    as unknown because they could not be decided, with why.
    """

    days: Mapping[str, tuple[date, ...]]
    taken: tuple[KeptSnapshot, ...]
    met: frozenset[str] = frozenset()
    undecided: Mapping[str, str] = field(default_factory=dict)


def mark_months(conn: Connection, ws: Workspace, reason: str) -> None:
    """Ask for the portfolio's months; its look asks for those of the segments it meets."""
    dirty.mark(conn, ws.id, ws.now(), Scope.PORTFOLIO, [ACROSS], reason)


def mark_scopes(conn: Connection, ws: Workspace, scopes: Collection[str], reason: str) -> None:
    """Ask for the months of scopes of snapshots: the portfolio's, or a segment's."""
    prefix = segment_scope("")
    segments = [one.removeprefix(prefix) for one in scopes if one.startswith(prefix)]
    dirty.mark(conn, ws.id, ws.now(), Scope.SEGMENT, segments, reason)
    if Over.PORTFOLIO.value in scopes:
        dirty.mark(conn, ws.id, ws.now(), Scope.PORTFOLIO, [ACROSS], reason)


def segment_scope(key: str) -> str:
    """Return the scope of a segment's snapshots."""
    return f"{Over.SEGMENT.value}:{key}"


def _take_portfolio(ws: Workspace, now: datetime, _ids: Sequence[str]) -> MonthsTaken:
    undecided: dict[str, str] = {}
    scopes = [Over.PORTFOLIO.value]
    found = take_due(ws, now, scopes, lambda at, days: taken_as_of(ws, at, days, undecided))
    return replace(found, undecided=undecided)


def _take_segments(ws: Workspace, now: datetime, ids: Sequence[str]) -> MonthsTaken:
    scopes = [segment_scope(key) for key in ids]
    return take_due(ws, now, scopes, lambda at, days: taken_as_of(ws, at, days))


def take_due(
    ws: Workspace, now: datetime, scopes: Sequence[str], take: Take, *, every_time: bool = False
) -> MonthsTaken:
    """Return what is not taken yet of some scopes: months that have ended, and the running one once a day.

    ``take`` counts the months of some days by the facts known at an instant. ``every_time`` counts the one
    that runs also where that was done today.
    """
    today = ws.day_of(now)
    with reading(ws.runtime.engine) as conn:
        due = {scope: tuple(_days_due(conn, ws, scope, today, again=every_time)) for scope in scopes}
    every = sorted({day for days in due.values() for day in days})
    found: list[KeptSnapshot] = []
    met: set[str] = set()
    for known_at, days in _by_knowledge(ws, every, today).items():
        counted = list(take(known_at, days))
        met |= {scope_of(one) for one in counted}
        found += kept(ws, [one for one in counted if one.as_of in due.get(scope_of(one), ())], today)
    return MonthsTaken(due, tuple(found), frozenset(met))


def _days_due(conn: Connection, ws: Workspace, scope: str, today: date, *, again: bool) -> Iterable[date]:
    done, counted = snapshots.ended_months(conn, ws.id, scope), _counted_until(conn, ws, scope)
    last = snapshots.taken_since(conn, ws.id, month_of(today), scope)
    for month in months_to_take(ws, today):
        if month not in done and (counted is None or last_day(month) > counted):
            yield last_day(month)
    if again or last is None or ws.day_of(last) < today:
        yield today


def _counted_until(conn: Connection, ws: Workspace, scope: str) -> date | None:
    """Return the last day of the last month counted for good, also where nobody stood in a segment then."""
    place = cursors.get(conn, ws.id, _cursor_name(scope))
    return None if place is None or place.high_water is None else ws.day_of(place.high_water)


def _cursor_name(scope: str) -> str:
    return f"months {scope}"


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


def keep_months(conn: Connection, ws: Workspace, now: datetime, found: MonthsTaken) -> None:
    """Keep the months taken, in place of those counted of them while they ran."""
    running = {scope: [month_of(day) for day in days] for scope, days in found.days.items()}
    snapshots.keep(conn, ws.id, now, found.taken, running)
    for scope, days in found.days.items():
        ended = [day for day in days if day < ws.day_of(now)]
        if ended:
            until = Cursor(_cursor_name(scope), Phase.INCREMENTAL, None, ws.grid_point(max(ended) + DAY))
            cursors.put(conn, ws.id, now, until)


def _enter(conn: Connection, ws: Workspace, now: datetime, found: MonthsTaken, fence: int) -> int:
    """Keep what was taken, enter all that is kept of the scopes, and have what no month has taken back."""
    keep_months(conn, ws, now, found)
    if ws.homes.of[RecordKind.SNAPSHOT] is not Home.OBJECT:
        return 0
    held = [one for one in snapshots.every(conn, ws.id) if one.scope in found.days]
    rows = _rows(ws, held)
    wanted = ledger.want(conn, ws.id, now, rows, fence)
    name, keys = vendor_name(RecordKind.SNAPSHOT.value, ws.vendor), {row.key for row in rows}
    for scope in sorted(found.days):
        prefix = f"{RecordKind.SNAPSHOT.value}:{scope}:".lower()
        ledger_withdraw.give_up_others(conn, ws.id, name, keys, prefix)
    return wanted.changed


def _enter_portfolio(conn: Connection, ws: Workspace, now: datetime, found: MonthsTaken, fence: int) -> int:
    """Enter the portfolio's months, and ask for those of every segment met in them or kept before."""
    segments = (found.met | snapshots.scopes(conn, ws.id)) - {Over.PORTFOLIO.value}
    mark_scopes(conn, ws, segments, "the portfolio was counted")
    if found.taken:
        _report(conn, ws, now, found.undecided)
    return _enter(conn, ws, now, found, fence)


def _report(conn: Connection, ws: Workspace, now: datetime, undecided: Mapping[str, str]) -> None:
    """Keep which accounts could not be decided for a month; close what was told of those that can."""
    findings.report(conn, ws.id, now, UNDECIDED, undecided)
    held = {one.subject for one in findings.open_findings(conn, ws.id, UNDECIDED)}
    findings.resolve(conn, ws.id, now, UNDECIDED, held - undecided.keys())


def _rows(ws: Workspace, held: Iterable[KeptSnapshot]) -> list[WantedRow]:
    taken = [
        TakenSnapshot(Snapshot.from_json(one.body), one.version, one.final, one.restated_on) for one in held
    ]
    return [
        wanted_row(write, record.account_id, record.kind.value, record.reason)
        for record in snapshot_records(taken)
        for write in to_rows(record, ws.charter, ws.vendor, homes=ws.homes)
    ]


PORTFOLIO = Allocator(LEASE_S, _take_portfolio, _enter_portfolio)
SEGMENTS = Allocator(LEASE_S, _take_segments, _enter, TOGETHER)
