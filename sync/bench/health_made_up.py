"""Made-up measures for ``colonnade bench health``: a portfolio of any size, the same for the same seed.

Values hang together as real ones do: who has no usage has none of its measures, ratios have their own seats
and answers below the line. Neighbour: ``health_facts`` keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np

from success.columns.frame import NO_DAY, Frame, Integers, Measured, Yes, kind_of
from success.measures import CelType

_CENTS: Final = 100
_SILENT, _RATED, _ANSWERED = 0.12, 0.6, 0.4
_OLDEST: Final = 90


def accounts(count: int, day: date, seed: int) -> Frame:
    """Return the measures of so many accounts on a day."""
    draw = np.random.default_rng(seed)
    seats = draw.integers(5, 400, count)
    users = draw.binomial(seats, draw.beta(2, 2, count))
    events, before = draw.poisson(users * 9), draw.poisson(users * 9)
    rated, answered = draw.integers(1, 40, count), draw.integers(5, 60, count)
    whole = np.ones(count, dtype=np.int64)
    values: Mapping[str, tuple[Integers, Integers]] = {
        "seat_utilisation": (users, seats),
        "usage_per_seat_28d": (events, seats),
        "usage_trend": (events, before),
        "active_days_28d": (draw.binomial(28, 0.4, count), whole),
        "feature_breadth_28d": (draw.integers(0, 9, count), whole),
        "usage_events_28d": (events, whole),
        "open_tickets": (draw.poisson(0.9, count), whole),
        "open_escalations": (draw.binomial(1, 0.04, count), whole),
        "tickets_28d": (draw.poisson(1.6, count), whole),
        "csat_90d": (draw.binomial(4 * rated, 0.7) + rated, rated),
        "nps_90d": (100 * draw.integers(-answered, answered + 1), answered),
        "seats": (seats, whole),
        "arr": (seats * draw.integers(9_000, 90_000, count), np.full(count, _CENTS)),
        "days_since_start": (draw.integers(0, 2_000, count), whole),
    }
    use = draw.random(count) >= _SILENT
    rates, answers = draw.random(count) < _RATED, draw.random(count) < _ANSWERED
    days: Mapping[str, Integers | int] = {
        "csat_90d": draw.integers(0, _OLDEST, count),
        "nps_90d": draw.integers(0, _OLDEST, count),
    }
    measures = {}
    for name, (numerator, denominator) in values.items():
        known = _known(name, use, rates, answers) & (denominator > 0)
        observed = np.where(known, day.toordinal() - days.get(name, 0), NO_DAY)
        measures[name] = Measured(kind_of(name), numerator, np.maximum(denominator, 1), known, observed)
    return Frame([f"account-{row:08d}" for row in range(count)], measures)


def _known(name: str, use: Yes, rates: Yes, answers: Yes) -> Yes:
    if name in {"csat_90d", "nps_90d"}:
        return rates if name == "csat_90d" else answers
    of_usage = kind_of(name) is CelType.DOUBLE or name.startswith(("active", "feature", "usage"))
    return use if of_usage and name != "arr" else np.ones(len(use), dtype=np.bool_)


def next_day(before: Frame, share: float, seed: int) -> Frame:
    """Return the portfolio a day later: of a share of the accounts all is new, of the others nothing.

    What was seen today yesterday is seen today again; answers keep their day and age.
    """
    draw = np.random.default_rng(seed)
    changed = draw.random(len(before)) < share
    some = next(iter(before.measures.values()))
    day = int(some.observed.max()) + 1
    fresh = accounts(len(before), date.fromordinal(day), seed + 1)
    measures = {}
    for name, old in before.measures.items():
        new = fresh.measures[name]
        again = np.where(old.observed == day - 1, day, old.observed)
        measures[name] = Measured(
            old.kind,
            np.where(changed, new.numerator, old.numerator),
            np.where(changed, new.denominator, old.denominator),
            np.where(changed, new.known, old.known),
            np.where(changed, new.observed, again),
        )
    return Frame(before.accounts, measures)
