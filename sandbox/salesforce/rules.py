"""The rules that refuse a write: validation rules and duplicate rules.

The customer's own are set by ``POST /_sandbox/validation_rules`` and ``/_sandbox/duplicate_rules`` and kept
with the org; deployed validation rules are judged by ``validation_rules``.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.errors import SfError, dml
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.store import Row
from sandbox.salesforce.validation_rules import RULES, Save, fires


def set_rules(org: Org, kind: str, rules: list[dict[str, Any]]) -> int:
    """Replace the rules of a kind (``validation`` or ``duplicate``); return how many there are.

    Raises ValueError where a rule names no known object.
    """
    for rule in rules:
        if org.schema.get(str(rule.get("object"))) is None:
            raise ValueError(f"unknown object in a rule: {rule.get('object')!r}")
    org.store.note(kind + " rules", rules)
    _CACHE.pop(id(org), None)
    return len(rules)


_CACHE: dict[int, dict[str, list[dict[str, Any]]]] = {}


def _rules(org: Org, kind: str) -> list[dict[str, Any]]:
    kept = _CACHE.setdefault(id(org), {})
    if kind not in kept:
        kept[kind] = org.store.noted(kind + " rules", [])
    return kept[kind]


def check_validation(org: Org, obj: SObject, row: Row, old: Row | None) -> None:
    """Raise FIELD_CUSTOM_VALIDATION_EXCEPTION where a validation rule fires, a deployed or a set one.

    A rule fires when ``field_required`` is empty, or when ``field`` equals ``equals``, or when
    ``field`` is greater than ``greater_than``; ``when`` (field to value) narrows it.
    """
    save = Save(row, old, org.now().date())
    for rule in org.kept(RULES, []):
        if rule["object"] == obj.name and rule["active"] and fires(obj, rule["formula"], save):
            raise dml("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule["message"], *filter(None, [rule["field"]]))
    for rule in _rules(org, "validation"):
        if rule["object"].lower() == obj.name.lower() and _fires(rule, row):
            at = rule.get("error_field")
            words = (
                rule.get("message") or f"{rule.get('field_required') or rule.get('field')} is not acceptable"
            )
            raise dml("FIELD_CUSTOM_VALIDATION_EXCEPTION", words, *([at] if at else []))


def _fires(rule: dict[str, Any], row: Row) -> bool:
    if any(row.get(k) != v for k, v in (rule.get("when") or {}).items()):
        return False
    if rule.get("field_required"):
        return row.get(rule["field_required"]) is None
    value = row.get(str(rule.get("field")))
    if "greater_than" in rule:
        return value is not None and value > rule["greater_than"]
    if "equals" in rule:
        return bool(value == rule["equals"])
    return bool(rule.get("always"))


def check_duplicates(org: Org, object_name: str, row: Row, *, allow_save: bool) -> None:
    """Raise DUPLICATES_DETECTED where a duplicate rule finds a match on all its ``fields``.

    A rule with ``allow_save`` true lets the write through when the caller's
    ``Sforce-Duplicate-Rule-Header`` says ``allowSave=true``.
    """
    for rule in _rules(org, "duplicate"):
        if rule["object"].lower() != object_name.lower() or (rule.get("allow_save") and allow_save):
            continue
        found = [r["Id"] for r in org.store.live(object_name) if r["Id"] != row["Id"] and _same(rule, r, row)]
        if found:
            raise _detected(object_name, rule, found)


def _same(rule: dict[str, Any], one: Row, other: Row) -> bool:
    pairs = [(one.get(f), other.get(f)) for f in rule["fields"]]
    return all(a is not None and b is not None and str(a).lower() == str(b).lower() for a, b in pairs)


def _detected(object_name: str, rule: dict[str, Any], found: list[str]) -> SfError:
    records = [
        {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
         "record": {"attributes": {"type": object_name}, "Id": row_id}}
        for row_id in found
    ]  # fmt: skip
    name = rule.get("name") or f"Standard_{object_name}_Duplicate_Rule"
    match = {"entityType": object_name, "errors": [], "matchEngine": "ExactMatchEngine",
             "matchRecords": records, "rule": name, "size": len(records), "success": True}  # fmt: skip
    result = {"allowSave": bool(rule.get("allow_save")), "duplicateRule": name,
              "duplicateRuleEntityType": object_name, "errorMessage": "Use one of these records?",
              "matchResults": [match]}  # fmt: skip
    error = dml("DUPLICATES_DETECTED", "Use one of these records?")
    error.extra = {"duplicateResult": result}
    return error
