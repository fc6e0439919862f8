"""Events move a score on their day and fade by half-lives; no window's edge makes it jump."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import pow as power
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from success.event_points import EventKind, EventRule, faded, fitted, happened
from success.explain import explain
from success.facts import Account, AccountFacts, DealState
from success.health import HealthResult, Standing, score
from success.measures import MeasureValue
from success.rules import Scorecard
from tests.success.builders import EXAMPLES, answer, counts, deal, facts, line, scorecard, ticket

TODAY = date(2024, 6, 30)
DAY = timedelta(days=1)
RAISED = EventRule("raised", EventKind.ESCALATION_OPENED, -20_000, 30, "A case was escalated")
PRAISE = EventRule("praise", EventKind.NPS_PROMOTER, 10_000, 10, "A promoter answered")


def with_events(*events: EventRule, points: int = 50) -> Scorecard:
    """Return a scorecard of one measure that always has so many points, and events."""
    return replace(scorecard(counts("seats", 1, (0, points))), events=events)


def scored(card: Scorecard, account: AccountFacts, on: date = TODAY) -> HealthResult:
    """Return the score on a day, its one measure known."""
    return score(account, card, {"seats": MeasureValue(1, on)}, on)


def escalated(*days: date) -> AccountFacts:
    """Return an account with a case escalated on each of the days."""
    return facts(tickets=tuple(ticket(f"T{day}", day, escalated=True) for day in days))


@pytest.mark.parametrize(
    ("age", "points"), [(0, -20_000), (30, -10_000), (60, -5_000), (90, -2_500), (15, -14_142), (600, 0)]
)
def test_points_halve_with_each_half_life(age: int, points: int) -> None:
    """20 points are 10 after 30 days, 5 after 60, and 20 / sqrt 2 = 14.142 after 15."""
    assert faded(-20_000, age, 30) == points


def test_an_event_is_a_contribution_of_its_own() -> None:
    """50 points less the 10 that are left of 20 after 30 days."""
    result = scored(with_events(RAISED), escalated(TODAY - 30 * DAY))
    assert result.points == 40_000
    part = result.contributions[1]
    assert (part.standing, part.group, part.points) == (Standing.EVENT, "events", -10_000)
    assert part.value == MeasureValue(1, TODAY - 30 * DAY)
    assert "A case was escalated (once, last on 2024-05-31) takes 10.0 points" in explain(result)


def test_an_event_that_is_still_to_come_moves_nothing() -> None:
    """On the day before it the score is what it was."""
    account = escalated(TODAY)
    assert scored(with_events(RAISED), account, TODAY - DAY).points == 50_000
    assert scored(with_events(RAISED), account, TODAY).points == 30_000


def test_events_add_up_within_their_limit() -> None:
    """Three of 20 today are 60, held at 25 by the limit of the entry."""
    card = with_events(replace(RAISED, limit=25_000))
    three = escalated(TODAY, TODAY - DAY, TODAY - 2 * DAY)
    assert scored(card, three).points == 25_000


def test_a_score_never_leaves_0_and_100() -> None:
    """Ten points up from 95 give 100; 40 down from 30 give 0, shared between both entries."""
    up = facts(answers=(answer("A", TODAY, 10),))
    assert scored(with_events(PRAISE, points=95), up).points == 100_000
    down = replace(escalated(TODAY), answers=(answer("A", TODAY, 0),))
    detractor = EventRule("detractor", EventKind.NPS_DETRACTOR, -20_000, 30, "A detractor answered")
    result = scored(with_events(RAISED, detractor, points=30), down)
    assert result.points == 0
    assert [part.points for part in result.contributions] == [30_000, -15_000, -15_000]


def test_unknown_stays_unknown_whatever_happened() -> None:
    """An event says nothing about what is missing."""
    card = with_events(RAISED)
    result = score(escalated(TODAY), card, {"seats": MeasureValue(None, None)}, TODAY)
    assert (result.points, result.band) == (None, "unknown")
    assert len(result.contributions) == 1


@pytest.mark.parametrize(
    ("kind", "changes", "days"),
    [
        (EventKind.ESCALATION_CLOSED,
         {"tickets": (ticket("1", TODAY - 9 * DAY, TODAY - DAY, escalated=True),)}, [TODAY - DAY]),
        (EventKind.TICKET_URGENT,
         {"tickets": (ticket("1", TODAY, priority="urgent"), ticket("2", TODAY))}, [TODAY]),
        (EventKind.NPS_DETRACTOR,
         {"answers": (answer("1", TODAY, 6), answer("2", TODAY, 7))}, [TODAY]),
        (EventKind.NPS_PROMOTER,
         {"answers": (answer("1", TODAY, 8), answer("2", TODAY - DAY, 9))}, [TODAY - DAY]),
        (EventKind.CSAT_LOW,
         {"tickets": (ticket("1", TODAY - 3 * DAY, TODAY, csat=2), ticket("2", TODAY, csat=3))}, [TODAY]),
        (EventKind.CANCEL_NOTICE,
         {"lines": (line("L1", cancelled_on=TODAY - DAY), line("L2", cancelled_on=TODAY - DAY), line("L3"))},
         [TODAY - DAY]),
        (EventKind.RENEWAL_LOST,
         {"deals": (deal("1", state=DealState.LOST, close_on=TODAY), deal("2", close_on=TODAY))}, [TODAY]),
        (EventKind.EXPANSION_WON,
         {"deals": (deal("1", state=DealState.WON, kind="expansion", close_on=TODAY),)}, [TODAY]),
    ],
)  # fmt: skip
def test_what_counts_as_an_event(kind: EventKind, changes: dict[str, Any], days: list[date]) -> None:
    """Each kind on the day it happened; several lines cancelled by one notice are one event."""
    rule = EventRule("e", kind, 8_000, 30, "Why")
    (found,) = happened(replace(facts(), **changes), (rule,), "UTC", TODAY)
    assert (found.count, found.last_on) == (len(days), days[-1])
    assert found.points == sum(faded(8_000, (TODAY - day).days, 30) for day in days)


def test_a_day_in_a_field_of_the_customer_is_an_event() -> None:
    """The day a sponsor left, as the account says; a field that holds no day is none."""
    left = EventRule(
        "left", EventKind.ATTRIBUTE, -30_000, 60, "The sponsor left", attribute="sponsor_left_on"
    )
    for text, points in (("2024-05-01", 35_000), ("soon", 50_000), ("2024-07-01", 50_000)):
        account = Account("A1", "Acme", date(2023, 1, 1), attributes={"sponsor_left_on": text})
        assert scored(with_events(left), replace(facts(), account=account)).points == points


def test_an_event_falls_on_the_day_of_the_installation() -> None:
    """Noon UTC of the 29th is the 30th in Auckland."""
    account = facts(answers=(answer("A", TODAY - DAY, 10),))
    card = replace(with_events(PRAISE), time_zone="Pacific/Auckland")
    assert scored(card, account).contributions[1].value.observed_on == TODAY
    assert scored(with_events(PRAISE), account).contributions[1].value.observed_on == TODAY - DAY


@EXAMPLES
@given(st.integers(-100_000, 100_000), st.integers(0, 400), st.integers(1, 120))
def test_fading_is_steady_and_near_the_exact_power(points: int, age: int, half_life: int) -> None:
    """Each day takes a little and never gives back; the size is that of 2^-(age/h), rounded."""
    found = faded(points, age, half_life)
    assert abs(found - points * power(2, -age / half_life)) <= 0.5 + 1e-6
    assert abs(faded(points, age + 1, half_life)) <= abs(found) <= abs(points)
    assert found * points >= 0


@EXAMPLES
@given(st.lists(st.integers(-90_000, 90_000), max_size=6), st.integers(0, 100_000))
def test_what_is_cut_is_cut_from_what_pushes(parts: list[int], base: int) -> None:
    """The sum ends at the bound; no part changes sign, grows, or gives where it did not push."""
    cut = fitted(parts, base, 0, 100_000)
    total = base + sum(parts)
    assert base + sum(cut) == max(0, min(100_000, total))
    for before, after in zip(parts, cut, strict=True):
        assert abs(after) <= abs(before)
        assert after * before >= 0
        if before * (total - base) < 0:
            assert after == before
