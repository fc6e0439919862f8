"""The win rate (K13): won of won and lost, by the period of closing and by that of creation.

The two answer different questions and are never mixed: deals that close in a quarter were
created in many, and a young cohort has closed its quick deals only, so it is looked at at one
fixed age. Open deals are on neither side. Neighbour: ``facts`` says what is won or lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from success.facts import Deal, DealState
from success.ledger import in_reporting, policies_text
from success.policies import Policies

COHORT_DAYS = 90


class WinBasis(StrEnum):
    """Which deals of a period are meant: those that closed in it, or those created in it."""

    CLOSED = "closed"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class WinRate:
    """Won / (won + lost), by number and by value (minor units of the reporting currency).

    ``deals`` of a created cohort are all old enough, decided or not; of a closing period, the
    decided ones. ``lost_without_amount`` lost deals weigh nothing in ``by_value``: where it is
    not 0, that share flatters. Deals without a rate are left out of the values.
    """

    basis: WinBasis
    kind: str
    start: date
    end: date
    age_days: int | None
    deals: int
    won: int
    lost: int
    rate: Fraction | None
    won_value: int
    lost_value: int
    by_value: Fraction | None
    lost_without_amount: int
    policies: str


def by_closing(deals: Iterable[Deal], kind: str, period: tuple[date, date], policies: Policies) -> WinRate:
    """Return the win rate of the deals of a kind closed in the half-open period."""
    decided = [
        deal
        for deal in deals
        if deal.kind == kind and deal.state is not DealState.OPEN
        if deal.close_on is not None and period[0] <= deal.close_on < period[1]
    ]
    return _rate(WinBasis.CLOSED, kind, period, None, (len(decided), decided), policies)


def by_creation(
    deals: Iterable[Deal],
    kind: str,
    period: tuple[date, date],
    as_of: date,
    policies: Policies,
    age_days: int = COHORT_DAYS,
) -> WinRate:
    """Return the win rate, at a fixed age, of the deals of a kind created in the half-open period.

    Only deals that had reached the age by ``as_of`` are in it; one decided later is not decided.
    """
    age = timedelta(days=age_days)
    cohort = [
        deal
        for deal in deals
        if deal.kind == kind
        if period[0] <= deal.created_on < period[1] and deal.created_on + age <= as_of
    ]
    decided = [
        deal
        for deal in cohort
        if deal.state is not DealState.OPEN
        if deal.close_on is not None and deal.close_on <= deal.created_on + age
    ]
    return _rate(WinBasis.CREATED, kind, period, age_days, (len(cohort), decided), policies)


def _rate(
    basis: WinBasis,
    kind: str,
    period: tuple[date, date],
    age_days: int | None,
    found: tuple[int, Sequence[Deal]],
    policies: Policies,
) -> WinRate:
    deals, decided = found
    won = [deal for deal in decided if deal.state is DealState.WON]
    lost = [deal for deal in decided if deal.state is DealState.LOST]
    won_value, lost_value = _value(won, policies), _value(lost, policies)
    return WinRate(
        basis=basis,
        kind=kind,
        start=period[0],
        end=period[1],
        age_days=age_days,
        deals=deals,
        won=len(won),
        lost=len(lost),
        rate=_share(len(won), len(decided)),
        won_value=won_value,
        lost_value=lost_value,
        by_value=_share(won_value, won_value + lost_value),
        lost_without_amount=sum(deal.amount.minor == 0 for deal in lost),
        policies=policies_text(policies),
    )


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _value(deals: Iterable[Deal], policies: Policies) -> int:
    amounts = (in_reporting(deal.amount, policies, deal.close_on) for deal in deals)
    return sum(amount.minor for amount in amounts if amount is not None)
