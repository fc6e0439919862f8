"""Accounts and ARR by segment and stage are counted once each, and moves by both ends of a period."""

from __future__ import annotations

from datetime import date, timedelta

from success.criteria import Segmentation, SegmentRule, TouchModel
from success.holding import Change, Held
from success.standing import Standing
from success.standing_counts import Move, Place, standing_counts
from success.view import AccountView
from tests.success.builders import facts, line, rules, usd

START, END = date(2024, 6, 1), date(2025, 6, 1)
BY = rules(
    segmentation=Segmentation(
        1,
        0,
        (
            SegmentRule("large", "Large", "arr >= 1000.0", touch=TouchModel.HIGH),
            SegmentRule("small", "Small", touch=TouchModel.LOW),
        ),
    )
)


def held(*changes: tuple[date, str]) -> Held:
    """Return what stood since which day, oldest first."""
    return Held(tuple(Change(since, value) for since, value in changes))


def test_places_and_moves_are_counted() -> None:
    """Three accounts by hand: one grew, one was away and came back, one is new and in a segment of before."""
    earlier, between = START - timedelta(days=1), START + timedelta(days=1)
    worth = {"A": 1500, "B": 200, "C": 30}
    views = {key: AccountView(facts([line(arr=usd(units))]), BY) for key, units in worth.items()}
    stands = {
        "A": Standing(
            held((earlier, "small"), (between, "large")), held((earlier, "onboarding"), (END, "customer"))
        ),
        "B": Standing(
            held((earlier, "small"), (between, "large"), (END, "small")), held((earlier, "customer"))
        ),
        "C": Standing(held((between, "retired")), held((between, "onboarding"))),
    }
    found = standing_counts(views, stands, BY, (START, END))
    assert found.segments == (
        Place("large", "Large", TouchModel.HIGH, 1, 150_000),
        Place("small", "Small", TouchModel.LOW, 1, 20_000),
        Place("unknown", "Unknown", None, 0, 0),
        Place("retired", "retired", None, 1, 3_000),
    )
    assert {one.key: (one.accounts, one.arr) for one in found.stages if one.accounts} == {
        "onboarding": (1, 3_000),
        "customer": (2, 170_000),
    }
    assert found.segment_moves == (Move("small", "large", 1),)
    assert found.stage_moves == (Move("onboarding", "customer", 1),)
