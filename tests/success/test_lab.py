"""The lab shows every variant beside the declared policies, and who makes the difference."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from fractions import Fraction

import pytest

from success.facts import Account, AccountFacts, ContractLine
from success.kpi_pack import context_of, pack
from success.lab import CHOICES, Lab, Variant, lab
from success.policies import Policies
from tests.success.builders import facts, line, rules, usd, used

PERIOD = (date(2024, 1, 1), date(2025, 1, 1))


def customer(name: str, *lines: ContractLine, **changes: object) -> AccountFacts:
    """Return an account of a name that holds lines."""
    return facts(lines, account=Account(name, name, date(2023, 1, 1)), **changes)


def held(account: str, line_id: str, dollars: int, **changes: object) -> ContractLine:
    """Return a line of an account."""
    return line(f"{account}{line_id}", account_id=account, arr=usd(dollars), **changes)


SEEN = replace(used(date(2024, 2, 1)), account_id="C")
ACCOUNTS = (
    customer("A", held("A", "1", 100), held("A", "2", 30, start=date(2024, 3, 1))),
    customer("B", held("B", "1", 500), held("B", "2", 200, start=date(2024, 3, 1), product_id="more")),
    customer("C", held("C", "1", 70, end=date(2025, 1, 1)), usage=(SEEN,)),
)


@pytest.fixture(scope="module")
def found() -> Lab:
    """Return the lab over three customers; A and B belong to B."""
    context = context_of(ACCOUNTS, rules(), PERIOD[1], {"A": "B"})
    return lab(ACCOUNTS, rules(), PERIOD, context)


def variant(found: Lab, policy: str, choice: str) -> Variant:
    """Return the one variant of a name."""
    (one,) = (one for one in found.variants if (one.policy, one.choice) == (policy, choice))
    return one


def test_every_other_choice_of_every_policy_is_tried(found: Lab) -> None:
    """All policies but amounts people set freely are in it, the declared choice is not repeated."""
    free = {"reporting_currency", "fx", "fx_dated", "activation_days", "value_days"}
    assert set(CHOICES) == {one.name for one in fields(Policies)} - free
    assert {one.policy for one in found.variants} == set(CHOICES)
    assert len(found.variants) == sum(len(choices) - 1 for choices in CHOICES.values())
    named = [one for one in found.variants if one.policy != "fx_rate"]  # printed beside the currency
    assert all(f"{one.policy}={one.choice}" in one.policies for one in named)


def test_the_largest_difference_comes_first(found: Lab) -> None:
    """Superseding costs B 500 and A 100 of ARR at the end; C stays as it is."""
    one = variant(found, "overlap", "supersede")
    assert (found.declared.arr, one.figures.arr) == (83_000, 23_000)
    assert one.accounts == 2
    assert [(each.account, each.figure, each.difference) for each in one.explained] == [
        ("B", "closing", -50_000),
        ("A", "closing", -10_000),
    ]
    assert all(each.declared + each.difference == each.variant for each in one.explained)


def test_grace_keeps_the_customer_whose_term_just_ended(found: Lab) -> None:
    """C's 70 ended on the day itself: declared churn, with grace none."""
    one = variant(found, "grace_days", "30")
    assert (found.declared.moved.churn, one.figures.moved.churn) == (-7_000, 0)
    assert [(each.account, each.difference) for each in one.explained] == [("C", 7_000)]
    assert found.declared.retention["logos"] == Fraction(2, 3)
    assert one.figures.retention["logos"] == 1


def test_variants_without_their_facts_say_what_is_missing(found: Lab) -> None:
    """Nobody gave notice here, and nothing is paid by use."""
    assert variant(found, "churn_date", "notice").remark == "no line says when notice was given"
    assert variant(found, "usage_pricing", "trailing_3_months").remark == "no line is overage"
    assert variant(found, "customer", "ultimate_parent").remark is None


def test_a_family_is_compared_as_a_family(found: Lab) -> None:
    """A and B grew apart or together: the same family kept the same, so that nobody differs."""
    assert variant(found, "customer", "ultimate_parent").accounts == 0


def test_a_churn_day_inside_the_period_changes_nothing_at_its_ends(found: Lab) -> None:
    """C was last seen in February: lost then or on the last day, the year loses its 70."""
    one = variant(found, "churn_date", "last_use")
    assert one.remark is None
    assert one.figures.moved == found.declared.moved
    assert variant(found, "validity", "end_inclusive").figures.arr == 90_000


def test_the_pack_agrees_with_the_lab(found: Lab) -> None:
    """The figures printed for the declared policies are those the variants stand beside."""
    context = context_of(ACCOUNTS, rules(), PERIOD[1], {"A": "B"})
    told = pack(ACCOUNTS, rules(), PERIOD, dict.fromkeys("ABC", "unknown"), context)
    assert told.bridge.total == found.declared.moved
    assert [one.value for one in told.retention] == list(found.declared.retention.values())
    assert told.arr.value == usd(830)


def test_the_pack_says_what_it_left_out_and_what_contradicts() -> None:
    """A line in a currency without a rate, one that ends before it starts, and a double one."""
    yen = held("A", "y", 5)
    broken = customer(
        "A",
        held("A", "1", 100),
        held("A", "1", 100),
        held("A", "b", 5, end=date(2023, 1, 1)),
        line("Ay", account_id="A", arr=type(yen.arr)(5, "JPY")),
    )
    told = pack([broken], rules(), PERIOD, {"A": "unknown"}, context_of([broken], rules(), PERIOD[1], {}))
    assert [(one.line_id, one.reason) for one in told.left_out] == [
        ("Ab", "ends before it starts"),
        ("Ay", "no rate for JPY"),
    ]
    assert [(one.account_id, one.code, one.subject) for one in told.contradictions] == [
        ("A", "duplicate_line", "A1"),
        ("A", "ends_before_start", "Ab"),
        ("A", "no_rate", "Ay"),
        ("A", "overlap", "core"),
    ]
