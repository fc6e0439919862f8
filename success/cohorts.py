"""Cohort retention (K6, domain C07): customers by the period they began in, and what they became.

A cohort is fixed at its start, and nobody who left is taken out of it. A cell stands for the
last day of a period; one that is not over yet is missing, never 0. Neighbour: ``positions``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from fractions import Fraction

from success.days import add_months
from success.ledger import policies_text
from success.policies import FxRate
from success.positions import Book, Position, Unit


class Span(IntEnum):
    """How many months a period has."""

    MONTH = 1
    QUARTER = 3


@dataclass(frozen=True, slots=True)
class CohortCell:
    """A cohort on the last day of its period of one age; 0 is the period it began in.

    ``returned`` of the ``logos`` were absent on the day of the cell before. ``arr`` is in
    minor units. ``logo_share`` and ``arr_share`` are of the cohort's size and first ARR.
    """

    age: int
    on: date
    logos: int
    arr: int
    returned: int
    logo_share: Fraction
    arr_share: Fraction


@dataclass(frozen=True, slots=True)
class Cohort:
    """The customers that began in one period; ``arr`` is Σ of what each began with."""

    start: date
    size: int
    arr: int
    cells: tuple[CohortCell, ...]


@dataclass(frozen=True, slots=True)
class CohortTable:
    """Every cohort by periods of so many months; money in minor units of the reporting currency."""

    as_of: date
    span: Span
    cohorts: tuple[Cohort, ...]
    policies: str


class _Life:
    """One customer's states by the days on which they change."""

    def __init__(self, book: Book, customer: Unit) -> None:
        self._book = book
        self._days = book.change_days(customer)
        self._states = [book.of_customer(customer, day) for day in self._days]

    def worth(self, day: date, rate_on: date) -> int:
        """Return the ARR on a day in minor units, at the rate of another."""
        place = bisect_right(self._days, day)
        state: Sequence[Position] = self._states[place - 1] if place else ()
        return sum(self._book.worth(position, rate_on) for position in state)

    def began(self, as_of: date) -> date | None:
        """Return the first day with ARR up to a day."""
        return next((day for day in self._days if day <= as_of and self.worth(day, day) > 0), None)


def cohorts(book: Book, as_of: date, span: Span = Span.MONTH) -> CohortTable:
    """Return every cohort that began by a day, oldest first, with its complete cells."""
    grouped: defaultdict[date, list[tuple[date, _Life]]] = defaultdict(list)
    for customer in book.customers:
        life = _Life(book, customer)
        began = life.began(as_of)
        if began is not None:
            grouped[_period_start(began, span)].append((began, life))
    made = tuple(_cohort(book, start, members, as_of, span) for start, members in sorted(grouped.items()))
    return CohortTable(as_of, span, made, policies_text(book.policies))


def _cohort(book: Book, start: date, members: list[tuple[date, _Life]], as_of: date, span: Span) -> Cohort:
    rate_on = start if book.policies.fx_rate is not FxRate.SPOT else None
    base = sum(life.worth(began, rate_on or began) for began, life in members)
    cells: list[CohortCell] = []
    present = [True] * len(members)
    for age, day in enumerate(_period_ends(start, as_of, span)):
        worth = [life.worth(day, rate_on or day) for _, life in members]
        now = [amount > 0 for amount in worth]
        returned = sum(here and not was for here, was in zip(now, present, strict=True))
        cells.append(_cell((age, day), (sum(now), len(members)), (sum(worth), base), returned))
        present = now
    return Cohort(start, len(members), base, tuple(cells))


def _cell(at: tuple[int, date], logos: tuple[int, int], arr: tuple[int, int], returned: int) -> CohortCell:
    age, day = at
    return CohortCell(age, day, logos[0], arr[0], returned, Fraction(*logos), Fraction(*arr))


def _period_start(day: date, span: Span) -> date:
    return day.replace(month=(day.month - 1) // span * span + 1, day=1)


def _period_ends(start: date, as_of: date, span: Span) -> Iterable[date]:
    last = add_months(start, span) - timedelta(days=1)
    while last <= as_of:
        yield last
        last = add_months(last + timedelta(days=1), span) - timedelta(days=1)
