"""Money between a CRM's decimal text in major units and minor units with a currency.

The number of decimals per currency is ISO 4217's, as ``success.ledger`` knows it.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from success.facts import Money
from success.ledger import MINOR_DIGITS

DEFAULT_DIGITS = 2


def decimals_of(currency: str) -> int:
    """Return how many decimals a currency's minor unit has."""
    return MINOR_DIGITS.get(currency, DEFAULT_DIGITS)


def from_major(amount: Decimal, currency: str) -> Money:
    """Return an amount in major units as money; the dust of floating point is rounded half to even."""
    minor = amount.scaleb(decimals_of(currency)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return Money(int(minor), currency)


def to_major(money: Money) -> Decimal:
    """Return money in major units, with all the decimals of its currency: 1,500 yen are 1500."""
    return Decimal(money.minor).scaleb(-decimals_of(money.currency))


def to_major_text(money: Money) -> str:
    """Return money as decimal text in major units, with all the decimals of its currency."""
    return f"{to_major(money):f}"
