"""Whose explanation changed: a fingerprint of all that one account's sentences are made of.

Sentences cost more than scores, so they are put into words again only where their fingerprint is another
than the one kept beside them. Days a value stands for are in it only where it is stale and they are told.
Neighbour: ``success.explain``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from success.columns.frame import Integers
from success.columns.health import HealthColumns

# Odd 64-bit constants of the SplitMix64 generator (Steele, Lea, Flood 2014); each step is a bijection.
_FIRST: Final = np.uint64(0x9E3779B97F4A7C15)
_SECOND: Final = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT: Final = np.uint64(30)


def fingerprints(found: HealthColumns, rules: int, bands: Integers) -> Integers:
    """Return a 64-bit number per account: equal for equal explanations by the same rules.

    ``rules`` stands for the charter, whose titles and curves the sentences hang on too; ``bands`` are the
    ones that stand, which the sentences name. Accounts the twin
    scored have what it found in theirs. Two different explanations share one in 2**64 cases by chance.
    """
    mixed = np.full(len(found.frame), np.uint64(rules & 0xFFFFFFFFFFFFFFFF), dtype=np.uint64)
    for row, result in found.alone.items():
        mixed[row] = _of_text(repr(result), rules)
    for column in (bands, *_ingredients(found)):
        mixed = (mixed ^ column.astype(np.int64).view(np.uint64)) * _FIRST
        mixed ^= mixed >> _SHIFT
    return (mixed * _SECOND).view(np.int64)


def _ingredients(found: HealthColumns) -> Iterator[NDArray[Any]]:
    yield from (
        found.known,
        np.where(found.known, found.points, 0),
        found.bands,
        found.coverage,
        found.binding,
    )
    for place, rule in enumerate(found.card.measures):
        column, parts = found.frame.measures[rule.measure], found.parts
        stale = parts.stale[place]
        yield from (parts.standing[place], parts.points[place], parts.share[place], stale)
        yield np.where(column.known, column.numerator, 0)
        yield np.where(column.known, column.denominator, 0)
        yield np.where(stale, column.observed, 0)


def _of_text(text: str, rules: int) -> int:
    """Return the 64-bit FNV-1a hash of a text, begun from a number."""
    mixed = (0xCBF29CE484222325 ^ rules) & 0xFFFFFFFFFFFFFFFF
    for byte in text.encode():
        mixed = (mixed ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return mixed
