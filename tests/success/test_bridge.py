"""The ARR bridge on hand-counted examples: every movement in its one bucket (domain C06)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from success.bridge import Movements, bridge
from success.facts import ContractLine, Money
from success.kpis import grr
from success.policies import Movement, Policies
from success.positions import Book, Level
from tests.success.builders import line, usd

START, END = date(2024, 1, 1), date(2025, 1, 1)
BEFORE, MIDDLE = date(2022, 1, 1), date(2024, 6, 1)
STEPS = Policies(movement=Movement.MOVEMENTS)


def moved(lines: list[ContractLine], policies: Policies | None = None) -> dict[str, int]:
    """Return the year's movements in whole dollars, those of 0 left out."""
    total = bridge(Book(lines, policies or Policies()), START, END).total
    assert total.adds_up
    amounts = {name: getattr(total, name) for name in Movements.__slots__}
    return {name: amount // 100 for name, amount in amounts.items() if amount}


def test_a_portfolio_of_one_of_each() -> None:
    """New 10, back 20, grown 30, shrunk 40 and left 50, each where it belongs."""
    lines = [
        line("new", account_id="N", start=MIDDLE, arr=usd(10)),
        line("r1", account_id="R", start=BEFORE, end=date(2023, 1, 1), arr=usd(5)),
        line("r2", account_id="R", start=MIDDLE, arr=usd(20)),
        line("e1", account_id="E", arr=usd(100)),
        line("e2", account_id="E", start=MIDDLE, product_id="more", arr=usd(30)),
        line("s1", account_id="S", arr=usd(60)),
        line("s2", account_id="S", end=MIDDLE, arr=usd(40)),
        line("left", account_id="L", end=MIDDLE, arr=usd(50)),
    ]
    assert moved(lines) == {
        "opening": 250,
        "new": 10,
        "reactivation": 20,
        "expansion": 30,
        "contraction": -40,
        "churn": -50,
        "closing": 220,
    }


def test_a_return_is_never_expansion_and_new_only_after_the_policys_absence() -> None:
    """Gone from 1 January 2023 to 1 June 2024: 17 months, so new from 17 months on and not from 18."""
    lines = [
        line("r1", start=BEFORE, end=date(2023, 1, 1), arr=usd(5)),
        line("r2", start=MIDDLE, arr=usd(20)),
    ]
    assert moved(lines) == {"reactivation": 20, "closing": 20}
    assert moved(lines, Policies(new_after_months=17)) == {"new": 20, "closing": 20}
    assert moved(lines, Policies(new_after_months=18)) == {"reactivation": 20, "closing": 20}


def test_a_late_renewal_is_churn_and_reactivation_only_without_grace() -> None:
    """Ended on 1 June and renewed on the 4th: no movement with 30 days of grace."""
    lines = [line("a", end=MIDDLE, arr=usd(100)), line("b", start=date(2024, 6, 4), arr=usd(100))]
    bare = Policies(movement=Movement.MOVEMENTS)
    assert moved(lines, bare) == {"opening": 100, "churn": -100, "reactivation": 100, "closing": 100}
    patient = Policies(movement=Movement.MOVEMENTS, grace_days=30)
    assert moved(lines, patient) == {"opening": 100, "closing": 100}


def test_a_return_after_the_grace_was_churn_in_between() -> None:
    """Ended on 1 June, gone on 1 July and back on 1 September, seen only by movements."""
    lines = [line("a", end=MIDDLE, arr=usd(100)), line("b", start=date(2024, 9, 1), arr=usd(100))]
    patient = Policies(movement=Movement.MOVEMENTS, grace_days=30)
    assert moved(lines, patient) == {"opening": 100, "churn": -100, "reactivation": 100, "closing": 100}


def test_steps_inside_a_period_are_movements_of_their_own() -> None:
    """100, then 200, then 50: by steps 100 up and 150 down, by its ends 50 down."""
    ramp = [line("a", arr=usd(100), ramp=(usd(100), usd(200), usd(50)))]
    years = (START, date(2026, 1, 1))
    by_steps, by_ends = (bridge(Book(ramp, one), *years).total for one in (STEPS, Policies()))
    assert (by_steps.uplift, by_steps.contraction) == (10_000, -15_000)
    assert (by_ends.uplift, by_ends.contraction) == (0, -5_000)


def test_what_is_still_awaited_is_told_beside_the_closing() -> None:
    """Ended ten days before the closing: 100 is in it, and pending."""
    found = bridge(
        Book([line("a", end=date(2024, 12, 22), arr=usd(100))], Policies(grace_days=30)), START, END
    )
    assert (found.total.closing, found.pending, found.total.churn) == (10_000, 10_000, 0)


def test_up_then_down_hides_in_point_to_point_and_shows_in_movements() -> None:
    """100 grew to 180 in March and fell to 70 in June: -30 by its ends, +80 and -110 by its steps."""
    lines = [
        line("a", arr=usd(70)),
        line("b", arr=usd(30), end=MIDDLE),
        line("c", start=date(2024, 3, 1), end=MIDDLE, product_id="more", arr=usd(80)),
    ]
    assert moved(lines) == {"opening": 100, "contraction": -30, "closing": 70}
    assert moved(lines, STEPS) == {"opening": 100, "expansion": 80, "contraction": -110, "closing": 70}
    assert grr(lines, START, END, Policies()).value == Fraction(70, 100)
    assert grr(lines, START, END, STEPS).value == Fraction(-10, 100)


def test_a_contracted_step_is_uplift_and_no_sale() -> None:
    """100 in the first year and 110 in the second, beside 25 sold in June."""
    lines = [line("a", arr=usd(100), ramp=(usd(100), usd(110))), line("b", start=MIDDLE, arr=usd(25))]
    assert moved(lines) == {"opening": 100, "uplift": 10, "expansion": 25, "closing": 135}


def test_a_dearer_renewal_with_more_seats_is_part_uplift_part_expansion() -> None:
    """10 seats at 10 became 12 at 11: one dollar on 10 seats is uplift, two seats at 11 are sold."""
    lines = [
        line("a", quantity=10, end=MIDDLE, arr=usd(100)),
        line("b", quantity=12, start=MIDDLE, arr=usd(132), renewal_of_line_id="a"),
    ]
    assert moved(lines) == {"opening": 100, "uplift": 10, "expansion": 22, "closing": 132}


def test_uplift_never_exceeds_what_the_account_gained() -> None:
    """Prices rose by 10 and a product of 4 was dropped: a gain of 6, all of it uplift."""
    lines = [
        line("a", arr=usd(100), ramp=(usd(100), usd(110))),
        line("b", product_id="more", end=MIDDLE, arr=usd(4)),
    ]
    assert moved(lines) == {"opening": 104, "uplift": 6, "closing": 110}


def test_a_co_termed_add_on_is_expansion_on_its_start_with_its_full_arr() -> None:
    """Sold in November for the two months to the common end, it still adds 120 a year."""
    end = date(2025, 2, 1)
    lines = [
        line("a", end=end, arr=usd(100), co_term_group="g"),
        line("b", start=date(2024, 11, 1), end=end, arr=usd(120), product_id="more", co_term_group="g"),
    ]
    assert moved(lines) == {"opening": 100, "expansion": 120, "closing": 220}


def test_currency_has_its_own_bucket() -> None:
    """100 euro lost 10 and gained 20 in value: -10 at the old rate of 1, then 90 euro times 0.20."""
    lines = [
        line("a", arr=Money(9_000, "EUR")),
        line("b", end=MIDDLE, arr=Money(1_000, "EUR")),
    ]
    dated = {"EUR": ((START, Fraction(1)), (END, Fraction(6, 5)))}
    policies = Policies(fx={"EUR": Fraction(1)}, fx_dated=dated)
    assert moved(lines, policies) == {"opening": 100, "contraction": -10, "fx": 18, "closing": 108}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.ACCOUNT, {("A1",): 10}),
        (Level.PRODUCT, {("A1", "A1", "x"): -30, ("A1", "A1", "y"): 40}),
        (Level.LINE, {("A1", "A1", "x", "x1"): -30, ("A1", "A1", "y", "y1"): 40}),
    ],
)
def test_rows_are_the_levels_units(level: Level, expected: dict[tuple[str, ...], int]) -> None:
    """Product x is given up for 30 and y bought for 40: one gain by account, one of each below it."""
    lines = [
        line("k", product_id="k", arr=usd(1)),
        line("x1", product_id="x", end=MIDDLE, arr=usd(30)),
        line("y1", product_id="y", start=MIDDLE, arr=usd(40)),
    ]
    rows = bridge(Book(lines, Policies()), START, END, level).rows
    changed = {row.unit: (row.moved.closing - row.moved.opening) // 100 for row in rows}
    assert {unit: change for unit, change in changed.items() if change} == expected
    assert sum(row.moved.churn for row in rows) == 0  # the account stays
