"""Every account is in one segment: the first that holds, with a margin, a hold and pins that end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from success.criteria import Segmentation, SegmentRule, TouchModel
from success.decide import advance, decide
from success.facts import Account, AccountFacts
from success.fold import FoldState
from success.human_inputs import HumanInputs, Pin
from success.rules import Rules
from tests.success.builders import facts, fields, line, rules, usd

MONDAY = date(2025, 3, 3)
TIERS = Segmentation(
    1,
    0,
    (
        SegmentRule("large", "Large", "arr >= 100000.0", "arr < 90000.0", TouchModel.HIGH, 14),
        SegmentRule("banks", "Banks", 'attr.industry == "Banking"', touch=TouchModel.MID),
        SegmentRule("small", "Small", touch=TouchModel.DIGITAL),
    ),
)


def charter(hold_days: int = 0, segmentation: Segmentation = TIERS) -> Rules:
    """Return rules with these segments and a hold."""
    return rules(segmentation=replace(segmentation, hold_days=hold_days))


def account(arr: int, attributes: Mapping[str, str] | None = None, **changes: object) -> AccountFacts:
    """Return a customer worth so many dollars a year."""
    held = replace(Account("A1", "Acme", date(2023, 1, 1)), attributes=attributes or {})
    return replace(facts([line(arr=usd(arr))]), account=held, **changes)  # type: ignore[arg-type]


def told(state: FoldState, known: AccountFacts, by: Rules, day: date) -> Mapping[str, object]:
    """Return what the profile says on a day."""
    return fields(decide(state, known, by, day).records, "profile:acme")


def after(amounts: list[int], by: Rules) -> tuple[FoldState, date]:
    """Return the state after one day for each amount of ARR, from Monday on, and the day that follows."""
    state = FoldState.empty()
    for offset, arr in enumerate(amounts):
        state = advance(state, account(arr), by, MONDAY + timedelta(days=offset + 1))
    return state, MONDAY + timedelta(days=len(amounts))


@pytest.mark.parametrize(
    ("arr", "attributes", "expected"),
    [
        (100_000, {}, "large"),
        (99_999, {}, "unknown"),
        (99_999, {"industry": "Banking"}, "banks"),
        (99_999, {"industry": "Retail"}, "small"),
        (200_000, {"industry": "Banking"}, "large"),
    ],
)
def test_the_first_segment_that_holds_is_the_one(
    arr: int, attributes: Mapping[str, str], expected: str
) -> None:
    """Order decides where two hold; who was never told of by what a rule asks is unknown, not small."""
    found = told(FoldState.empty(), account(arr, attributes), charter(), MONDAY)
    assert found["segment"] == expected


def test_the_profile_says_how_a_segment_is_looked_after_and_since_when() -> None:
    """Touch model and day come along; an unknown segment has no touch model."""
    found = told(FoldState.empty(), account(100_000), charter(), MONDAY)
    assert (found["touch_model"], found["segment_since"]) == ("high", MONDAY)
    assert told(FoldState.empty(), account(1), charter(), MONDAY)["touch_model"] is None


def test_a_gap_in_the_data_moves_nobody() -> None:
    """A bank whose industry somebody emptied stays a bank; with another industry it is small."""
    bank = account(1, {"industry": "Banking"})
    state = advance(FoldState.empty(), bank, charter(), MONDAY)
    assert told(state, account(1), charter(), MONDAY)["segment"] == "banks"
    assert told(state, account(1, {"industry": "Retail"}), charter(), MONDAY)["segment"] == "small"


def test_without_segments_everybody_is_in_the_same() -> None:
    """A charter that says nothing of segments leaves nobody without one."""
    assert told(FoldState.empty(), facts(), rules(), MONDAY)["segment"] == "all"


def test_an_account_leaves_by_the_margin_only() -> None:
    """From 100,000 an account is large, and it stays so down to 90,000."""
    retail = {"industry": "Retail"}
    state = advance(FoldState.empty(), account(100_000, retail), charter(), MONDAY)
    shown = [
        told(state, account(arr, retail), charter(), MONDAY)["segment"] for arr in (99_999, 90_000, 89_999)
    ]
    assert shown == ["large", "large", "small"]
    newcomer = told(FoldState.empty(), account(95_000, retail), charter(), MONDAY)
    assert newcomer["segment"] == "small"


def test_a_month_end_that_dips_and_recovers_changes_nothing() -> None:
    """Three days below the border are less than the hold of a week; ten are more, and tell since when."""
    two = Segmentation(
        1, 7, (SegmentRule("large", "Large", "arr >= 100000.0"), SegmentRule("small", "Small"))
    )
    by = rules(segmentation=two)
    dipped, _ = after([120_000] * 5 + [80_000] * 3 + [120_000] * 5 + [80_000] * 3 + [120_000], by)
    assert dipped.segment is not None
    assert [one.value for one in dipped.segment.changes] == ["large"]
    left, day = after([120_000] * 5 + [80_000] * 10, by)
    found = told(left, account(80_000), by, day)
    assert (found["segment"], found["segment_since"]) == ("small", MONDAY + timedelta(days=5 + 7))


def pinned(key: str, first: date, until: date) -> HumanInputs:
    """Return a pin to a segment."""
    return HumanInputs(segment_pin=Pin(key, first, until, "asked for by the board", "Ada"))


def test_a_pin_stands_at_once_and_ends_by_itself() -> None:
    """In force on [made_on, until); no hold delays it, neither when it begins nor when it ends."""
    by = charter(hold_days=30)
    held = account(120_000, human=pinned("small", date(2025, 3, 5), date(2025, 3, 8)))
    state, shown = FoldState.empty(), []
    for day in (MONDAY + timedelta(days=offset) for offset in range(7)):
        state = advance(state, held, by, day)
        found = told(state, held, by, day)
        shown.append((day.day, found["segment"], found["segment_since"]))
    assert shown == [
        (3, "large", date(2025, 3, 2)),
        (4, "large", date(2025, 3, 2)),
        (5, "small", date(2025, 3, 5)),
        (6, "small", date(2025, 3, 5)),
        (7, "small", date(2025, 3, 5)),
        (8, "large", date(2025, 3, 8)),
        (9, "large", date(2025, 3, 8)),
    ]


def test_a_pin_taken_back_ends_the_same_day() -> None:
    """Nobody waits out the hold of a segment a person only lent to an account."""
    by = charter(hold_days=30)
    held = account(120_000, human=pinned("small", MONDAY, date(2025, 6, 1)))
    state = advance(FoldState.empty(), held, by, date(2025, 3, 10))
    assert told(state, held, by, date(2025, 3, 10))["segment"] == "small"
    assert told(state, account(120_000), by, date(2025, 3, 10))["segment"] == "large"


def test_a_pin_to_a_segment_that_is_none_is_told_and_does_nothing() -> None:
    """The account stays where the rules have it, and its risks name the pin."""
    held = account(120_000, human=pinned("gold", MONDAY, date(2025, 6, 1)))
    found = told(FoldState.empty(), held, charter(), MONDAY)
    assert found["segment"] == "large"
    assert found["risks"] == (
        "The segment is pinned to 'gold', which the charter does not have; it has no effect."
    )


def test_a_segment_the_charter_lost_is_left_at_once() -> None:
    """An account does not wait out a hold in a segment nobody declares any more."""
    state = advance(FoldState.empty(), account(120_000), charter(), MONDAY)
    other = Segmentation(2, 30, (SegmentRule("everybody", "Everybody"),))
    found = told(state, account(120_000), charter(30, other), MONDAY)
    assert (found["segment"], found["segment_since"]) == ("everybody", MONDAY)


def test_an_attribute_of_several_values_tells_no_segment_and_is_named() -> None:
    """Which of two industries counts is not for us to choose: the account and both values are told."""
    held = account(1, {"industry": "Banking; Retail", "country": "DE;FR"})
    found = told(FoldState.empty(), held, charter(), MONDAY)
    assert found["segment"] == "unknown"
    assert found["risks"] == (
        "The attribute 'industry' carries several values (Banking, Retail), so it tells no segment."
    )
