"""The change of health: causes that sum to it exactly, each only where its input moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from success import change as changing
from success.change import Cause, Change, Side, change
from success.explain_change import explain_change
from success.facts import AccountFacts
from success.rules import Cap, OnMissing, Rules, Scorecard
from success.wording.words import Language, Words
from tests.success.builders import (
    answer,
    counts,
    days,
    facts,
    line,
    rules,
    scorecard,
    ticket,
    used,
)
from tests.success.changes import CSAT, DAY, FIRST, POINTS, by_segment, override, with_override


def used_on(*on: date, **more: Any) -> AccountFacts:
    """Return a customer with a year's contract who used the product on some days."""
    return facts([line()], usage=tuple(used(day) for day in on), usage_seen=True, support_seen=True, **more)


def ruled(*measures: Any, **more: Any) -> Rules:
    """Return a charter with these measures and no caps."""
    return rules(scorecard=scorecard(*measures, **more))


ACTIVE = counts("active_days_28d", 50, (0, 0), (10, 100))
RENEWAL = counts("days_to_renewal", 50, (0, 0), (100, 100))


def causes(found: Change) -> dict[str, int]:
    """Return the parts as thousandths by cause."""
    return {part.cause.value: part.points for part in found.parts}


def items(found: Change, cause: Cause) -> dict[str, int]:
    """Return what the measures gave to a cause."""
    return {item.key: item.points for part in found.parts if part.cause is cause for item in part.items}


def test_nothing_moved_is_no_part_at_all() -> None:
    """The same facts, rules and day."""
    side = Side(used_on(FIRST), ruled(ACTIVE, RENEWAL), FIRST)
    found = change(side, side)
    assert (found.delta, found.parts) == (0, ())
    assert "nothing moved it" in explain_change(found)


def test_days_that_pass_are_ageing() -> None:
    """Ninety days before its end a contract has 90 points, ten days later 80."""
    account = facts([line(start=date(2023, 6, 1), end=FIRST + 90 * DAY)])
    book = ruled(RENEWAL)
    found = change(Side(account, book, FIRST), Side(account, book, FIRST + 10 * DAY))
    assert causes(found) == {"ageing": -10 * POINTS}
    assert items(found, Cause.AGEING) == {"days_to_renewal": -10 * POINTS}


def test_use_that_goes_on_is_no_cause() -> None:
    """Five days of use in 28 before and after: it neither aged to nothing nor came back."""
    before, after = days(FIRST - 10 * DAY, 5), days(FIRST + 20 * DAY, 5)
    found = change(
        Side(used_on(*before), ruled(ACTIVE), FIRST),
        Side(used_on(*before, *after), ruled(ACTIVE), FIRST + 30 * DAY),
    )
    assert (found.delta, found.parts) == (0, ())


def test_use_that_was_heard_of_is_new_data() -> None:
    """From 5 to 8 active days of 10, a month later: 30 points, all of them news."""
    before, after = days(FIRST - 10 * DAY, 5), days(FIRST + 20 * DAY, 8)
    found = change(
        Side(used_on(*before), ruled(ACTIVE), FIRST),
        Side(used_on(*before, *after), ruled(ACTIVE), FIRST + 30 * DAY),
    )
    assert causes(found) == {"data": 30 * POINTS}
    (item,) = found.parts[0].items
    assert item.before is not None
    assert item.after is not None
    assert (item.before.value, item.after.value) == (5, 8)


def test_a_measure_that_goes_missing_moves_weight_and_the_rest_moves_by_its_own() -> None:
    """Use falls from 80 to 60, half of which is 10. Then no rating is left and use alone counts: 5 more."""
    ratings = (answer("S", FIRST - 80 * DAY, 3, csat=3),)  # 50 points; too old after ten days
    before, after = days(FIRST - 10 * DAY, 8), days(FIRST - 2 * DAY, 6)
    found = change(
        Side(used_on(*before, answers=ratings), ruled(ACTIVE, CSAT), FIRST),
        Side(used_on(*after, answers=ratings), ruled(ACTIVE, CSAT), FIRST + 15 * DAY),
    )
    assert (found.before.points, found.after.points) == (65 * POINTS, 60 * POINTS)
    assert causes(found) == {"data": -10 * POINTS, "missing": 5 * POINTS}
    assert items(found, Cause.MISSING) == {"active_days_28d": 30 * POINTS, "csat_90d": -25 * POINTS}


def test_a_measure_that_becomes_known_moves_weight_too() -> None:
    """Alone, use counts whole: 80. A rating of 50 points takes half of the weight: 65."""
    usage = days(FIRST - 10 * DAY, 8)
    rated = used_on(*usage, answers=(answer("S", FIRST, 3, csat=3),))
    book = ruled(ACTIVE, CSAT)
    found = change(Side(used_on(*usage), book, FIRST), Side(rated, book, FIRST))
    assert causes(found) == {"missing": -15 * POINTS}
    assert items(found, Cause.MISSING) == {"active_days_28d": -40 * POINTS, "csat_90d": 25 * POINTS}


