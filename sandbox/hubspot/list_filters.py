"""Filters of lists (segments): what may be asked, and which records pass.

Source: HubSpot's list filters overview (an OR at the root, AND branches below, filters in those) and
the operation shapes of HubSpot's SDK (Apache-2.0). Property filters over numbers, options, texts,
booleans and times are evaluated; filters over events, forms or other lists are refused here, where
HubSpot would take them. ``lists`` keeps the lists, ``api_lists`` serves them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandbox.hubspot.errors import VendorError, invalid
from sandbox.hubspot.list_times import Moment, time_test
from sandbox.hubspot.reading import a_text, objects

Values = dict[str, str]
Passes = Callable[[Values], bool]
TEXT, NUMBER, CHOICE, FLAG, TIME = "text", "number", "choice", "flag", "time"
_SORTS: Final = {
    "string": TEXT,
    "phone_number": TEXT,
    "number": NUMBER,
    "enumeration": CHOICE,
    "bool": FLAG,
    "date": TIME,
    "datetime": TIME,
}
_OPERATIONS: Final = {
    "NUMBER": NUMBER,
    "RANGED_NUMBER": NUMBER,
    "ENUMERATION": CHOICE,
    "STRING": TEXT,
    "MULTISTRING": TEXT,
    "BOOL": FLAG,
    "TIME_POINT": TIME,
    "TIME_RANGED": TIME,
    "ROLLING_DATE_RANGE": TIME,
    "DATETIME": TIME,
    "RANGED_DATE": TIME,
}
_NUMBERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "IS_EQUAL_TO": lambda held, value: held == value,
    "IS_NOT_EQUAL_TO": lambda held, value: held != value,
    "IS_GREATER_THAN": lambda held, value: held > value,
    "IS_GREATER_THAN_OR_EQUAL_TO": lambda held, value: held >= value,
    "IS_LESS_THAN": lambda held, value: held < value,
    "IS_LESS_THAN_OR_EQUAL_TO": lambda held, value: held <= value,
}
_CHOICES: Final[dict[str, Callable[[set[str], set[str]], bool]]] = {
    "IS_ANY_OF": lambda held, values: bool(held & values),
    "IS_NONE_OF": lambda held, values: not held & values,
    "IS_EXACTLY": lambda held, values: held == values,
    "IS_NOT_EXACTLY": lambda held, values: held != values,
    "CONTAINS_ALL": lambda held, values: held >= values,
    "DOES_NOT_CONTAIN_ALL": lambda held, values: not held >= values,
}
_TEXTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "IS_EQUAL_TO": lambda held, value: held == value,
    "CONTAINS": lambda held, value: value in held,
    "CONTAINS_EXACTLY": lambda held, value: value in held.split(),
    "STARTS_WITH": lambda held, value: held.startswith(value),
    "ENDS_WITH": lambda held, value: held.endswith(value),
}
_NOT_TEXTS: Final = {
    "IS_NOT_EQUAL_TO": "IS_EQUAL_TO",
    "DOES_NOT_CONTAIN": "CONTAINS",
    "DOES_NOT_CONTAIN_EXACTLY": "CONTAINS_EXACTLY",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """A compiled filter branch: the properties it names, and its test of a record's values."""

    properties: frozenset[str]
    passes: Passes


def compile_branch(branch: Any, live: dict[str, dict[str, Any]], moment: Moment) -> Filters:
    """Return the compiled root branch over the properties ``live``. Raises 400."""
    if not isinstance(branch, dict) or branch.get("filterBranchType") != "OR":
        raise _refused("The root filter branch must be of type OR")
    if branch.get("filters"):
        raise _refused("The root OR filter branch can't have filters of its own")
    children = objects(branch.get("filterBranches"), "filterBranches")
    if not children or not all(_is_and(child) for child in children):
        raise _refused("The root OR filter branch must have one or more AND sub-filter branches")
    named: set[str] = set()
    groups = [
        [_filter(one, live, moment, named) for one in objects(child.get("filters"), "filters")]
        for child in children
    ]
    if not all(groups):
        raise _refused("An AND filter branch must have one or more filters")
    return Filters(
        frozenset(named), lambda values: any(all(test(values) for test in group) for group in groups)
    )


def _is_and(child: Any) -> bool:
    if not isinstance(child, dict) or child.get("filterBranchType") != "AND":
        return False
    if child.get("filterBranches"):
        raise _refused(
            "Branches below an AND branch (associations, events) are not supported by this stand-in"
        )
    return True


def _refused(message: str) -> VendorError:
    return invalid(message, sub_category="ILS.INVALID_FILTER_BRANCH")


