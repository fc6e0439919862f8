"""Salesforce's two date formats, and the ranges behind SOQL's date literals.

Records keep instants as text in the REST form ``2024-12-31T09:00:00.000+0000`` (whole
seconds, UTC), which sorts as time does.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_INSTANT = re.compile(
    r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$",
)
_FIXED = {"TODAY": (0, 1), "YESTERDAY": (-1, 1), "TOMORROW": (1, 1)}


def stamp(at: datetime) -> str:
    """Return an instant as REST shows it; fractions of a second are dropped."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def read_instant(text: str) -> str | None:
    """Return an ISO 8601 instant with an offset in the stored form, or None where it is none."""
    match = _INSTANT.match(text)
    if match is None:
        return None
    offset = "+00:00" if match[4] == "Z" else match[4]
    try:
        return stamp(datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}"))
    except ValueError:
        return None


def read_date(text: str) -> str | None:
    """Return a ``YYYY-MM-DD`` date unchanged, or None where it is none."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def moment(stored: str) -> datetime:
    """Return a stored instant as a datetime in UTC."""
    return datetime.strptime(stored, "%Y-%m-%dT%H:%M:%S.%f%z")


def day_range(literal: str, count: int | None, today: date) -> tuple[date, date] | None:
    """Return the half-open days of a SOQL date literal, or None where there is no such literal."""
    name = literal.upper()
    if name in _FIXED and count is None:
        start, length = _FIXED[name]
        return today + timedelta(days=start), today + timedelta(days=start + length)
    if count is not None:
        return _counted(name, count, today)
    return _calendar(name, today)


def _counted(name: str, count: int, today: date) -> tuple[date, date] | None:
    if name == "LAST_N_DAYS":
        return today - timedelta(days=count), today + timedelta(days=1)
    if name == "NEXT_N_DAYS":
        return today + timedelta(days=1), today + timedelta(days=count + 1)
    if name == "N_DAYS_AGO":
        return today - timedelta(days=count), today - timedelta(days=count - 1)
    return None


def _calendar(name: str, today: date) -> tuple[date, date] | None:
    which, _, unit = name.partition("_")
    shift = {"LAST": -1, "THIS": 0, "NEXT": 1}.get(which)
    if shift is None or unit not in ("MONTH", "YEAR", "WEEK", "QUARTER"):
        return None
    if unit == "WEEK":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday + timedelta(days=7 * shift), sunday + timedelta(days=7 * (shift + 1))
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    index = (today.year * 12 + today.month - 1) // months + shift
    return _month(index * months), _month((index + 1) * months)


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)
