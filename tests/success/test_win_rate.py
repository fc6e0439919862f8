"""Win rates by closing and by creation answer different questions (K13)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from success.facts import Deal, DealState, Money
from success.policies import Policies
from success.win_rate import by_closing, by_creation
from tests.success.builders import deal, usd

Q1 = (date(2024, 1, 1), date(2024, 4, 1))
AS_OF = date(2024, 12, 31)


def made(deal_id: str, state: DealState, created: date, closed: date | None, dollars: int = 10) -> Deal:
    """Return a new-business deal."""
    return deal(deal_id, state=state, kind="new", amount=usd(dollars), created_on=created, close_on=closed)


DEALS = [
    made("a", DealState.WON, date(2023, 6, 1), date(2024, 1, 1), 30),
    made("b", DealState.LOST, date(2024, 1, 10), date(2024, 3, 31), 10),
    made("c", DealState.WON, date(2024, 1, 10), date(2024, 4, 1), 20),
    made("d", DealState.WON, date(2024, 2, 1), date(2024, 9, 1), 20),
    made("e", DealState.OPEN, date(2024, 3, 1), date(2024, 3, 30), 20),
    deal("f", kind="renewal", state=DealState.WON, close_on=date(2024, 2, 1)),
]


def test_by_closing_what_closed_in_the_period_counts() -> None:
    """A won and b lost in the quarter; c closed on the day after it, e is open: 1 of 2, 30 of 40."""
    found = by_closing(DEALS, "new", Q1, Policies())
    assert (found.won, found.lost, found.rate) == (1, 1, Fraction(1, 2))
    assert found.by_value == Fraction(30, 40)


def test_by_creation_what_was_made_in_the_period_counts_at_one_age() -> None:
    """Of b, c, d and e, b was lost and c won within 90 days; d was won later, e is open."""
    found = by_creation(DEALS, "new", Q1, AS_OF, Policies())
    assert (found.deals, found.won, found.lost, found.rate) == (4, 1, 1, Fraction(1, 2))
    older = by_creation(DEALS, "new", Q1, AS_OF, Policies(), age_days=300)
    assert (older.won, older.lost) == (2, 1)


def test_the_last_day_of_the_age_counts() -> None:
    """Made on 1 January and won 90 days later, on 31 March: decided in time."""
    one = made("x", DealState.WON, date(2024, 1, 1), date(2024, 3, 31))
    assert by_creation([one], "new", Q1, AS_OF, Policies()).won == 1


def test_deals_too_young_for_the_age_are_left_out() -> None:
    """On 1 May only those made by 1 February are 90 days old."""
    assert by_creation(DEALS, "new", Q1, date(2024, 5, 1), Policies()).deals == 3


def test_lost_deals_without_an_amount_are_told() -> None:
    """By value they weigh nothing, which flatters."""
    lost = made("z", DealState.LOST, date(2024, 1, 1), date(2024, 2, 1), 0)
    found = by_closing([*DEALS, lost], "new", Q1, Policies())
    assert (found.rate, found.by_value, found.lost_without_amount) == (Fraction(1, 3), Fraction(30, 40), 1)


def test_values_are_in_the_reporting_currency() -> None:
    """20 euro at 1.5 won, 30 dollars lost, and yen without a rate in neither: one half."""
    euro = deal("x", kind="new", state=DealState.WON, amount=Money(2_000, "EUR"), close_on=Q1[0])
    yen = deal("y", kind="new", state=DealState.WON, amount=Money(2_000, "JPY"), close_on=Q1[0])
    lost = made("z", DealState.LOST, Q1[0], Q1[0], 30)
    found = by_closing([euro, yen, lost], "new", Q1, Policies(fx={"EUR": Fraction(3, 2)}))
    assert (found.by_value, found.won) == (Fraction(1, 2), 2)


def test_without_a_decision_there_is_no_rate() -> None:
    """Neither 0 nor 1."""
    assert by_closing([], "new", Q1, Policies()).rate is None
