"""The ledger on a day, line by line and customer by customer, under every declared policy.

``Book`` holds the lines of a portfolio once; ``kpis``, ``bridge``, ``cohorts`` and
``renewal_rate`` ask it what stood on a day. It adds to ``ledger.open_lines`` what only
portfolio figures know: pending late renewals, the churn day, overage, the customer unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from success.churn_dates import with_churn_dates
from success.days import MONTHS_IN_YEAR, add_months
from success.facts import ContractLine, LineKind, Money
from success.ledger import counting, in_reporting, priced, valid_on
from success.policies import Customer, Policies, UsagePricing, Validity
from success.renewal_terms import group_sources

OVERAGE_MONTHS = 3
Unit = tuple[str, ...]


class Level(StrEnum):
    """At which level gains may offset losses in GRR (K3)."""

    ACCOUNT = "account"
    PRODUCT = "product"
    LINE = "line"


class Ground(StrEnum):
    """Why a line is in the figures: by contract, awaiting a late renewal, or as annualised overage."""

    CONTRACTED = "contracted"
    PENDING = "pending"
    OVERAGE = "overage"


@dataclass(frozen=True, slots=True)
class Position:
    """A line that counts on a day, its ``arr`` that of the day in the line's own currency."""

    line: ContractLine
    ground: Ground


@dataclass(frozen=True, slots=True)
class Context:
    """What some policies ask beside the lines.

    ``known_on``: the day up to which facts are complete (churn by last payment or use).
    ``parents``: each account's parent, as it stood where the hierarchy is frozen.
    ``uses``: each account's days with valid use, in order.
    """

    known_on: date | None = None
    parents: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, Sequence[date]] = field(default_factory=dict)


