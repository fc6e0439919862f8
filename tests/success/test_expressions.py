"""CEL over measures: mistakes carry their place, the unknown stays unknown."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from success.expressions import ExpressionError, check, evaluate, names_in
from success.measures import UNKNOWN, MeasureValue

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
