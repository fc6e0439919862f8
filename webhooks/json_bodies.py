"""JSON from outside, read once and within bounds.

A body nested so deep that we could read but not write it again, at another depth of our own calls, must
not become a row. Neighbours: ``hubspot`` and ``usage`` read their bodies here.
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
    return found if _is_shallow(found, DEEPEST) else None


def _is_shallow(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return True
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in value if isinstance(one, (dict, list)))
