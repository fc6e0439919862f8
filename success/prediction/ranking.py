"""How well scores order outcomes, and where one score stands among many.

Neighbours: ``ladder`` keeps what it finds in the model, ``drift`` compares with it later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from success.shares import half_up

PARTS = 10


def auc(outcomes: Sequence[bool], scores: Sequence[int]) -> int | None:
    """Return, in thousandths, the share of pairs (event, none) the scores order rightly; ties count half.

    None where there is no such pair. Exact, so it does not depend on the order of the rows.
    """
    events = sorted(score for score, event in zip(scores, outcomes, strict=True) if event)
    others = sorted(score for score, event in zip(scores, outcomes, strict=True) if not event)
    if not events or not others:
        return None
    below = above = place = last = 0
    for score in events:
        while place < len(others) and others[place] < score:
            place += 1
        last = max(last, place)
        while last < len(others) and others[last] == score:
            last += 1
        below, above = below + place, above + last
    return half_up(Fraction(1000 * (below + above), 2 * len(events) * len(others)))


def cuts(scores: Sequence[int]) -> tuple[int, ...]:
    """Return the nine scores that part a portfolio into tenths; none below ten scores."""
    if len(scores) < PARTS:
        return ()
    ordered = sorted(scores)
    return tuple(ordered[len(ordered) * part // PARTS] for part in range(1, PARTS))


def tenth(score: int, borders: Sequence[int]) -> int | None:
    """Return which tenth a score falls into, 1 the lowest and 10 the highest; None without borders."""
    return bisect_right(borders, score) + 1 if borders else None
