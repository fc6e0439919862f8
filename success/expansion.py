"""Expansion (domain D.7): more seats of a product whose seats have long been in use.

The trigger holds when seat utilisation was at or above the threshold on each of the last
days that have ended before the grid day. One expansion per account and product; not while a
person's own expansion deal is open on the account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from success.expressions import HEALTH, evaluate, names_in
from success.facts import ContractLine, Deal, DealState, Money
from success.fold import ExpansionState
from success.health import score
from success.ledger import sum_arr
from success.measures import MeasureBook, MeasureValue
from success.shares import THOUSAND, half_up
from success.view import AccountView
from success.words import Word

KIND = "expansion"
CLOSE_IN = timedelta(days=30)
SLUG_LENGTH = 80
NOT_SEEN_YET = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class SeatNeed:
    """A product whose trigger holds: seats today, seats to add and what they cost a year."""

    product_id: str
    seats: int
    added_seats: int
    amount: Money


def slug(product_id: str) -> str:
    """Return a product id in lower case with runs of anything but letters and digits as one dash."""
    return re.sub(r"[^a-z0-9]+", "-", product_id.lower()).strip("-")[:SLUG_LENGTH]


def key_of(view: AccountView, product_id: str) -> str:
    """Return the structural key of the first expansion of a product at an account."""
    return f"expansion:{view.facts.account_key}:{slug(product_id)}:1".lower()


def adoptable(view: AccountView) -> Deal | None:
    """Return the person's own open expansion deal that stands in for ours, least id first, or None."""
    theirs = [
        deal
        for deal in view.facts.deals
        if deal.kind == KIND and deal.state is DealState.OPEN and deal.cs_key is None
    ]
    return min(theirs, key=lambda deal: deal.deal_id, default=None)


def step(
    view: AccountView,
    expansions: Mapping[str, ExpansionState],
    day: date,
    words: Mapping[str, Word] | None = None,
) -> dict[str, ExpansionState]:
    """Return the opened expansions after 00:00 of a grid day; an opened one never changes.

    ``words`` are those the steps before settled for the day that ended: segment, stage, the plan.
    """
    opened = dict(expansions)
    needs = [need for need in seat_needs(view, day) if key_of(view, need.product_id) not in opened]
    if not needs or adoptable(view) is not None or _suppressed(view, day - timedelta(days=1), words):
        return opened
    for need in needs:
        opened[key_of(view, need.product_id)] = ExpansionState(
            need.product_id, day, day + CLOSE_IN, need.amount, need.seats, need.added_seats
        )
    return opened


def is_open(view: AccountView, key: str, expansion: ExpansionState, as_of: date) -> bool:
    """Return whether the deal of an opened expansion is open on a day.

    A deal that is not known yet will be made at once; one that is not known two days after the
    opening has been deleted, or was never taken by the CRM.
    """
    states = [deal.state for deal in view.facts.deals if deal.cs_key == key]
    return states[0] is DealState.OPEN if states else as_of - expansion.opened_on < NOT_SEEN_YET


def seat_needs(view: AccountView, day: date) -> tuple[SeatNeed, ...]:
    """Return the products whose trigger holds on the days that ended before ``day``, by product."""
    if not view.sightings:
        return ()
    yesterday = day - timedelta(days=1)
    by_product: dict[str, list[ContractLine]] = {}
    for line in view.open_lines(yesterday):
        by_product.setdefault(line.product_id, []).append(line)
    held = (product for product in sorted(by_product) if _held(view, product, yesterday))
    return tuple(_need(view, product, by_product[product]) for product in held)


def _held(view: AccountView, product_id: str, last: date) -> bool:
    trigger = view.rules.expansion
    return all(_busy(view, product_id, last - timedelta(days=back)) for back in range(trigger.days))


def _busy(view: AccountView, product_id: str, day: date) -> bool:
    trigger = view.rules.expansion
    seats = view.seats(day, product_id)
    users = view.active_users(day, trigger.window_days, product_id)
    return seats > 0 and users * THOUSAND >= trigger.seat_utilisation * seats


def _need(view: AccountView, product_id: str, lines: Sequence[ContractLine]) -> SeatNeed:
    """Price the seats to add (rounded up) at what a seat of the product costs today."""
    seats = sum(line.quantity for line in lines)
    added = -(-seats * view.rules.expansion.add_share // THOUSAND)
    today = sum_arr(lines, view.rules.policies)
    amount = Money(half_up(Fraction(today.minor * added, seats)), today.currency)
    return SeatNeed(product_id, seats, added, amount)


def _suppressed(view: AccountView, day: date, words: Mapping[str, Word] | None) -> bool:
    """Say whether the charter holds expansions back; an unknown answer does not."""
    condition = view.rules.expansion.suppress_when
    book = MeasureBook(view, day, words=words)
    if HEALTH in names_in(condition):
        result = score(view.facts, view.rules.scorecard, book, day)
        points = None if result.points is None else Fraction(result.points, THOUSAND)
        book = MeasureBook(view, day, {HEALTH: MeasureValue(points, day)}, words)
    return evaluate(condition, book) is True
