"""Look: dirty accounts → facts → decisions → what the ledger wants.

A look claims accounts under a lease, steps their fold over the daily grid up to today,
decides, and enters what should stand in the CRM, all in one transaction with the claim's
fence: a look that lost its lease changes nothing. Looking hourly, daily or once gives the
same records, because only the grid has memory. Neighbours: ``facts``, ``success.decide``,
``push`` writes what the ledger wants.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from mappings.inbound import Contradiction
from mappings.outbound import VendorWrite
from mappings.rows import rows_of_account
from success.decide import Decision, advance, decide
from success.facts import AccountFacts
from success.fold import FoldState
from sync import facts as assembling
from sync.allocation import RETRY_CURVE
from sync.borders import NEW_DAY_REASON, basis, border_days
from sync.facts import Moment
from sync.owners import report_unseeded, unfit_owners
from sync.proposals import proposals, propose
from sync.seen import first_heard
from sync.state import charters, dirty, findings, fold, ledger, mirror
from sync.state.account_looks import AccountLook
from sync.state.dirty import Claim, Scope
from sync.state.engine import reading, writing
from sync.state.fold import StoredFold
from sync.state.leases import HOLD_S, Lease
from sync.state.ledger import WantedRow
from sync.state.mirror_since import changes_since
from sync.usage_identity import learn_all, usage_days
from sync.workspace import Workspace, rules_before, under_charter_of

BATCH_ACCOUNTS = 200
LEASE_S = HOLD_S
DAY = timedelta(days=1)
CONTRADICTION = "contradiction"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look did: accounts decided, ledger rows changed, accounts that could not be decided."""

    accounts: int
    wanted: int
    failed: int


@dataclass(frozen=True, slots=True)
class _Account:
    """One account decided: its rows, and its fold after today's grid point."""

    state: FoldState
    decision: Decision
    rows: tuple[WantedRow, ...]


def look(ws: Workspace, owner: str, limit: int = BATCH_ACCOUNTS) -> Looked | None:
    """Look at the oldest dirty accounts nobody holds; return what was done, ``None`` when there are none.

    Before the installation is live nothing is looked at: the dirty set waits.
    """
    if not ws.live:
        return None
    learn_all(ws)
    now = ws.now()
    with writing(ws.runtime.engine) as conn:
        claims = dirty.claim(conn, ws.id, Scope.ACCOUNT, Lease(owner, now, LEASE_S, limit))
    if not claims:
        return None
    with reading(ws.runtime.engine) as conn:
        found = assembling.assemble(conn, ws, [one.id for one in claims], Moment(ws.day_of(now)))
    states, failures = _fold_to_today(ws, found.facts, now)
    with reading(ws.runtime.engine) as conn:
        facts = assembling.identified(conn, ws, found.facts)
    sound = {key: one for key, one in facts.items() if key not in failures}
    with reading(ws.runtime.engine) as conn:
        unfit = unfit_owners(conn, ws, sound.values())
    decided, undecided = _decide_all(ws, sound, states, ws.day_of(now), unfit)
    proposed = _proposed(ws, claims, sound, decided, ws.day_of(now))
    return _enter(ws, now, claims, decided, failures | undecided, found.contradictions, unfit, proposed)


def _proposed(
    ws: Workspace,
    claims: Sequence[Claim],
    facts: Mapping[str, AccountFacts],
    decided: Mapping[str, _Account],
    today: date,
) -> list[AccountLook]:
    """Return what is kept of the accounts decided beside their records."""
    states = {key: one.state for key, one in decided.items()}
    borders = border_days(ws, claims, {key: facts[key] for key in decided}, states, today)
    with reading(ws.runtime.engine) as conn:
        mark = basis(conn, ws)
    return proposals(mark, facts, {key: one.decision for key, one in decided.items()}, borders)


