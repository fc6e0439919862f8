"""WHERE clauses compiled to a function of a row, with the vendor's checks of types and fields.

Text compares without regard to case, empty text and null are one, and ``!=``, ``NOT`` and ``NOT IN``
let rows without a value through, as SOQL does.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.access import Access
from sandbox.salesforce.errors import SfError, unsupported_type
from sandbox.salesforce.formula import FormulaError, walk
from sandbox.salesforce.ids import to18
from sandbox.salesforce.instants import day_range
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import NUMERIC, Field, SObject
from sandbox.salesforce.soql_ast import Among, Both, Compare, Condition, Literal, Not, Path, Query
from sandbox.salesforce.soql_rules import placed
from sandbox.salesforce.store import Row

Test = Callable[[Row], bool]
Read = Callable[[Row], Any]
_MAX_HOPS = 5
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
_LONG_TEXT = 255


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query is compiled against: the org, the sight of its user, its object and text."""

    org: Org
    access: Access
    obj: SObject
    text: str
    subselect: Callable[[Query], list[Any]]


def resolve(scope: Scope, path: Path) -> tuple[Field, Read]:
    """Return the field a path ends at and how to read it. Raises INVALID_FIELD in the vendor's words."""
    parts = path.parts
    if (
        len(parts) > 1
        and parts[0].lower() == scope.obj.name.lower()
        and scope.obj.relationship(parts[0]) is None
    ):
        parts = parts[1:]
    if len(parts) > _MAX_HOPS + 1:
        raise placed(
            scope.text, path.at, f"Invalid field path '{path.text}': more than 5 levels", "INVALID_FIELD"
        )
    at = scope.obj
    for name in parts[:-1]:
        link = at.relationship(name)
        target = scope.access.object(link.reference_to[0]) if link else None
        if link is None or target is None or link.name.lower() not in scope.access.fields(at):
            words = f"Didn't understand relationship '{name}' in field path. If you are attempting to use a "
            words += "custom relationship, be sure to append the '__r' after the custom relationship name. "
            words += "Please reference your WSDL or the describe call for the appropriate names."
            raise placed(scope.text, path.at, words, "INVALID_FIELD")
        at = target
    if parts[-1].lower() not in scope.access.fields(at):
        raise placed(scope.text, path.at, _no_column(parts[-1], at.name), "INVALID_FIELD")
    try:
        return walk(scope.org.schema, scope.org.store, scope.obj, ".".join(parts))
    except FormulaError as error:
        raise placed(scope.text, path.at, str(error), "INVALID_FIELD") from error


def _no_column(field: str, entity: str) -> str:
    return (
        f"No such column '{field}' on entity '{entity}'. If you are attempting to use a custom field, "
        "be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe "
        "call for the "
        "appropriate names."
    )


def unknown_type(text: str, at: int, name: str) -> SfError:
    """Return the refusal of an object that is unknown or out of the user's sight."""
    return placed(text, at, unsupported_type(name), "INVALID_TYPE")


def compile_condition(scope: Scope, condition: Condition) -> Test:
    """Return the test of a row that a condition stands for."""
    if isinstance(condition, Not):
        inner = compile_condition(scope, condition.inner)
        return lambda row: not inner(row)
    if isinstance(condition, Both):
        tests = [compile_condition(scope, part) for part in condition.parts]
        if condition.op == "AND":
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)
    if isinstance(condition, Among):
        return _among(scope, condition)
    return _compare(scope, condition)


def _filterable(scope: Scope, path: Path) -> tuple[Field, Read]:
    f, read = resolve(scope, path)
    if f.type == "anyType" or (f.type == "textarea" and f.length > _LONG_TEXT):
        words = f"field '{path.text}' can not be filtered in a query call"
        raise placed(scope.text, path.at, words, "INVALID_FIELD")
    return f, read


def _compare(scope: Scope, c: Compare) -> Test:
    f, read = _filterable(scope, c.path)
    if c.value.kind == "range":
        return _ranged(scope, c, f, read)
    wanted = _operand(scope, c.path, f, c.value)
    fold = _folds(f)
    if c.op == "LIKE":
        return _like(scope, c, f, read)
    if c.op in ("=", "!="):
        return _equal(read, wanted, fold=fold, negated=c.op == "!=")
    if f.type == "boolean" or wanted is None:
        raise placed(
            scope.text, c.path.at, f"invalid operator on {f.type} field", "INVALID_QUERY_FILTER_OPERATOR"
        )
    test = _COMPARE[c.op]
    if fold:
        folded = str(wanted).lower()
        return lambda row: (value := read(row)) is not None and test(str(value).lower(), folded)
    return lambda row: (value := read(row)) is not None and test(value, wanted)


def _folds(f: Field) -> bool:
    return f.textual and not f.case_sensitive


def _equal(read: Read, wanted: Any, *, fold: bool, negated: bool) -> Test:
    if fold and wanted is not None:
        folded = str(wanted).lower()
        return lambda row: (
            (((value := read(row)) is not None) and str(value).lower() == folded) is not negated
        )
    return lambda row: (read(row) == wanted) is not negated


