"""Where an account stood on a day that may be past: what the fold remembers, or what a look on it would say.

A day the fold has judged is remembered; one it has not is judged as a look does. Both are the same once
the day is over (``standing``), so a month counted late and a change told later say what stood.
Neighbours: ``decide`` judges, ``sync`` asks for snapshots and for changes of health.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from success.decide import caught_up, decide
from success.facts import AccountFacts
from success.fold import FoldState
from success.health import HealthResult, score
from success.holding import Held
from success.journey import words_of_plan
from success.measures import MeasureBook
from success.plans import plan_key
from success.rules import Rules
from success.scorecards import card_for
from success.view import AccountView
from success.words import SEGMENT, STAGE, Word


@dataclass(frozen=True, slots=True)
class Stood:
    """Segment, stage and band of an account on a day, None where there was none yet.

    ``words`` are what expressions may read of that day beside measures.
    """

    segment: str | None = None
    stage: str | None = None
    band: str | None = None
    words: Mapping[str, Word] = field(default_factory=dict)


def stood_on(state: FoldState, facts: AccountFacts, rules: Rules, day: date) -> Stood:
    """Return where an account stood on a day, with the facts known at its end."""
    if state.day is None or state.day <= day:
        found = decide(caught_up(state, facts, rules, day), facts, rules, day)
        stands = found.standing
        return Stood(_value(stands.segment), _value(stands.stage), found.health.band, found.words)
    segment, stage, band = (_on(one, day) for one in (state.segment, state.stage, state.band))
    plan = state.plans.get(plan_key(AccountView(facts, rules), rules.plan))
    words = {SEGMENT: segment, STAGE: stage}
    known = {name: value for name, value in words.items() if value is not None}
    return Stood(segment, stage, band, {**words_of_plan(rules.plan, plan, day), **known})


def health_of(stood: Stood, facts: AccountFacts, rules: Rules, day: date) -> HealthResult:
    """Return the health of a day by the scorecard for where the account stood then."""
    card = card_for(rules, stood.segment, stood.stage)
    return score(facts, card, MeasureBook(AccountView(facts, rules), day, words=stood.words), day)


def _value(held: Held | None) -> str | None:
    return None if held is None else held.value


def _on(held: Held | None, day: date) -> str | None:
    return None if held is None else held.on(day)
