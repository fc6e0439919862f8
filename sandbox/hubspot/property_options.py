"""The options of a property as they are kept: what HubSpot asks of them, and their full form.

Source: HubSpot's Properties guide (options of enumerations) and a live portal's refusal of a bool
without its two options. ``properties`` uses it.
"""

from __future__ import annotations

from typing import Any

from sandbox.hubspot.errors import invalid


def option_list(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the options of a definition in full. Raises 400."""
    options = given.get("options") or []
    if not all(isinstance(option, dict) for option in options):
        raise invalid("Invalid input JSON: an option is not an object")
    values = [str(option.get("value", "")) for option in options]
    if len(set(values)) != len(values) or "" in values:
        raise invalid("Property options must have unique, non-empty values")
    _check_kind(given, values)
    return [
        {
            "label": str(option.get("label") or option["value"]),
            "value": str(option["value"]),
            "displayOrder": option.get("displayOrder", order),
            "hidden": bool(option.get("hidden")),
            "description": option.get("description", ""),
        }
        for order, option in enumerate(options)
    ]


def _check_kind(given: dict[str, Any], values: list[str]) -> None:
    calculated = given.get("fieldType") == "calculation_equation"
    if given["type"] == "bool" and not calculated and set(values) != {"true", "false"}:
        raise invalid(
            "Boolean properties must have exactly two options: true and false",
            errors=[{"message": "the options must be true and false", "code": "INVALID_BOOLEAN_OPTION"}],
        )
    external = given.get("externalOptions") or given.get("hubspotDefined")
    if given["type"] == "enumeration" and not values and not external and not calculated:
        raise invalid("Enumeration properties must have options")
    owners = given.get("referencedObjectType") == "OWNER" and not values
    if given.get("externalOptions") and not given.get("hubspotDefined") and not owners:
        raise invalid("externalOptions needs referencedObjectType OWNER, and no options")
