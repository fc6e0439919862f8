"""Which band stands: the raw one of the day, or the one before until it was left for long (domain C.4).

The raw band changes with every point across a border. Where the scorecard has a margin and a hold, the
band that stands changes only when the score has been beyond the border of that band by the margin on
each grid day of the hold, and then to the band nearest to it among the raw ones of those days. So it never
changes more often than the raw one, and a score that swings within the margin changes nothing.

At once, without margin and hold: the first band, into and out of *unknown* (missing data never reads as
healthy or as sick), to a worse band while a critical fact holds, while a person's override changes the score,
and on the day it ends. Neighbours: ``holding`` keeps the memory, ``decide`` takes the steps.
"""

from __future__ import annotations

from datetime import date

from success.facts import AccountFacts
from success.health import UNKNOWN_BAND, HealthResult, Standing
from success.holding import Held, step
from success.overriding import ends_on, overridden
from success.rules import Scorecard


def stands(held: Held | None, result: HealthResult, card: Scorecard, facts: AccountFacts, day: date) -> Held:
    """Return the band that stands after the day the score is of.

    ``held`` is what stood before (None: nothing yet), ``day`` that day: a change is dated by it, so that
    the band a look shows is the one the fold remembers of the day.
    """
    at_once = _at_once(held, result, card, facts)
    asked = result.raw_band if at_once else _asked(held, result, card)
    return step(held, asked, day, card.hold_days, at_once=at_once)


def _at_once(held: Held | None, result: HealthResult, card: Scorecard, facts: AccountFacts) -> bool:
    order = [band.key for band in card.bands]
    if held is None or held.value not in order or result.raw_band == UNKNOWN_BAND:
        return True
    worse = order.index(result.raw_band) < order.index(held.value)
    critical = any(found.holds and found.cap.critical for found in result.caps)
    return (worse and critical) or _overridden(result, facts)


def _overridden(result: HealthResult, facts: AccountFacts) -> bool:
    """Say whether an override makes today's band, or would make today another score had it not ended."""
    if any(part.standing is Standing.OVERRIDE for part in result.contributions):
        return True
    past, computed = facts.human.override, result.computed_points
    return past is not None and ends_on(past) == result.as_of and overridden(past, computed) != computed


def _asked(held: Held | None, result: HealthResult, card: Scorecard) -> str:
    """Return the band the score asks for: the one held until the score is beyond its border by the margin."""
    raw, points = result.raw_band, result.points
    if held is None or points is None or raw == held.value:
        return raw
    order = [band.key for band in card.bands]
    here, there = order.index(held.value), order.index(raw)
    beyond = (
        points >= card.bands[here + 1].floor + card.margin
        if there > here
        else points < card.bands[here].floor - card.margin
    )
    if not beyond:
        return held.value
    waiting = held.waiting
    if waiting is None or waiting.value not in order:
        return raw
    before = order.index(waiting.value)
    if (before > here) != (there > here):
        return raw
    return order[min(before, there)] if there > here else order[max(before, there)]
