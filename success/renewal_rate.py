"""The renewal rate (K5): of what fell due in a period, how much was renewed.

The due day decides the period, never the closing of a deal; lines that renew together are due
once, an early renewal counts in its due period, and what is overdue stays in the denominator.
Neighbours: ``renewal_terms`` says when a line is due, ``ledger`` what it is worth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from success.facts import ContractLine
from success.ledger import in_reporting, open_lines, policies_text, priced
from success.policies import CoTerm, Policies
from success.renewal_terms import due_days, group_sources, renews
from success.rules import RenewalRule

DAY = timedelta(days=1)


class RenewalOutcome(StrEnum):
    """What became of what was due: renewed, in whole or part; still in its grace; or not renewed."""

    RENEWED = "renewed"
    PENDING = "pending"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class DueTerm:
    """The lines of one account and group due on one day, in minor units of the reporting currency.

    ``target`` is their ARR on the day before; ``final`` that of what goes on or renews them.
    """

    account_id: str
    group: str
    due_on: date
    line_ids: tuple[str, ...]
    target: int
    final: int
    outcome: RenewalOutcome


@dataclass(frozen=True, slots=True)
class RenewalRate:
    """Gross Σ min(target, final) / Σ target and net Σ final / Σ target over [start, end).

    None where nothing was due. ``end`` is at most the day after the day asked about.
    """

    start: date
    end: date
    gross: Fraction | None
    net: Fraction | None
    target: int
    kept: int
    final: int
    terms: tuple[DueTerm, ...]
    policies: str


def renewal_rate(
    lines: Iterable[ContractLine],
    rule: RenewalRule,
    policies: Policies,
    period: tuple[date, date],
    as_of: date,
) -> RenewalRate:
    """Return the renewal rate of what was due in the half-open period, as decided by ``as_of``.

    A line that names what it renews counts whenever it starts up to the grace after the due
    day; one that names nothing counts when it starts on the due day or in the grace after it.
    """
    start, end = period[0], min(period[1], as_of + DAY)
    by_account: defaultdict[str, list[ContractLine]] = defaultdict(list)
    for line in lines:
        if line.kind in policies.counted:
            by_account[line.account_id].append(line)
    terms = tuple(
        term
        for account in sorted(by_account)
        for term in _terms(by_account[account], rule, policies, (start, end), as_of)
    )
    target, final = sum(term.target for term in terms), sum(term.final for term in terms)
    kept = sum(min(term.target, term.final) for term in terms)
    gross, net = (Fraction(part, target) if target else None for part in (kept, final))
    return RenewalRate(start, end, gross, net, target, kept, final, terms, policies_text(policies))


def _terms(
    lines: Sequence[ContractLine],
    rule: RenewalRule,
    policies: Policies,
    period: tuple[date, date],
    as_of: date,
) -> Iterator[DueTerm]:
    """Yield one account's due terms in order; a renewing line counts for the first it fits."""
    spent: set[str] = set()
    for (due_on, group), due in sorted(_due(lines, rule, policies, period).items()):
        going_on = _still_counting(lines, due, due_on, policies)
        renewing = [line for line in _renewing(lines, due, due_on, policies) if line.line_id not in spent]
        spent |= {line.line_id for line in renewing}
        final = sum(_worth(line, due_on, due_on, policies) for line in going_on)
        final += sum(_worth(line, max(line.start, due_on), due_on, policies) for line in renewing)
        yield DueTerm(
            account_id=due[0].account_id,
            group=group,
            due_on=due_on,
            line_ids=tuple(line.line_id for line in due),
            target=sum(_worth(line, due_on - DAY, due_on, policies) for line in due),
            final=final,
            outcome=_outcome(final, due_on, policies, as_of),
        )


def _due(
    lines: Sequence[ContractLine], rule: RenewalRule, policies: Policies, period: tuple[date, date]
) -> Mapping[tuple[date, str], list[ContractLine]]:
    """Return the lines due by day and group, those in force on the day before only."""
    groups = group_sources(lines) if policies.co_term is CoTerm.JOIN else {}
    found: defaultdict[tuple[date, str], list[ContractLine]] = defaultdict(list)
    in_force: dict[date, set[str]] = {}
    for line in sorted(lines, key=lambda one: (one.start, one.line_id)):
        for day in due_days(line, period[0], period[1] - DAY) if renews(line, rule) else ():
            if day not in in_force:
                in_force[day] = {one.line_id for one in open_lines(lines, day - DAY, policies)}
            if line.line_id in in_force[day]:
                found[day, groups.get(line.line_id, line.line_id)].append(line)
    return found


def _still_counting(
    lines: Sequence[ContractLine], due: Sequence[ContractLine], due_on: date, policies: Policies
) -> list[ContractLine]:
    """Return the due lines that roll on: those without an end that still count on the due day."""
    now = {line.line_id for line in open_lines(lines, due_on, policies)}
    return [line for line in due if line.end is None and line.line_id in now]


def _renewing(
    lines: Sequence[ContractLine], due: Sequence[ContractLine], due_on: date, policies: Policies
) -> list[ContractLine]:
    ids = {line.line_id for line in due}
    ending = {line.product_id for line in due if line.end is not None}
    latest = due_on + timedelta(days=policies.grace_days)
    found = []
    for line in lines:
        named = {line.renewal_of_line_id, line.supersedes_line_id} - {None}
        if line.line_id in ids or line.start > latest or (line.end is not None and line.end <= due_on):
            continue
        if named & ids or (not named and line.product_id in ending and line.start >= due_on):
            found.append(line)
    return found


def _worth(line: ContractLine, day: date, rate_on: date, policies: Policies) -> int:
    amount = in_reporting(priced(line, day, policies).arr, policies, rate_on)
    return 0 if amount is None else amount.minor


def _outcome(final: int, due_on: date, policies: Policies, as_of: date) -> RenewalOutcome:
    if final > 0:
        return RenewalOutcome.RENEWED
    waits = due_on + timedelta(days=policies.grace_days) > as_of
    return RenewalOutcome.PENDING if waits else RenewalOutcome.LOST