def test_a_stale_value_that_is_told_again_was_missing_and_is_known() -> None:
    """A rating older than its limit counts nowhere on the way, whatever it was."""
    card = ruled(ACTIVE, replace(CSAT, max_age_days=10))
    usage = days(FIRST - 10 * DAY, 8)
    old = (answer("S", FIRST - 20 * DAY, 5, csat=5),)
    new = (*old, answer("T", FIRST, 1, csat=1))
    found = change(
        Side(used_on(*usage, answers=old), card, FIRST), Side(used_on(*usage, answers=new), card, FIRST)
    )
    # The mean of 5 and 1 is 3, which is 50 points: half of 80 and half of 50 are 65.
    assert causes(found) == {"missing": -15 * POINTS}


def test_other_weights_are_other_rules_and_nothing_else() -> None:
    """Half and half of 80 and 50 are 65; nine to one they are 77."""
    account = used_on(*days(FIRST - 10 * DAY, 8), answers=(answer("S", FIRST, 3, csat=3),))
    after = ruled(replace(ACTIVE, weight=90), replace(CSAT, weight=10))
    found = change(Side(account, ruled(ACTIVE, CSAT), FIRST), Side(account, after, FIRST))
    assert causes(found) == {"weights": 12 * POINTS}
    assert items(found, Cause.WEIGHTS) == {"active_days_28d": 32 * POINTS, "csat_90d": -20 * POINTS}


def test_another_reading_of_the_same_records_is_another_rule() -> None:
    """What the charter of before would read today is new data; the rest of the way is the charter."""
    was, would, are = (used_on(*days(FIRST - 20 * DAY, count)) for count in (2, 5, 9))
    book = ruled(ACTIVE)
    found = change(Side(was, book, FIRST), Side(are, book, FIRST), heard=would)
    assert causes(found) == {"data": 30 * POINTS, "weights": 40 * POINTS}


def test_another_segment_is_another_scorecard() -> None:
    """From 65 of use and rating to the 50 of the rating alone."""
    account = used_on(*days(FIRST - 10 * DAY, 8), answers=(answer("S", FIRST, 3, csat=3),))
    side = Side(account, ruled(ACTIVE, CSAT), FIRST, segment="small")
    found = change(side, replace(side, segment="large"), cards=by_segment)
    assert causes(found) == {"segment": -15 * POINTS}
    assert items(found, Cause.SEGMENT) == {"active_days_28d": -40 * POINTS, "csat_90d": 25 * POINTS}


def test_a_cap_is_an_item_of_what_made_it_true() -> None:
    """80 points of use, and an escalation caps them at 60."""
    card = ruled(ACTIVE, caps=(Cap("escalation", "open_escalations > 0", 60_000, "An escalation is open"),))
    usage = days(FIRST - 10 * DAY, 8)
    escalated = used_on(*usage, tickets=(ticket("T", FIRST, escalated=True),))
    found = change(Side(used_on(*usage), card, FIRST), Side(escalated, card, FIRST))
    assert items(found, Cause.DATA) == {"escalation": -20 * POINTS}
    assert explain_change(found).splitlines()[1:] == [
        "New data: -20.0 points.",
        "  An escalation is open: -20.0 points.",
    ]


def test_a_milestone_that_became_late_is_news_and_no_other_segment() -> None:
    """Late milestones cap 80 points at 60; that the stage moved on the same days changes no scorecard."""
    card = ruled(ACTIVE, caps=(Cap("late", "plan.milestones_late > 0", 60_000, "The plan is late"),))
    account = used_on(*days(FIRST - 10 * DAY, 8))
    before = Side(account, card, FIRST, words={"stage": "align", "plan.milestones_late": 0})
    after = Side(account, card, FIRST, words={"stage": "onboard", "plan.milestones_late": 1})
    assert causes(change(before, after)) == {"data": -20 * POINTS}
    assert causes(change(after, before)) == {"data": 20 * POINTS}


def test_a_cap_by_the_stage_is_another_stage() -> None:
    """The plan stood still and the stage did not."""
    card = ruled(ACTIVE, caps=(Cap("early", 'stage == "align"', 60_000, "It is early"),))
    account = used_on(*days(FIRST - 10 * DAY, 8))
    before = Side(account, card, FIRST, words={"stage": "onboard", "plan.milestones_late": 1})
    after = Side(account, card, FIRST, words={"stage": "align", "plan.milestones_late": 1})
    assert causes(change(before, after)) == {"segment": -20 * POINTS}


# --- overrides: the scoring may not know them yet, so the test's own lays them over it -------------------


