"""Portfolio KPIs over the contract ledger (domain A.1, K1 to K4), each with its policies.

All take the lines of many accounts and whole days. The cohort of a period is fixed on its
first day: customers that start or come back inside it are left out. Neighbours:
``positions`` says what stood on a day, ``bridge`` tells the same period movement by movement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from success.bridge import Bridge, bridge
from success.facts import ContractLine, Money
from success.ledger import policies_text
from success.policies import Movement, Policies
from success.positions import Book, Context, Ground, Level, Unit

__all__ = [
    "Amount",
    "Level",
    "Rate",
    "arr",
    "grr",
    "headlines",
    "logo_retention",
    "nrr",
    "pending_arr",
    "retention",
]


@dataclass(frozen=True, slots=True)
class Amount:
    """A money KPI on a day, with the policies behind it."""

    name: str
    value: Money
    as_of: date
    policies: str


@dataclass(frozen=True, slots=True)
class Rate:
    """A retention KPI from ``start`` to ``end``; ``value`` None where the cohort is empty.

    ``kept`` and ``base`` are minor units of the reporting currency, or customers for logos.
    """

    name: str
    value: Fraction | None
    kept: int
    base: int
    start: date
    end: date
    policies: str


def arr(
    lines: Iterable[ContractLine], as_of: date, policies: Policies, context: Context | None = None
) -> Amount:
    """Return ARR(d), K1, at the rates of the day; late renewals in their grace are in it."""
    return _amount("ARR", Book(lines, policies, context), as_of, frozenset(Ground))


def pending_arr(
    lines: Iterable[ContractLine], as_of: date, policies: Policies, context: Context | None = None
) -> Amount:
    """Return the part of ARR(d) whose term has ended and whose renewal is still awaited."""
    return _amount("ARR pending", Book(lines, policies, context), as_of, frozenset({Ground.PENDING}))


def _amount(name: str, book: Book, as_of: date, grounds: frozenset[Ground]) -> Amount:
    minor = sum(book.worth(position, as_of) for position in book.on(as_of) if position.ground in grounds)
    value = Money(minor, book.policies.reporting_currency)
    return Amount(name, value, as_of, policies_text(book.policies))


def nrr(
    lines: Iterable[ContractLine],
    start: date,
    end: date,
    policies: Policies,
    level: Level = Level.ACCOUNT,
    context: Context | None = None,
) -> Rate:
    """Return net revenue retention, K2: Σ arr(a, end) / Σ arr(a, start) over the start's cohort."""
    return _nrr(Book(lines, policies, context), start, end, level)


def grr(
    lines: Iterable[ContractLine],
    start: date,
    end: date,
    policies: Policies,
    level: Level = Level.ACCOUNT,
    context: Context | None = None,
) -> Rate:
    """Return gross revenue retention, K3: Σ min(arr(start), arr(end)) / Σ arr(start), never above 1.

    Where the policy counts movements: 1 - Σ losses inside the period / Σ arr(start), which is
    never more, and below 0 where more was lost than the start held.
    """
    return _grr(Book(lines, policies, context), start, end, level)


def logo_retention(
    lines: Iterable[ContractLine],
    start: date,
    end: date,
    policies: Policies,
    context: Context | None = None,
) -> Rate:
    """Return logo retention, K4: the share of the start's paying customers that still pay."""
    return _logos(Book(lines, policies, context), start, end)


def retention(book: Book, start: date, end: date) -> tuple[Rate, ...]:
    """Return NRR and GRR at every level, then logo retention."""
    rates = [rate(book, start, end, level) for level in Level for rate in (_nrr, _grr)]
    return (*rates, _logos(book, start, end))


def headlines(book: Book, start: date, end: date) -> tuple[Rate, Rate, Rate]:
    """Return NRR and GRR at account level and logo retention: what is published (K2 to K4)."""
    return (
        _nrr(book, start, end, Level.ACCOUNT),
        _grr(book, start, end, Level.ACCOUNT),
        _logos(book, start, end),
    )


def _nrr(book: Book, start: date, end: date, level: Level) -> Rate:
    before, after = _ends(book, start, end, level)
    kept = sum(after.get(unit, 0) for unit in before)
    return _rate(f"NRR ({level.value})", (kept, sum(before.values())), start, end, book.policies)


def _grr(book: Book, start: date, end: date, level: Level) -> Rate:
    before, after = _ends(book, start, end, level)
    kept = sum(min(amount, after.get(unit, 0)) for unit, amount in before.items())
    if book.policies.movement is Movement.MOVEMENTS:
        kept = sum(before.values()) - _lost(bridge(book, start, end, level), before)
    return _rate(f"GRR ({level.value})", (kept, sum(before.values())), start, end, book.policies)


def _logos(book: Book, start: date, end: date) -> Rate:
    before, after = _ends(book, start, end, Level.ACCOUNT)
    kept = sum(customer in after for customer in before)
    name = f"Logo retention ({book.policies.customer.value})"
    return _rate(name, (kept, len(before)), start, end, book.policies)


def _ends(book: Book, start: date, end: date, level: Level) -> tuple[dict[Unit, int], dict[Unit, int]]:
    """Return the units with ARR above 0 at both ends of a period, at the policy's rates."""
    first, last = book.policies.rate_days(start, end)
    before, after = book.totals(start, level, first), book.totals(end, level, last)
    return _positive(before), _positive(after)


def _positive(totals: dict[Unit, int]) -> dict[Unit, int]:
    return {unit: total for unit, total in totals.items() if total > 0}


def _lost(found: Bridge, cohort: dict[Unit, int]) -> int:
    """Return what the units of a cohort lost over all movements, as a positive amount."""
    return -sum(row.moved.contraction + row.moved.churn for row in found.rows if row.unit in cohort)


def _rate(name: str, share: tuple[int, int], start: date, end: date, policies: Policies) -> Rate:
    kept, base = share
    value = Fraction(kept, base) if base else None
    return Rate(name, value, kept, base, start, end, policies_text(policies))
