"""The trend of an account's use: which way it has gone over eight weeks (domain C.4)."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from statistics import median

from success.view import AccountView

WEEKS = 8
WEEK = timedelta(days=7)
# A change of less than this share of the mean per week is flat.
FLAT_SHARE = Fraction(1, 20)


class Trend(StrEnum):
    """The direction of use over eight weeks."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"
    UNKNOWN = "unknown"


def trend(view: AccountView, as_of: date) -> Trend:
    """Return the direction of weekly use over the 8 weeks that end on a day.

    The slope is the robust median of pairs (Theil-Sen) against the mean week. Unknown
    without any use in them or without a contract throughout them.
    """
    weeks = [as_of - back * WEEK for back in reversed(range(WEEKS))]
    first = weeks[0] - WEEK + timedelta(days=1)
    totals = [view.usage.total(end - WEEK + timedelta(days=1), end) for end in weeks]
    if not any(totals) or not view.lines or view.lines[0].start > first:
        return Trend.UNKNOWN
    slope = median(Fraction(totals[j] - totals[i], j - i) for i, j in combinations(range(WEEKS), 2))
    relative = slope / Fraction(sum(totals), WEEKS)
    if abs(relative) < FLAT_SHARE:
        return Trend.FLAT
    return Trend.UP if relative > 0 else Trend.DOWN