@pytest.fixture
def overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have scores take overrides."""
    monkeypatch.setattr(changing, "score", with_override)


@pytest.mark.usefixtures("overrides")
def test_an_override_is_told_after_what_moved_below_it() -> None:
    """Use falls from 80 to 50 and a person says 70: 30 lost by data, 20 given by hand."""
    before, after = days(FIRST - 10 * DAY, 8), days(FIRST - 5 * DAY, 5)
    found = change(
        Side(used_on(*before), ruled(ACTIVE), FIRST),
        Side(used_on(*after, human=override(70, FIRST)), ruled(ACTIVE), FIRST),
    )
    assert causes(found) == {"data": -30 * POINTS, "override": 20 * POINTS}


@pytest.mark.usefixtures("overrides")
def test_an_override_that_ends_gives_way_to_the_computed_score() -> None:
    """By the day alone: 70 by hand becomes the 80 of use; that is its end, not age."""
    account = used_on(*days(FIRST - 10 * DAY, 8), human=override(70, FIRST - 20 * DAY, 22))
    found = change(Side(account, ruled(ACTIVE), FIRST), Side(account, ruled(ACTIVE), FIRST + 5 * DAY))
    assert causes(found) == {"override": 10 * POINTS}


@pytest.mark.usefixtures("overrides")
def test_what_moves_below_an_override_is_told_and_cancels_out() -> None:
    """Use rises by 30 points that the person's score takes back: no difference, and both are shown."""
    before, after, word = days(FIRST - 10 * DAY, 5), days(FIRST - 10 * DAY, 8), override(70, FIRST)
    found = change(
        Side(used_on(*before, human=word), ruled(ACTIVE), FIRST),
        Side(used_on(*after, human=word), ruled(ACTIVE), FIRST),
    )
    assert (found.delta, causes(found)) == (0, {"data": 0})
    assert items(found, Cause.DATA) == {"active_days_28d": 30 * POINTS, "override": -30 * POINTS}
    assert "cancels out" in explain_change(found)


# --- no score at an end ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "why"),
    [
        (
            scorecard(ACTIVE, replace(CSAT, weight=60)),
            "45.4 % of what we weigh is known and 50.0 % is needed.",
        ),
        (
            scorecard(ACTIVE, replace(CSAT, on_missing=OnMissing.BLOCK, title="Satisfaction")),
            "no score is given without Satisfaction.",
        ),
        (scorecard(CSAT), "nothing of what we weigh is known."),
    ],
)
def test_an_unknown_score_has_a_reason_and_no_numbers(card: Scorecard, why: str) -> None:
    """Too little known, a measure that is needed, nothing at all: at either end and at both."""
    usage, book = days(FIRST - 10 * DAY, 8), rules(scorecard=card)
    poor = Side(used_on(*usage), book, FIRST)
    rich = Side(used_on(*usage, answers=(answer("S", FIRST, 3, csat=3),)), book, FIRST)
    for one, other in ((poor, rich), (rich, poor), (poor, poor)):
        found = change(one, other)
        assert (found.delta, found.parts) == (None, ())
        said = explain_change(found)
        assert why.removesuffix(".") in said
        assert "+" not in said
    assert explain_change(change(rich, poor)).endswith(f"On 2024-03-01 it is unknown because {why}")


def test_a_step_without_a_score_is_counted_with_the_next_one() -> None:
    """No rating any more would leave nothing known; the new charter asks for use: one cause for both."""
    rated = used_on(*days(FIRST - 10 * DAY, 8), answers=(answer("S", FIRST - 80 * DAY, 3, csat=3),))
    found = change(Side(rated, ruled(CSAT), FIRST), Side(rated, ruled(ACTIVE), FIRST + 15 * DAY))
    assert causes(found) == {"weights": 30 * POINTS}


# --- in words --------------------------------------------------------------------------------------------


def test_the_change_is_told_cause_by_cause_and_measure_by_measure() -> None:
    """Each line with its sign, each measure with both of its values."""
    ratings = (answer("S", FIRST - 80 * DAY, 3, csat=3),)
    titled = [replace(ACTIVE, title="Active days in 28 days"), replace(CSAT, title="Satisfaction in 90 days")]
    found = change(
        Side(used_on(*days(FIRST - 10 * DAY, 8), answers=ratings), ruled(*titled), FIRST),
        Side(used_on(*days(FIRST - 2 * DAY, 6), answers=ratings), ruled(*titled), FIRST + 15 * DAY),
    )
    assert explain_change(found).splitlines() == [
        "Health went from 65.0 (yellow) on 2024-03-01 to 60.0 (yellow) on 2024-03-16: -5.0 points.",
        "New data: -10.0 points.",
        "  Active days in 28 days from 8 to 6: -10.0 points.",
        "Measures that became known or went missing: +5.0 points.",
        "  Active days in 28 days (6): +30.0 points.",
        "  Satisfaction in 90 days is not known any more (was 3.0): -25.0 points.",
    ]
    assert explain_change(found, Words(Language.FR)).splitlines()[:3] == [
        "La santé est passée de 65,0 (yellow) le 1 mars 2024 à 60,0 (yellow) le 16 mars 2024 : -5,0 points.",
        "Nouvelles données : -10,0 points.",
        "  Jours d'activité en 28 jours, de 8 à 6 : -10,0 points.",
    ]
