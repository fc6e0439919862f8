"""JSON from outside: read as far as it is worth reading, and no deeper.

Python reads a document about as deep as its stack; what is stored is written again by code that stands deeper
in it, so a depth that could just be read could not be kept. Neighbours: ``hubspot`` and ``usage`` read by it.
"""

from __future__ import annotations

import json
from typing import Any, Final

DEEPEST: Final = 64
"""More than any message of HubSpot's or Segment's has."""


def read_json(body: bytes) -> Any:
    """Return the document. Raises ValueError for what is none, or is nested too deep."""
    try:
        found = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    layer, depth = [found], 0
    while layer:
        if depth > DEEPEST:
            raise ValueError("nested too deep")
        layer = [
            inner
            for one in layer
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
        depth += 1
    return found
