"""CEL over measures and words: mistakes carry their place, the unknown stays unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from success.expressions import ExpressionError, attributes_in, check, check_at, evaluate, names_in
from success.facts import Account
from success.measures import UNKNOWN, MeasureBook, MeasureValue
from success.view import AccountView
from success.words import Step
from tests.success.builders import facts, line, rules

TODAY = date(2024, 6, 30)
MEASURED = {
    "open_tickets": MeasureValue(3, TODAY),
    "seats": MeasureValue(0, TODAY),
    "seat_utilisation": MeasureValue(Fraction(4, 5), TODAY),
    "csat_90d": UNKNOWN,
}


@pytest.mark.parametrize(
    ("expression", "line", "column"),
    [
        ("open_tickets >", 1, 15),
        ("open_tickets > 1 &&\n   nonsense", 2, 4),
        ("seat_utilisation > 1", 1, 18),
        ("open_tickets + 1", 1, 1),
    ],
)
def test_a_mistake_carries_line_and_column(expression: str, line: int, column: int) -> None:
    """Syntax, unknown names, wrong types and anything but a yes or no are refused where they stand."""
    with pytest.raises(ExpressionError) as caught:
        check(expression)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_double_beside_an_int_is_explained() -> None:
    """The remedy for CEL's strict numbers is in the message."""
    with pytest.raises(ExpressionError, match=r"write 1\.0 beside a double"):
        check("seat_utilisation > 1")


def test_health_is_known_only_after_scoring() -> None:
    """A cap cannot read the score it limits; suppression can."""
    check("health < 50.0", with_health=True)
    with pytest.raises(ExpressionError) as caught:
        check("seats > 1 ||\n health < 50.0")
    assert (caught.value.line, caught.value.column) == (2, 2)


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ("open_tickets >= 3", True),
        ("seat_utilisation > 0.8", False),
        ("csat_90d > 4.0", None),
        ("open_tickets > 5 && csat_90d > 4.0", False),
        ("open_tickets > 1 || csat_90d > 4.0", True),
        ("open_tickets > 1 && csat_90d > 4.0", None),
        ("open_tickets / seats > 1", None),
        ("tickets_28d == 0", None),
    ],
)
def test_truth_is_three_valued(expression: str, truth: bool | None) -> None:
    """What hangs on an unknown measure is unknown; what does not is answered."""
    assert evaluate(expression, MEASURED) is truth


def test_names_read_by_an_expression() -> None:
    """Only measures are listed, sorted."""
    assert names_in("seats > 1 && open_tickets + seats < 5") == ("open_tickets", "seats")


def told(**changes: object) -> MeasureBook:
    """Return the book of a bank in Germany with an owner and a contract that ended yesterday."""
    attributes = {"industry": "Banking", "employees": "250", "note": "segment"}
    account = Account("A1", "Acme", TODAY, owner_id="7", attributes=attributes)
    known = replace(facts([line(end=TODAY)]), account=account)
    return MeasureBook(AccountView(known, rules()), TODAY, words={"segment": "large", **changes})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ('attr.industry == "Banking" && account.owner == "7"', True),
        ('attr . industry in ["Retail", "Banking"]', True),
        ('attr["industry"].startsWith("Bank")', True),
        ("int(attr.employees) > 200", True),
        ("int(attr.note) > 200", None),
        ('attr.country == "DE"', None),
        ("has(attr.country)", False),
        ('has(attr.country) && attr.country == "DE"', False),
        ('account.name == "Acme" || attr.country == "DE"', True),
        ("contract.begun && !contract.open", True),
        ('segment == "large"', True),
        ('stage == "customer"', None),
        ('attr.note == "segment" && account.name != "stage"', True),
    ],
)
def test_words_are_read_beside_measures(expression: str, truth: bool | None) -> None:
    """Account, attributes, contract and what earlier steps settled; what nobody said is unknown."""
    assert evaluate(expression, told()) is truth


def test_lists_are_words_too() -> None:
    """The plan's phases and positions are asked for by membership."""
    book = told(**{"plan.phases_open": ("launch",), "plan.reached": ()})
    assert evaluate('"launch" in plan.phases_open && size(plan.reached) == 0', book) is True


def test_a_word_that_comes_too_late_is_told_where_it_stands() -> None:
    """Not where it is only part of a text, or an attribute of that name."""
    check_at('attr.stage == "health" && account.name != "segment"', Step.SEGMENT)
    with pytest.raises(ExpressionError) as caught:
        check_at('attr.stage == "stage" ||\n  stage == "x"', Step.SEGMENT)
    assert (caught.value.line, caught.value.column) == (2, 3)
    check_at('stage == "x" && segment == "y"', Step.HEALTH)


def test_attributes_read_by_an_expression_have_their_places() -> None:
    """Each with line and column, also the second in a line."""
    found = attributes_in('attr.a == "attr.b" &&\nattr.c == "x" || attr.d == "y"')
    assert found == (("a", 1, 1), ("c", 2, 1), ("d", 2, 18))
