"""The contract ledger: what counts on a day, under which declared policies."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from success.facts import Account, ContractLine, LineKind, Money
from success.kpis import arr, grr, logo_retention, nrr
from success.ledger import arr_of, contradictions, in_reporting, open_lines, policies_text, valid_on
from success.rules import Overlap, Policies, Validity
from tests.success.builders import facts, line, usd

NEW_YEAR = date(2025, 1, 1)
SUPERSEDE = Policies(overlap=Overlap.SUPERSEDE)


def test_a_line_is_valid_from_its_start_to_the_day_before_its_end() -> None:
    """Validity is half-open: [start, end)."""
    year = line(end=NEW_YEAR)
    assert not valid_on(year, date(2023, 12, 31), Policies())
    assert valid_on(year, date(2024, 1, 1), Policies())
    assert valid_on(year, date(2024, 12, 31), Policies())
    assert not valid_on(year, NEW_YEAR, Policies())


def test_the_end_day_counts_where_the_policy_says_so() -> None:
    """End-inclusive validity adds the end day and no more."""
    inclusive = Policies(validity=Validity.END_INCLUSIVE)
    assert valid_on(line(end=NEW_YEAR), NEW_YEAR, inclusive)
    assert not valid_on(line(end=NEW_YEAR), date(2025, 1, 2), inclusive)


@pytest.mark.parametrize("kind", [LineKind.TRIAL, LineKind.ONE_TIME])
def test_trials_and_one_time_lines_are_no_arr(kind: LineKind) -> None:
    """Only recurring lines count."""
    assert arr_of([line(kind=kind)], NEW_YEAR, Policies()) == usd(0)


def test_superseding_keeps_the_newest_line_and_breaks_ties_by_the_greatest_id() -> None:
    """Of lines that began on one day the greatest line id stands, whatever their order."""
    lines = [line("L2", arr=usd(20)), line("L9", arr=usd(90)), line("L10", arr=usd(10))]
    assert arr_of(lines, NEW_YEAR, SUPERSEDE) == usd(90)
    older = line("L99", start=date(2023, 1, 1), arr=usd(5))
    assert arr_of([*lines, older], NEW_YEAR, SUPERSEDE) == usd(90)


def test_superseding_is_per_account() -> None:
    """The newest line of one account replaces nothing of another's."""
    other = line("L2", account_id="A2", start=date(2024, 6, 1), arr=usd(7))
    assert arr_of([line(arr=usd(5)), other], NEW_YEAR, SUPERSEDE) == usd(12)


def test_a_line_superseded_by_reference_never_stacks() -> None:
    """The replaced line stops counting once its successor is open, not before."""
    lines = [line("old"), line("new", start=date(2024, 6, 1), supersedes_line_id="old", arr=usd(9))]
    assert [found.line_id for found in open_lines(lines, date(2024, 5, 31), Policies())] == ["old"]
    assert [found.line_id for found in open_lines(lines, date(2024, 6, 1), Policies())] == ["new"]


def test_currencies_are_converted_at_the_constant_rate() -> None:
    """100.50 euro at 1.1 are 110.55 dollars; 1,000 yen (no minor digits) at 1/150 are 6.67."""
    policies = Policies(fx={"EUR": Fraction(11, 10), "JPY": Fraction(1, 150)})
    assert in_reporting(Money(10050, "EUR"), policies) == Money(11055, "USD")
    assert in_reporting(Money(1000, "JPY"), policies) == Money(667, "USD")
    assert in_reporting(Money(1, "GBP"), policies) is None


def test_a_line_without_a_rate_is_reported() -> None:
    """It adds nothing to ARR, and a contradiction names it."""
    account = facts([line(arr=Money(100, "GBP"))])
    assert arr_of(account.lines, NEW_YEAR, Policies()) == usd(0)
    assert [item.code for item in contradictions(account, Policies(), NEW_YEAR)] == ["no_rate"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line(), line(product_id="other")], "duplicate_line"),
        ([line(end=date(2023, 1, 1))], "ends_before_start"),
        ([line(arr=usd(-1))], "negative_arr"),
        ([line("L1"), line("L2")], "overlap"),
    ],
)
def test_contradictions_are_reported(lines: list[ContractLine], code: str) -> None:
    """What cannot both be true is told by its own code."""
    assert [item.code for item in contradictions(facts(lines), Policies(), NEW_YEAR)] == [code]


def test_a_churn_flag_on_a_paying_account_is_a_contradiction() -> None:
    """The flag is reported while a line is open, and not once it has ended."""
    account = facts(
        [line(end=NEW_YEAR)], account=Account("A1", "Acme", NEW_YEAR, attributes={"churned": "Yes"})
    )
    before = contradictions(account, Policies(), date(2024, 12, 31))
    assert [item.code for item in before] == ["churned_but_open"]
    assert contradictions(account, Policies(), NEW_YEAR) == ()


def test_retention_leaves_new_logos_out() -> None:
    """100 became 150 and 100 was lost, 999 is new: NRR 0.75, GRR 0.5, logos 0.5."""
    start, end = date(2024, 1, 1), NEW_YEAR
    lines = [
        line("a", account_id="A", arr=usd(100)),
        line("a2", account_id="A", start=date(2024, 6, 1), arr=usd(50)),
        line("b", account_id="B", end=date(2024, 6, 1), arr=usd(100)),
        line("c", account_id="C", start=date(2024, 6, 1), arr=usd(999)),
    ]
    assert nrr(lines, start, end, Policies()).value == Fraction(3, 4)
    assert grr(lines, start, end, Policies()).value == Fraction(1, 2)
    assert logo_retention(lines, start, end, Policies()).value == Fraction(1, 2)


def test_retention_of_an_empty_cohort_is_unknown() -> None:
    """Nobody to keep is neither 0 nor 1."""
    assert nrr([], NEW_YEAR, NEW_YEAR, Policies()).value is None


def test_every_figure_prints_its_policies() -> None:
    """The policies stand beside the number in words."""
    printed = arr([line()], NEW_YEAR, SUPERSEDE).policies
    assert printed == policies_text(SUPERSEDE)
    assert "overlap=supersede" in printed
    assert "validity=half_open" in printed
