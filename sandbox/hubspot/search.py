"""Whether a record matches a search, and in what order matches come.

Source: HubSpot's "Search the CRM": operators, caps, case rules. Chosen here, not documented:
NEQ, NOT_IN and NOT_CONTAINS_TOKEN also match records without a value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import bad_json, invalid
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.reading import a_list
from sandbox.hubspot.records import Record
from sandbox.hubspot.times import to_ms

Test = Callable[[Record], bool]
Key = Callable[[str], Any]
MAX_GROUPS, MAX_FILTERS, MAX_TOTAL = 5, 6, 18
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "LT": lambda held, value: bool(held < value),
    "LTE": lambda held, value: bool(held <= value),
    "GT": lambda held, value: bool(held > value),
    "GTE": lambda held, value: bool(held >= value),
}
OPERATORS: Final = (
    *_COMPARE,
    "EQ",
    "NEQ",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
)
_WORDS = re.compile(r"[^\w*@.]+")


@dataclass(frozen=True, slots=True)
class Question:
    """A compiled search: ``above``, an id that every match is greater than, and what else must hold."""

    above: int | None
    tests: tuple[Test, ...]

    def matches(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return those of ``records`` that match; all of them, as they are, where nothing else is asked."""
        if not self.tests:
            return records
        if len(self.tests) == 1:
            return list(filter(self.tests[0], records))
        return [record for record in records if all(test(record) for test in self.tests)]


def compile_groups(portal: Portal, kind: ObjectType, groups: Any) -> Question:
    """Return the question of all filter groups (OR of ANDs). Raises 400 past the caps or for a bad filter."""
    if not isinstance(groups, list) or not all(_is_group(group) for group in groups):
        raise bad_json("expected filterGroups to be lists of filters")
    if len(groups) > MAX_GROUPS:
        raise invalid(f"Too many filterGroups: {len(groups)}, the maximum is {MAX_GROUPS}")
    sizes = [len(group.get("filters") or []) for group in groups]
    if any(size > MAX_FILTERS for size in sizes) or sum(sizes) > MAX_TOTAL:
        raise invalid(f"Too many filters: at most {MAX_FILTERS} in a group and {MAX_TOTAL} in all")
    compiled = [[_compile(portal, kind, one) for one in group.get("filters") or []] for group in groups]
    if not compiled:
        return Question(None, ())
    if len(compiled) == 1:
        return _one_group(groups[0].get("filters") or [], compiled[0])
    test: Test = lambda record: any(all(test(record) for test in group) for group in compiled)  # noqa: E731
    return Question(None, (test,))


def _is_group(group: Any) -> bool:
    filters = group.get("filters") or [] if isinstance(group, dict) else None
    return isinstance(filters, list) and all(isinstance(one, dict) for one in filters)


def _one_group(filters: list[dict[str, Any]], tests: list[Test]) -> Question:
    """Take the bound on the id out of a group: the index is in id order and needs no test for it."""
    for number, given in enumerate(filters):
        if (given.get("propertyName"), given.get("operator")) == ("hs_object_id", "GT"):
            rest = tuple(test for at, test in enumerate(tests) if at != number)
            return Question(math.floor(float(given["value"])), rest)
    return Question(None, tuple(tests))


def key_of(definition: dict[str, Any]) -> Key:
    """Return how values of a property compare: numbers as numbers, dates as milliseconds, text caseless."""
    kind = definition["type"]
    if kind == "number":
        return float
    if kind in ("date", "datetime"):
        return to_ms
    if kind in ("enumeration", "bool"):
        return str
    return str.lower


def _compile(portal: Portal, kind: ObjectType, given: dict[str, Any]) -> Test:
    name, operator = str(given.get("propertyName", "")), given.get("operator")
    if operator not in OPERATORS:
        raise invalid(f"Invalid operator {operator} for property {name}")
    if name.startswith("associations."):
        return _association(portal, kind, name.removeprefix("associations."), given)
    definition = portal.properties.live(kind.type_id).get(name)
    if definition is None:
        raise invalid("There was a problem with the request.", context={"propertyName": [name]})
    return _value_test(name, str(operator), definition, given)


def _association(portal: Portal, kind: ObjectType, name: str, given: dict[str, Any]) -> Test:
    other = portal.catalogue.find(name)
    if other is None or other.custom or kind.custom:
        raise invalid(f"Searching by associations.{name} is not supported")
    operator = given["operator"]
    ids = {str(one) for one in a_list(given.get("values"), "values") or [given.get("value")]}

    def test(record: Record) -> bool:
        ends = portal.links.of(kind.type_id, record.id, other.type_id)
        if operator == "HAS_PROPERTY":
            return bool(ends)
        if operator == "NOT_HAS_PROPERTY":
            return not ends
        return bool(ids & ends.keys()) != (operator in ("NEQ", "NOT_IN"))

    return test


