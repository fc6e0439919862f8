"""The direction of a figure over weeks: the median of the slopes of all pairs (Theil-Sen, domain C.4).

One odd week moves it little. Level and trend stay two measures. Neighbours: ``measures`` and ``stage``
ask for that of use, ``health_trend`` for that of health.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations
from statistics import median

from success.view import AccountView

WEEK = timedelta(days=7)


def median_of_pairs(points: Sequence[tuple[int, int]]) -> Fraction:
    """Return the median slope between any two of the points (place, value), places rising; at least two."""
    pairs = combinations(points, 2)
    return Fraction(median(Fraction(high - low, after - before) for (before, low), (after, high) in pairs))


def relative_use_slope(view: AccountView, as_of: date, weeks: int) -> Fraction | None:
    """Return by what share of the mean week use changes from week to week, over the weeks that end on a day.

    None (unknown) without any use in them or without a contract throughout them.
    """
    ends = [as_of - back * WEEK for back in reversed(range(weeks))]
    first = ends[0] - WEEK + timedelta(days=1)
    if not view.lines or view.lines[0].start > first:
        return None
    totals = [view.usage.total(end - WEEK + timedelta(days=1), end) for end in ends]
    if not any(totals):
        return None
    return median_of_pairs(list(enumerate(totals))) / Fraction(sum(totals), weeks)
