"""From the text in a CSV row to the typed value of a portfolio field.

``text_of`` applies a field's rule to a row; the parsers below turn the text into what
``model.py`` wants. Both say what is wrong and what to do; ``convert.py`` adds file and row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from sandbox.portfolio.dates import iso_instant
from sandbox.portfolio.mapping import FieldRule

Value = str | int | bool | None
Parser = Callable[[str], Value]
Row = Mapping[str, str]


class CellError(ValueError):
    """A value that cannot be used; the message says why and what to do about it."""


def text_of(rule: FieldRule, row: Row) -> str:
    """Return the text a rule gives for a row; empty text means there is no value.

    Raises:
        CellError: a value is not in the rule's map or not in its date format.

    """
    return _source(rule, row) or rule.default or ""


def _source(rule: FieldRule, row: Row) -> str:
    """Return the text before the default."""
    if rule.const is not None:
        return rule.const
    if rule.template is not None:
        return rule.template.format_map(row)
    if rule.first_of is not None:
        return next((text for one in rule.first_of if (text := text_of(one, row))), "")
    return _cell(rule, row[rule.column or ""].strip())


def _cell(rule: FieldRule, text: str) -> str:
    """Return a column's text after map and date format."""
    if rule.map is not None and (text or "" in rule.map):
        if text not in rule.map:
            raise CellError(f"{text!r} is not among those mapped ({', '.join(rule.map)}). Add it there")
        text = rule.map[text]
    if rule.date is not None and text:
        return _reformatted(text, rule.date)
    return text


def _reformatted(text: str, form: str) -> str:
    """Return a date written in ``form`` as ISO text; with a time of day as an instant."""
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone, if any, is in the format
    except ValueError:
        remedy = "Correct the value or the format"
        raise CellError(f"{text!r} is not a date written as {form!r}. {remedy}") from None
    if any(code in form for code in ("%H", "%I", "%T", "%X", "%c")):
        return moment.isoformat()
    return moment.date().isoformat()


def required(parse: Parser) -> Parser:
    """Return a parser that refuses empty text."""

    def parsed(text: str) -> Value:
        if not text:
            raise CellError("is empty. Fill it in, or give the field a default in the mapping")
        return parse(text)

    return parsed


def optional(parse: Parser) -> Parser:
    """Return a parser that takes empty text for None."""
    return lambda text: parse(text) if text else None


def text(value: str) -> str:
    """Return the text itself."""
    return value


def lower(value: str) -> str:
    """Return the text in lower case, as domains are compared."""
    return value.lower()


def whole(value: str) -> int:
    """Return a whole number; ``4.0``, as spreadsheets write it, is 4."""
    number = _decimal(value)
    if number != number.to_integral_value():
        raise CellError(f"{value!r} is not a whole number. Correct the value")
    return int(number)


def count(value: str) -> int:
    """Return a whole number of things, 0 or more."""
    return at_least(0, whole(value), value)


def at_least(least: int, number: int, value: str) -> int:
    """Return the number unless it is below ``least``."""
    if number < least:
        raise CellError(f"{value!r} is below {least}. Correct the value")
    return number


def between(least: int, most: int) -> Parser:
    """Return a parser of whole numbers in a range, both ends included."""

    def parsed(value: str) -> int:
        number = at_least(least, whole(value), value)
        if number > most:
            raise CellError(f"{value!r} is above {most}. Correct the value")
        return number

    return parsed


def money(value: str) -> str:
    """Return an amount as decimal text with two places, rounded half up."""
    return str(_decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _decimal(value: str) -> Decimal:
    """Return a finite decimal number below 10^15."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**15:
        remedy = "Write digits with a point, no separators or signs of currency"
        raise CellError(f"{value!r} is not a number. {remedy}")
    return number


def day(value: str) -> str:
    """Return an ISO date as it is."""
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        remedy = "Write YYYY-MM-DD, or give the field a date format"
        raise CellError(f"{value!r} is not a date. {remedy}") from None


def instant(value: str) -> str:
    """Return an ISO instant in UTC; without a zone it is UTC, a bare date is its 00:00."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise CellError(
            f"{value!r} is not an instant. Write YYYY-MM-DD HH:MM:SS, or give the field a date format"
        ) from None
    return iso_instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


_TRUTHS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def truth(value: str) -> bool:
    """Return a yes or no."""
    if value.lower() not in _TRUTHS:
        raise CellError(f"{value!r} is neither true nor false. Write one of {', '.join(_TRUTHS)}")
    return _TRUTHS[value.lower()]


def one_of(*choices: str) -> Parser:
    """Return a parser that takes these words only."""

    def parsed(value: str) -> str:
        if value not in choices:
            raise CellError(f"{value!r} is none of {', '.join(choices)}. Map it with `map:`")
        return value

    return parsed
