"""Exact sharing and rounding of integers, so that parts always add up to their whole.

Used by ``health`` (contributions), ``ledger`` (currency) and ``renewals`` (uplift).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

THOUSAND = 1000


def half_up(value: Fraction) -> int:
    """Return the nearest integer; a half goes up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def largest_remainder(parts: Sequence[Fraction], total: int | None = None) -> tuple[int, ...]:
    """Return integers beside ``parts`` that sum to ``total`` (default: the rounded sum of the parts).

    Each is rounded down; the units left go to the largest remainders, ties to the earlier part.
    """
    floors = [part.numerator // part.denominator for part in parts]
    wanted = half_up(sum(parts, Fraction(0))) if total is None else total
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i], i))
    for index in by_remainder[: wanted - sum(floors)]:
        floors[index] += 1
    return tuple(floors)
