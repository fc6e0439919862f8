"""The portal admin's write rules, which bind API writes from version 2026-09 on.

Source: HubSpot's changelog on CRM API write validation. Rules are set through the sandbox's
``/_sandbox/portal``: ``{"object": "deals", "required_on_create": ["x"]}`` or
``{"object": "deals", "when": {"property": "dealstage", "values": ["closedwon"]}, "required": ["y"]}``.
"""

from __future__ import annotations

from typing import Any

from sandbox.hubspot.catalogue import ObjectType


def broken_rules(
    rules: list[dict[str, Any]],
    kind: ObjectType,
    values: dict[str, str],
    *,
    creating: bool,
    touched: set[str] | None,
) -> list[dict[str, Any]]:
    """Return ``errors[]`` for the rules a write would break; an update is judged by what it touches."""
    problems: list[dict[str, Any]] = []
    for rule in rules:
        if rule["object"] not in (kind.type_id, kind.singular, kind.plural):
            continue
        if creating:
            missing = [name for name in rule.get("required_on_create", []) if not values.get(name)]
            if missing:
                problems.append(_entry("MISSING_REQUIRED_PROPERTY", missing))
        when = rule.get("when")
        if when and _applies(when, values, touched, rule):
            missing = [name for name in rule.get("required", []) if not values.get(name)]
            if missing:
                problems.append(_entry("MISSING_CONDITIONAL_REQUIRED_PROPERTY", missing))
    return problems


def _applies(
    when: dict[str, Any], values: dict[str, str], touched: set[str] | None, rule: dict[str, Any]
) -> bool:
    if values.get(when["property"]) not in when["values"]:
        return False
    return touched is None or bool(touched & {when["property"], *rule.get("required", [])})


def _entry(code: str, names: list[str]) -> dict[str, Any]:
    text = f"Required properties are not set: {', '.join(names)}"
    return {"message": text, "code": code, "context": {"propertyName": names}}
