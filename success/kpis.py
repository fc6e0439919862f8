"""Portfolio KPIs over the contract ledger (domain A.1, K1 to K4), each with its policies.

All take the lines of many accounts and whole days. The cohort of a period is fixed on its
first day: accounts that start or come back inside it are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from success.facts import ContractLine, Money
from success.ledger import arr_of, in_reporting, open_lines, policies_text
from success.rules import Policies


class Level(StrEnum):
    """At which level gains may offset losses in GRR (K3)."""

    ACCOUNT = "account"
    PRODUCT = "product"
    LINE = "line"


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

    ``kept`` and ``base`` are minor units of the reporting currency, or accounts for logos.
    """

    name: str
    value: Fraction | None
    kept: int
    base: int
    start: date
    end: date
    policies: str


_LEVEL_KEYS: Mapping[Level, Callable[[ContractLine], tuple[str, ...]]] = {
    Level.ACCOUNT: lambda line: (line.account_id,),
    Level.PRODUCT: lambda line: (line.account_id, line.product_id),
    Level.LINE: lambda line: (line.account_id, line.product_id, line.line_id),
}


def arr(lines: Sequence[ContractLine], as_of: date, policies: Policies) -> Amount:
    """Return ARR(d), K1."""
    return Amount("ARR", arr_of(lines, as_of, policies), as_of, policies_text(policies))


def nrr(lines: Sequence[ContractLine], start: date, end: date, policies: Policies) -> Rate:
    """Return net revenue retention, K2: Σ arr(a, end) / Σ arr(a, start) over the start's cohort."""
    before = _arr_by(lines, start, policies, Level.ACCOUNT)
    after = _arr_by(lines, end, policies, Level.ACCOUNT)
    kept = sum(after.get(account, 0) for account in before)
    return _rate("NRR (account)", (kept, sum(before.values())), start, end, policies)


def grr(
    lines: Sequence[ContractLine], start: date, end: date, policies: Policies, level: Level = Level.ACCOUNT
) -> Rate:
    """Return gross revenue retention, K3: Σ min(arr(start), arr(end)) / Σ arr(start), never above 1."""
    before = _arr_by(lines, start, policies, level)
    after = _arr_by(lines, end, policies, level)
    kept = sum(min(amount, after.get(unit, 0)) for unit, amount in before.items())
    return _rate(f"GRR ({level.value})", (kept, sum(before.values())), start, end, policies)


def logo_retention(lines: Sequence[ContractLine], start: date, end: date, policies: Policies) -> Rate:
    """Return logo retention, K4: the share of the start's paying accounts that still pay."""
    before = _arr_by(lines, start, policies, Level.ACCOUNT)
    after = _arr_by(lines, end, policies, Level.ACCOUNT)
    kept = sum(account in after for account in before)
    return _rate("Logo retention (account)", (kept, len(before)), start, end, policies)


def _arr_by(
    lines: Sequence[ContractLine], day: date, policies: Policies, level: Level
) -> dict[tuple[str, ...], int]:
    """Sum positive ARR in minor units by the level's key; units without ARR are absent."""
    totals: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for line in open_lines(lines, day, policies):
        amount = in_reporting(line.arr, policies)
        totals[_LEVEL_KEYS[level](line)] += 0 if amount is None else amount.minor
    return {unit: total for unit, total in totals.items() if total > 0}


def _rate(name: str, share: tuple[int, int], start: date, end: date, policies: Policies) -> Rate:
    kept, base = share
    value = Fraction(kept, base) if base else None
    return Rate(name, value, kept, base, start, end, policies_text(policies))
