"""Health over columns: every integer of the score of one account, for any scorecard and any values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from success.columns import familiar
from success.columns.changed import fingerprints
from success.columns.curves import shared_out
from success.columns.frame import Frame, framed
from success.columns.health import HealthColumns, score_columns, uncovered
from success.event_points import EventKind
from success.explain import explain
from success.facts import Account, AccountFacts
from success.health import HealthResult, score
from success.measures import MEASURES, UNKNOWN, CelType, MeasureValue
from success.rules import Band, Cap, CurvePoint, EventRule, GroupRule, MeasureRule, OnMissing, Scorecard
from success.shares import largest_remainder
from tests.success.builders import CARD, EXAMPLES, counts, scorecard

TODAY = date(2024, 6, 30)
COUNTS = ("seats", "open_tickets", "open_escalations", "usage_total", "days_to_renewal")
RATIOS = ("seat_utilisation", "csat_90d", "arr", "usage_trend")
CONDITIONS = (
    "open_escalations > 0",
    "seat_utilisation < 0.5 || csat_90d < 3.0",
    "arr > 1000.0 && days_to_renewal < 90",
    "string(seats) == '3'",  # outside the subset of columns
)
Book = Mapping[str, MeasureValue]


def values(name: str) -> st.SearchStrategy[MeasureValue]:
    """Draw a value of a measure, at times huge, unknown or of no day."""
    if MEASURES[name].cel_type is CelType.INT:
        usual: st.SearchStrategy[int | Fraction] = st.integers(-20, 200)
        huge: st.SearchStrategy[int | Fraction] = st.integers(-(2**63), 2**63 - 1)
    else:
        huge = st.builds(Fraction, st.integers(-(2**62), 2**62), st.integers(1, 2**62))
        usual = st.fractions(-2, 12, max_denominator=997)
    seen = st.integers(-1, 60).map(lambda back: None if back < 0 else TODAY - timedelta(days=back))
    raw = st.integers(0, 19).flatmap(lambda one: huge if one == 19 else st.none() if one > 15 else usual)
    return st.builds(MeasureValue, raw, seen)


BOOKS = st.lists(
    st.fixed_dictionaries({name: values(name) for name in COUNTS + RATIOS}), min_size=1, max_size=6
)
CORNERS = st.lists(
    st.tuples(st.fractions(-10, 200, max_denominator=12), st.integers(0, 100_000)),
    min_size=1,
    max_size=5,
    unique_by=lambda corner: corner[0],
).map(lambda corners: tuple(CurvePoint(raw, points) for raw, points in corners))


def rules(name: str) -> st.SearchStrategy[MeasureRule]:
    """Draw how one measure counts."""
    return st.builds(
        MeasureRule,
        st.just(name),
        st.just(name.title()),
        st.sampled_from(["usage", "support"]),
        st.one_of(st.integers(0, 5), st.integers(0, 100_000)),
        CORNERS,
        st.one_of(st.none(), st.integers(1, 90)),
        st.sampled_from([*OnMissing] * 3 + [OnMissing.REDISTRIBUTE] * 6),
    )


CARDS = st.builds(
    Scorecard,
    st.just("health"),
    st.just(1),
    st.lists(st.sampled_from(COUNTS + RATIOS), min_size=1, max_size=7, unique=True).flatmap(
        lambda names: st.tuples(*map(rules, names))
    ),
    st.lists(st.integers(1, 99_999), max_size=3, unique=True).map(
        lambda floors: tuple(Band(f"b{floor}", "", floor) for floor in (0, *sorted(floors)))
    ),
    st.lists(
        st.builds(
            Cap, st.sampled_from("abc"), st.sampled_from(CONDITIONS), st.integers(0, 100_000), st.just("Held")
        ),
        max_size=3,
        unique_by=lambda cap: cap.key,
    ).map(tuple),
    st.integers(0, 800),
    st.one_of(
        st.just(()),
        st.lists(st.integers(0, 5), min_size=2, max_size=2).map(
            lambda weights: (
                GroupRule("usage", "Usage", weights[0]),
                GroupRule("support", "Support", weights[1]),
            )
        ),
        st.just((GroupRule("usage", "Usage", 33_333), GroupRule("support", "Support", 66_667))),
    ),
)


def one_by_one(card: Scorecard, books: list[Book]) -> list[HealthResult]:
    """Return the scores of accounts A0, A1 … each by itself."""
    accounts = [Account(f"A{row}", "Acme", date(2023, 1, 1)) for row in range(len(books))]
    return [
        score(AccountFacts(account, "acme"), card, book, TODAY)
        for account, book in zip(accounts, books, strict=True)
    ]


def as_frame(books: list[Book]) -> Frame:
    """Return the books of A0, A1 … as a frame."""
    return framed([f"A{row}" for row in range(len(books))], books, sorted(books[0]))


def by_columns(card: Scorecard, books: list[Book]) -> HealthColumns:
    """Return the scores of the same accounts by columns."""
    return score_columns(as_frame(books), card, TODAY, lambda row: one_by_one(card, books)[row])


def never(row: int) -> HealthResult:
    """Fail: columns must do without the twin."""
    raise AssertionError(f"account {row} was scored by itself")


@EXAMPLES
@given(CARDS, BOOKS)
def test_columns_score_as_one_by_one(card: Scorecard, books: list[Book]) -> None:
    """Contributions, shares, coverage, band and caps are those of the twin, and so is the text."""
    expected = one_by_one(card, books)
    found = by_columns(card, books)
    assert [found.result(row) for row in range(len(books))] == expected
    assert [explain(found.result(row)) for row in range(len(books))] == [explain(one) for one in expected]
    assert found.points[found.known].tolist() == [one.points for one in expected if one.points is not None]
    assert [found.band(row) for row in range(len(books))] == [one.band for one in expected]
    assert found.coverage.tolist() == [one.coverage for one in expected]


@EXAMPLES
@given(
    st.lists(st.lists(st.integers(0, 10_000), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.integers(1, 500), min_size=3, max_size=3),
)
def test_columns_are_shared_out_by_largest_remainder(parts: list[list[int]], wholes: list[int]) -> None:
    """Each column is rounded as its exact fractions are, ties to the earlier part."""
    found = shared_out(np.array(parts), np.array(wholes))
    for column, whole in enumerate(wholes):
        exact = [Fraction(row[column], whole) for row in parts]
        assert tuple(found[:, column].tolist()) == largest_remainder(exact)


def test_an_ordinary_scorecard_needs_no_twin() -> None:
    """By hand: 60 % of 100 points and 40 % of 50 points are 80; an open escalation holds it at 40."""
    halves = (counts("seats", 60, (0, 0), (10, 100)), counts("csat_90d", 40, (0, 0), (5, 100)))
    card = scorecard(*halves, caps=(Cap("escalation", "open_escalations > 0", 40_000, "Open"),))
    books = [
        {
            "seats": MeasureValue(10, TODAY),
            "csat_90d": MeasureValue(Fraction(5, 2), TODAY),
            "open_escalations": MeasureValue(open_now, TODAY),
        }
        for open_now in (0, 1)
    ]
    found = score_columns(as_frame(books), card, TODAY, never)
    assert found.points.tolist() == [80_000, 40_000]
    assert [found.band(row) for row in (0, 1)] == ["green", "red"]
    assert found.parts.points.tolist() == [[60_000, 60_000], [20_000, 20_000]]
    assert found.binding.tolist() == [-1, 0]


def test_half_a_thousandth_goes_up_whichever_way_the_curve_runs() -> None:
    """Half way between 0 and 1 thousandth is 1, as is half way between 1 and 0."""
    up, down = ((Fraction(0), 0), (Fraction(2), 1)), ((Fraction(0), 1), (Fraction(2), 0))
    for corners in (up, down):
        rule = counts("seats", 1)
        rule = replace(rule, curve=tuple(CurvePoint(raw, points) for raw, points in corners))
        found = score_columns(as_frame([{"seats": MeasureValue(1, TODAY)}]), scorecard(rule), TODAY, never)
        assert found.parts.own.tolist() == [[1]]


def test_a_value_is_fresh_up_to_its_limit() -> None:
    """Seen 60 days ago it counts at a limit of 60 days, seen 61 days ago it does not."""
    rule = counts("seats", 1, (0, 100), max_age_days=60)
    books = [{"seats": MeasureValue(1, TODAY - timedelta(days=age))} for age in (60, 61)]
    found = score_columns(as_frame(books), scorecard(rule), TODAY, never)
    assert found.known.tolist() == [True, False]
    assert found.parts.stale.tolist() == [[False, True]]


def test_the_lowest_cap_binds_and_the_first_of_equal_ones() -> None:
    """Of caps at 50, 40 and 40 that hold, the one at 40 whose key comes first takes the points."""
    caps = tuple(
        Cap(key, "seats > 0", points, key) for key, points in (("a", 50_000), ("c", 40_000), ("b", 40_000))
    )
    card = scorecard(counts("seats", 1, (0, 100)), caps=caps)
    found = score_columns(as_frame([{"seats": MeasureValue(1, TODAY)}]), card, TODAY, never)
    assert found.binding.tolist() == [2]
    assert found.points.tolist() == [40_000]


def test_a_stale_values_day_is_part_of_the_words() -> None:
    """What was last seen on another day reads otherwise, though the score is the same."""
    rules = (counts("seats", 1, (0, 100)), counts("open_tickets", 1, (0, 100), max_age_days=30))
    books = [
        {"seats": MeasureValue(1, TODAY), "open_tickets": MeasureValue(1, TODAY - timedelta(days=age))}
        for age in (40, 41)
    ]
    found = score_columns(as_frame(books), scorecard(*rules), TODAY, never)
    one, other = fingerprints(found, 1, found.bands).tolist()
    assert one != other
    assert found.points.tolist() == [100_000, 100_000]


@pytest.mark.parametrize(
    ("changes", "named_as"),
    [
        ({"measures": (counts("seats", -1, (0, 100)),)}, "a negative weight"),
        (
            {"measures": (counts("seats", 2**50, (0, 100)), counts("seats", 1, (0, 100)))},
            "without room in 64 bits",
        ),
        ({"measures": (counts("seats", 1, (0, 0), (Fraction(1, 2**62), 100)),)}, "without room in 64 bits"),
        ({"measures": (counts("seats", 1, (0, 0), (0, 100)),)}, "without room in 64 bits"),
    ],
)
def test_what_columns_do_not_cover_goes_to_the_twin(changes: Mapping[str, object], named_as: str) -> None:
    """A scorecard beyond their arithmetic is named, and its accounts are scored one by one."""
    card = replace(scorecard(*CARD.measures), **changes)
    assert named_as in (uncovered(card) or "")
    books: list[Book] = [{"seats": MeasureValue(1, TODAY)}, {"seats": UNKNOWN}]
    found = by_columns(card, books)
    assert set(found.alone) == {0, 1}
    assert [found.result(row) for row in (0, 1)] == one_by_one(card, books)


def test_an_unfamiliar_part_of_a_scorecard_is_never_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part the columns were not written for goes to the twin as soon as a charter uses it."""
    capped = scorecard(*CARD.measures, caps=(Cap("late", "open_escalations > 0", 1, "Late"),))
    assert uncovered(capped) is None
    monkeypatch.setitem(familiar._FAMILIAR, Scorecard, familiar._FAMILIAR[Scorecard] - {"caps"})
    assert uncovered(capped) == "caps of Scorecard"
    assert uncovered(scorecard(*CARD.measures)) is None


