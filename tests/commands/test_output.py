"""What commands answer as JSON: money stands in the units people count in, whatever the currency."""

from __future__ import annotations

import pytest

from success.facts import Money
from sync.commands.output import plain


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        (Money(123_450, "USD"), 1_234.5),
        (Money(1_500, "JPY"), 1_500.0),
        (Money(1_500, "KWD"), 1.5),
        (Money(-1, "EUR"), -0.01),
    ],
)
def test_money_is_in_major_units(money: Money, amount: float) -> None:
    """Yen have no smaller unit and dinars have a thousand of them (ISO 4217)."""
    assert plain(money) == {"amount": amount, "currency": money.currency}
