"""JSON from outside, read once and within bounds.

A body nested so deep that we could read but not write it again, at another depth of our own calls, must
not become a row. Neighbours: ``webhooks/hubspot.py`` and ``webhooks/usage.py`` read their bodies here,
``usage_files`` asks about its lines.
"""

from __future__ import annotations

import json
from typing import Any, Final

DEEPEST: Final = 50
"""Levels of lists and objects within each other; a CRM's events have three, product events what they like."""


def parsed(body: bytes) -> Any:
    """Return what a body says, ``None`` where it is no JSON, says null, or is nested too deep."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if is_shallow(found) else None


def is_shallow(value: Any, levels: int = DEEPEST) -> bool:
    """Return whether a value from JSON has at most so many levels of lists and objects."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return True
    return levels > 0 and all(is_shallow(one, levels - 1) for one in value if isinstance(one, (dict, list)))
