"""Where one score stands among many: tenths of the scores of training.

Neighbours: ``ladder`` keeps the borders in the model. How well scores order outcomes is for
``success.backtest.ranking``; this module needs no arrays, since every look at an account asks it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

PARTS = 10


def cuts(scores: Sequence[int]) -> tuple[int, ...]:
    """Return the nine scores that part a portfolio into tenths; none below ten scores."""
    if len(scores) < PARTS:
        return ()
    ordered = sorted(scores)
    return tuple(ordered[len(ordered) * part // PARTS] for part in range(1, PARTS))


def tenth(score: int, borders: Sequence[int]) -> int | None:
    """Return which tenth a score falls into, 1 the lowest and 10 the highest; None without borders."""
    return bisect_right(borders, score) + 1 if borders else None
