"""The health score: measures to points, points to one number, every point accounted for.

Domain C: piecewise-linear curves, groups, missing weight handed to the other measures, unknown below
a floor of coverage, events that fade, hard facts as caps, a person's override, half-open bands. All
points are integer thousandths, and the contributions sum EXACTLY to the score.

The order of operations (``half_up`` and ``largest_remainder`` are those of ``success.shares``):

1. Each measure's fresh value has its own points by its curve, ``half_up``. A missing or stale one stands
   as its rule says: no points (redistribute, block), 50 (neutral) or its curve's lowest (worst). One without
   weight is a shadow: it has its points, or none, and counts nowhere below.
2. Weight: ``w`` without groups; with groups ``W_g * w / (sum of w in g)``, exact.
3. Coverage: the weight of the measures with a fresh value over all weight, in thousandths, rounded down.
4. Unknown: where a missing measure blocks, coverage is 0, or it is below the floor. Then no measure or
   event contributes, no cap binds, and steps 5 to 7 are left out.
5. Carried weight: as in 2 with the ``w`` of measures without points taken as 0; a group of which nothing is
   left drops out. A measure contributes ``carried * points / (sum of carried)``; contributions and shares are
   each rounded by ``largest_remainder``, so that they sum to the rounded mean and to 1000.
6. Events add what is left of their points, one contribution for each rule, in the order of the scorecard.
   Base and events stay within 0 and 100: what goes beyond is taken from the events that push there
   (``event_points.fitted``).
7. The lowest true cap below that sum takes the rest away. This is the *computed* score.
8. A person's override in force makes of it what it says (``overriding``), also of an unknown score.
9. The raw band is the one the points fall into; ``bands`` says which stands.

Neighbours: ``weighing``, ``event_points``, ``overriding`` and ``bands`` hold the steps, ``scorecards`` says
which scorecard is an account's, ``explain`` puts the result into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from success.event_points import fitted, happened
from success.expressions import evaluate
from success.facts import AccountFacts
from success.health_result import CapOutcome, Contribution, HealthResult, Standing
from success.human_inputs import Override, OverrideKind
from success.measures import MeasureValue
from success.overriding import in_force, overridden
from success.rules import Band, Cap, CurvePoint, MeasureRule, OnMissing, Scorecard
from success.shares import half_up, largest_remainder
from success.weighing import carried, covered, nominal, shares

__all__ = [
    "CapOutcome",
    "Contribution",
    "HealthResult",
    "Standing",
    "band_of",
    "curve_points",
    "is_stale",
    "score",
]

NEUTRAL_POINTS = 50_000
FULL_POINTS = 100_000
UNKNOWN_BAND = "unknown"
EVENTS_GROUP, CAPS_GROUP, OVERRIDE_GROUP = "events", "caps", "override"

_WHEN_MISSING = {
    OnMissing.REDISTRIBUTE: Standing.REDISTRIBUTED,
    OnMissing.NEUTRAL: Standing.NEUTRAL,
    OnMissing.WORST: Standing.WORST,
    OnMissing.BLOCK: Standing.BLOCKING,
}


def curve_points(curve: Sequence[CurvePoint], raw: Fraction) -> int:
    """Return the points (thousandths) of a raw value on a piecewise-linear curve, flat outside it."""
    corners = sorted(curve, key=lambda corner: corner.raw)
    if raw <= corners[0].raw:
        return corners[0].points
    for left, right in pairwise(corners):
        if raw <= right.raw:
            along = (raw - left.raw) / (right.raw - left.raw)
            return half_up(left.points + along * (right.points - left.points))
    return corners[-1].points


def band_of(points: int | None, bands: Sequence[Band]) -> str:
    """Return the band whose half-open range [floor, next floor) holds the points; unknown without points."""
    if points is None:
        return UNKNOWN_BAND
    reached = [band.key for band in sorted(bands, key=lambda band: band.floor) if band.floor <= points]
    return reached[-1] if reached else UNKNOWN_BAND


def is_stale(found: MeasureValue, max_age_days: int | None, as_of: date) -> bool:
    """Say whether a known value is older than its limit on a day; without a limit none is."""
    if found.value is None or max_age_days is None:
        return False
    return found.observed_on is None or (as_of - found.observed_on).days > max_age_days


def score(
    facts: AccountFacts, scorecard: Scorecard, measures: Mapping[str, MeasureValue], as_of: date
) -> HealthResult:
    """Return the health of an account on a day from its measures of that day.

    Of the facts only events (tickets, answers, notices, deals, attributes) and the override are read.
    """
    weights = nominal(scorecard)
    weighty = zip(scorecard.measures, weights, shares(weights), strict=True)
    read = [_read(rule, weight, share, measures, as_of) for rule, weight, share in weighty]
    coverage = covered(weights, [part.standing is Standing.COUNTED for part in read])
    blocked = any(part.standing is Standing.BLOCKING for part in read)
    computed: int | None = None
    if blocked or coverage == 0 or coverage < scorecard.coverage_floor:
        parts = tuple(read)
        caps = tuple(CapOutcome(cap, evaluate(cap.when, measures), False) for cap in scorecard.caps)
    else:
        parts = _weighed(read, scorecard)
        parts = (*parts, *_event_parts(facts, scorecard, sum(part.points for part in parts), as_of))
        cap_part, caps = _capped(sum(part.points for part in parts), scorecard.caps, measures, as_of)
        parts = (*parts, *cap_part)
        computed = sum(part.points for part in parts)
    override = in_force(facts.human.override, as_of)
    points = computed if override is None else overridden(override, computed)
    if override is not None:
        parts = (*parts, *_override_part(override, points, computed))
    band = band_of(points, scorecard.bands)
    account = facts.account.account_id
    return HealthResult(
        account, scorecard.name, as_of, points, band, coverage, parts, caps, computed, band, override
    )


def _read(
    rule: MeasureRule, weight: int, declared: int, measures: Mapping[str, MeasureValue], as_of: date
) -> Contribution:
    """Return a measure's own points, or how it is missing; share and contribution come later."""
    found = measures[rule.measure]
    stale = is_stale(found, rule.max_age_days, as_of)
    points: int | None
    if found.value is None or stale:
        standing = Standing.SHADOW if weight == 0 else _WHEN_MISSING[rule.on_missing]
        points = _stand_in(rule, standing)
    else:
        standing = Standing.SHADOW if weight == 0 else Standing.COUNTED
        points = curve_points(rule.curve, Fraction(found.value))
    return Contribution(rule.measure, rule.title, rule.group, standing, 0, 0, declared, points, found, stale)


