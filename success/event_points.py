"""Events that move a score and fade: an escalation closed, a detractor's answer, a notice given (domain C.4).

An event's points fade by half with each half-life instead of falling off the edge of a window: from
one day to the next a score ages, and nothing jumps. ``health`` adds them to the measures' points;
all points are integer thousandths.

An event of ``age`` days is worth ``half_up(|points| * 2 ** (-age / half_life_days))`` with the sign of
``points``. The events of one rule are added up and held within ``limit``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from success.days import local_day
from success.facts import AccountFacts, DealState, SurveyKind
from success.shares import largest_remainder

PROMOTER, DETRACTOR = 9, 6
UNHAPPY = range(1, 3)
URGENT = "urgent"
# Wide enough that no rounding of the power decides a thousandth of a point.
_EXACT = Context(prec=40)


class EventKind(StrEnum):
    """What happened on a day. ``ATTRIBUTE``: the day that stands in a field of the customer's own."""

    ESCALATION_OPENED = "escalation_opened"
    ESCALATION_CLOSED = "escalation_closed"
    TICKET_URGENT = "ticket_urgent"
    NPS_DETRACTOR = "nps_detractor"
    NPS_PROMOTER = "nps_promoter"
    CSAT_LOW = "csat_low"
    CANCEL_NOTICE = "cancel_notice"
    RENEWAL_LOST = "renewal_lost"
    EXPANSION_WON = "expansion_won"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True)
class EventRule:
    """What events of a kind are worth on their day (signed), and in how many days that halves.

    ``attribute`` is the account's field that holds the day, for kind ``ATTRIBUTE`` only. Together the
    events of the rule never take or give more than ``limit``; None: as much as the score has room for.
    """

    key: str
    kind: EventKind
    points: int
    half_life_days: int
    reason: str
    attribute: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """The events of one rule up to a day: how many, when the last was, what they are worth together."""

    rule: EventRule
    count: int
    last_on: date
    points: int


def happened(facts: AccountFacts, rules: Sequence[EventRule], zone: str, as_of: date) -> tuple[Happened, ...]:
    """Return what events are worth on a day, in the order of the rules; what is worth nothing is left out."""
    if not rules:
        return ()
    found = []
    for rule in rules:
        days = sorted(day for day in _days(facts, rule, ZoneInfo(zone)) if day <= as_of)
        if days:
            total = sum(faded(rule.points, (as_of - day).days, rule.half_life_days) for day in days)
            found.append(Happened(rule, len(days), days[-1], _within(total, rule.limit)))
    return tuple(one for one in found if one.points)


@lru_cache(maxsize=65536)
def faded(points: int, age_days: int, half_life_days: int) -> int:
    """Return what is left of points after some days; the magnitude is rounded, a half goes up."""
    left = _EXACT.power(Decimal(2), _EXACT.divide(Decimal(-age_days), Decimal(half_life_days)))
    size = int(_EXACT.multiply(left, Decimal(abs(points))).quantize(Decimal(1), ROUND_HALF_UP))
    return size if points >= 0 else -size


def fitted(parts: Sequence[int], base: int, lowest: int, highest: int) -> tuple[int, ...]:
    """Return the parts cut so that ``base`` and they end within [lowest, highest], both in.

    What would go beyond is taken from the parts that push there, in proportion to their size and by
    largest remainder; the others keep theirs. ``base`` must itself be within.
    """
    total = base + sum(parts)
    if lowest <= total <= highest:
        return tuple(parts)
    pushing = 1 if total > highest else -1
    surplus = total - (highest if pushing > 0 else lowest)
    pushed = sum(part for part in parts if part * pushing > 0)
    kept = Fraction(pushed - surplus, pushed)
    exact = [part * kept if part * pushing > 0 else Fraction(part) for part in parts]
    return largest_remainder(exact, sum(parts) - surplus)


def _within(points: int, limit: int | None) -> int:
    return points if limit is None else max(-limit, min(limit, points))


def _days(facts: AccountFacts, rule: EventRule, zone: ZoneInfo) -> Iterator[date]:
    """Yield the days of a rule's events, instants as their day in the zone."""
    moments = _OF_KIND[rule.kind](facts) if rule.attribute is None else _attribute_days(facts, rule.attribute)
    for moment in moments:
        yield local_day(moment, zone) if isinstance(moment, datetime) else moment


def _attribute_days(facts: AccountFacts, name: str) -> Iterator[date]:
    """Yield the day a field of the account holds; a text that is no day is no event."""
    try:
        yield date.fromisoformat(facts.account.attributes.get(name, "")[: len("2026-06-30")])
    except ValueError:
        return


def _escalation_opened(facts: AccountFacts) -> Iterator[datetime]:
    return (ticket.opened_at for ticket in facts.tickets if ticket.escalated)


def _escalation_closed(facts: AccountFacts) -> Iterator[datetime]:
    return (ticket.closed_at for ticket in facts.tickets if ticket.escalated and ticket.closed_at)


def _ticket_urgent(facts: AccountFacts) -> Iterator[datetime]:
    return (ticket.opened_at for ticket in facts.tickets if ticket.priority == URGENT)


def _nps(facts: AccountFacts, scores: range) -> Iterator[datetime]:
    for answer in facts.answers:
        if answer.kind is SurveyKind.NPS and answer.score in scores:
            yield answer.answered_at


def _csat_low(facts: AccountFacts) -> Iterator[datetime]:
    for ticket in facts.tickets:
        if ticket.csat in UNHAPPY:
            yield ticket.closed_at or ticket.opened_at
    for answer in facts.answers:
        if answer.csat in UNHAPPY:
            yield answer.answered_at


def _cancel_notice(facts: AccountFacts) -> Iterator[date]:
    """Yield the day of each notice once, however many lines it cancels."""
    yield from {line.cancelled_on for line in facts.lines if line.cancelled_on is not None}


def _deals(facts: AccountFacts, kind: str, state: DealState) -> Iterator[date]:
    for deal in facts.deals:
        if deal.kind == kind and deal.state is state and deal.close_on is not None:
            yield deal.close_on


_OF_KIND: Mapping[EventKind, Callable[[AccountFacts], Iterator[date]]] = {
    EventKind.ESCALATION_OPENED: _escalation_opened,
    EventKind.ESCALATION_CLOSED: _escalation_closed,
    EventKind.TICKET_URGENT: _ticket_urgent,
    EventKind.NPS_DETRACTOR: lambda facts: _nps(facts, range(DETRACTOR + 1)),
    EventKind.NPS_PROMOTER: lambda facts: _nps(facts, range(PROMOTER, 11)),
    EventKind.CSAT_LOW: _csat_low,
    EventKind.CANCEL_NOTICE: _cancel_notice,
    EventKind.RENEWAL_LOST: lambda facts: _deals(facts, "renewal", DealState.LOST),
    EventKind.EXPANSION_WON: lambda facts: _deals(facts, "expansion", DealState.WON),
}
