"""The health score: exact sums, honest gaps, caps, and bands with half-open borders."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.explain import explain, shown_contributions, shown_points, shown_value
from success.health import HealthResult, Standing, band_of, curve_points, score
from success.measures import UNKNOWN, MeasureValue
from success.rules import Cap, OnMissing, Scorecard
from success.shares import largest_remainder
from tests.success.builders import BANDS, EXAMPLES, counts, curve, facts, scorecard

TODAY = date(2024, 6, 30)
NAMES = ("seats", "open_tickets", "csat_90d", "usage_total", "tickets_28d")


def scored(card: Scorecard, **values: int | None) -> HealthResult:
    """Return the score of given raw values, all seen today."""
    book = {name: MeasureValue(value, TODAY) for name, value in values.items()}
    return score(facts(), card, book, TODAY)


def test_points_run_along_straight_lines_and_stay_flat_outside() -> None:
    """Between (0, 20) and (10, 60), 5 is 40; outside the corners hold."""
    corners = curve((10, 60), (0, 20))
    found = [curve_points(corners, Fraction(raw)) for raw in (-1, 0, 5, 10, 11)]
    assert found == [20_000, 20_000, 40_000, 60_000, 60_000]


@pytest.mark.parametrize(
    ("points", "band"),
    [
        (0, "red"),
        (49_999, "red"),
        (50_000, "yellow"),
        (74_999, "yellow"),
        (75_000, "green"),
        (100_000, "green"),
    ],
)
def test_bands_are_half_open(points: int, band: str) -> None:
    """A floor belongs to its own band, the thousandth below it to the one before."""
    assert band_of(points, BANDS) == band


def test_a_score_is_the_weighted_mean_of_its_points() -> None:
    """60 % of 100 points and 40 % of 50 points are 80: 60 and 20."""
    card = scorecard(counts("seats", 60, (0, 0), (10, 100)), counts("open_tickets", 40, (0, 0), (10, 100)))
    result = scored(card, seats=10, open_tickets=5)
    assert result.points == 80_000
    assert result.band == "green"
    assert [part.points for part in result.contributions] == [60_000, 20_000]


def test_thirds_still_add_up() -> None:
    """Three equal measures of 100, 100 and 0 points give 66.667, the odd thousandth to the first."""
    card = scorecard(*(counts(name, 1, (0, 0), (1, 100)) for name in NAMES[:3]))
    result = scored(card, seats=1, open_tickets=1, csat_90d=0)
    assert [part.points for part in result.contributions] == [33_334, 33_333, 0]
    assert result.points == 66_667


def test_missing_weight_is_handed_to_the_others_and_shown() -> None:
    """With 40 of 100 missing, the rest carries 100 % and coverage says 60 %."""
    card = scorecard(counts("seats", 60, (0, 0), (10, 100)), counts("open_tickets", 40, (0, 100), (10, 0)))
    result = scored(card, seats=5, open_tickets=None)
    assert (result.points, result.coverage) == (50_000, 600)
    first, second = result.contributions
    assert (first.declared_share, first.share) == (600, 1000)
    assert (second.standing, second.share, second.declared_share) == (Standing.REDISTRIBUTED, 0, 400)


@pytest.mark.parametrize(
    ("policy", "points"),
    [
        (OnMissing.REDISTRIBUTE, 100_000),
        (OnMissing.NEUTRAL, 80_000),
        (OnMissing.WORST, 60_000),
        (OnMissing.BLOCK, None),
    ],
)
def test_each_measure_says_what_its_absence_means(policy: OnMissing, points: int | None) -> None:
    """A missing 40 % beside a perfect 60 %: shared out, neutral, worst, or no score at all."""
    missing = counts("open_tickets", 40, (0, 100), (10, 0), on_missing=policy)
    result = scored(scorecard(counts("seats", 60, (0, 0), (1, 100)), missing), seats=1, open_tickets=None)
    assert result.points == points
    assert result.coverage == 600


def test_below_the_floor_the_score_is_unknown() -> None:
    """49 % of the weight is too little, 50 % is enough."""
    for weight, band in ((49, "unknown"), (50, "green")):
        present = counts("seats", weight, (0, 100))
        card = scorecard(present, counts("open_tickets", 100 - weight, (0, 100)))
        result = scored(card, seats=1, open_tickets=None)
        assert result.band == band
        assert (result.points is None) == (band == "unknown")


def test_nothing_known_is_never_neutral() -> None:
    """Even where every measure has a stand-in, knowing nothing is unknown."""
    card = scorecard(counts("seats", 1, (0, 100), on_missing=OnMissing.NEUTRAL), floor=0)
    assert scored(card, seats=None).points is None


def test_a_stale_value_does_not_count() -> None:
    """A value seen 60 days ago is fresh at a limit of 60 days, and stale at 59."""
    book = {"seats": MeasureValue(1, date(2024, 5, 1))}
    for limit, stale in ((60, False), (59, True)):
        result = score(facts(), scorecard(counts("seats", 1, (0, 100), max_age_days=limit)), book, TODAY)
        assert result.contributions[0].stale is stale
        assert (result.points is None) is stale


def test_a_shadow_measure_is_shown_and_not_counted() -> None:
    """Weight 0 changes neither the score nor the coverage."""
    card = scorecard(counts("seats", 10, (0, 50)), counts("open_tickets", 0, (0, 0)))
    result = scored(card, seats=1, open_tickets=1)
    assert (result.points, result.coverage) == (50_000, 1000)
    assert result.contributions[1].standing is Standing.SHADOW
    assert result.contributions[1].measure_points == 0
    watched = "open_tickets (1) is watched, not counted; by itself it would have 0.0 of 100 points."
    assert explain(result).splitlines()[2] == watched


def test_the_lowest_true_cap_is_its_own_negative_contribution() -> None:
    """100 points under caps of 60 and 40 become 40 by one contribution of -60."""
    caps = (
        Cap("a", "open_escalations > 0", 60_000, "An escalation is open"),
        Cap("b", "tickets_28d > 3", 40_000, "Many tickets"),
        Cap("c", "csat_90d < 2.0", 10_000, "Unhappy"),
    )
    card = scorecard(counts("seats", 1, (0, 100)), caps=caps)
    result = scored(card, seats=1, open_escalations=1, tickets_28d=4, csat_90d=None)
    assert result.points == 40_000
    assert [part.points for part in result.contributions] == [100_000, -60_000]
    assert [(found.holds, found.binding) for found in result.caps] == [
        (True, False),
        (True, True),
        (None, False),
    ]


def test_a_cap_above_the_score_takes_nothing() -> None:
    """A true cap only limits."""
    card = scorecard(counts("seats", 1, (0, 30)), caps=(Cap("a", "seats > 0", 60_000, "Why"),))
    result = scored(card, seats=1)
    assert result.points == 30_000
    assert len(result.contributions) == 1


def test_the_explanation_is_one_sentence_per_contribution() -> None:
    """What a CSM reads: the sum, each measure with its weight, the gap and the cap."""
    cap = Cap("escalation", "open_escalations > 0", 40_000, "An escalation is open")
    card = scorecard(
        counts("seats", 60, (0, 0), (10, 100), title="Seats"),
        counts("csat_90d", 40, (1, 0), (5, 100), title="Satisfaction"),
        caps=(cap,),
    )
    result = scored(card, seats=5, csat_90d=None, open_escalations=2)
    assert explain(result).splitlines() == [
        "Health is 40.0 (red); 60.0 % of what we weigh is known.",
        (
            "Seats (5) adds 50.0 points at a weight of 100.0 % "
            "(60.0 % of its own, the rest from measures that are unknown)."
        ),
        "Satisfaction (unknown) adds nothing; its weight goes to the others.",
        "An escalation is open: limited to 40.0, takes 10.0 points.",
    ]


def test_an_unknown_score_explains_itself() -> None:
    """The first line says so, and no sentence claims points."""
    result = scored(scorecard(counts("seats", 1, (0, 100))), seats=None)
    assert explain(result).startswith("Health is unknown: 0.0 %")
    assert "points" not in explain(result)


@pytest.mark.parametrize(
    ("policy", "ending"),
    [
        (OnMissing.NEUTRAL, "adds 20.0 points, a neutral value in its place."),
        (OnMissing.WORST, "adds 0.0 points, the worst value in its place."),
        (OnMissing.BLOCK, "is needed for any score."),
    ],
)
def test_every_stand_in_is_named(policy: OnMissing, ending: str) -> None:
    """A stale value says when it was last seen and what was done instead."""
    rule = counts("tickets_28d", 40, (0, 100), (9, 0), title="Tickets", max_age_days=5, on_missing=policy)
    card = scorecard(counts("seats", 60, (0, 100), title="Seats"), rule)
    book = {"seats": MeasureValue(1, TODAY), "tickets_28d": MeasureValue(1, date(2024, 6, 1))}
    sentences = explain(score(facts(), card, book, TODAY)).splitlines()
    assert sentences[2] == f"Tickets (last seen on 2024-06-01, too long ago) {ending}"
    if policy is OnMissing.BLOCK:
        assert sentences[1] == "Seats (1) is known, but not enough else is."


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("seat_utilisation", Fraction(455, 1000), "46 %"),
        ("days_to_renewal", 1, "1 day"),
        ("days_to_renewal", 30, "30 days"),
        ("arr", Fraction(1234567, 1), "1,234,567"),
        ("csat_90d", Fraction(9, 2), "4.5"),
        ("seats", None, "unknown"),
    ],
)
def test_values_are_shown_with_their_unit(name: str, value: Fraction | int | None, shown: str) -> None:
    """Shares in percent, days as days, money grouped, ratings with one decimal."""
    assert shown_value(name, MeasureValue(value, TODAY)) == shown


def test_a_shown_score_never_reaches_the_next_band() -> None:
    """74.999 is yellow and reads 74.9, not 75.0."""
    result = scored(scorecard(replace(counts("seats", 1), curve=curve((0, 0), (100_000, 100)))), seats=74_999)
    assert result.band == "yellow"
    assert result.points is not None
    assert shown_points(result.points) == Decimal("74.9")


RAWS = st.none() | st.integers(-5, 60)


@st.composite
def cards(draw: st.DrawFn) -> Scorecard:
    """Draw scorecards over five measures with caps and every way to miss a value."""
    rules = [
        counts(
            name,
            draw(st.integers(0, 50)),
            (0, draw(st.integers(0, 100))),
            (draw(st.integers(1, 50)), draw(st.integers(0, 100))),
            on_missing=draw(st.sampled_from(list(OnMissing))),
            max_age_days=draw(st.none() | st.integers(0, 30)),
        )
        for name in NAMES
    ]
    points = draw(st.integers(0, 100)) * 1000
    cap = Cap("cap", "seats > 20 || tickets_28d > 20", points, "Why")
    return scorecard(*rules, caps=(cap,), floor=draw(st.integers(0, 1000)))


BOOKS = st.fixed_dictionaries({name: st.tuples(RAWS, st.integers(0, 40)) for name in NAMES})


@EXAMPLES
@given(cards(), BOOKS)
def test_contributions_always_sum_to_the_score(
    card: Scorecard, drawn: dict[str, tuple[int | None, int]]
) -> None:
    """Exactly, in thousandths and again in the tenths people read; shares sum to the whole."""
    book = {
        name: UNKNOWN if raw is None else MeasureValue(raw, date.fromordinal(TODAY.toordinal() - age))
        for name, (raw, age) in drawn.items()
    }
    result = score(facts(), card, book, TODAY)
    total = sum(part.points for part in result.contributions)
    assert total == (result.points or 0)
    assert sum(result.by_group().values()) == total
    assert sum(shown_contributions(result)) == shown_points(total)
    assert (result.band == "unknown") == (result.points is None)
    if result.points is not None:
        assert 0 <= result.points <= 100_000
        assert sum(part.share for part in result.contributions) == 1000
        assert result.coverage >= card.coverage_floor
        floors = [band.floor for band in BANDS if band.key == result.band]
        assert floors[0] <= result.points


@EXAMPLES
@given(st.lists(st.fractions(-1000, 1000), min_size=1, max_size=9))
def test_rounded_parts_stay_next_to_their_exact_values(parts: list[Fraction]) -> None:
    """Each part moves by less than one, and together they are the rounded sum."""
    rounded = largest_remainder(parts)
    assert all(abs(found - part) < 1 for found, part in zip(rounded, parts, strict=True))
    assert abs(sum(rounded) - sum(parts, Fraction(0))) <= Fraction(1, 2)