def _fold_to_today(
    ws: Workspace, facts: Mapping[str, AccountFacts], now: datetime
) -> tuple[dict[str, FoldState], dict[str, str]]:
    """Return each account's fold after today's grid point, and why some accounts cannot be folded.

    Every step takes the facts known and the charter in force at its point. Between two changes these
    are the same, so the days between are stepped in one go.
    """
    failures: dict[str, str] = {}
    today, epoch = ws.day_of(now), ws.day_of(ws.installation.epoch)
    with reading(ws.runtime.engine) as conn:
        stored = fold.newest(conn, ws.id, list(facts), today)
        states = {key: FoldState.restored(stored[key].state if key in stored else None) for key in facts}
        behind = {key: state.day + DAY if state.day else epoch for key, state in states.items()}
        first = min(behind.values(), default=today)
        visible = _change_days(conn, ws, facts, first)
        under = _charters(conn, ws, first)
    for day in under:
        for key in facts:
            visible[key].add(day)
    for start, ends in sorted(_spans(behind, visible, today).items()):
        # Read as the charter in force then has it, where another one is in force by now.
        past = next((one for day, one in under.items() if start < day), ws)
        changed = {key for key in ends if past is not ws or any(day > start for day in visible[key])}
        then = _facts_at(past, start, {key: facts[key] for key in ends}, changed)
        for key in (ends.keys() & then.keys()) - failures.keys():
            try:  # an empty fold begins at its first day
                begun = advance(states[key], then[key], past.rules, start)
                states[key] = advance(begun, then[key], past.rules, ends[key])
            except Exception as error:  # one poisoned account must not stop the rest
                log.exception("account %s of %s cannot be folded", key, ws.id)
                failures[key] = f"{type(error).__name__}: {error}"
    return states, failures


def _spans(
    behind: Mapping[str, date], visible: Mapping[str, set[date]], today: date
) -> dict[date, dict[str, date]]:
    """Return the runs of grid days with unchanged facts: accounts by first day, each with its last day."""
    spans: defaultdict[date, dict[str, date]] = defaultdict(dict)
    for key, first in behind.items():
        starts = [first, *sorted(day for day in visible[key] if first < day <= today)]
        ends = [day - DAY for day in starts[1:]] + [today]
        for start, end in zip(starts, ends, strict=True):
            if start <= end:
                spans[start][key] = end
    return spans


def _change_days(
    conn: Connection, ws: Workspace, facts: Mapping[str, AccountFacts], first: date
) -> defaultdict[str, set[date]]:
    """Return per account the grid days at which something new is seen, later than the point of ``first``.

    What reaches us on a day is first seen at the next day's grid point.
    """
    point, found = ws.grid_point(first), defaultdict[str, set[date]](set)
    for key, instant in changes_since(conn, ws.id, point, list(facts)):
        found[key].add(ws.day_of(instant) + DAY)
    for key, day in usage_days(conn, ws, [one.account for one in facts.values()], first):
        found[key].add(day)
    for day in first_heard(conn, ws, first):
        for key in facts:
            found[key].add(day)
    return found


def _charters(conn: Connection, ws: Workspace, first: date) -> dict[date, Workspace]:
    """Return the grid days, in order, that are the first under another charter than before.

    Each comes with the workspace under the charter that was in force until then, from ``first`` on. A
    charter applied today is tomorrow's.
    """
    now, point = ws.now(), ws.grid_point(first)
    if first > ws.day_of(now):
        return {}
    lives = charters.history(conn, ws.id)
    applied = {ws.day_of(one.effective_at) + DAY for one in lives if point < one.effective_at <= now}
    days = sorted(day for day in applied if first < day)
    return {day: under_charter_of(conn, ws, ws.grid_point(day - DAY)) for day in days}


def _facts_at(
    ws: Workspace, day: date, facts: Mapping[str, AccountFacts], changed: set[str]
) -> dict[str, AccountFacts]:
    """Return the facts known at the grid point of ``day``; assembled anew where they ``changed`` since."""
    then = {key: one for key, one in facts.items() if key not in changed}
    if changed:
        moment = Moment(day, ws.grid_point(day), day - DAY)
        with reading(ws.runtime.engine) as conn:
            then |= assembling.assemble(conn, ws, sorted(changed), moment).facts
    with writing(ws.runtime.engine) as conn:  # short: webhooks wait for it
        return assembling.mint(conn, ws, then)


def _decide_all(
    ws: Workspace,
    facts: Mapping[str, AccountFacts],
    states: Mapping[str, FoldState],
    as_of: date,
    unfit: Collection[str],
) -> tuple[dict[str, _Account], dict[str, str]]:
    decided: dict[str, _Account] = {}
    failures: dict[str, str] = {}
    earlier = rules_before(ws, (states[key] for key in facts))
    for key, one in facts.items():
        try:
            decision = decide(states[key], one, ws.rules, as_of, earlier)
            rows = _rows(ws, decision, None if key in unfit else one.account.owner_id)
            decided[key] = _Account(states[key], decision, rows)
        except Exception as error:  # one poisoned account must not stop the rest; it is kept and shown
            log.exception("account %s of %s cannot be decided", key, ws.id)
            failures[key] = f"{type(error).__name__}: {error}"
    return decided, failures