def test_a_missing_measure_is_carried_by_its_group() -> None:
    """By hand: usage is 3 of 4 parts; where one of its halves is unknown, the other carries both."""
    measures = (
        counts("seats", 1, (0, 0), (10, 100), group="usage"),
        counts("usage_total", 1, (0, 0), (10, 100), group="usage"),
        counts("open_tickets", 1, (0, 100), (10, 0), group="support"),
    )
    groups = (GroupRule("usage", "Usage", 75_000), GroupRule("support", "Support", 25_000))
    card = replace(scorecard(*measures), groups=groups)
    books = [
        {"seats": MeasureValue(8, TODAY), "usage_total": used, "open_tickets": MeasureValue(10, TODAY)}
        for used in (MeasureValue(4, TODAY), UNKNOWN)
    ]
    found = score_columns(as_frame(books), card, TODAY, never)
    assert found.points.tolist() == [45_000, 60_000]
    assert found.coverage.tolist() == [1000, 625]
    assert found.parts.share.tolist() == [[375, 750], [375, 0], [250, 250]]


def test_a_scorecard_with_events_needs_to_know_whose() -> None:
    """Where nobody said who has events the twin scores all, else those who have."""
    event = EventRule("closed", EventKind.ESCALATION_CLOSED, -10_000, 30, "An escalation was closed")
    card = replace(scorecard(counts("seats", 1, (0, 0), (10, 100))), events=(event,))
    books: list[Book] = [{"seats": MeasureValue(5, TODAY)}, {"seats": MeasureValue(7, TODAY)}]
    assert set(by_columns(card, books).alone) == {0, 1}
    said = replace(one_by_one(card, books)[1], points=60_000)
    found = score_columns(as_frame(books), card, TODAY, lambda row: said, eventful=np.array([False, True]))
    assert found.points.tolist() == [50_000, 60_000]


