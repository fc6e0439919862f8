"""Days and whole months: the calendar arithmetic every rule of this package shares.

Neighbours: ``renewals`` (anniversaries), ``snapshots`` (months), ``view`` (the local day of an instant).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS_IN_YEAR = 12


def add_months(start: date, months: int) -> date:
    """Return the day ``months`` after ``start``, cut to the month's last day (29 Feb -> 28 Feb)."""
    index = start.year * MONTHS_IN_YEAR + start.month - 1 + months
    year, month = divmod(index, MONTHS_IN_YEAR)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def month_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def month_starts(first: date, last: date) -> Iterator[date]:
    """Yield the first day of each month that lies in [first, last], both in."""
    day = first if first.day == 1 else add_months(month_of(first), 1)
    while day <= last:
        yield day
        day = add_months(day, 1)


def anniversaries(start: date, term_months: int, first: date, last: date) -> Iterator[date]:
    """Yield the ends of the terms that began on ``start`` and fall in [first, last], both in.

    Term k ends ``k * term_months`` months after the start itself, so a 31st never drifts.
    """
    months_until_first = (first.year - start.year) * MONTHS_IN_YEAR + first.month - start.month
    term = max(1, months_until_first // term_months)
    while (day := add_months(start, term * term_months)) <= last:
        if day >= first:
            yield day
        term += 1


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield every day of [first, last], both in; nothing when last is before first."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def window_start(last: date, days: int) -> date:
    """Return the first day of the window of ``days`` days that ends on ``last``, that day in."""
    return last - timedelta(days=days - 1)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of an aware instant in the installation's time zone."""
    return instant.astimezone(zone).date()
