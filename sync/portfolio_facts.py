"""The facts a snapshot is counted from: all contracts, and what was known of each account's health.

Read account by account in batches: of a whole portfolio only contracts and two values an account are held
at once. Neighbours: ``facts`` assembles, ``portfolio_look`` says which days and what was known when.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from success.days import month_of
from success.facts import AccountFacts
from success.fold import FoldState
from success.past import Stood, health_of, stood_on
from success.policies import ChurnDate
from success.snapshots import Snapshot, Watched, stood_in, take, take_books, year_before
from sync.facts import Moment, assemble, known
from sync.kpis import context
from sync.numbers import Portfolio
from sync.state import fold, mirror
from sync.state.engine import reading
from sync.state.schema import chunks
from sync.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Gathered:
    """The accounts' facts without what is not counted, and by day what was known of each."""

    facts: dict[str, AccountFacts] = field(default_factory=dict)
    watched: dict[date, dict[str, Watched]] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)


def taken_as_of(
    ws: Workspace, known_at: datetime | None, days: Sequence[date], undecided: dict[str, str] | None = None
) -> list[Snapshot]:
    """Return the snapshots of the months of ``days`` as of those days, by facts known at an instant.

    ``known_at`` None: the facts known now. Accounts that could not be decided are counted as unknown, and
    entered in ``undecided`` with why.

    Before the installation went live nobody watched: contracts alone are counted for such a day.
    """
    begun = ws.day_of(ws.installation.epoch)
    gathered = _gather(ws, known_at, days, [day for day in days if day >= begun])
    if undecided is not None:
        undecided |= gathered.undecided
    bands = [band.key for band in ws.rules.scorecard.bands]
    lines = [line for one in gathered.facts.values() for line in one.lines]
    found: list[Snapshot] = []
    for day in days:
        asked = context(ws, Portfolio(day, gathered.facts, {}), year_before(day))
        found += take(lines, gathered.watched.get(day), day, ws.rules.policies, bands, asked)
    return found


def books_as_of(
    ws: Workspace, known_at: datetime | None, days: Sequence[date], owners: Collection[str]
) -> tuple[Snapshot, ...]:
    """Return the months of ``days`` of some owners' books as of those days, as ``taken_as_of`` of segments.

    An owner without accounts then has no month.
    """
    begun = ws.day_of(ws.installation.epoch)
    gathered = _gather(ws, known_at, days, [day for day in days if day >= begun])
    bands = [band.key for band in ws.rules.scorecard.bands]
    owned = {
        key: one.account.owner_id
        for key, one in gathered.facts.items()
        if one.account.owner_id is not None and one.account.owner_id in owners
    }
    lines = [line for key in owned for line in gathered.facts[key].lines]
    found: list[Snapshot] = []
    for day in days:
        asked = context(ws, Portfolio(day, {key: gathered.facts[key] for key in owned}, {}), year_before(day))
        found += take_books(lines, owned, gathered.watched.get(day), day, ws.rules.policies, bands, asked)
    return tuple(found)


def _gather(
    ws: Workspace, known_at: datetime | None, days: Sequence[date], watched_days: Sequence[date]
) -> _Gathered:
    found = _Gathered(watched={day: {} for day in watched_days})
    for ids in _accounts(ws, known_at):
        with reading(ws.runtime.engine) as conn:
            received_by = None if known_at is None else ws.day_of(known_at)
            moment = Moment(max(days), known_at, received_by)
            facts = known(conn, ws, assemble(conn, ws, ids, moment).facts)
            stored = fold.newest(conn, ws.id, list(facts), ws.day_of(ws.now()))
        for key, one in facts.items():
            state = FoldState.restored(stored[key].state if key in stored else None)
            for day in watched_days:
                found.watched[day][key] = _watched(ws, state, one, day, found.undecided)
        found.facts |= {key: _counted(ws, one) for key, one in facts.items()}
    return found


def _accounts(ws: Workspace, known_at: datetime | None) -> Iterator[Sequence[str]]:
    """Yield the accounts there were, in batches."""
    name = ws.inbound.crm.reads.account.object
    with reading(ws.runtime.engine) as conn:
        if known_at is None:
            held = mirror.current(conn, ws.id, name)
        else:
            held = mirror.known_at(conn, ws.id, name, known_at, "ours")
        ids = sorted(one.source_id for one in held)
    yield from chunks(ids)


def _watched(
    ws: Workspace, state: FoldState, facts: AccountFacts, day: date, undecided: dict[str, str]
) -> Watched:
    """Return what was known of an account on a day; one that cannot be decided is unknown, and entered."""
    stood, points = Stood(), None
    try:
        stood = stood_on(state, facts, ws.rules, day)
        points = health_of(stood, facts, ws.rules, day).points
    except Exception as error:  # one poisoned account must not stop the rest; it is kept and shown
        log.exception("account %s of %s cannot be decided for a snapshot", facts.account.account_id, ws.id)
        why = f"{type(error).__name__}: {error}"
        undecided[facts.account.account_id] = f"counted as unknown in the month of {day}, because {why}"
    everybodys = _everybodys(ws)
    stood_at = frozenset() if stood.segment is None else frozenset({stood.segment})
    segments = (stood_in(state.segment, month_of(day), day) | stood_at) - everybodys
    segment = None if stood.segment in everybodys else stood.segment
    return Watched(segment, segments, stood.band, points)


def _everybodys(ws: Workspace) -> frozenset[str]:
    """Return the one segment of a charter that has one only: its months would be the portfolio's again."""
    keys = [rule.key for rule in ws.rules.segmentation.segments]
    return frozenset(keys) if len(keys) == 1 else frozenset()


def _counted(ws: Workspace, facts: AccountFacts) -> AccountFacts:
    """Return an account without the facts that no policy counts by."""
    light = replace(facts, deals=(), tickets=(), answers=(), presence=())
    by_use = ws.rules.policies.churn_date is ChurnDate.LAST_USE
    return light if by_use else replace(light, usage=())