def _stand_in(rule: MeasureRule, standing: Standing) -> int | None:
    if standing is Standing.NEUTRAL:
        return NEUTRAL_POINTS
    if standing is Standing.WORST:
        return min(corner.points for corner in rule.curve)
    return None


def _weighed(read: Sequence[Contribution], card: Scorecard) -> tuple[Contribution, ...]:
    """Return the parts with shares of the carried weight and contributions that sum to their mean."""
    weights = carried(card, [part.measure_points is not None for part in read])
    present = sum(weights)
    exact = [
        Fraction(weight * (part.measure_points or 0), present)
        for part, weight in zip(read, weights, strict=True)
    ]
    parts = zip(read, largest_remainder(exact), shares(weights), strict=True)
    return tuple(replace(part, points=points, share=share) for part, points, share in parts)


def _event_parts(facts: AccountFacts, card: Scorecard, base: int, as_of: date) -> tuple[Contribution, ...]:
    found = happened(facts, card.events, card.time_zone, as_of)
    added = fitted([one.points for one in found], base, 0, FULL_POINTS)
    return tuple(
        Contribution(
            one.rule.key, one.rule.reason, EVENTS_GROUP, Standing.EVENT, points, 0, 0, one.points,
            MeasureValue(one.count, one.last_on), reason=one.rule.reason,
        )
        for one, points in zip(found, added, strict=True)
    )  # fmt: skip


def _capped(
    base: int, caps: Sequence[Cap], measures: Mapping[str, MeasureValue], as_of: date
) -> tuple[tuple[Contribution, ...], tuple[CapOutcome, ...]]:
    """Return the lowest cap that bites as a negative contribution, and how every cap stands."""
    holding = [(cap, evaluate(cap.when, measures)) for cap in caps]
    biting = [cap for cap, holds in holding if holds and cap.points < base]
    binding = min(biting, key=lambda cap: (cap.points, cap.key), default=None)
    outcomes = tuple(CapOutcome(cap, holds, cap is binding) for cap, holds in holding)
    if binding is None:
        return (), outcomes
    value = MeasureValue(True, as_of)
    part = Contribution(
        binding.key, binding.reason, CAPS_GROUP, Standing.CAP, binding.points - base, 0, 0, binding.points,
        value, reason=binding.reason,
    )  # fmt: skip
    return (part,), outcomes


def _override_part(override: Override, points: int | None, computed: int | None) -> tuple[Contribution, ...]:
    """Return the override as a contribution; nothing where a cap or a floor changed nothing."""
    added = (points or 0) - (computed or 0)
    if points is None or (added == 0 and override.kind is not OverrideKind.VALUE):
        return ()
    part = Contribution(
        "override", override.reason, OVERRIDE_GROUP, Standing.OVERRIDE, added, 0, 0, override.points,
        MeasureValue(True, override.made_on), reason=override.reason,
    )  # fmt: skip
    return (part,)
