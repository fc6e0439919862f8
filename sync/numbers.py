"""Numbers over one installation's whole portfolio, each with the policy behind it.

Assembled from the mirror at any moment and computed by ``success``; reads only.
Neighbours: ``commands/metrics.py`` and the demo print these, ``kpis`` adds the rest.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from mappings.inbound import Contradiction
from success.decide import Decision, caught_up, decide
from success.facts import AccountFacts, ContractLine
from success.fold import FoldState
from success.kpis import Amount, Level, Rate, arr, grr, logo_retention, nrr
from success.policies import Overlap, Policies
from success.positions import Context
from success.usage import UsageVerdict, quarantine
from sync.facts import Moment, assemble, known
from sync.state import fold
from sync.state.engine import reading
from sync.state.fold import StoredFold
from sync.workspace import Workspace, rules_before

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The portfolio's numbers on a day; ``arr`` by overlap policy, retention over the year before."""

    as_of: date
    accounts: int
    contract_lines: int
    arr: Mapping[Overlap, Amount]
    retention: tuple[Rate, ...]
    usage_rows: Mapping[UsageVerdict, int]
    contradictions: int


# What has been printed since before there were more choices.
HEADLINES = (Overlap.STACK, Overlap.SUPERSEDE)


@dataclass(frozen=True, slots=True, order=True)
class Quarantined:
    """A record that could not be a fact: whose it is, where, in which field and why."""

    account_id: str
    object: str
    record_id: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All accounts of an installation as of a day: their facts, and what the rules decide."""

    as_of: date
    facts: Mapping[str, AccountFacts]
    states: Mapping[str, FoldState]
    quarantined: tuple[Quarantined, ...] = ()
    known_at: datetime | None = None

    @property
    def contradictions(self) -> int:
        """Return how many records could not be facts."""
        return len(self.quarantined)


def portfolio(
    ws: Workspace, as_of: date, known_at: datetime | None = None, account_ids: Iterable[str] | None = None
) -> Portfolio:
    """Return the accounts (all by default) as of a day, as known at a moment (``None``: now)."""
    ids = None if account_ids is None else list(account_ids)
    with reading(ws.runtime.engine) as conn:
        found = assemble(conn, ws, ids, Moment(as_of, known_at))
        facts = known(conn, ws, found.facts)
        stored = fold.newest(conn, ws.id, list(facts), as_of)
    states = {key: _state(ws, key, stored, one, as_of) for key, one in facts.items()}
    quarantined = (Quarantined(account, *_place(one)) for account, one in found.contradictions)
    return Portfolio(as_of, facts, states, tuple(sorted(quarantined)), known_at)


def _state(
    ws: Workspace, key: str, stored: Mapping[str, StoredFold], facts: AccountFacts, as_of: date
) -> FoldState:
    """Return an account's fold as of a day, stepped on over days it was left alone; poisoned, as stored."""
    held = FoldState.restored(stored[key].state if key in stored else None)
    try:
        return caught_up(held, facts, ws.rules, as_of)
    except Exception:  # one poisoned account must not stop the rest; its own look tells of it
        log.exception("account %s of %s cannot be folded", key, ws.id)
        return held


def _place(one: Contradiction) -> tuple[str, str, str, str]:
    return one.object, one.record_id, one.field, one.reason


def decisions(ws: Workspace, found: Portfolio) -> dict[str, Decision]:
    """Return what the rules decide about every account of the portfolio."""
    earlier, states, as_of = rules_before(ws, found.states.values()), found.states, found.as_of
    return {key: decide(states[key], one, ws.rules, as_of, earlier) for key, one in found.facts.items()}


def metrics(ws: Workspace, found: Portfolio, context: Context | None = None) -> Metrics:
    """Return the portfolio's numbers, each with its policies; ``context`` is what those ask beside lines."""
    lines = [line for one in found.facts.values() for line in one.lines]
    policies, as_of = ws.rules.policies, found.as_of
    return Metrics(
        as_of=as_of,
        accounts=len(found.facts),
        contract_lines=len(lines),
        arr={one: arr(lines, as_of, replace(policies, overlap=one), context) for one in HEADLINES},
        retention=tuple(_retention(policies, lines, as_of, context)),
        usage_rows=quarantine((day for one in found.facts.values() for day in one.usage), lines),
        contradictions=found.contradictions,
    )


def bands(decided: Mapping[str, Decision]) -> dict[str, int]:
    """Return how many accounts stand in each band, unknown among them."""
    return dict(sorted(Counter(one.health.band for one in decided.values()).items()))


def _retention(
    declared: Policies, lines: list[ContractLine], as_of: date, context: Context | None
) -> Iterable[Rate]:
    start = year_before(as_of)
    for overlap in HEADLINES:
        policies = replace(declared, overlap=overlap)
        yield nrr(lines, start, as_of, policies, context=context)
        yield grr(lines, start, as_of, policies, context=context)
        if overlap is Overlap.STACK:
            yield grr(lines, start, as_of, policies, Level.LINE, context)
            yield logo_retention(lines, start, as_of, policies, context)


def year_before(day: date) -> date:
    """Return the same day a year earlier; 29 February falls on the 28th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=day.day - 1)
