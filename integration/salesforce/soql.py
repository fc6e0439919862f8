"""Pieces of SOQL that several verbs need: lists of literals that fit the URI.

Source: "Salesforce Developer Limits and Allocations", REST API (URI and headers). Neighbours: ``read``,
``census`` and ``past`` build their queries of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote_plus

from integration.salesforce.limits import QUERY_BYTES


def among(column: str, literals: Sequence[str]) -> str:
    """Return the condition that a column is one of the literals."""
    return f" WHERE {column} IN ({','.join(literals)})"


def split_to_fit(head: str, literals: Sequence[str]) -> list[list[str]]:
    """Return ``literals`` in as few lists as keep each encoded query under the URI limit."""
    room = QUERY_BYTES - len(quote_plus(head))
    lists: list[list[str]] = []
    used = room
    for literal in literals:
        size = len(quote_plus(literal)) + len("%2C")
        if used + size > room:
            lists.append([])
            used = 0
        lists[-1].append(literal)
        used += size
    return lists
