"""Values between the port's text and Salesforce's JSON, without passing through a float.

Neighbours: ``read`` turns JSON into text, ``write`` text into JSON typed by the field,
``bulk`` text into CSV.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from integration.port import FieldType

NUMERIC = frozenset({FieldType.NUMBER, FieldType.MONEY})
VENDOR_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,3})?(?:\+00:?00|Z)")
Json = None | bool | int | Decimal | str


def to_text(value: object) -> str | None:
    """Return a JSON value as the port's text.

    Numbers become plain decimals without padding (``1.0E7`` is ``10000000``), instants end in
    ``Z`` without empty fractions, dates and text stay as they are.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return plain_decimal(Decimal(value))
    text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    instant = VENDOR_INSTANT.fullmatch(text)
    return _zulu(instant) if instant else text


def plain_decimal(number: Decimal) -> str:
    """Return ``number`` in plain notation without trailing zeros after the point."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def from_text(text: str | None, kind: FieldType | None) -> Json:
    """Return the port's text as JSON for a field of ``kind``.

    A checkbox cannot be empty, so ``None`` clears it to false; empty text is null. Text that
    is no number or boolean is passed on, so that the org says what is wrong with it.
    """
    if kind is FieldType.BOOLEAN:
        return text == "true" if text in {"true", "false", None, ""} else text
    if text is None or text == "":
        return None
    return _number(text) if kind in NUMERIC else text


def from_csv(cell: str, kind: FieldType | None) -> Json:
    """Return a cell of a bulk query as the JSON value a plain query would give; empty is null."""
    if cell == "":
        return None
    if cell in {"true", "false"} and kind in {FieldType.BOOLEAN, None}:
        return cell == "true"
    return _number(cell) if kind in NUMERIC else cell


def parse_instant(text: str) -> datetime:
    """Return a vendor or ISO instant as an aware UTC datetime."""
    return datetime.fromisoformat(text).astimezone(UTC)


def soql_instant(moment: datetime) -> str:
    """Return ``moment`` as a SOQL literal, rounded down to the second SystemModstamp has."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def soql_text(text: str) -> str:
    """Return ``text`` as a quoted SOQL literal (SOQL guide, "Quoted String Escape Sequences")."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def to_json(value: object) -> str:
    """Return ``value`` as JSON text; Decimals are written digit for digit."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(to_json(item) for item in value) + "]"
    return plain_decimal(value) if isinstance(value, Decimal) else json.dumps(value, allow_nan=False)


def _number(text: str) -> Json:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def _zulu(instant: re.Match[str]) -> str:
    fraction = instant.group(2) or ""
    return instant.group(1) + ("" if fraction.strip(".0") == "" else fraction) + "Z"
