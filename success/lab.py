"""Every variant of the ledger's policies side by side, and the accounts that explain it (domain A.0).

Almost every argument about retention is one about inputs: the lab changes one policy at a
time and names who makes the difference, the largest first. Neighbours: ``kpi_pack`` prints
the figures of the declared policies, ``policies`` has the choices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from success.bridge import Movements, bridge
from success.facts import AccountFacts, ContractLine, LineKind
from success.kpis import Level, retention
from success.ledger import policies_text
from success.policies import (
    ChurnDate,
    Clock,
    CoTerm,
    Customer,
    FxRate,
    Movement,
    MultiYear,
    Overlap,
    Policies,
    UsagePricing,
    Validity,
)
from success.positions import Book, Context
from success.renewal_rate import RenewalRate, renewal_rate
from success.rules import Rules
from success.time_to_value import Wait, activation, waits
from success.view import AccountView

EXPLAINED = 10
GRACES = (0, 30, 60, 90)
ABSENCES = (0, 12)
WITH_OFFERS = frozenset({LineKind.RECURRING, LineKind.COMMITTED_USAGE, LineKind.CS_OFFER})
CHOICES: Mapping[str, Sequence[object]] = {
    "overlap": tuple(Overlap),
    "validity": tuple(Validity),
    "customer": tuple(Customer),
    "churn_date": tuple(ChurnDate),
    "grace_days": GRACES,
    "new_after_months": ABSENCES,
    "movement": tuple(Movement),
    "multi_year": tuple(MultiYear),
    "co_term": tuple(CoTerm),
    "fx_rate": tuple(FxRate),
    "usage_pricing": tuple(UsagePricing),
    "counted": (frozenset({LineKind.RECURRING, LineKind.COMMITTED_USAGE}), WITH_OFFERS),
    "clock": tuple(Clock),
}
RATES = ("nrr_account", "grr_account", "nrr_product", "grr_product", "nrr_line", "grr_line", "logos")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one variant; money in minor units of the reporting currency.

    ``activated`` is K8, told by the variant's clock.
    """

    arr: int
    moved: Movements
    retention: Mapping[str, Fraction | None]
    renewals_due: int
    renewal_gross: Fraction | None
    renewal_net: Fraction | None
    activated: Fraction | None


@dataclass(frozen=True, slots=True)
class Difference:
    """The figure of an account that a variant changes most: an amount in minor units, or a number.

    ``account`` is the ultimate parent where the variant counts parents.
    """

    account: str
    figure: str
    money: bool
    declared: int
    variant: int
    difference: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One policy changed. ``accounts`` of them differ; ``explained`` are the largest differences.

    ``remark`` says why a choice changes nothing here, where the facts it asks for are not read.
    """

    policy: str
    choice: str
    figures: Figures
    accounts: int
    explained: tuple[Difference, ...]
    remark: str | None
    policies: str


@dataclass(frozen=True, slots=True)
class Lab:
    """The declared policies' figures from ``start`` to ``as_of``, and every variant beside them."""

    start: date
    as_of: date
    currency: str
    declared: Figures
    variants: tuple[Variant, ...]
    policies: str


Parts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Trial:
    """One set of policies tried: its figures, and their parts by account and name."""

    figures: Figures
    book: Book
    parts: Parts


class _Bench:
    """The facts every variant is tried on, indexed once."""

    def __init__(
        self, facts: Iterable[AccountFacts], rules: Rules, period: tuple[date, date], context: Context
    ) -> None:
        self.rules, self.period, self.context = rules, period, context
        self.views = [AccountView(one, rules) for one in facts]
        self.lines = [line for view in self.views for line in view.lines]

    def tried(self, policies: Policies) -> _Trial:
        """Return the figures under policies."""
        start, end = self.period
        book = Book(self.lines, policies, self.context)
        moved = bridge(book, start, end, Level.LINE)
        due = renewal_rate(self.lines, self.rules.renewal, policies, (start + DAY, end + DAY), end)
        ways = waits(self.views, end, policies.clock)
        rates = [one.value for one in retention(book, start, end)]
        total = bridge(book, start, end).total
        figures = Figures(
            arr=moved.total.closing,
            moved=total,
            retention=dict(zip(RATES, rates, strict=True)),
            renewals_due=len(due.terms),
            renewal_gross=due.gross,
            renewal_net=due.net,
            activated=activation(ways, end, policies).share,
        )
        rows = [(row.unit, row.moved) for row in moved.rows]
        return _Trial(figures, book, _parts(rows, _kept(book, self.period), due, ways))


def lab(facts: Iterable[AccountFacts], rules: Rules, period: tuple[date, date], context: Context) -> Lab:
    """Return the figures under the declared policies and under each other choice of each policy."""
    bench, declared = _Bench(facts, rules, period, context), rules.policies
    base = bench.tried(declared)
    variants = tuple(
        _variant(bench, base, name, choice)
        for name, choices in CHOICES.items()
        for choice in choices
        if choice != getattr(declared, name)
    )
    currency = declared.reporting_currency
    return Lab(*period, currency, base.figures, variants, policies_text(declared))