def _like(scope: Scope, c: Compare, f: Field, read: Read) -> Test:
    if not f.textual or c.value.kind != "string":
        raise placed(
            scope.text, c.path.at, f"invalid operator on {f.type} field", "INVALID_QUERY_FILTER_OPERATOR"
        )
    pattern = ""
    for piece in re.findall(r"\\[%_]|.", str(c.value.value), re.DOTALL):
        pattern += {"%": ".*", "_": "."}.get(piece) or re.escape(piece.removeprefix("\\"))
    like = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch
    return lambda row: (value := read(row)) is not None and like(value) is not None


def _ranged(scope: Scope, c: Compare, f: Field, read: Read) -> Test:
    name, _, count = str(c.value.value).partition(":")
    days = day_range(name, int(count) if count else None, scope.org.now().date())
    if days is None:
        raise placed(scope.text, c.value.at, f"unexpected token: '{c.value.value}'", "MALFORMED_QUERY")
    if f.type not in ("date", "datetime"):
        raise _mistyped(scope, c.path, f)
    tail = "" if f.type == "date" else "T00:00:00.000+0000"
    start, end = (d.isoformat() + tail for d in days)
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda v: start <= v < end, "!=": lambda v: not start <= v < end, "<": lambda v: v < start,
        "<=": lambda v: v < end, ">": lambda v: v >= end, ">=": lambda v: v >= start,
    }  # fmt: skip
    test = tests[c.op]
    return lambda row: (value := read(row)) is not None and test(value)


def _among(scope: Scope, a: Among) -> Test:
    f, read = _filterable(scope, a.path)
    if a.subquery is not None:
        _check_semi_join(scope, a.path, f, a.subquery)
        values = scope.subselect(a.subquery)
    else:
        values = [_operand(scope, a.path, f, v) for v in a.values]
    negated = a.negated
    if _folds(f):
        folded = {None if v is None else str(v).lower() for v in values}
        return lambda row: (_lower(read(row)) in folded) is not negated
    wanted = set(values)
    return lambda row: (read(row) in wanted) is not negated


def _check_semi_join(scope: Scope, path: Path, f: Field, inner: Query) -> None:
    """Raise where a semi-join does not compare ids of one object (SOQL Reference, "Comparison Operators")."""
    obj = scope.access.object(inner.source)
    if obj is None:
        raise unknown_type(inner.text, inner.source_at, inner.source)
    chosen, _ = resolve(Scope(scope.org, scope.access, obj, inner.text, scope.subselect), inner.select[0])
    if f.type not in ("id", "reference"):
        words = "The left operand field in the where expression for outer query should be an ID field, "
        raise placed(scope.text, path.at, f"{words}cannot use: '{path.text}'", "MALFORMED_QUERY")
    if chosen.type not in ("id", "reference"):
        words = "The selected field in the subquery should be an ID field, "
        raise placed(
            inner.text, inner.source_at, f"{words}cannot use: '{inner.select[0].text}'", "MALFORMED_QUERY"
        )
    if obj.name == scope.obj.name:
        words = "The inner and outer selects should not be on the same object type"
        raise placed(inner.text, inner.source_at, words, "MALFORMED_QUERY")
    plain = len(path.parts) == len(inner.select[0].parts) == 1
    if plain and not _pointed_at(scope.obj, f) & _pointed_at(obj, chosen):
        words = f"The selected field '{chosen.name}' in the subquery and the left operand field in the where "
        words += f"expression in the outer query '{f.name}' should point to the same object type"
        raise placed(inner.text, inner.source_at, words, "MALFORMED_QUERY")


def _pointed_at(obj: SObject, f: Field) -> set[str]:
    return {obj.name} if f.type == "id" else set(f.reference_to)


def _lower(value: Any) -> str | None:
    return None if value is None else str(value).lower()


_WANTS = {
    "boolean": ("boolean", False), "date": ("date", False), "datetime": ("dateTime", False),
    "int": ("int", False),
    "double": ("double", False), "currency": ("double", False), "percent": ("double", False),
}  # fmt: skip


def _mistyped(scope: Scope, path: Path, f: Field) -> SfError:
    kind, quoted = _WANTS.get(f.type, ("string", True))
    words = f"value of filter criterion for field '{path.text}' must be of type {kind} and should "
    return placed(
        scope.text, path.at, words + ("" if quoted else "not ") + "be enclosed in quotes", "INVALID_FIELD"
    )


def _operand(scope: Scope, path: Path, f: Field, literal: Literal) -> Any:
    """Return a literal as the field keeps values, or refuse one of the wrong type."""
    if literal.kind == "null":
        return False if f.type == "boolean" else None
    if f.type in ("reference", "id"):
        return _id_operand(scope, path, literal)
    wanted = (
        "number" if f.type in NUMERIC else f.type if f.type in ("boolean", "date", "datetime") else "string"
    )
    if literal.kind == "range" or literal.kind != wanted:
        raise _mistyped(scope, path, f)
    return literal.value or None if wanted == "string" else literal.value


def _id_operand(scope: Scope, path: Path, literal: Literal) -> str | None:
    if literal.kind != "string":
        raise placed(
            scope.text, path.at, f"invalid ID field: {literal.value}", "INVALID_QUERY_FILTER_OPERATOR"
        )
    if not literal.value:
        return None
    found = to18(str(literal.value))
    if found is None:
        raise placed(
            scope.text, path.at, f"invalid ID field: {literal.value}", "INVALID_QUERY_FILTER_OPERATOR"
        )
    return found
