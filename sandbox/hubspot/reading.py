"""Parts of a JSON body in the type HubSpot's own reader would ask for; anything else is its 400."""

from __future__ import annotations

from typing import Any

from sandbox.hubspot.errors import bad_json


def a_list(value: Any, name: str) -> list[Any]:
    """Return a list, none for nothing. Raises 400."""
    if value is not None and not isinstance(value, list):
        raise bad_json(f"expected {name} to be a list")
    return value or []


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """Return a list of objects, none for nothing. Raises 400."""
    found = a_list(value, name)
    if not all(isinstance(one, dict) for one in found):
        raise bad_json(f"expected {name} to hold objects")
    return found


def texts(value: Any, name: str) -> list[str]:
    """Return a list of texts (numbers count as such), none for nothing. Raises 400."""
    found = a_list(value, name)
    if any(isinstance(one, dict | list) for one in found):
        raise bad_json(f"expected {name} to hold texts")
    return [str(one) for one in found]


def an_object(value: Any, name: str) -> dict[str, Any]:
    """Return an object, an empty one for nothing. Raises 400."""
    if value is not None and not isinstance(value, dict):
        raise bad_json(f"expected {name} to be an object")
    return value or {}


def a_text(value: Any, name: str) -> str:
    """Return a text or number as text, "" for nothing. Raises 400."""
    if isinstance(value, dict | list):
        raise bad_json(f"expected {name} to be a text")
    return "" if value is None else str(value)