def _rows(ws: Workspace, decision: Decision, owner_id: str | None) -> tuple[WantedRow, ...]:
    rows = rows_of_account(decision.records, ws.charter, ws.vendor, owner_id=owner_id, homes=ws.homes)
    return tuple(wanted_row(row, record.account_id, record.kind.value, record.reason) for record, row in rows)


def wanted_row(write: VendorWrite, account_id: str, kind: str, reason: str) -> WantedRow:
    """Return a vendor row as the ledger takes it."""
    return WantedRow(
        object=write.object,
        key=write.key,
        account_id=account_id,
        kind=kind,
        desired=write.ours,
        seed=write.seed,
        parents=write.parents,
        parent_keys=write.parent_keys,
        reason=reason,
        record_id=write.record_id,
    )


def _enter(
    ws: Workspace,
    now: datetime,
    claims: Sequence[Claim],
    decided: Mapping[str, _Account],
    failures: Mapping[str, str],
    contradictions: Sequence[tuple[str, Contradiction]],
    unfit: Mapping[str, str],
    proposed: list[AccountLook],
) -> Looked:
    """Enter all of it in one transaction; rows of a claim that was lost meanwhile are refused.

    Nothing is wanted of an account that was buried while it was decided: what stood under it is given up
    already. The claims' rows are held first, and whoever buries marks them before it gives up.
    """
    today, fence = ws.day_of(now), claims[0].fence
    states = [
        StoredFold(key, today, one.state.to_json(), ws.rules.charter_hash) for key, one in decided.items()
    ]
    with writing(ws.runtime.engine) as conn:
        held = dirty.extend(conn, ws.id, claims, Lease("look", now, LEASE_S, len(claims)))
        if held < len(claims):
            return Looked(0, 0, 0)
        buried = mirror.deleted_ids(conn, ws.id, ws.inbound.crm.reads.account.object, list(decided))
        rows = [row for key, one in decided.items() if key not in buried for row in one.rows]
        seen = [claim.id for claim in claims if claim.id not in failures]
        report_unseeded(conn, ws, now, seen, unfit, rows)
        wanted = ledger.want(conn, ws.id, now, rows, fence)
        fold.put(conn, ws.id, states)
        propose(conn, ws, proposed)
        _report(conn, ws, now, [claim.id for claim in claims], contradictions)
        for claim in claims:
            if claim.id in failures:
                wait = RETRY_CURVE[min(claim.attempts, len(RETRY_CURVE)) - 1]
                dirty.fail(conn, ws.id, claim, failures[claim.id], now + wait)
        _mark_next_day(conn, ws, claims, today)
        dirty.finish(conn, ws.id, [claim for claim in claims if claim.id not in failures])
    return Looked(len(decided), wanted.changed, len(failures))


def _mark_next_day(conn: Connection, ws: Workspace, claims: Sequence[Claim], looked: date) -> None:
    """Have accounts looked at again where a day began during the look: it may have left them at peace.

    What is kept now says that their border comes on that day, whose beginning is over.
    """
    now = ws.now()
    if ws.day_of(now) > looked:
        dirty.mark(conn, ws.id, now, Scope.ACCOUNT, [one.id for one in claims], NEW_DAY_REASON)


def _report(
    conn: Connection,
    ws: Workspace,
    now: datetime,
    looked_at: Iterable[str],
    contradictions: Sequence[tuple[str, Contradiction]],
) -> None:
    """Keep what contradicts the charter at the accounts looked at; close what no longer does."""
    found = {
        f"{account}/{one.object}/{one.record_id}/{one.field}": one.reason for account, one in contradictions
    }
    findings.report(conn, ws.id, now, CONTRADICTION, found)
    accounts = set(looked_at)
    held = [one.subject for one in findings.open_findings(conn, ws.id, CONTRADICTION)]
    mended = [one for one in held if one.partition("/")[0] in accounts and one not in found]
    findings.resolve(conn, ws.id, now, CONTRADICTION, mended)