def _filter(given: Any, live: dict[str, dict[str, Any]], moment: Moment, named: set[str]) -> Passes:
    if not isinstance(given, dict) or given.get("filterType") != "PROPERTY":
        raise _refused("Filters other than PROPERTY are not supported by this stand-in")
    name = str(given.get("property", ""))
    definition = live.get(name)
    if definition is None:
        raise _refused(f'Property "{name}" does not exist')
    operation = given.get("operation")
    if not isinstance(operation, dict):
        raise _refused(f'The filter on "{name}" has no operation')
    named.add(name)
    if operation.get("operationType") == "ALL_PROPERTY":
        return _known(name, operation)
    _check_type(name, definition, operation)
    test = _test(definition, operation, moment)
    unset = bool(operation.get("includeObjectsWithNoValueSet"))
    return lambda values: unset if name not in values else test(values[name])


def _known(name: str, operation: dict[str, Any]) -> Passes:
    if operation.get("operator") not in ("IS_KNOWN", "IS_UNKNOWN"):
        raise _refused(f"Invalid operator {operation.get('operator')} for operationType ALL_PROPERTY")
    wanted = operation["operator"] == "IS_KNOWN"
    return lambda values: (name in values) == wanted


def _check_type(name: str, definition: dict[str, Any], operation: dict[str, Any]) -> None:
    given = a_text(operation.get("operationType"), "operationType")
    if given not in _OPERATIONS:
        raise _refused(f"Invalid operationType {given}")
    if _OPERATIONS[given] != _SORTS[definition["type"]]:
        raise _refused(f'operationType {given} does not fit property "{name}" of type {definition["type"]}')


def _test(definition: dict[str, Any], operation: dict[str, Any], moment: Moment) -> Callable[[str], bool]:
    sort = _OPERATIONS[operation["operationType"]]
    if sort == NUMBER:
        return _number(operation)
    if sort == CHOICE:
        return _choice(definition, operation)
    if sort == TEXT:
        return _text(operation)
    if sort == FLAG:
        return _flag(operation)
    return time_test(definition, operation, moment)


def _operator(operation: dict[str, Any], allowed: Any) -> str:
    operator = str(operation.get("operator"))
    if operator not in allowed:
        raise _refused(f"Invalid operator {operator} for operationType {operation['operationType']}")
    return operator


def _number(operation: dict[str, Any]) -> Callable[[str], bool]:
    if operation["operationType"] == "RANGED_NUMBER":
        inside = _operator(operation, ("IS_BETWEEN", "IS_NOT_BETWEEN")) == "IS_BETWEEN"
        low, high = _float(operation, "lowerBound"), _float(operation, "upperBound")
        return lambda held: (low <= float(held) <= high) == inside
    compare, value = _NUMBERS[_operator(operation, _NUMBERS)], _float(operation, "value")
    return lambda held: compare(float(held), value)


def _float(operation: dict[str, Any], part: str) -> float:
    value = operation.get(part)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(f"operationType {operation['operationType']} needs a number in {part}")
    return float(value)


def _strings(operation: dict[str, Any]) -> list[str]:
    values = operation.get("values")
    if not isinstance(values, list) or not values:
        raise _refused(f"operationType {operation['operationType']} needs values")
    return [str(one) for one in values]


def _choice(definition: dict[str, Any], operation: dict[str, Any]) -> Callable[[str], bool]:
    compare, values = _CHOICES[_operator(operation, _CHOICES)], set(_strings(operation))
    allowed = {option["value"] for option in definition["options"]}
    if not definition.get("externalOptions") and values - allowed:
        raise _refused(f'{sorted(values - allowed)} are not options of "{definition["name"]}"')
    many = definition["fieldType"] == "checkbox"
    return lambda held: compare(set(held.split(";")) if many else {held}, values)


def _text(operation: dict[str, Any]) -> Callable[[str], bool]:
    operator = _operator(operation, (*_TEXTS, *_NOT_TEXTS))
    if operation["operationType"] == "STRING":
        wanted = [str(operation.get("value") or "").lower()]
        if not wanted[0]:
            raise _refused("operationType STRING needs a value")
    else:
        wanted = [one.lower() for one in _strings(operation)]
    compare = _TEXTS[_NOT_TEXTS.get(operator, operator)]
    negate = operator in _NOT_TEXTS
    return lambda held: any(compare(held.lower(), one) for one in wanted) != negate


def _flag(operation: dict[str, Any]) -> Callable[[str], bool]:
    same = _operator(operation, ("IS_EQUAL_TO", "IS_NOT_EQUAL_TO")) == "IS_EQUAL_TO"
    if not isinstance(operation.get("value"), bool):
        raise _refused("operationType BOOL needs true or false in value")
    wanted = "true" if operation["value"] else "false"
    return lambda held: (held == wanted) == same
