"""The two calls the rest of the product makes: one step of the fold, and one look.

``advance`` is the only place where anything is opened; ``decide`` says what should stand in
the CRM as of a day. Both are pure: equal arguments give equal results, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from success import expansion, plans, renewals
from success.bands import stands
from success.days import days_between
from success.desired import DesiredRecord
from success.facts import AccountFacts
from success.fold import FoldState
from success.health import HealthResult, score
from success.health_trend import health_trend
from success.holding import Held
from success.measures import MeasureBook
from success.plans import MilestoneStatus
from success.records import Outcome, records
from success.rules import Rules, Scorecard
from success.scorecards import card_for
from success.view import AccountView


@dataclass(frozen=True, slots=True)
class Decision:
    """What should stand in the CRM for one account, and what it was derived from.

    The health's ``band`` is the one that stands, its ``raw_band`` the one of the day.
    """

    records: tuple[DesiredRecord, ...]
    health: HealthResult
    milestones: tuple[MilestoneStatus, ...]


def advance(state: FoldState, facts: AccountFacts, rules: Rules, grid_day: date) -> FoldState:
    """Return the state after 00:00 of ``grid_day``, with the facts known then.

    What needs whole days (use, evidence) is judged by the days that have ended, up to the
    day before. Grid days skipped since the last step are folded first, with the same facts;
    a day already folded changes nothing.
    """
    if state.day is not None and grid_day <= state.day:
        return state
    view = AccountView(facts, rules)
    first = grid_day if state.day is None else state.day + timedelta(days=1)
    for day in days_between(first, grid_day):
        state = _step(state, view, day)
    return state


def _step(state: FoldState, view: AccountView, day: date) -> FoldState:
    card = _card(view.rules, state.segment, state.stage)
    opened, adopted = renewals.step(view, state.renewals, state.adopted, day)
    return replace(
        state,
        day=day,
        plans=plans.step(view, state.plans, day),
        band=_band(state.band, view, card, day),
        renewals=opened,
        expansions=expansion.step(view, state.expansions, day, card),
        adopted=adopted,
    )


def _card(rules: Rules, segment: Held | None, stage: Held | None) -> Scorecard:
    """Return the scorecard of an account whose segment and stage are these."""
    return card_for(
        rules,
        None if segment is None else segment.value,
        None if stage is None else stage.value,
    )


def _band(held: Held | None, view: AccountView, card: Scorecard, day: date) -> Held:
    """Return the band that stands from a grid day on, judged by the day before: the last whole one."""
    judged = day - timedelta(days=1)
    result = score(view.facts, card, MeasureBook(view, judged), judged)
    return stands(held, result, card, view.facts, day)


def decide(state: FoldState, facts: AccountFacts, rules: Rules, as_of: date) -> Decision:
    """Return the desired records as of a day, with the facts known now. Opens nothing.

    A milestone whose evidence holds but was not folded yet counts as reached on ``as_of``.
    """
    view = AccountView(facts, rules)
    card = _card(rules, state.segment, state.stage)
    health = score(facts, card, MeasureBook(view, as_of), as_of)
    health = replace(health, band=stands(state.band, health, card, facts, as_of).value)
    milestones = plans.milestones(view, state.plans, as_of)
    outcome = Outcome(view, state, health, milestones, as_of, health_trend(view, card, health))
    return Decision(records(outcome), health, milestones)
