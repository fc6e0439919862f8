"""Support measures of one account: how many tickets, how grave, how they move, how they end (domain C17).

Silence is not health: a count of zero is known only where support reports at all and the account
showed signs of life, a use or a ticket. What a count is worth is never assumed here: more tickets may mean
trouble or engagement, and only a scorecard's curve says which. ``measures`` makes catalogue entries of
these. Windows end on ``as_of``, that day included; tickets opened later are not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from success.days import window_start
from success.view import AccountView, TicketDays

MONTH_DAYS = 28
QUARTER_DAYS = 90
DAY = timedelta(days=1)
SEVERITY: Mapping[str, int] = {"low": 1, "medium": 2, "high": 4, "urgent": 8, "critical": 8}
"""What an open ticket weighs by its priority, each step twice the one before; our choice."""
UNNAMED_SEVERITY = SEVERITY["medium"]
SEVERE = SEVERITY["high"]


class Reading(NamedTuple):
    """A value and the day it stands for."""

    value: Fraction | int
    observed_on: date


def open_tickets(view: AccountView, as_of: date) -> Reading | None:
    """Return how many tickets are open on the day."""
    return _count(view, as_of, len(_open(view, as_of)))


def open_escalations(view: AccountView, as_of: date) -> Reading | None:
    """Return how many escalated tickets are open on the day."""
    return _count(view, as_of, sum(ticket.escalated for ticket in _open(view, as_of)))


def open_severe_tickets(view: AccountView, as_of: date) -> Reading | None:
    """Return how many tickets of high or urgent priority are open on the day."""
    return _count(view, as_of, sum(_severity(ticket) >= SEVERE for ticket in _open(view, as_of)))


def ticket_severity(view: AccountView, as_of: date) -> Reading | None:
    """Return the weights of the open tickets' priorities, summed; one of another name weighs as medium."""
    return _count(view, as_of, sum(_severity(ticket) for ticket in _open(view, as_of)))


def tickets(view: AccountView, as_of: date) -> Reading | None:
    """Return how many tickets were opened in 28 days."""
    return _count(view, as_of, _opened(view, as_of))


def ticket_velocity(view: AccountView, as_of: date) -> Reading | None:
    """Return by how many the tickets of 28 days exceed those of the 28 days before.

    A difference, since the days before are often without any. Unknown without a contract throughout both:
    a customer who was none had no reason to ask.
    """
    before = as_of - timedelta(days=MONTH_DAYS)
    start = window_start(before, MONTH_DAYS)
    if not view.lines or view.lines[0].start > start:
        return None
    now, then = _opened(view, as_of), _opened(view, before)
    return _count(view, as_of, now - then, silent=not now)


def reopen_rate(view: AccountView, as_of: date) -> Reading | None:
    """Return the share of the tickets opened in 90 days that were reopened, of those that say so.

    Unknown where the charter reads no ``reopened``. How often is known as of now, not as of a past day.
    """
    first = window_start(as_of, QUARTER_DAYS)
    known = [one for one in view.tickets if one.reopened is not None and first <= one.opened_on <= as_of]
    if not known:
        return None
    share = Fraction(sum(bool(one.reopened) for one in known), len(known))
    return Reading(share, max(one.opened_on for one in known))


def days_to_resolve(view: AccountView, as_of: date) -> Reading | None:
    """Return the median days from opening to closing, over tickets closed in 90 days and those still open.

    Open ones are censored at the end of the day (Kaplan–Meier): that they are not closed yet counts, how
    long they will take is not guessed. Unknown where none was closed, or less than half ever will have been.
    """
    zone = ZoneInfo(view.rules.time_zone)
    first, end = window_start(as_of, QUARTER_DAYS), datetime.combine(as_of + DAY, time(), zone)
    ended: list[timedelta] = []
    waiting: list[timedelta] = []
    latest: date | None = None
    for ticket, one in zip(view.facts.tickets, view.tickets, strict=True):
        if _is_open(one, as_of):
            waiting.append(end - ticket.opened_at)
        elif ticket.closed_at is not None and one.closed_on is not None and first <= one.closed_on <= as_of:
            ended.append(ticket.closed_at - ticket.opened_at)
            latest = max(latest or one.closed_on, one.closed_on)
    median = median_wait(ended, waiting)
    if median is None or latest is None:
        return None
    return Reading(Fraction(median // timedelta(seconds=1), DAY // timedelta(seconds=1)), latest)


def median_wait(ended: list[timedelta], waiting: list[timedelta]) -> timedelta | None:
    """Return the Kaplan–Meier median, exactly; one that waits no longer than another ended was there then."""
    surviving = Fraction(1)
    for wait in sorted(set(ended)):
        at_risk = sum(one >= wait for one in ended) + sum(one >= wait for one in waiting)
        surviving *= 1 - Fraction(ended.count(wait), at_risk)
        if surviving <= Fraction(1, 2):
            return wait
    return None


def _severity(ticket: TicketDays) -> int:
    return SEVERITY.get(ticket.priority.casefold(), UNNAMED_SEVERITY)


def _is_open(ticket: TicketDays, as_of: date) -> bool:
    return ticket.opened_on <= as_of and (ticket.closed_on is None or ticket.closed_on > as_of)


def _open(view: AccountView, as_of: date) -> list[TicketDays]:
    return [ticket for ticket in view.tickets if _is_open(ticket, as_of)]


def _opened(view: AccountView, as_of: date) -> int:
    first = window_start(as_of, MONTH_DAYS)
    return sum(first <= ticket.opened_on <= as_of for ticket in view.tickets)


def _reports(view: AccountView, as_of: date) -> bool:
    return view.facts.support_seen or any(ticket.opened_on <= as_of for ticket in view.tickets)


def _alive(view: AccountView, as_of: date) -> bool:
    used = view.usage.active_days(window_start(as_of, MONTH_DAYS), as_of) > 0
    return used or _opened(view, as_of) > 0


def _count(view: AccountView, as_of: date, count: int, *, silent: bool | None = None) -> Reading | None:
    """Return a count of the day, unless nothing is heard at all, as ``silent`` says, else a zero."""
    nothing = count == 0 if silent is None else silent
    if not _reports(view, as_of) or (nothing and not _alive(view, as_of)):
        return None
    return Reading(count, as_of)
