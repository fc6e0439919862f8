"""A person's override counts last, for as long as it was made for, with the computed score beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from success.decide import decide
from success.explain import explain
from success.facts import AccountFacts
from success.fold import FoldState
from success.health import HealthResult, Standing, score
from success.human_inputs import HumanInputs, Override, OverrideKind
from success.measures import MeasureValue
from success.rules import Cap
from tests.success.builders import counts, facts, fields, line, rules, scorecard

TODAY = date(2024, 6, 30)
DAY = timedelta(days=1)
CAPPED = scorecard(
    counts("seats", 1, (0, 0), (100, 100)), caps=(Cap("few", "seats < 90", 50_000, "Few seats"),)
)


def said(kind: OverrideKind, points: int, days: int = 30, made: date = TODAY) -> AccountFacts:
    """Return an account whose health Jo overrides for some days."""
    override = Override(kind, points * 1000, "New sponsor met", "Jo", made, made + days * DAY)
    return replace(facts([line()]), human=HumanInputs(override=override))


def scored(account: AccountFacts, seats: int | None, on: date = TODAY) -> HealthResult:
    """Return the score of so many seats, capped at 50 below 90."""
    return score(account, CAPPED, {"seats": MeasureValue(seats, on)}, on)


@pytest.mark.parametrize(
    ("kind", "points", "seats", "final", "added"),
    [
        (OverrideKind.VALUE, 80, 40, 80_000, 40_000),
        (OverrideKind.VALUE, 20, 40, 20_000, -20_000),
        (OverrideKind.VALUE, 80, 70, 80_000, 30_000),
        (OverrideKind.VALUE, 40, 40, 40_000, 0),
        (OverrideKind.CAP, 30, 40, 30_000, -10_000),
        (OverrideKind.CAP, 60, 40, 40_000, None),
        (OverrideKind.FLOOR, 60, 70, 60_000, 10_000),
        (OverrideKind.FLOOR, 30, 40, 40_000, None),
    ],
)
def test_an_override_is_the_last_contribution(
    kind: OverrideKind, points: int, seats: int, final: int, added: int | None
) -> None:
    """70 seats are 70 points, capped at 50; a value, a cap or a floor then makes of it what it says."""
    result = scored(said(kind, points), seats)
    assert result.points == final
    assert result.computed_points == min(seats, 50) * 1000
    assert sum(part.points for part in result.contributions) == final
    last = [part.points for part in result.contributions if part.standing is Standing.OVERRIDE]
    assert last == ([] if added is None else [added])


@pytest.mark.parametrize(
    ("kind", "points", "band"),
    [
        (OverrideKind.VALUE, 80_000, "green"),
        (OverrideKind.CAP, None, "unknown"),
        (OverrideKind.FLOOR, None, "unknown"),
    ],
)
def test_a_person_may_know_what_the_measures_do_not(
    kind: OverrideKind, points: int | None, band: str
) -> None:
    """A value stands for an unknown score, whose coverage stays 0; a limit of nothing limits nothing."""
    result = scored(said(kind, 80), None)
    assert (result.points, result.band, result.coverage, result.computed_points) == (points, band, 0, None)
    assert sum(part.points for part in result.contributions) == (points or 0)


def test_an_override_is_in_force_from_its_day_to_the_day_before_its_end() -> None:
    """Half-open: not the day before, on its first day, on its last, and no longer on the day it ends."""
    account = said(OverrideKind.VALUE, 80, days=10)
    found = [scored(account, 40, TODAY + place * DAY).points for place in (-1, 0, 9, 10)]
    assert found == [40_000, 80_000, 80_000, 40_000]


def test_no_override_lasts_longer_than_ninety_days() -> None:
    """One made for a year ends after 90 days."""
    account = said(OverrideKind.VALUE, 80, days=365)
    assert [scored(account, 40, TODAY + place * DAY).points for place in (89, 90)] == [80_000, 40_000]


def test_the_profile_shows_both_scores_and_until_when() -> None:
    """Health is the person's, the computed one beside it; the explanation says who, why and how long."""
    account = said(OverrideKind.VALUE, 80)
    charter = rules(scorecard=scorecard(counts("seats", 1, (0, 0), (20, 100))))
    profile = fields(decide(FoldState.empty(), account, charter, TODAY).records, "profile:acme")
    assert (profile["health"], profile["health_computed"]) == (Decimal("80.0"), Decimal("50.0"))
    assert (profile["band"], profile["override_until"]) == ("green", TODAY + 30 * DAY)
    told = str(profile["explanation"]).splitlines()
    assert told[-2] == "What Jo says adds 30.0 points."
    assert told[-1] == "Jo set health to 80.0 until 2024-07-30 (New sponsor met); the computed score is 50.0."


def test_the_end_of_an_override_is_told() -> None:
    """The score is the computed one again, and for a month the explanation says that it was not."""
    account = said(OverrideKind.VALUE, 80, days=10)
    charter = rules(scorecard=scorecard(counts("seats", 1, (0, 0), (20, 100))))
    ended = (
        "The override of health by Jo (80.0 points) ended on 2024-07-10; health is the computed score again."
    )
    for place, told in ((9, False), (10, True), (39, True), (40, False)):
        day = TODAY + place * DAY
        profile = fields(decide(FoldState.empty(), account, charter, day).records, "profile:acme")
        assert (ended in str(profile["explanation"])) is told
        assert profile["health"] == Decimal("80.0" if place < 10 else "50.0")
        assert (profile["override_until"] is None) is (place >= 10)


def test_a_limit_that_changes_nothing_is_told_all_the_same() -> None:
    """A cap above the score takes nothing, and people see that somebody set it."""
    result = scored(said(OverrideKind.CAP, 60), 40)
    assert explain(result).splitlines()[-1] == (
        "Jo holds health at or below 60.0 until 2024-07-30 (New sponsor met); the computed score is 40.0."
    )