class Book:
    """The lines of a portfolio under one set of policies. Money is in the reporting currency."""

    def __init__(
        self, lines: Iterable[ContractLine], policies: Policies, context: Context | None = None
    ) -> None:
        """Index the lines by account and settle their churn days and customers."""
        self.policies = policies
        self.context = context or Context()
        grouped: defaultdict[str, list[ContractLine]] = defaultdict(list)
        for line in lines:
            grouped[line.account_id].append(line)
        self._lines = {
            account: with_churn_dates(
                held, policies, self.context.uses.get(account, ()), self.context.known_on
            )
            for account, held in sorted(grouped.items())
        }
        self._contracts = self._contract_names() if policies.customer is Customer.CONTRACT else {}
        self._members = self._accounts_by_customer()
        self._days: dict[date, tuple[Position, ...]] = {}

    @property
    def customers(self) -> Iterator[Unit]:
        """Return the customers, as the policy counts them, in order."""
        return iter(self._members)

    def lines(self, account: str) -> tuple[ContractLine, ...]:
        """Return the lines of an account, their ends moved where the churn policy moves them."""
        return self._lines.get(account, ())

    def positions(self, account: str, day: date) -> tuple[Position, ...]:
        """Return what counts of an account on a day, ordered by (start, line_id)."""
        counted = [line for line in self.lines(account) if line.kind in self.policies.counted]
        valid = [line for line in counted if valid_on(line, day, self.policies)]
        late = [line for line in counted if self._in_grace(line, day) and not _followed(line, valid)]
        waiting = {line.line_id for line in late} - {line.line_id for line in valid}
        kept = counting((priced(line, day, self.policies) for line in (*valid, *late)), self.policies)
        found = [
            Position(line, Ground.PENDING if line.line_id in waiting else Ground.CONTRACTED) for line in kept
        ]
        return (*found, *self._overage(account, day))

    def on(self, day: date) -> tuple[Position, ...]:
        """Return what counts of all accounts on a day; kept, for the ends of a period are asked often."""
        if day not in self._days:
            self._days[day] = tuple(
                position for account in self._lines for position in self.positions(account, day)
            )
        return self._days[day]

    def totals(self, day: date, level: Level, rate_on: date | None) -> dict[Unit, int]:
        """Return ARR on a day in minor units by the level's unit, at the rate of another day.

        A unit begins with its customer (``customer_of``); what has no rate adds nothing.
        """
        totals: defaultdict[Unit, int] = defaultdict(int)
        for position in self.on(day):
            totals[self.unit(position.line, level)] += self.worth(position, rate_on)
        return dict(totals)

    def of_customer(self, customer: Unit, day: date) -> tuple[Position, ...]:
        """Return what counts of one customer on a day."""
        return tuple(
            position
            for account in self._members[customer]
            for position in self.positions(account, day)
            if self.customer_of(position.line) == customer
        )

    def worth(self, position: Position, rate_on: date | None) -> int:
        """Return a position's ARR in minor units of the reporting currency; 0 without a rate."""
        amount = in_reporting(position.line.arr, self.policies, rate_on)
        return 0 if amount is None else amount.minor

    def customer_of(self, line: ContractLine) -> Unit:
        """Return the customer of a line as the policy counts customers."""
        if self.policies.customer is Customer.ULTIMATE_PARENT:
            return (self.root(line.account_id),)
        if self.policies.customer is Customer.CONTRACT:
            return (line.account_id, self._contracts.get((line.account_id, line.line_id), line.line_id))
        if self.policies.customer is Customer.PRODUCT:
            return (line.account_id, line.product_id)
        return (line.account_id,)

    def unit(self, line: ContractLine, level: Level) -> Unit:
        """Return the unit a line belongs to at a level, its customer first."""
        customer = self.customer_of(line)
        if level is Level.ACCOUNT:
            return customer
        own = (line.account_id, line.product_id)
        return (*customer, *own) if level is Level.PRODUCT else (*customer, *own, line.line_id)

    def root(self, account: str) -> str:
        """Return the ultimate parent; in a circle of parents, the least id of those in it."""
        seen: list[str] = []
        while account not in seen:
            seen.append(account)
            account = self.context.parents.get(account) or account
        return min(seen[seen.index(account) :])

    def change_days(self, customer: Unit) -> list[date]:
        """Return the days on which a customer's ARR can change, in order."""
        days: set[date] = set()
        for account in self._members[customer]:
            for line in self.lines(account):
                days |= set(self._days_of(line))
        return sorted(days)

    def _days_of(self, line: ContractLine) -> Iterator[date]:
        yield line.start
        if line.kind is LineKind.OVERAGE:
            yield line.start + timedelta(days=1)
            yield from _around(line.start, OVERAGE_MONTHS)
        for year in range(1, len(line.ramp)):
            yield add_months(line.start, year * MONTHS_IN_YEAR)
        if line.end is not None:
            after = line.end + timedelta(days=self._inclusive)
            yield after
            yield after + timedelta(days=self.policies.grace_days)

    @property
    def _inclusive(self) -> int:
        return 1 if self.policies.validity is Validity.END_INCLUSIVE else 0

    def _in_grace(self, line: ContractLine, day: date) -> bool:
        if line.end is None or line.cancelled_on is not None or line.end < line.start:
            return False
        return 0 <= (day - line.end).days - self._inclusive < self.policies.grace_days

    def _overage(self, account: str, day: date) -> Iterator[Position]:
        """Yield the overage begun in the three months before a day, a year's worth of it."""
        if self.policies.usage_pricing is not UsagePricing.TRAILING_3_MONTHS:
            return
        for line in self.lines(account):
            if line.kind is LineKind.OVERAGE and line.start < day <= add_months(line.start, OVERAGE_MONTHS):
                yearly = Money(line.arr.minor * MONTHS_IN_YEAR // OVERAGE_MONTHS, line.arr.currency)
                yield Position(replace(line, arr=yearly), Ground.OVERAGE)

    def _contract_names(self) -> dict[tuple[str, str], str]:
        every = [line for held in self._lines.values() for line in held]
        sources = group_sources(every)
        return {
            (line.account_id, line.line_id): sources[line.line_id]
            for line in every
            if line.line_id in sources
        }

    def _accounts_by_customer(self) -> dict[Unit, tuple[str, ...]]:
        members: defaultdict[Unit, set[str]] = defaultdict(set)
        for account, held in self._lines.items():
            for line in held:
                members[self.customer_of(line)].add(account)
        return {customer: tuple(sorted(found)) for customer, found in sorted(members.items())}


def _around(start: date, months: int) -> Iterator[date]:
    last = add_months(start, months)
    yield from (last, last + timedelta(days=1))


def _followed(line: ContractLine, valid: Iterable[ContractLine]) -> bool:
    """Say whether an ended line has been renewed or replaced by one valid now."""
    return any(
        line.line_id in (other.renewal_of_line_id, other.supersedes_line_id)
        or (other.product_id == line.product_id and other.start > line.start)
        for other in valid
    )