def _variant(bench: _Bench, base: _Trial, name: str, choice: object) -> Variant:
    changes: dict[str, object] = {name: choice}
    policies = replace(bench.rules.policies, **changes)  # type: ignore[arg-type]  # one of CHOICES
    said = "+".join(sorted(choice)) if isinstance(choice, frozenset) else str(choice)
    remark = _remark(bench, choice)
    tried = base if remark and name != "clock" else bench.tried(policies)
    found = sorted(_differences(base, tried), key=_largest)
    shown = tuple(found[:EXPLAINED])
    return Variant(name, said, tried.figures, len(found), shown, remark, policies_text(policies))


def _parts(
    rows: Iterable[tuple[tuple[str, ...], Movements]],
    kept: Mapping[str, int],
    due: RenewalRate,
    ways: Iterable[Wait],
) -> Parts:
    """Return each account's part in the figures, by name."""
    parts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for unit, moved in rows:
        account = unit[-3]
        for figure in Movements.__slots__:
            parts[account][figure] += getattr(moved, figure)
    for account, amount in kept.items():
        parts[account]["kept"] += amount
    for term in due.terms:
        parts[term.account_id]["due"] += term.target
        parts[term.account_id]["renewed"] += min(term.target, term.final)
        parts[term.account_id]["renewals_due"] += 1
    for way in ways:
        parts[way.account_id]["days_to_value"] = way.days
    return parts


def _kept(book: Book, period: tuple[date, date]) -> Mapping[str, int]:
    """Return what GRR counts as kept, under the first account of each customer."""
    first, last = book.policies.rate_days(*period)
    before = book.totals(period[0], Level.ACCOUNT, first)
    after = book.totals(period[1], Level.ACCOUNT, last)
    kept: defaultdict[str, int] = defaultdict(int)
    for customer, amount in before.items():
        kept[customer[0]] += max(0, min(amount, after.get(customer, 0)))
    return kept


def _differences(base: _Trial, tried: _Trial) -> Iterator[Difference]:
    """Yield for each account that differs its largest difference, money before numbers."""
    books = (base.book, tried.book)
    by_parent = any(book.policies.customer is Customer.ULTIMATE_PARENT for book in books)
    name_of: Callable[[str], str] = base.book.root if by_parent else str
    mine, theirs = (_gathered(trial.parts, name_of) for trial in (base, tried))
    for account in sorted({*mine, *theirs}):
        here, there = mine.get(account, {}), theirs.get(account, {})
        found = [
            Difference(account, figure, figure not in _NUMBERS, *_pair(here, there, figure))
            for figure in sorted({*here, *there})
            if here.get(figure, 0) != there.get(figure, 0)
        ]
        if found:
            yield min(found, key=_largest)


_NUMBERS = frozenset({"renewals_due", "days_to_value"})


def _pair(here: Mapping[str, int], there: Mapping[str, int], figure: str) -> tuple[int, int, int]:
    declared, variant = here.get(figure, 0), there.get(figure, 0)
    return declared, variant, variant - declared


def _largest(one: Difference) -> tuple[bool, int, str, str]:
    return (not one.money, -abs(one.difference), one.account, one.figure)


def _gathered(parts: Parts, name_of: Callable[[str], str]) -> Parts:
    found: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for account, figures in parts.items():
        for figure, amount in figures.items():
            found[name_of(account)][figure] += amount
    return found


def _remark(bench: _Bench, choice: object) -> str | None:
    """Return what is missing for a choice to make a difference."""
    asked = _ASKS.get(choice)
    if asked is None:
        return None
    there, remark = asked
    return None if there(bench) else remark


def _any_line(says: Callable[[ContractLine], object]) -> Callable[[_Bench], bool]:
    return lambda bench: any(says(line) for line in bench.lines)


_ASKS: Mapping[object, tuple[Callable[[_Bench], bool], str]] = {
    Customer.ULTIMATE_PARENT: (lambda bench: bool(bench.context.parents), "no account names a parent"),
    ChurnDate.NOTICE: (_any_line(lambda line: line.cancelled_on), "no line says when notice was given"),
    ChurnDate.LAST_PAYMENT: (_any_line(lambda line: line.last_paid_on), "no line says when it was paid"),
    ChurnDate.LAST_USE: (lambda bench: any(bench.context.uses.values()), "no use is known"),
    MultiYear.AVERAGE: (_any_line(lambda line: line.ramp), "no line has prices by year"),
    FxRate.SPOT: (lambda bench: bool(bench.rules.policies.fx_dated), "the charter has no rates by day"),
    FxRate.BUDGET: (lambda bench: bool(bench.rules.policies.fx_dated), "the charter has no rates by day"),
    UsagePricing.TRAILING_3_MONTHS: (
        _any_line(lambda line: line.kind is LineKind.OVERAGE),
        "no line is overage",
    ),
    WITH_OFFERS: (_any_line(lambda line: line.kind is LineKind.CS_OFFER), "no line is a CS offer"),
    Clock.SIGNATURE: (_any_line(lambda line: line.booked_on), "no line says when it was signed"),
}
