"""Deployed validation rules: their formulas compiled, and the saves they refuse.

Understood: AND, OR, NOT, ISBLANK, ISNEW, ISCHANGED, TEXT, TODAY, comparisons, a date or number plus or
minus a number, fields of the object itself, and literals. Anything else is refused at deploy, so that
nobody takes a rule this stand-in cannot judge for a working one. A comparison with an empty field is not
true. Sources: Metadata API guide, "ValidationRule"; help pages "Formula Operators and Functions" and
"Define Validation Rules". Neighbours: ``rules`` asks at each save, ``metadata_components`` checks.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final
from xml.etree import ElementTree as ET

from sandbox.salesforce.formula import FormulaError
from sandbox.salesforce.metadata_fields import Problem, known_elements
from sandbox.salesforce.metadata_scope import Scope, check_name, needed
from sandbox.salesforce.metadata_zip import text_of
from sandbox.salesforce.schema import NUMERIC, SObject
from sandbox.salesforce.store import Row

RULE: Final = "ValidationRule"
RULES: Final = "validation formulas"
_ELEMENTS = {"fullName", "active", "description", "errorConditionFormula", "errorDisplayField",
             "errorMessage"}  # fmt: skip
_MESSAGE = 255
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|\"([^\"]*)\"|([A-Za-z]\w*)|(<>|!=|<=|>=|&&|\|\||[-+<>=(),!]))")
_ARITY: Mapping[str, int | None] = {
    "AND": None, "OR": None, "NOT": 1, "ISBLANK": 1, "ISNEW": 0, "ISCHANGED": 1, "TEXT": 1, "TODAY": 0,
}  # fmt: skip
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "=": operator.eq,
    "<>": operator.ne, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Save:
    """A row about to be saved, as it was before (``None``: it is new), and the org's day."""

    row: Row
    old: Row | None
    today: date


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a formula: its type (Boolean, Number, Date, Text, Picklist) and how it is computed."""

    kind: str
    value: Callable[[Save], Any]
    field: str | None = None


def validation_rule(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a ``validationRules`` element; ``name`` is Object.Rule. Raises Problem."""
    known_elements(root, _ELEMENTS, RULE)
    object_name, _, rule = name.partition(".")
    obj = scope.object(object_name, "object")
    check_name(rule, 40)
    if needed(root, "active") not in ("true", "false"):
        raise Problem(f"'{text_of(root, 'active')}' is not a valid value for the type xsd:boolean")
    if len(needed(root, "errorMessage")) > _MESSAGE:
        raise Problem(f"Value too long for field: ErrorMessage maximum length is:{_MESSAGE}")
    shown = text_of(root, "errorDisplayField")
    if shown is not None:
        scope.field(obj, shown, "errorDisplayField")
    try:
        used = fields_of(obj, needed(root, "errorConditionFormula"))
    except FormulaError as error:
        raise Problem(str(error)) from None
    for one in used:
        scope.field(obj, one, "errorConditionFormula")
    scope.details.setdefault(RULES, {})[name] = {
        "object": obj.name,
        "active": text_of(root, "active") == "true",
        "formula": needed(root, "errorConditionFormula"),
        "message": needed(root, "errorMessage"),
        "field": shown,
    }


def fields_of(obj: SObject, formula: str) -> set[str]:
    """Return the fields a formula names. Raises FormulaError where it is none that can be judged here."""
    reader = _Formula(obj, formula)
    reader.whole()
    return reader.used


def fires(obj: SObject, formula: str, save: Save) -> bool:
    """Return whether a save is refused by a formula that was checked at its deploy."""
    kinds = tuple((f.name, f.type) for f in obj.fields.values() if f.name in formula)
    return bool(_compiled(_Fields(obj, kinds), formula).value(save))


@dataclass(frozen=True, slots=True)
class _Fields:
    """An object, told apart by the types of the fields a formula names."""

    obj: SObject = field(compare=False)
    kinds: tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def _compiled(of: _Fields, formula: str) -> Term:
    return _Formula(of.obj, formula).whole()


