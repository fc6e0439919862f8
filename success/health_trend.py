"""The direction of health over four weeks, beside its level and never blended into it (domain C.4).

It is that of the computed score under today's scorecard with the facts known now: what a person sets by an
override is no movement of the account. Neighbours: ``slope`` has the arithmetic, ``records`` writes it.
"""

from __future__ import annotations

from datetime import date

from success.health import HealthResult, score
from success.measures import MeasureBook
from success.rules import Scorecard
from success.slope import WEEK, median_of_pairs
from success.stage import Trend
from success.view import AccountView

WEEKS_BACK = 4
FEWEST = 3
FLAT_POINTS = 1_000
"""A change of less than one point a week is flat."""


def health_trend(view: AccountView, card: Scorecard, today: HealthResult) -> Trend:
    """Return the direction of the score of today and of the same weekday in the four weeks before.

    Unknown while today's score is, or fewer than three of the five are known.
    """
    if today.computed_points is None:
        return Trend.UNKNOWN
    found = [(-back, _computed(view, card, today.as_of - back * WEEK)) for back in range(WEEKS_BACK, 0, -1)]
    known = [(place, points) for place, points in found if points is not None]
    known.append((0, today.computed_points))
    if len(known) < FEWEST:
        return Trend.UNKNOWN
    slope = median_of_pairs(known)
    if abs(slope) < FLAT_POINTS:
        return Trend.FLAT
    return Trend.UP if slope > 0 else Trend.DOWN


def _computed(view: AccountView, card: Scorecard, day: date) -> int | None:
    return score(view.facts, card, MeasureBook(view, day), day).computed_points
