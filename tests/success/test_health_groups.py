"""Groups weigh in the score and measures in their group; what is missing its own group carries first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from success.health import HealthResult, Standing, score
from success.measures import MeasureValue
from success.rules import GroupRule, MeasureRule, Scorecard
from tests.success.builders import EXAMPLES, counts, facts, scorecard

TODAY = date(2024, 6, 30)
NAMES = ("seats", "open_tickets", "csat_90d", "usage_total", "tickets_28d")
LINE = ((0, 0), (100, 100))


def measure(name: str, weight: int, group: str) -> MeasureRule:
    """Return a measure that is worth its value in points."""
    return replace(counts(name, weight, *LINE), group=group)


def grouped(groups: dict[str, int], *measures: MeasureRule, floor: int = 0) -> Scorecard:
    """Return a scorecard that weighs groups."""
    rules = tuple(GroupRule(key, key.title(), weight) for key, weight in groups.items())
    return replace(scorecard(*measures, floor=floor), groups=rules)


def scored(card: Scorecard, **values: int | None) -> HealthResult:
    """Return the score of given raw values, all seen today."""
    return score(facts(), card, {name: MeasureValue(value, TODAY) for name, value in values.items()}, TODAY)


USE_AND_SUPPORT = grouped(
    {"use": 60, "support": 40},
    measure("seats", 75, "use"),
    measure("usage_total", 25, "use"),
    measure("open_tickets", 100, "support"),
)


def test_a_measure_weighs_in_its_group_and_the_group_in_the_score() -> None:
    """100 at 75 % and 20 at 25 % of a group of 60 %, 50 in one of 40 %: 45 + 3 + 20 = 68."""
    result = scored(USE_AND_SUPPORT, seats=100, usage_total=20, open_tickets=50)
    assert [part.points for part in result.contributions] == [45_000, 3_000, 20_000]
    assert [part.declared_share for part in result.contributions] == [450, 150, 400]
    assert result.by_group() == {"use": 48_000, "support": 20_000}
    assert result.points == 68_000


def test_a_missing_measure_is_carried_by_its_group() -> None:
    """Without seats the group's other measure carries its 60 %: 12 + 20; only 55 % is known."""
    result = scored(USE_AND_SUPPORT, seats=None, usage_total=20, open_tickets=50)
    assert [part.points for part in result.contributions] == [0, 12_000, 20_000]
    assert [part.share for part in result.contributions] == [0, 600, 400]
    assert (result.points, result.coverage) == (32_000, 550)


def test_a_missing_group_is_carried_by_the_others() -> None:
    """Without support the score is the group of use alone: 75 + 5 = 80."""
    result = scored(USE_AND_SUPPORT, seats=100, usage_total=20, open_tickets=None)
    assert [part.points for part in result.contributions] == [75_000, 5_000, 0]
    assert (result.points, result.coverage) == (80_000, 600)


def test_a_group_of_weight_nothing_is_watched() -> None:
    """Its measures are shadows: shown with their points, in neither score nor coverage."""
    card = grouped({"use": 100, "mood": 0}, measure("seats", 100, "use"), measure("csat_90d", 100, "mood"))
    result = scored(card, seats=40, csat_90d=90)
    assert (result.points, result.coverage) == (40_000, 1000)
    shadow = result.contributions[1]
    assert (shadow.standing, shadow.measure_points, shadow.points) == (Standing.SHADOW, 90_000, 0)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Scorecard, dict[str, int | None]]:
    """Draw two or three groups over five measures, each with a value or without."""
    keys = ["a", "b", "c"][: draw(st.integers(2, 3))]
    groups = {key: draw(st.integers(0, 9)) for key in keys}
    measures = [measure(name, draw(st.integers(0, 9)), draw(st.sampled_from(keys))) for name in NAMES]
    values = {name: draw(st.none() | st.integers(0, 100)) for name in NAMES}
    return grouped(groups, *measures), values


@EXAMPLES
@given(cases())
def test_a_grouped_score_is_the_mean_of_the_means(case: tuple[Scorecard, dict[str, int | None]]) -> None:
    """Computed the plain way: the weighted mean of each group's weighted mean of what is known."""
    card, values = case
    result = scored(card, **values)
    means: list[tuple[int, Fraction]] = []
    for group in card.groups:
        known = [
            (rule.weight, values[rule.measure])
            for rule in card.measures
            if rule.group == group.key and rule.weight and values[rule.measure] is not None
        ]
        weight = sum(one for one, _ in known)
        if weight and group.weight:
            means.append((group.weight, Fraction(sum(one * (raw or 0) for one, raw in known), weight)))
    if result.points is None:
        assert not means or result.coverage == 0
        return
    expected = Fraction(
        1000 * sum(weight * mean for weight, mean in means), sum(weight for weight, _ in means)
    )
    assert abs(result.points - expected) <= Fraction(1, 2)
    assert sum(part.points for part in result.contributions) == result.points
    assert sum(part.share for part in result.contributions) == 1000
