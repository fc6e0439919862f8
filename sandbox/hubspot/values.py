"""Whether a value may be written to a property, and the form HubSpot keeps it in.

Rules: HubSpot's "Properties" guide (values section) and the error codes of live portals
(PROPERTY_DOESNT_EXIST, READ_ONLY_VALUE, INVALID_OPTION, INVALID_DATE, INVALID_EMAIL);
INVALID_INTEGER for numbers and INVALID_OWNER_ID are from memory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.hubspot.times import stamp, to_ms

DAY_MS = 86_400_000
MAX_TEXT = 65_536
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class ValueProblemError(Exception):
    """A value that can't be written; ``code`` and message as HubSpot words them."""

    def __init__(self, code: str, message: str) -> None:
        """Carry HubSpot's ``code`` and wording."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Normal:
    """A value in the form it is kept; ``normalised`` when 2026-09 would warn that it was changed."""

    text: str
    normalised: bool = False


def normalise(definition: dict[str, Any], raw: str, current: str, lenient_dates: bool) -> Normal:
    """Return how ``raw`` is kept in the property, "" for cleared.

    ``current`` is what the record holds (a leading ``;`` appends to it). ``lenient_dates``
    is 2026-09's rule: a date that is no midnight is brought to its day, with a warning.
    Raises ValueProblemError.
    """
    if raw == "":
        return Normal("")
    kind = definition["type"]
    if kind == "number":
        number = _number(raw)
        if definition["name"] == "price" and definition["hubspotDefined"] and Decimal(number) < 0:
            raise ValueProblemError("INVALID_INTEGER", f"price must not be negative: {raw}")
        return Normal(number)
    if kind == "date":
        return _date(raw, lenient_dates)
    if kind == "datetime":
        return Normal(_instant(raw))
    if kind in ("enumeration", "bool"):
        return Normal(_choice(definition, raw, current))
    return Normal(_text(definition, raw))


def _number(raw: str) -> str:
    try:
        number = Decimal(raw.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueProblemError("INVALID_INTEGER", f"{raw} was not a valid number.")
    return raw.strip()


def _date(raw: str, lenient: bool) -> Normal:
    try:
        ms = to_ms(raw)
    except ValueError:
        raise ValueProblemError("INVALID_DATE", f"{raw} was not a valid date.") from None
    day = stamp(ms - ms % DAY_MS)[:10]
    if ms % DAY_MS == 0:
        return Normal(day)
    if not lenient:
        at = stamp(ms)[11:].removesuffix("Z")
        raise ValueProblemError("INVALID_DATE", f"{raw} is at {at} UTC, not midnight!")
    return Normal(day, normalised=True)


def _instant(raw: str) -> str:
    try:
        return stamp(to_ms(raw))
    except (ValueError, OverflowError):
        raise ValueProblemError("INVALID_DATE", f"{raw} was not a valid datetime.") from None


def _choice(definition: dict[str, Any], raw: str, current: str) -> str:
    options = definition["options"]
    allowed = {option["value"] for option in options}
    many = definition["fieldType"] == "checkbox"
    chosen = [part for part in raw.split(";") if part] if many else [raw]
    if not definition.get("externalOptions"):
        for part in chosen:
            if part not in allowed:
                names = ", ".join(_option_text(option) for option in options)
                raise ValueProblemError(
                    "INVALID_OPTION", f"{part} was not one of the allowed options: [{names}]"
                )
    if many and raw.startswith(";"):
        held = [part for part in current.split(";") if part]
        chosen = held + [part for part in chosen if part not in held]
    return ";".join(chosen)


def _option_text(option: dict[str, Any]) -> str:
    return (
        f'label: "{option["label"]}"\nvalue: "{option["value"]}"\ndisplay_order: {option["displayOrder"]}\n'
        f"hidden: {str(bool(option.get('hidden'))).lower()}\nread_only: false\n"
    )


def _text(definition: dict[str, Any], raw: str) -> str:
    if len(raw) > MAX_TEXT:
        raise ValueProblemError(
            "PROPERTY_VALUE_TOO_LONG",
            f"The value for {definition['name']} is {len(raw)} characters long; the maximum is {MAX_TEXT}.",
        )
    if definition["name"] == "email" and definition["hubspotDefined"]:
        lowered = raw.strip().lower()
        if not _EMAIL.match(lowered):
            raise ValueProblemError("INVALID_EMAIL", f"Email address {raw} is invalid")
        return lowered
    return raw
