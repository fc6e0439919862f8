"""The trend of an account's use: which way it has gone over eight weeks (domain C.4)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from fractions import Fraction

from success.slope import relative_use_slope
from success.view import AccountView

WEEKS = 8
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
    relative = relative_use_slope(view, as_of, WEEKS)
    if relative is None:
        return Trend.UNKNOWN
    if abs(relative) < FLAT_SHARE:
        return Trend.FLAT
    return Trend.UP if relative > 0 else Trend.DOWN
