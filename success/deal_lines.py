"""What a renewal or expansion sells, line by line, at its opening; the lines' amounts add up to the deal's.

A renewal continues the lines that fall due: each keeps its product and quantity, takes its share of the
renewal's amount by its own ARR, and begins where it ends. An expansion is one line of more seats. Lines are
those of the opening for ever: from then on they are people's. Neighbours: ``renewals`` keeps ``OpenedLine``
in the fold, ``records`` asks for the desired lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from success.days import MONTHS_IN_YEAR, add_months
from success.desired import DesiredLine
from success.facts import ContractLine, Money
from success.fold import ExpansionState, OpenedLine, RenewalState
from success.ledger import in_reporting
from success.rules import Policies
from success.shares import largest_remainder
from success.view import AccountView


def opened_lines(lines: Sequence[ContractLine], amount: Money, policies: Policies) -> tuple[OpenedLine, ...]:
    """Return the lines a renewal of ``amount`` opens with, one for each that falls due, in their order."""
    values = [(in_reporting(line.arr, policies) or line.arr).minor for line in lines]
    total = sum(values)
    shares = [Fraction(amount.minor * value, total) if total else Fraction(0) for value in values]
    parts = largest_remainder(shares, amount.minor if total else 0)
    return tuple(
        OpenedLine(line.line_id, line.product_id, line.quantity, Money(part, amount.currency))
        for line, part in zip(lines, parts, strict=True)
    )


def of_renewal(view: AccountView, renewal: RenewalState) -> tuple[DesiredLine, ...]:
    """Return the lines of a renewal's deal: each begins on the due day, for as long as the one before."""
    known = {line.line_id: line for line in view.recurring}
    return tuple(
        _continued(place, opened, known.get(opened.line_id), renewal.opened_due_on)
        for place, opened in enumerate(renewal.opened_lines, 1)
    )


def _continued(place: int, opened: OpenedLine, line: ContractLine | None, start: date) -> DesiredLine:
    months = line.term_months if line is not None else None
    return DesiredLine(
        position=place,
        product_id=opened.product_id,
        price_id=line.price_id if line is not None else None,
        quantity=opened.quantity,
        amount=opened.amount,
        starts_on=start,
        ends_on=add_months(start, months) if months and months > 0 else None,
        term_months=months,
        continues=opened.line_id,
    )


def of_expansion(view: AccountView, expansion: ExpansionState) -> tuple[DesiredLine, ...]:
    """Return the one line of an expansion: the seats to add, for a year from the day it is due."""
    newest = _newest(view, expansion)
    return (
        DesiredLine(
            position=1,
            product_id=expansion.product_id,
            price_id=newest.price_id if newest is not None else None,
            quantity=expansion.added_seats,
            amount=expansion.amount,
            starts_on=expansion.due_on,
            ends_on=add_months(expansion.due_on, MONTHS_IN_YEAR),
            term_months=MONTHS_IN_YEAR,
        ),
    )


def deals_renewed(view: AccountView, renewal: RenewalState) -> tuple[str, ...]:
    """Return the deals that sold the lines a renewal is for, the latest booked first."""
    lines = [line for line in view.recurring if line.line_id in renewal.lines and line.deal_id]
    newest = sorted(lines, key=lambda line: (line.booked_on or line.start, line.line_id), reverse=True)
    return tuple(dict.fromkeys(line.deal_id for line in newest if line.deal_id))


def deals_expanded(view: AccountView, expansion: ExpansionState) -> tuple[str, ...]:
    """Return the deal that sold the newest line of an expansion's product, if a deal did."""
    newest = _newest(view, expansion)
    return (newest.deal_id,) if newest is not None and newest.deal_id else ()


def _newest(view: AccountView, expansion: ExpansionState) -> ContractLine | None:
    same = [line for line in view.recurring if line.product_id == expansion.product_id]
    return max(same, key=lambda line: (line.start, line.line_id), default=None)
