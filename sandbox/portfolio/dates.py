"""Days and instants of the made-up portfolio: month arithmetic, working days, ISO text."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from random import Random


def add_months(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later (earlier if negative), clamped to its length."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def days_before(day: date, days: int) -> date:
    """Return the day ``days`` before."""
    return day - timedelta(days=days)


def at_work(rng: Random, day: date) -> str:
    """Return an instant of that day between 07:00 and 18:59:59 UTC, as ISO 8601 text ending in Z."""
    second = 25_200 + int(rng.random() * 43_200)
    return f"{day.isoformat()}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def midnight(day: date) -> datetime:
    """Return 00:00 UTC of the day."""
    return datetime.combine(day, time(), UTC)


def iso_instant(moment: datetime) -> str:
    """Return an aware instant as ISO 8601 text in UTC ending in Z, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def off_weekend(rng: Random, day: date) -> date:
    """Return the day, or for seven weekend days in eight the Monday after it."""
    if day.weekday() < 5 or rng.random() < 0.125:
        return day
    return day + timedelta(days=7 - day.weekday())
