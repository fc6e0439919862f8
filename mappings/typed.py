"""Text as a CRM gives it, made typed; and canonical values, made text as a CRM takes it.

What cannot be read raises ``Unreadable`` with a sentence for people; ``mappings.inbound`` turns
it into a contradiction. Days of instants are days in the installation's time zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from mappings.money import to_major_text
from success.desired import Value
from success.facts import Money

_DATE_CHARACTERS = 10
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


class Unreadable(ValueError):
    """A text that is not what its field should hold; the message says so in a sentence."""


def read_decimal(text: str) -> Decimal:
    """Return a finite number, or raise ``Unreadable``."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise Unreadable(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise Unreadable(f"{text!r} is not a number")
    return number


def read_integer(text: str) -> int:
    """Return a whole number; ``5.0`` is 5, ``5.5`` is ``Unreadable``."""
    number = read_decimal(text)
    if number != number.to_integral_value():
        raise Unreadable(f"{text!r} is not a whole number")
    return int(number)


def read_boolean(text: str) -> bool:
    """Return true or false in any of the spellings CRMs use, or raise ``Unreadable``."""
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Unreadable(f"{text!r} is neither true nor false")


def read_instant(text: str) -> datetime:
    """Return an instant in UTC; one without an offset, or a bare date, is ``Unreadable``."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unreadable(f"{text!r} is not an instant") from None
    if instant.tzinfo is None:
        raise Unreadable(f"{text!r} is an instant without a time zone")
    return instant.astimezone(UTC)


def read_day(text: str, zone: ZoneInfo) -> date:
    """Return a date as it stands, or the day of an instant in ``zone``; else raise ``Unreadable``."""
    text = text.strip()
    if len(text) > _DATE_CHARACTERS:
        return read_instant(text).astimezone(zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable(f"{text!r} is not a date") from None


def write_value(value: Value) -> str | None:
    """Return a canonical value as the port's text: ``None`` clears, money is in major units."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return to_major_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def write_noon(day: date, zone: ZoneInfo) -> str:
    """Return the instant of a day's noon in ``zone``: for fields that want an instant and show a day.

    Noon is the same day wherever people near that zone read it; midnight in UTC is not.
    """
    noon = datetime.combine(day, time(12), zone).astimezone(UTC)
    return noon.isoformat().replace("+00:00", "Z")


def cut(text: str, limit: int) -> str:
    """Return the text within ``limit`` characters, ending in an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
