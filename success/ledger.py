"""The contract ledger (domain A.0): which lines count on a day, and what they are worth.

Every metric stands on it: ``kpis`` over portfolios, ``measures`` and ``renewals`` per
account. A line is valid ``[start, end)`` unless the policies say the end day counts too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from success.days import MONTHS_IN_YEAR, add_months
from success.facts import AccountFacts, ContractLine, Money
from success.policies import MultiYear, Overlap, Policies, Validity, policies_text
from success.shares import half_up

__all__ = [
    "CHURN_FLAGS",
    "Contradiction",
    "arr_of",
    "contradictions",
    "counting",
    "in_reporting",
    "minor_per_unit",
    "open_lines",
    "policies_text",
    "priced",
    "sum_arr",
    "valid_on",
]

# ISO 4217 currencies whose minor unit is not a hundredth.
MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
CHURN_FLAGS = ("churned", "churn_flag")
TRUE_WORDS = frozenset({"true", "yes", "1"})


@dataclass(frozen=True, slots=True, order=True)
class Contradiction:
    """Two facts that cannot both hold, told to people and never resolved silently.

    ``text`` is the admin's sentence. What a CSM reads as well has ``values`` for it, by name.
    """

    code: str
    subject: str
    text: str
    values: tuple[tuple[str, str | date], ...] = ()


def minor_per_unit(currency: str) -> int:
    """Return how many minor units make one unit of an ISO 4217 currency."""
    return int(10 ** MINOR_DIGITS.get(currency, 2))


def valid_on(line: ContractLine, day: date, policies: Policies) -> bool:
    """Say whether a line is valid on a day: ``[start, end)``, or with the end day in."""
    if day < line.start:
        return False
    if line.end is None or day < line.end:
        return True
    return policies.validity is Validity.END_INCLUSIVE and day == line.end


def open_lines(lines: Iterable[ContractLine], as_of: date, policies: Policies) -> tuple[ContractLine, ...]:
    """Return the lines that count on a day, at that day's price, ordered by (start, line_id).

    Only the kinds of ``policies.counted`` count. A line another open line supersedes by
    reference does not count; the overlap policy decides about the rest (see ``counting``).
    """
    valid = (line for line in lines if line.kind in policies.counted and valid_on(line, as_of, policies))
    return counting((priced(line, as_of, policies) for line in valid), policies)


def priced(line: ContractLine, day: date, policies: Policies) -> ContractLine:
    """Return a line with the ARR it has on a day: of its contract year, or the average of all years."""
    if not line.ramp:
        return line
    if policies.multi_year is MultiYear.AVERAGE:
        mean = half_up(Fraction(sum(step.minor for step in line.ramp), len(line.ramp)))
        return replace(line, arr=Money(mean, line.arr.currency))
    return replace(line, arr=line.ramp[min(_years_run(line.start, day), len(line.ramp) - 1)])


def _years_run(start: date, day: date) -> int:
    """Return how many whole contract years have passed; a 29 February is kept on the 28th."""
    years = max(0, day.year - start.year)
    return years - 1 if years and add_months(start, years * MONTHS_IN_YEAR) > day else years


def counting(lines: Iterable[ContractLine], policies: Policies) -> tuple[ContractLine, ...]:
    """Return which of the given simultaneously open lines count under the overlap policy.

    Superseding is per account, or per account and product, over its open paid lines: newest
    start wins, ties by the greatest line_id (domain E, conventions).
    """
    ordered = sorted(lines, key=_by_start)
    replaced = {(line.account_id, line.supersedes_line_id) for line in ordered if line.supersedes_line_id}
    kept = [line for line in ordered if (line.account_id, line.line_id) not in replaced]
    if policies.overlap is Overlap.STACK:
        return tuple(kept)
    by_product = policies.overlap is Overlap.SUPERSEDE_PRODUCT
    newest = {(line.account_id, line.product_id if by_product else ""): line for line in kept}
    return tuple(sorted(newest.values(), key=_by_start))


def _by_start(line: ContractLine) -> tuple[date, str, str]:
    return (line.start, line.line_id, line.account_id)


def in_reporting(amount: Money, policies: Policies, on: date | None = None) -> Money | None:
    """Return an amount in the reporting currency (minor units, half up), or None without a rate.

    ``on`` is the day whose rate converts; None takes the charter's fixed rate.
    """
    target = policies.reporting_currency
    rate = policies.rate(amount.currency, on)
    if rate is None or amount.currency == target:
        return amount if rate is not None else None
    units = Fraction(amount.minor, minor_per_unit(amount.currency)) * rate
    return Money(half_up(units * minor_per_unit(target)), target)


def sum_arr(lines: Iterable[ContractLine], policies: Policies) -> Money:
    """Return Σ arr of the given lines in the reporting currency; lines without a rate add nothing.

    ``contradictions`` names the lines without a rate.
    """
    amounts = (in_reporting(line.arr, policies) for line in lines)
    return Money(sum(amount.minor for amount in amounts if amount is not None), policies.reporting_currency)


def arr_of(lines: Iterable[ContractLine], as_of: date, policies: Policies) -> Money:
    """Return ARR on a day (K1): Σ recurring arr of the lines that count, in constant currency."""
    return sum_arr(open_lines(lines, as_of, policies), policies)


def contradictions(
    facts: AccountFacts, policies: Policies, as_of: date, churn_flags: Sequence[str] = CHURN_FLAGS
) -> tuple[Contradiction, ...]:
    """Return what cannot both be true in one account's facts on a day, sorted.

    ``churn_flags`` are the account attributes that say it has churned.
    """
    found = [
        *_line_contradictions(facts.lines, policies),
        *_overlaps(facts.lines, policies, as_of),
        *_churn_flag(facts, policies, as_of, churn_flags),
    ]
    return tuple(sorted(set(found)))


def _line_contradictions(lines: Sequence[ContractLine], policies: Policies) -> Iterator[Contradiction]:
    for line_id, times in Counter(line.line_id for line in lines).items():
        if times > 1:
            yield Contradiction("duplicate_line", line_id, f"Line {line_id} occurs {times} times.")
    for line in lines:
        if line.end is not None and line.end < line.start:
            text = f"Line {line.line_id} ends on {line.end} before it starts on {line.start}."
            yield Contradiction("ends_before_start", line.line_id, text)
        if in_reporting(line.arr, policies) is None:
            text = f"Line {line.line_id} is in {line.arr.currency}, which has no rate."
            values = (("line", line.line_id), ("currency", line.arr.currency))
            yield Contradiction("no_rate", line.line_id, text, values)
        if line.arr.minor < 0:
            yield Contradiction("negative_arr", line.line_id, f"Line {line.line_id} has a negative ARR.")


def _overlaps(lines: Sequence[ContractLine], policies: Policies, as_of: date) -> Iterator[Contradiction]:
    by_product: defaultdict[str, list[str]] = defaultdict(list)
    for line in open_lines(lines, as_of, policies):
        by_product[line.product_id].append(line.line_id)
    for product, ids in by_product.items():
        if len(ids) > 1:
            text = f"{len(ids)} lines of {product} are open at once and none says it supersedes another."
            yield Contradiction("overlap", product, text)


def _churn_flag(
    facts: AccountFacts, policies: Policies, as_of: date, churn_flags: Sequence[str]
) -> Iterator[Contradiction]:
    flagged = [name for name in churn_flags if facts.account.attributes.get(name, "").lower() in TRUE_WORDS]
    if flagged and open_lines(facts.lines, as_of, policies):
        text = f"The flag {flagged[0]} says churned, but a contract line is open on {as_of}."
        values: tuple[tuple[str, str | date], ...] = (("flag", flagged[0]), ("day", as_of))
        yield Contradiction("churned_but_open", facts.account.account_id, text, values)
