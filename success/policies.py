"""The declared policies of the contract ledger (domain A.0), each with its choices.

The charter sets them, ``colonnade metrics --policy`` tries others, and every number prints
them (``policies_text``). Neighbours: ``ledger`` and ``positions`` count by them, ``kpis``,
``bridge``, ``cohorts``, ``renewal_rate`` and ``time_to_value`` measure by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from success.facts import ARR_KINDS, LineKind


class Overlap(StrEnum):
    """How open lines of one account combine: all, the newest, or the newest of each product."""

    STACK = "stack"
    SUPERSEDE = "supersede"
    SUPERSEDE_PRODUCT = "supersede_product"


class Validity(StrEnum):
    """Whether a line still counts on its end day."""

    HALF_OPEN = "half_open"
    END_INCLUSIVE = "end_inclusive"


class Customer(StrEnum):
    """Who a customer is: whose gains may offset losses, and who is one logo."""

    ACCOUNT = "account"
    ULTIMATE_PARENT = "ultimate_parent"
    CONTRACT = "contract"
    PRODUCT = "product"


class ChurnDate(StrEnum):
    """The day on which a customer who leaves is lost."""

    TERM_END = "term_end"
    NOTICE = "notice"
    LAST_PAYMENT = "last_payment"
    LAST_USE = "last_use"


class Movement(StrEnum):
    """Whether a period is told by its two ends or by every movement inside it."""

    POINT_TO_POINT = "point_to_point"
    MOVEMENTS = "movements"


class MultiYear(StrEnum):
    """Which price of a line with steps is its ARR."""

    CURRENT_YEAR = "current_year"
    AVERAGE = "average"


class CoTerm(StrEnum):
    """Whether lines of one co-term group make one renewal or one each."""

    JOIN = "join"
    OWN_RENEWAL = "own_renewal"


class FxRate(StrEnum):
    """Which rate converts: that of the period's start, that of each day, or the fixed one."""

    CONSTANT = "constant"
    SPOT = "spot"
    BUDGET = "budget"


class UsagePricing(StrEnum):
    """Whether use above a commitment is no ARR, or its last three months are annualised."""

    COMMITTED = "committed"
    TRAILING_3_MONTHS = "trailing_3_months"


class Clock(StrEnum):
    """When the clock of time to value starts."""

    CONTRACT_START = "contract_start"
    SIGNATURE = "signature"
    ACCOUNT_CREATED = "account_created"


@dataclass(frozen=True, slots=True)
class Policies:
    """Declared ledger policies; every metric prints them beside its number.

    ``fx`` maps a currency to what one unit is worth in ``reporting_currency``; a line in a
    currency without a rate is a contradiction, never dropped silently. ``fx_dated`` holds
    what it was worth from a day on, in order of days; before the first of them ``fx`` holds.
    ``grace_days``: how long the ARR of a line that ended stays, pending, while nothing renews
    it. ``new_after_months``: an absence of that many months makes a returning customer new
    instead of reactivated; 0 is never. ``counted``: the kinds of lines that are ARR.
    ``activation_days`` is the time an account has to be activated (K8), ``value_days`` the
    target of time to value (K7).
    """

    overlap: Overlap = Overlap.STACK
    validity: Validity = Validity.HALF_OPEN
    reporting_currency: str = "USD"
    fx: Mapping[str, Fraction] = field(default_factory=dict)
    customer: Customer = Customer.ACCOUNT
    churn_date: ChurnDate = ChurnDate.TERM_END
    grace_days: int = 0
    new_after_months: int = 0
    movement: Movement = Movement.POINT_TO_POINT
    multi_year: MultiYear = MultiYear.CURRENT_YEAR
    co_term: CoTerm = CoTerm.JOIN
    fx_rate: FxRate = FxRate.CONSTANT
    fx_dated: Mapping[str, tuple[tuple[date, Fraction], ...]] = field(default_factory=dict)
    usage_pricing: UsagePricing = UsagePricing.COMMITTED
    counted: frozenset[LineKind] = ARR_KINDS
    clock: Clock = Clock.CONTRACT_START
    activation_days: int = 30
    value_days: int = 90

    def rate(self, currency: str, on: date | None = None) -> Fraction | None:
        """Return what one unit of a currency is worth in the reporting currency, None where unknown.

        ``on`` None, or under ``FxRate.BUDGET``: the fixed rate.
        """
        if currency == self.reporting_currency:
            return Fraction(1)
        if on is None or self.fx_rate is FxRate.BUDGET:
            return self.fx.get(currency)
        past = [rate for day, rate in self.fx_dated.get(currency, ()) if day <= on]
        return past[-1] if past else self.fx.get(currency)

    def rate_days(self, start: date, end: date) -> tuple[date, date]:
        """Return the days whose rates convert both ends of a period for retention."""
        return (start, end) if self.fx_rate is FxRate.SPOT else (start, start)


def policies_text(policies: Policies) -> str:
    """Return all policies in one line, to print beside a number."""
    rates = ", ".join(f"{code}={rate}" for code, rate in sorted(policies.fx.items())) or "none"
    dated = ", ".join(sorted(policies.fx_dated))
    parts = (
        f"overlap={policies.overlap.value}",
        f"validity={policies.validity.value}",
        f"currency={policies.reporting_currency} ({policies.fx_rate.value}, rates: {rates}"
        + (f"; by day: {dated})" if dated else ")"),
        f"customer={policies.customer.value}",
        f"churn_date={policies.churn_date.value}",
        f"grace_days={policies.grace_days}",
        f"new_after_months={policies.new_after_months or 'never'}",
        f"movement={policies.movement.value}",
        f"multi_year={policies.multi_year.value}",
        f"co_term={policies.co_term.value}",
        f"usage_pricing={policies.usage_pricing.value}",
        f"counted={'+'.join(sorted(policies.counted))}",
        f"clock={policies.clock.value}",
        f"activation_days={policies.activation_days}",
        f"value_days={policies.value_days}",
    )
    return "; ".join(parts)
