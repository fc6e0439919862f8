"""What holds of every score, with groups, events, caps and an override drawn at will."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from success.event_points import EventKind, EventRule
from success.explain import explain, shown_contributions, shown_points
from success.facts import AccountFacts
from success.health import UNKNOWN_BAND, HealthResult, score
from success.human_inputs import HumanInputs, Override, OverrideKind
from success.measures import UNKNOWN, MeasureValue
from success.rules import Cap, GroupRule, OnMissing, Scorecard
from tests.success.builders import EXAMPLES, answer, counts, facts, scorecard, ticket

TODAY = date(2024, 6, 30)
DAY = timedelta(days=1)
NAMES = ("seats", "open_tickets", "csat_90d", "usage_total", "tickets_28d")
NEAR = st.integers(0, 60).map(lambda age: TODAY - age * DAY)
POINTS = st.integers(0, 100).map(lambda points: points * 1000)


@st.composite
def cards(draw: st.DrawFn) -> Scorecard:
    """Draw a scorecard with or without groups, with events and a cap."""
    keys = draw(st.sampled_from([("all",), ("a", "b"), ("a", "b", "c")]))
    measures = tuple(
        replace(
            counts(
                name,
                draw(st.integers(0, 50)),
                (0, draw(st.integers(0, 100))),
                (draw(st.integers(1, 50)), draw(st.integers(0, 100))),
                on_missing=draw(st.sampled_from(list(OnMissing))),
                max_age_days=draw(st.none() | st.integers(0, 30)),
            ),
            group=draw(st.sampled_from(keys)),
        )
        for name in NAMES
    )
    events = tuple(
        EventRule(
            kind.value, kind, draw(st.integers(-40_000, 40_000)), draw(st.integers(1, 90)), "Why",
            limit=draw(st.none() | st.integers(1, 50_000)),
        )
        for kind in (EventKind.ESCALATION_OPENED, EventKind.NPS_PROMOTER, EventKind.NPS_DETRACTOR)
    )  # fmt: skip
    groups = tuple(GroupRule(key, key, draw(st.integers(0, 50))) for key in keys)
    cap = Cap("cap", "seats > 20 || tickets_28d > 20", draw(POINTS), "Why")
    base = scorecard(*measures, caps=(cap,), floor=draw(st.integers(0, 1000)))
    return replace(base, events=events, groups=groups if draw(st.booleans()) else ())


@st.composite
def accounts(draw: st.DrawFn) -> AccountFacts:
    """Draw an account with escalations, answers and perhaps an override."""
    tickets = [ticket(f"T{n}", day, escalated=True) for n, day in enumerate(draw(st.lists(NEAR, max_size=4)))]
    given_answers = draw(st.lists(st.tuples(NEAR, st.integers(0, 10)), max_size=4))
    answers = [answer(f"S{n}", day, stars) for n, (day, stars) in enumerate(given_answers)]
    override = draw(
        st.none() | st.builds(Override, st.sampled_from(list(OverrideKind)), POINTS, st.just("Why"),
                              st.just("Jo"), NEAR, st.just(TODAY + 5 * DAY))
    )  # fmt: skip
    human = HumanInputs(override=override)
    return replace(facts(), tickets=tuple(tickets), answers=tuple(answers), human=human)


VALUES = st.just(UNKNOWN) | st.builds(MeasureValue, st.integers(-5, 60), NEAR)
BOOKS = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


@EXAMPLES
@given(accounts(), cards(), BOOKS)
def test_contributions_always_sum_to_the_score(
    account: AccountFacts, card: Scorecard, book: dict[str, MeasureValue]
) -> None:
    """Exactly, by group as well, and in the tenths people read; the score keeps within 0 and 100."""
    result = score(account, card, book, TODAY)
    total = sum(part.points for part in result.contributions)
    assert total == (result.points or 0)
    assert sum(result.by_group().values()) == total
    assert sum(shown_contributions(result)) == shown_points(total)
    assert (result.band == UNKNOWN_BAND) == (result.points is None)
    assert 0 <= total <= 100_000
    assert result.computed_points is None or 0 <= result.computed_points <= 100_000


def mean(card: Scorecard, result: HealthResult) -> Fraction:
    """Return the weighted mean of the measures that have points, each group's own weighed by the group."""
    heard = list(zip(card.measures, result.contributions, strict=False))
    keys = {group.key: group.weight for group in card.groups} or {"": 1}
    above = below = Fraction(0)
    for key, weight in keys.items():
        of_group = [(rule.weight, part.measure_points) for rule, part in heard if key in ("", rule.group)]
        known = [(own, points) for own, points in of_group if points is not None]
        if total := sum(own for own, _ in known):
            above += weight * Fraction(sum(own * points for own, points in known), total)
            below += weight
    return above / below


@EXAMPLES
@given(cards(), BOOKS)
def test_without_events_caps_and_people_the_score_is_the_rounded_mean(
    card: Scorecard, book: dict[str, MeasureValue]
) -> None:
    """The contributions sum to the mean by the weights, a half of a thousandth upwards, and nothing else."""
    bare = replace(card, events=(), caps=(), coverage_floor=0)
    result = score(facts(), bare, book, TODAY)
    if result.points is not None:
        assert result.points == floor(mean(bare, result) + Fraction(1, 2))


@EXAMPLES
@given(accounts(), cards(), BOOKS, st.sampled_from(NAMES))
def test_unknown_is_monotone_in_missing_data(
    account: AccountFacts, card: Scorecard, book: dict[str, MeasureValue], lost: str
) -> None:
    """To know less never makes an unknown score known, nor coverage larger."""
    before = score(account, card, book, TODAY)
    after = score(account, card, {**book, lost: UNKNOWN}, TODAY)
    assert after.coverage <= before.coverage
    if before.computed_points is None:
        assert after.computed_points is None
    if before.points is None:
        assert after.points is None


@EXAMPLES
@given(accounts(), cards(), BOOKS, st.randoms(use_true_random=False))
def test_the_order_of_facts_leaves_no_trace(
    account: AccountFacts, card: Scorecard, book: dict[str, MeasureValue], order: Any
) -> None:
    """The same facts in another order, scored again: the same bytes."""
    other = replace(
        account,
        tickets=tuple(order.sample(account.tickets, len(account.tickets))),
        answers=tuple(order.sample(account.answers, len(account.answers))),
    )
    names = order.sample(NAMES, len(NAMES))
    first = score(account, card, book, TODAY)
    again = score(other, card, {name: book[name] for name in names}, TODAY)
    assert repr(again) == repr(first)
    assert explain(again) == explain(first)
