"""Renewals (domain D.6): one per account, co-term group and due day, opened by the fold.

``due`` says what falls due; ``step`` opens it once its window opens, or adopts the open
renewal deal a person, CPQ or HubSpot Contracts already made. An opened renewal is never
dropped: it follows the contract until it is renewed or its deal is decided, then stands still.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from success.deal_lines import opened_lines
from success.facts import AccountFacts, ContractLine, Deal, DealState, Money
from success.fold import RenewalState
from success.ledger import in_reporting, sum_arr
from success.renewal_terms import MOVES_WITHIN, due_days, group_sources, next_due, renewable, term_number
from success.rules import Policies, Rules
from success.shares import THOUSAND, half_up
from success.view import AccountView

__all__ = ["DueRenewal", "due", "due_in", "group_sources", "next_due", "step"]

KIND = "renewal"


@dataclass(frozen=True, slots=True)
class DueRenewal:
    """What falls due for one group on one day: the lines, and Σ of their ARR with the uplift."""

    key: str
    group: str
    term_number: int
    due_on: date
    lines: tuple[ContractLine, ...]
    amount: Money


def due(facts: AccountFacts, rules: Rules, as_of: date, first: date, last: date) -> tuple[DueRenewal, ...]:
    """Return what falls due in [first, last], both in, by the lines in force on ``as_of``.

    Ordered by due day and key. Lines without a minted group id make none.
    """
    return due_in(AccountView(facts, rules), as_of, first, last)


def due_in(view: AccountView, as_of: date, first: date, last: date) -> tuple[DueRenewal, ...]:
    """Return the same as ``due`` for an account already indexed."""
    found: defaultdict[tuple[date, str], list[ContractLine]] = defaultdict(list)
    for line in renewable(view, as_of):
        group = view.facts.group_keys.get(line.line_id)
        for day in due_days(line, first, last) if group else ():
            found[(day, str(group))].append(line)
    return tuple(_due_renewal(view, group, day, lines) for (day, group), lines in sorted(found.items()))


def _due_renewal(view: AccountView, group: str, day: date, lines: Sequence[ContractLine]) -> DueRenewal:
    number = term_number(_group_lines(view, group), day)
    amount = _with_uplift(_sum(lines, view.rules.policies), view.rules.renewal.uplift)
    return DueRenewal(f"renewal:{group}:{number}".lower(), group, number, day, tuple(lines), amount)


def _group_lines(view: AccountView, group: str) -> tuple[ContractLine, ...]:
    return tuple(line for line in view.recurring if view.facts.group_keys.get(line.line_id) == group)


def _sum(lines: Sequence[ContractLine], policies: Policies) -> Money:
    """Return Σ ARR in the reporting currency, or in the lines' own where there is no rate for it."""
    currencies = {line.arr.currency for line in lines}
    if len(currencies) == 1 and in_reporting(lines[0].arr, policies) is None:
        return Money(sum(line.arr.minor for line in lines), currencies.pop())
    return sum_arr(lines, policies)


def _with_uplift(amount: Money, uplift: int) -> Money:
    return Money(half_up(Fraction(amount.minor * (THOUSAND + uplift), THOUSAND)), amount.currency)


def step(
    view: AccountView, renewals: Mapping[str, RenewalState], adopted: Mapping[str, str], day: date
) -> tuple[dict[str, RenewalState], dict[str, str]]:
    """Return the opened renewals and the adoptions after 00:00 of a grid day."""
    opened = {key: followed(view, key, renewal, day) for key, renewal in renewals.items()}
    taken = dict(adopted)
    window_end = day + timedelta(days=view.rules.renewal.lead_days)
    for item in due_in(view, day, day, window_end):
        if item.key in opened or item.key in taken or _renewed(view, item.group, item.due_on, item.lines):
            continue
        deal = _adoptable(view, item.due_on, taken.values())
        if deal is not None:
            taken[item.key] = deal.deal_id
            continue
        lines = tuple(line.line_id for line in item.lines)
        opened[item.key] = RenewalState(
            item.group,
            item.term_number,
            item.due_on,
            day,
            item.amount,
            lines,
            item.due_on,
            item.amount,
            opened_lines=opened_lines(item.lines, item.amount, view.rules.policies),
        )
    return opened, taken


def followed(view: AccountView, key: str, renewal: RenewalState, day: date) -> RenewalState:
    """Return an opened renewal as of a day: closed, or with today's due day, lines and amount.

    A closed one keeps its last figures for ever.
    """
    if renewal.closed_on is not None:
        return renewal
    lines = [line for line in view.recurring if line.line_id in renewal.lines]
    decided = any(deal.cs_key == key and deal.state is not DealState.OPEN for deal in view.facts.deals)
    if decided or _renewed(view, renewal.group, renewal.due_on, lines):
        return replace(renewal, closed_on=day)
    return _moved(view, renewal, day)


def _moved(view: AccountView, renewal: RenewalState, day: date) -> RenewalState:
    """Follow a corrected date or a co-termed line: same group, same term number, near the old day."""
    first, last = renewal.due_on - MOVES_WITHIN, renewal.due_on + MOVES_WITHIN
    for item in due_in(view, min(day, renewal.due_on), first, last):
        if item.group == renewal.group and item.term_number == renewal.term_number:
            lines = tuple(line.line_id for line in item.lines)
            return replace(renewal, due_on=item.due_on, amount=item.amount, lines=lines)
    return renewal


def _renewed(view: AccountView, group: str, due_on: date, lines: Iterable[ContractLine]) -> bool:
    """Say whether any line was renewed: by a line that says so, a later one of the group, or a moved end."""
    ids = {line.line_id for line in lines}
    if any(line.renewal_of_line_id in ids for line in view.recurring if line.renewal_of_line_id):
        return True
    if any(line.start >= due_on for line in _group_lines(view, group)):
        return True
    ends = (line.end for line in view.recurring if line.line_id in ids)
    return any(end is not None and end > due_on + MOVES_WITHIN for end in ends)


def _adoptable(view: AccountView, due_on: date, taken: Iterable[str]) -> Deal | None:
    """Return the open renewal deal nearest the due day that is not ours, ties by the least id."""
    within = view.rules.renewal.adopt_within_days
    used = set(taken)
    near = [
        (abs((deal.close_on - due_on).days), deal.deal_id, deal)
        for deal in view.facts.deals
        if deal.kind == KIND and deal.state is DealState.OPEN and deal.cs_key is None
        if deal.close_on is not None and deal.deal_id not in used
    ]
    near = [found for found in near if found[0] <= within]
    return min(near, key=lambda found: found[:2])[2] if near else None
