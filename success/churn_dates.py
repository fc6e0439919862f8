"""The day on which a customer who leaves is lost (domain A.0, churn date).

By default that is the end of the paid term, and nothing here is asked. Otherwise the lines of
an account's last stretch of contracts end on the day the policy names: the notice, the last
payment or the last use. Neighbour: ``positions`` counts the lines returned.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from success.facts import ContractLine
from success.policies import ChurnDate, Policies, Validity

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spell:
    """Lines of one account that follow one another without a gap longer than the grace."""

    lines: tuple[ContractLine, ...]
    end: date | None


def spells(lines: Iterable[ContractLine], policies: Policies) -> list[Spell]:
    """Return one account's counted lines by the stretches in which it was a customer, oldest first.

    ``end`` None: a line of it is open-ended.
    """
    found: list[Spell] = []
    counted = (line for line in lines if line.kind in policies.counted)
    for line in sorted(counted, key=lambda one: (one.start, one.line_id)):
        last = found[-1] if found else None
        if last is None or (last.end and line.start > last.end + timedelta(days=policies.grace_days)):
            found.append(Spell((line,), line.end))
            continue
        end = max(last.end, line.end) if last.end and line.end else None
        found[-1] = Spell((*last.lines, line), end)
    return found


def with_churn_dates(
    lines: Sequence[ContractLine], policies: Policies, uses: Sequence[date], known_on: date | None
) -> tuple[ContractLine, ...]:
    """Return one account's lines, those of an ended stretch cut to the policy's churn day.

    ``uses`` are the days with valid use, in order. Last payment and last use speak only of
    terms over by ``known_on``: of a running one nobody can say that its latest use was the last.
    A cut line carries ``cancelled_on``, for it waits for no late renewal.
    """
    if policies.churn_date is ChurnDate.TERM_END:
        return tuple(lines)
    kept = [line for line in lines if line.kind not in policies.counted]
    for spell in spells(lines, policies):
        left = _left_on(spell, policies, uses, known_on)
        kept += spell.lines if left is None else _cut(spell, left, policies)
    return tuple(kept)


def _left_on(spell: Spell, policies: Policies, uses: Sequence[date], known_on: date | None) -> date | None:
    """Return the first day without the customer where the policy puts it before the term's end."""
    if spell.end is None:
        return None
    start, over = spell.lines[0].start, known_on is not None and spell.end <= known_on
    days: list[date] = []
    if policies.churn_date is ChurnDate.NOTICE:
        days = [line.cancelled_on for line in spell.lines if line.cancelled_on and line.end == spell.end]
    elif over and policies.churn_date is ChurnDate.LAST_PAYMENT:
        days = [line.last_paid_on + DAY for line in spell.lines if line.last_paid_on]
    elif over and policies.churn_date is ChurnDate.LAST_USE:
        place = bisect_right(uses, spell.end)
        days = [uses[place - 1] + DAY] if place and uses[place - 1] >= start else []
    left = max(days, default=spell.end)
    return max(left, start) if left < spell.end else None


def _cut(spell: Spell, left: date, policies: Policies) -> list[ContractLine]:
    last = left if policies.validity is Validity.HALF_OPEN else left - DAY
    return [
        replace(line, end=min(line.end or last, last), cancelled_on=left)
        for line in spell.lines
        if line.start <= last
    ]