def test_one_value_without_room_takes_only_its_account() -> None:
    """A numerator near the end of 64 bits on a curve of thirds is scored by itself, its neighbour is not."""
    card = scorecard(counts("arr", 1, (0, 0), (3.3, 100)))
    books: list[Book] = [
        {"arr": MeasureValue(Fraction(2**62, 3), TODAY)},
        {"arr": MeasureValue(Fraction(1), TODAY)},
    ]
    found = by_columns(card, books)
    assert set(found.alone) == {0}
    assert [found.result(row) for row in (0, 1)] == one_by_one(card, books)


def test_accounts_named_by_the_caller_are_scored_alone() -> None:
    """Whom columns cannot know to be special (a person's word on a score) the caller sends to the twin."""
    card = scorecard(counts("seats", 1, (0, 0), (10, 100)))
    books: list[Book] = [{"seats": MeasureValue(5, TODAY)}, {"seats": MeasureValue(7, TODAY)}]
    said = replace(one_by_one(card, books)[1], points=90_000, band="green")
    found = score_columns(as_frame(books), card, TODAY, lambda row: said, np.array([False, True]))
    assert found.points.tolist() == [50_000, 90_000]
    assert found.result(1) is said


@settings(EXAMPLES, max_examples=25)
@given(CARDS, BOOKS, BOOKS)
def test_another_explanation_has_another_fingerprint(
    card: Scorecard, old: list[Book], new: list[Book]
) -> None:
    """Whose words change is found without writing them; whose facts are the same keeps the fingerprint."""
    count = min(len(old), len(new))
    mixed = [new[row] if row % 2 else old[row] for row in range(count)]
    before, after = by_columns(card, old[:count]), by_columns(card, mixed)
    changed = (fingerprints(before, 1, before.bands) != fingerprints(after, 1, after.bands)).tolist()
    for row in range(count):
        assert changed[row] or explain(before.result(row)) == explain(after.result(row))
        assert not (changed[row] and old[row] == mixed[row])


def test_other_rules_have_other_fingerprints() -> None:
    """A new charter has every account put into words again."""
    found = by_columns(
        CARD, [dict.fromkeys((*COUNTS, *RATIOS, "active_days_28d", "feature_breadth_28d"), UNKNOWN)]
    )
    assert fingerprints(found, 1, found.bands).tolist() != fingerprints(found, 2, found.bands).tolist()


def test_a_band_that_follows_later_is_part_of_the_words() -> None:
    """The same score in another band that stands is told anew."""
    found = by_columns(scorecard(counts("seats", 1, (0, 100))), [{"seats": MeasureValue(1, TODAY)}])
    assert fingerprints(found, 1, found.bands).tolist() != fingerprints(found, 1, found.bands - 1).tolist()


def test_nobody_is_a_portfolio_too() -> None:
    """A frame without accounts has no scores."""
    empty = framed([], [], ["seats"])
    assert len(score_columns(empty, scorecard(counts("seats", 1, (0, 100))), TODAY, never).points) == 0
