"""Formula fields: the few forms a customer-success add-on needs, computed on read.

Understood: a field or parent path, ``TEXT(path)`` (needed for picklists), ``ISPICKVAL``-free text and
number literals, ``&`` between them, and one date minus another (days). Anything else is refused at
deploy, so that nobody takes a formula this stand-in cannot compute for a working one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from sandbox.salesforce.schema import NUMERIC, Field, Schema, SObject
from sandbox.salesforce.store import Row, Store

Compute = Callable[[Row], Any]
_PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*$")
_TEXT = re.compile(r"TEXT\(\s*([\w.]+)\s*\)$", re.IGNORECASE)
_DAYS = re.compile(r"\s*([A-Za-z][\w.]*)\s*-\s*([A-Za-z][\w.]*)\s*$")
_DEPTH = 10


class FormulaError(Exception):
    """A formula that does not compile, in the vendor's words where they are known."""


def compile_formula(schema: Schema, store: Store, obj: SObject, f: Field) -> Compute:
    """Return a function from a row to the formula's value. Raises FormulaError."""
    if match := _DAYS.match(f.formula or ""):
        return _days_between(schema, store, obj, f, match[1], match[2])
    parts = [p.strip() for p in _split(f.formula or "")]
    if len(parts) > 1:
        pieces = [_term(schema, store, obj, p, as_text=True) for p in parts]
        return lambda row: "".join(_shown(p(row)) for p in pieces) or None
    compute = _term(schema, store, obj, parts[0], as_text=f.type == "string")
    if f.type in NUMERIC and f.blank_as_zero:
        return lambda row: 0.0 if (value := compute(row)) is None else value
    return compute


def walk(schema: Schema, store: Store, obj: SObject, path: str) -> tuple[Field, Compute]:
    """Return the last field of a path such as ``CS_Profile__r.CS_Health__c`` and how to reach it."""
    *parents, last = path.split(".")
    hops: list[tuple[str, str]] = []
    at = obj
    for name in parents:
        link = at.relationship(name)
        target = schema.get(link.reference_to[0]) if link else None
        if link is None or target is None:
            raise FormulaError(f"Field {path} does not exist. Check spelling.")
        hops.append((link.name, target.name))
        at = target
    found = at.get(last)
    if found is None or len(hops) > _DEPTH:
        raise FormulaError(f"Field {path} does not exist. Check spelling.")
    final = compile_formula(schema, store, at, found) if found.formula else _plain(found.name)
    return found, _through(store, hops, final) if hops else final


def field_uses(schema: Schema, obj: SObject, f: Field) -> set[tuple[str, str]]:
    """Return, as (metadata type, full name), what a lookup or formula refers to in the schema."""
    found = {("CustomObject", name) for name in f.reference_to}
    for path in re.findall(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", f.formula or ""):
        at = obj
        for name in path.split("."):
            link = at.relationship(name) or at.get(name)
            if link is None:
                break
            found.add(("CustomField", f"{at.name}.{link.name}"))
            at = (schema.get(link.reference_to[0]) or at) if link.reference_to else at
    return found


def _days_between(schema: Schema, store: Store, obj: SObject, f: Field, later: str, earlier: str) -> Compute:
    """Return the days from one date to another; empty while one of them is."""
    ends = [walk(schema, store, obj, path) for path in (later, earlier)]
    for found, _ in ends:
        if found.type != "date":
            words = f"Incorrect parameter type for operator '-'. Expected Date, received {_kind(found)}"
            raise FormulaError(words)
    if f.type not in NUMERIC:
        words = f"Formula result is data type (Number), incompatible with expected data type ({_kind(f)})."
        raise FormulaError(words)

    def value(row: Row) -> Any:
        first, last = (compute(row) for _, compute in reversed(ends))
        if first is None or last is None:
            return None
        return float((date.fromisoformat(last) - date.fromisoformat(first)).days)

    return value


def _plain(name: str) -> Compute:
    return lambda row: row.get(name)


def _through(store: Store, hops: list[tuple[str, str]], final: Compute) -> Compute:
    def value(row: Row) -> Any:
        here: Row | None = row
        for link, target in hops:
            key = here.get(link) if here else None
            here = store.find(target, key) if key else None
            if here is None or here.get("IsDeleted"):
                return None
        return final(here) if here is not None else None

    return value


def _split(formula: str) -> list[str]:
    return re.split(r"&(?=(?:[^\"']*[\"'][^\"']*[\"'])*[^\"']*$)", formula)


def _term(schema: Schema, store: Store, obj: SObject, term: str, *, as_text: bool) -> Compute:
    if re.fullmatch(r"\"[^\"]*\"|'[^']*'", term):
        literal = term[1:-1]
        return lambda _row: literal
    if re.fullmatch(r"-?\d+(\.\d+)?", term):
        number = float(term)
        return lambda _row: number
    match = _TEXT.match(term)
    if match:
        _, value = walk(schema, store, obj, match[1])
        return lambda row: None if (found := value(row)) is None else _shown(found)
    if not _PATH.match(term):
        raise FormulaError(f"The sandbox computes only paths, TEXT(path), literals and &: {term}")
    found, value = walk(schema, store, obj, term)
    if found.type == "picklist":
        words = "Picklist fields are only supported in certain functions."
        raise FormulaError(f"Field {found.name} is a picklist field. {words}")
    if as_text and not found.textual and found.type not in ("id", "reference"):
        raise FormulaError(
            f"Formula result is data type ({_kind(found)}), incompatible with expected data type (Text)."
        )
    return value


def _kind(f: Field) -> str:
    return {"date": "Date", "datetime": "DateTime", "boolean": "Boolean"}.get(f.type, "Number")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