class _Formula:
    """A formula being read, one token after another."""

    def __init__(self, obj: SObject, text: str) -> None:
        self._obj, self._tokens, self.used = obj, _tokens(text), set[str]()

    def whole(self) -> Term:
        term = self._comparison()
        if self._tokens:
            raise FormulaError(f"Syntax error. Extra {self._tokens[0][1]}")
        return _expect(term, "Boolean", "errorConditionFormula")

    def _comparison(self) -> Term:
        left = self._sum()
        if not self._next(_COMPARE):
            return left
        sign = self._tokens.pop(0)[1]
        right = self._sum()
        for one in (left, right):
            if one.kind == "Picklist":
                words = "Picklist fields are only supported in certain functions."
                raise FormulaError(f"Field {one.field} is a picklist field. {words}")
        if left.kind != right.kind:
            words = f"Incorrect parameter type for operator '{sign}'. Expected {left.kind}, "
            raise FormulaError(words + f"received {right.kind}")
        compare = _COMPARE[sign]

        def value(save: Save) -> bool:
            one, other = left.value(save), right.value(save)
            return one is not None and other is not None and compare(one, other)

        return Term("Boolean", value)

    def _sum(self) -> Term:
        left = self._atom()
        while self._next("+-"):
            sign, right = self._tokens.pop(0)[1], self._atom()
            left = _added(left, _expect(right, "Number", f"operator '{sign}'"), sign)
        return left

    def _atom(self) -> Term:
        if not self._tokens:
            raise FormulaError("Syntax error. Found 'EOF'")
        kind, text = self._tokens.pop(0)
        if kind == "number":
            return Term("Number", lambda _: float(text))
        if kind == "text":
            return Term("Text", lambda _: text)
        if text == "(":
            inner = self._comparison()
            self._take(")")
            return inner
        if kind != "name":
            raise FormulaError(f"Syntax error. Found '{text}'")
        return self._function(text.upper()) if self._next("(") else self._field(text)

    def _function(self, name: str) -> Term:
        self._take("(")
        given: list[Term] = []
        while not self._next(")"):
            given.append(self._comparison())
            if not self._next(")"):
                self._take(",")
        self._take(")")
        return _call(name, given)

    def _field(self, name: str) -> Term:
        found = self._obj.get(name)
        if found is None:
            raise FormulaError(f"Field {name} does not exist. Check spelling.")
        self.used.add(found.name)
        kinds = {
            "date": "Date",
            "picklist": "Picklist",
            "boolean": "Boolean",
            **dict.fromkeys(NUMERIC, "Number"),
        }
        kind = kinds.get(found.type, "Text")

        def value(save: Save) -> Any:
            held = save.row.get(found.name)
            return date.fromisoformat(held) if kind == "Date" and held is not None else held

        return Term(kind, value, found.name)

    def _next(self, signs: Any) -> bool:
        return bool(self._tokens) and self._tokens[0][0] == "sign" and self._tokens[0][1] in signs

    def _take(self, sign: str) -> None:
        if not self._next(sign):
            raise FormulaError(f"Syntax error. Missing '{sign}'")
        self._tokens.pop(0)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise FormulaError(f"Syntax error. Found '{text[at:].strip()[0]}'")
        kinds = ("number", "text", "name", "sign")
        found.append(
            next((kind, one) for kind, one in zip(kinds, match.groups(), strict=True) if one is not None)
        )
        at = match.end()
    return found


def _expect(term: Term, kind: str, where: str) -> Term:
    if term.kind != kind:
        raise FormulaError(f"Incorrect parameter type for {where}. Expected {kind}, received {term.kind}")
    return term


def _added(left: Term, right: Term, sign: str) -> Term:
    if left.kind not in ("Number", "Date"):
        words = f"Incorrect parameter type for operator '{sign}'. Expected Number, Date, received {left.kind}"
        raise FormulaError(words)
    factor = 1 if sign == "+" else -1

    def value(save: Save) -> Any:
        one, other = left.value(save), right.value(save)
        if one is None or other is None:
            return None
        return one + timedelta(days=factor * other) if left.kind == "Date" else one + factor * other

    return Term(left.kind, value)


def _call(name: str, given: list[Term]) -> Term:
    """Return a call of a function. Raises FormulaError."""
    if name not in _ARITY:
        raise FormulaError(f"The sandbox does not judge the function {name} and so does not take it")
    if _ARITY[name] not in (None, len(given)):
        words = f"Incorrect number of parameters for function '{name}()'. Expected {_ARITY[name]}, "
        raise FormulaError(words + f"received {len(given)}")
    if name in ("AND", "OR", "NOT"):
        terms = [_expect(one, "Boolean", f"function '{name}()'") for one in given]
        if name == "AND":
            return Term("Boolean", lambda save: all(one.value(save) for one in terms))
        wanted = name == "OR"
        return Term("Boolean", lambda save: any(one.value(save) for one in terms) is wanted)
    if name == "ISNEW":
        return Term("Boolean", lambda save: save.old is None)
    if name == "TODAY":
        return Term("Date", lambda save: save.today)
    (one,) = given
    if name == "ISCHANGED":
        if one.field is None:
            raise FormulaError("Incorrect parameter for function 'ISCHANGED()'. Expected a field")
        name_of = one.field
        return Term(
            "Boolean", lambda save: save.old is not None and save.old.get(name_of) != save.row.get(name_of)
        )
    if name == "TEXT":
        return Term("Text", one.value)
    if one.kind == "Picklist":
        words = "Picklist fields are only supported in certain functions."
        raise FormulaError(f"Field {one.field} is a picklist field. {words}")
    return Term("Boolean", lambda save: one.value(save) in (None, ""))
