"""JSON values of a write, checked against the field's type as Salesforce deserialises them.

Raises ``JSON_PARSER_ERROR`` for a wrong JSON type, ``STRING_TOO_LONG``, ``MALFORMED_ID``,
``NUMBER_OUTSIDE_VALID_RANGE`` and ``INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST`` for what does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.salesforce.errors import SfError, dml
from sandbox.salesforce.ids import to18
from sandbox.salesforce.instants import read_date, read_instant
from sandbox.salesforce.schema import NUMERIC, Field

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def coerce(f: Field, value: Any) -> Any:
    """Return the stored form of a JSON value (None stays None; an empty text is None)."""
    if value is None:
        return None
    if f.type == "boolean":
        return _boolean(value)
    if f.type in NUMERIC:
        return _number(f, value)
    if f.type in ("date", "datetime"):
        return _instant(f, value)
    if f.type in ("reference", "id"):
        return _reference(f, value)
    return _text(f, value)


def unreadable(kind: str, value: Any) -> SfError:
    """Return the JSON parser's refusal of a value for a type."""
    if isinstance(value, bool):
        token = "VALUE_TRUE" if value else "VALUE_FALSE"
        text = str(value).lower()
    elif isinstance(value, dict | list):
        token, text = ("START_OBJECT", "{") if isinstance(value, dict) else ("START_ARRAY", "[")
    else:
        names: dict[type, str] = {int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}
        token, text = names.get(type(value), "VALUE_STRING"), str(value)
    words = f"Cannot deserialize instance of {kind} from {token} value {text} or request may be missing"
    return SfError("JSON_PARSER_ERROR", f"{words} a required field at [line:1, column:1]")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    raise unreadable("boolean", value)


def _number(f: Field, value: Any) -> int | float:
    kind = {"int": "int"}.get(f.type, "double")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise unreadable(kind, value)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise unreadable(kind, value) from None
    if not exact.is_finite():
        raise unreadable(kind, value)
    if f.type == "int":
        if exact != int(exact):
            raise unreadable(kind, value)
        return int(exact)
    rounded = exact.quantize(Decimal(1).scaleb(-f.scale), ROUND_HALF_UP)
    if f.precision and abs(rounded) >= Decimal(10) ** (f.precision - f.scale):
        words = f"{f.label}: value outside of valid range on numeric field: {value}"
        raise dml("NUMBER_OUTSIDE_VALID_RANGE", words, f.name)
    return float(rounded)


def _instant(f: Field, value: Any) -> str | None:
    read: Callable[[str], str | None] = read_date if f.type == "date" else read_instant
    if not isinstance(value, str):
        raise unreadable(f.type, value)
    if not value:
        return None
    found = read(value)
    if found is None and f.type == "datetime" and read_date(value):
        return f"{value}T00:00:00.000+0000"
    if found is None:
        raise unreadable(f.type, value)
    return found


def _reference(f: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise unreadable("reference", value)
    if not value:
        return None
    found = to18(value)
    if found is None:
        raise dml("MALFORMED_ID", f"{f.label}: id value of incorrect type: {value}", f.name)
    return found


def _text(f: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise unreadable("string", value)
    text = value if f.type == "textarea" else value.strip()
    if not text.strip():
        return None
    if f.length and len(text) > f.length:
        shown = text if len(text) <= 255 else text[:255]
        raise dml(
            "STRING_TOO_LONG", f"{f.label}: data value too large: {shown} (max length={f.length})", f.name
        )
    if f.type == "email" and not _EMAIL.fullmatch(text):
        raise dml("INVALID_EMAIL_ADDRESS", f"{f.label}: invalid email address: {text}", f.name)
    return _picked(f, text) if f.type in ("picklist", "multipicklist") else text


def _picked(f: Field, text: str) -> str:
    wanted = text.split(";") if f.type == "multipicklist" else [text]
    known = {p.value.lower(): p.value for p in f.picks if p.active}
    found = [known.get(w.lower()) for w in wanted]
    if f.restricted and None in found:
        words = f"{f.label}: bad value for restricted picklist field: {text}"
        raise dml("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, f.name)
    return ";".join(new or old for new, old in zip(found, wanted, strict=True))
