"""The two calls the rest of the product makes: one step of the fold, and one look.

``advance`` is the only place where anything is opened; ``decide`` says what should stand in
the CRM as of a day. Both are pure: equal arguments give equal results, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from success import anchors, bands, expansion, journey, plans, renewals, segmentation
from success.anchors import Anchor, Anchors
from success.change import Side
from success.days import days_between
from success.desired import DesiredRecord
from success.facts import AccountFacts
from success.fold import BAND, FoldState, PlanState
from success.health import HealthResult, score
from success.health_trend import health_trend
from success.holding import Held
from success.measures import MeasureBook
from success.plans import MilestoneStatus
from success.records import Outcome, records
from success.rules import Rules, Scorecard
from success.scorecards import card_for
from success.standing import Standing
from success.told_change import told_change
from success.view import AccountView
from success.words import SEGMENT, STAGE, Word


@dataclass(frozen=True, slots=True)
class Decision:
    """What should stand in the CRM for one account, and what it was derived from.

    The health's ``band`` is the one that stands, its ``raw_band`` the one of the day.

    ``words`` are what expressions may read beside measures: segment, stage, its plan's progress.
    """

    records: tuple[DesiredRecord, ...]
    health: HealthResult
    milestones: tuple[MilestoneStatus, ...]
    standing: Standing
    words: Mapping[str, Word]


@dataclass(frozen=True, slots=True)
class Met:
    """Where an account stood on a past day: its plans so far, what its caps read, and its scorecard."""

    plans: Mapping[str, PlanState]
    words: Mapping[str, Word]
    card: Scorecard


def met(view: AccountView, opened: Mapping[str, PlanState], day: date) -> Met:
    """Return where an account stood on a past day, as far as the facts of that day tell, without a fold.

    ``opened`` are its plans as met on an earlier day. Milestones are marked on the days asked about; margins,
    holds and what stood before do not count, for nobody kept them.
    """
    found = plans.step(view, opened, day)
    state = replace(FoldState.empty(), plans=found)
    progress, stands = _today(view, state, plans.milestones(view, found, day), day)
    return Met(found, {**progress, **stands.words}, scorecard_of(view.rules, stands))


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


def caught_up(state: FoldState, facts: AccountFacts, rules: Rules, day: date) -> FoldState:
    """Return the state a look on a day would go by: the grid stepped on with the facts at hand.

    What was never folded stays so: its grid begins with its first look.
    """
    return state if state.day is None else advance(state, facts, rules, day)


def _step(state: FoldState, view: AccountView, day: date) -> FoldState:
    opened_plans = plans.step(view, state.plans, day)
    yesterday = day - timedelta(days=1)
    template = view.rules.plan
    progress = journey.words_of_plan(template, opened_plans.get(plans.plan_key(view, template)), yesterday)
    stands = _stand(view, state.standing, progress, yesterday)
    card = scorecard_of(view.rules, stands)
    words = {**progress, **stands.words}
    opened, adopted = renewals.step(view, state.renewals, state.adopted, day)
    result = score(view.facts, card, MeasureBook(view, yesterday, words=words), yesterday)
    band, known = _band(state, view, card, result, words)
    return replace(
        state,
        day=day,
        plans=opened_plans,
        band=band,
        renewals=opened,
        expansions=expansion.step(view, state.expansions, day, card, words),
        adopted=adopted,
        segment=stands.segment,
        stage=stands.stage,
        adoption=stands.adoption,
        pinned=stands.pinned | ({BAND} if bands.is_overridden(result) else frozenset()),
        anchors=known,
    )


def scorecard_of(rules: Rules, stands: Standing) -> Scorecard:
    """Return the scorecard of an account that stands there."""
    return card_for(rules, stands.segment_now, stands.stage_now)


def _band(
    state: FoldState, view: AccountView, card: Scorecard, result: HealthResult, words: Mapping[str, Word]
) -> tuple[Held, Anchors]:
    """Return the band that stands after the day of a score, dated by it as segment and stage are.

    And the days from which a change is told after it.
    """
    held = bands.stands(state.band, result, card, result.as_of, after_override=BAND in state.pinned)

    def today() -> Anchor:
        rules = view.rules
        return anchors.anchor(view.facts, result, held.value, words, rules.charter_hash, rules.time_zone)

    return held, anchors.step(state.anchors, state.band, held, result, today)


def _stand(view: AccountView, before: Standing, progress: Mapping[str, Word], day: date) -> Standing:
    """Return where the account stands after a day: the segment first, then what may hang on it."""
    book = MeasureBook(view, day, words=progress)
    segment, segment_pinned = segmentation.step(view, before, book, day)
    book = book.saying({SEGMENT: segment.value})
    stage, stage_pinned = journey.step(view, before, book, day)
    adoption = journey.step_products(view, before, book.saying({STAGE: stage.value}), day)
    pinned = {SEGMENT: segment_pinned, STAGE: stage_pinned}
    return Standing(segment, stage, adoption, frozenset(name for name, by_pin in pinned.items() if by_pin))


def decide(
    state: FoldState,
    facts: AccountFacts,
    rules: Rules,
    as_of: date,
    earlier: Mapping[str, Rules] | None = None,
) -> Decision:
    """Return the desired records as of a day, with the facts known now. Opens nothing.

    A milestone whose evidence holds but was not folded yet counts as reached on ``as_of``, and where
    the account stands is judged by that day so far. ``earlier`` are the rules of the charters
    that ``state.anchors`` names, by hash; without them, what changed since one of them is not told.
    """
    view = AccountView(facts, rules)
    milestones = plans.milestones(view, state.plans, as_of)
    progress, stands = _today(view, state, milestones, as_of)
    words = {**progress, **stands.words}
    card = scorecard_of(rules, stands)
    health = score(facts, card, MeasureBook(view, as_of, words=words), as_of)
    band, known = _band(state, view, card, health, words)
    health = replace(health, band=band.value)
    direction = health_trend(view, card, health, words)
    now = Side(facts, rules, as_of, stands.segment_now, stands.stage_now, band.value, words, view=view)
    moved = told_change(known.since, now, earlier or {})
    outcome = Outcome(view, state, health, milestones, as_of, stands, direction, moved)
    return Decision(records(outcome), health, milestones, stands, words)


def standing(state: FoldState, view: AccountView, as_of: date) -> Standing:
    """Return where an account stands as of a day, as ``decide`` has it, without all the rest."""
    return _today(view, state, plans.milestones(view, state.plans, as_of), as_of)[1]


def _today(
    view: AccountView, state: FoldState, milestones: Sequence[MilestoneStatus], as_of: date
) -> tuple[Mapping[str, Word], Standing]:
    """Return the plan's progress and where the account stands, judged by a day that is not over."""
    progress = journey.words_of_milestones(milestones)
    return progress, _stand(view, state.standing, progress, as_of)