def _value_test(name: str, operator: str, definition: dict[str, Any], given: dict[str, Any]) -> Test:
    if operator == "HAS_PROPERTY":
        return lambda record: name in record.values
    if operator == "NOT_HAS_PROPERTY":
        return lambda record: name not in record.values
    if operator in ("IN", "NOT_IN"):
        return _membership(name, definition, given, negate=operator == "NOT_IN")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _token(name, _needed(given, "value"), negate=operator.startswith("NOT"))
    return _comparison(name, operator, definition, given)


def _comparison(name: str, operator: str, definition: dict[str, Any], given: dict[str, Any]) -> Test:
    key = key_of(definition)
    value = _read(key, _needed(given, "value"), name)
    if operator in ("EQ", "NEQ"):
        return _equality(name, definition, key, value, negate=operator == "NEQ")
    if operator == "BETWEEN":
        high = _read(key, _needed(given, "highValue"), name)
        return lambda record: name in record.values and value <= key(record.values[name]) <= high
    compare = _COMPARE[operator]
    return lambda record: name in record.values and compare(key(record.values[name]), value)


def _needed(given: dict[str, Any], part: str) -> str:
    if given.get(part) in (None, ""):
        raise invalid(f"Filter on {given.get('propertyName')} with {given.get('operator')} needs {part}")
    return str(given[part])


def _read(key: Key, text: str, name: str) -> Any:
    try:
        value = key(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(text)  # noqa: TRY301 -- not a number either
    except (ValueError, OverflowError):
        raise invalid(f"Invalid value {text} for property {name}") from None
    return value


def _equality(name: str, definition: dict[str, Any], key: Key, value: Any, *, negate: bool) -> Test:
    many = definition["fieldType"] == "checkbox"

    def test(record: Record) -> bool:
        held = record.values.get(name)
        if held is None:
            return negate
        same = value in held.split(";") if many else key(held) == value
        return bool(same) != negate

    return test


def _membership(name: str, definition: dict[str, Any], given: dict[str, Any], *, negate: bool) -> Test:
    values = given.get("values")
    if not isinstance(values, list) or not values:
        raise invalid(f"Filter on {name} with {given['operator']} needs values")
    numeric = definition["type"] in ("number", "date", "datetime")
    key = key_of(definition)
    # On text the values are taken as given: HubSpot wants them in lower case.
    wanted = {_read(key, str(one), name) for one in values} if numeric else {str(one) for one in values}

    def test(record: Record) -> bool:
        held = record.values.get(name)
        if held is None:
            return negate
        if definition["fieldType"] == "checkbox":
            return bool(wanted & set(held.split(";"))) != negate
        return (key(held) in wanted) != negate

    return test


def _token(name: str, value: str, *, negate: bool) -> Test:
    patterns = [
        re.compile(".*".join(re.escape(part) for part in word.split("*")))
        for word in _WORDS.split(value.lower())
        if word
    ]

    def test(record: Record) -> bool:
        words = [word for word in _WORDS.split(record.values.get(name, "").lower()) if word]
        found = all(any(pattern.fullmatch(word) for word in words) for pattern in patterns)
        return found != negate

    return test


def compile_query(kind: ObjectType, query: str) -> Test:
    """Return the test of a full-text ``query``: every word begins a word of the shown properties."""
    wanted = [word for word in _WORDS.split(query.lower()) if word]

    def test(record: Record) -> bool:
        text = " ".join(record.values.get(name, "") for name in kind.shown).lower()
        words = _WORDS.split(text)
        return all(any(word.startswith(part) or part in word for word in words) for part in wanted)

    return test


def order(portal: Portal, kind: ObjectType, records: Sequence[Record], sorts: Any) -> Sequence[Record]:
    """Return ``records`` (by id) in the one order asked for, else by creation; ties by id. Raises 400."""
    if not isinstance(sorts, list):
        raise bad_json("expected sorts to be a list")
    if not sorts:
        return sorted(records, key=lambda record: record.created)
    if len(sorts) > 1:
        raise invalid("Only one sort is supported")
    sort = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": str(sorts[0])}
    name = str(sort.get("propertyName", ""))
    direction = sort.get("direction", "ASCENDING")
    definition = portal.properties.live(kind.type_id).get(name.removeprefix("-"))
    if definition is None or direction not in ("ASCENDING", "DESCENDING"):
        raise invalid("There was a problem with the request.", context={"propertyName": [name]})
    down = direction == "DESCENDING" or name.startswith("-")
    if name == "hs_object_id" and not down:
        return records
    return _sorted(records, name.removeprefix("-"), key_of(definition), down)


def _sorted(records: Sequence[Record], name: str, key: Key, down: bool) -> list[Record]:
    # The index is in id order and the sort is stable both ways, so ties stay in id order.
    held = [record for record in records if name in record.values]
    held.sort(key=lambda record: key(record.values[name]), reverse=down)
    return held + [record for record in records if name not in record.values]
