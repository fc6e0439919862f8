"""The health score: measures to points, points to one number, every point accounted for.

Domain C: piecewise-linear curves, missing weight handed to the other measures, unknown
below a floor of coverage, hard facts as caps, half-open bands. All points are integer
thousandths and the contributions sum EXACTLY to the score. ``explain`` puts it into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from success.expressions import evaluate
from success.facts import AccountFacts
from success.measures import MeasureValue
from success.rules import Band, Cap, CurvePoint, MeasureRule, OnMissing, Scorecard
from success.shares import THOUSAND, half_up, largest_remainder

NEUTRAL_POINTS = 50_000
UNKNOWN_BAND = "unknown"


class Standing(StrEnum):
    """How a measure stands in a score."""

    COUNTED = "counted"
    SHADOW = "shadow"
    REDISTRIBUTED = "redistributed"
    NEUTRAL = "neutral"
    WORST = "worst"
    BLOCKING = "blocking"
    CAP = "cap"


_WHEN_MISSING = {
    OnMissing.REDISTRIBUTE: Standing.REDISTRIBUTED,
    OnMissing.NEUTRAL: Standing.NEUTRAL,
    OnMissing.WORST: Standing.WORST,
    OnMissing.BLOCK: Standing.BLOCKING,
}


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one measure or one cap adds to the score; all points are integer thousandths.

    ``measure_points`` is the measure's own 0..100_000 (None where missing), ``declared_share``
    its share of the scorecard's weight and ``share`` what it got after redistribution, both
    in thousandths. ``stale`` tells a value that is too old from one that was never there.
    """

    key: str
    title: str
    group: str
    standing: Standing
    points: int
    share: int
    declared_share: int
    measure_points: int | None
    value: MeasureValue
    stale: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CapOutcome:
    """Whether a cap's hard fact held: ``holds`` None is unknown, ``binding`` lowered the score."""

    cap: Cap
    holds: bool | None
    binding: bool


@dataclass(frozen=True, slots=True)
class HealthResult:
    """A score on a day. ``points`` None and band ``unknown`` where too little is known.

    ``coverage`` is the share of the weight behind fresh values, in thousandths.
    """

    account_id: str
    scorecard: str
    as_of: date
    points: int | None
    band: str
    coverage: int
    contributions: tuple[Contribution, ...]
    caps: tuple[CapOutcome, ...]

    def by_group(self) -> Mapping[str, int]:
        """Return the points per group in the order of the scorecard; they sum to the score."""
        totals: dict[str, int] = {}
        for part in self.contributions:
            totals[part.group] = totals.get(part.group, 0) + part.points
        return totals


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


def band_of(points: int, bands: Sequence[Band]) -> str:
    """Return the band whose half-open range [floor, next floor) holds the points."""
    reached = [band.key for band in sorted(bands, key=lambda band: band.floor) if band.floor <= points]
    return reached[-1] if reached else UNKNOWN_BAND


def score(
    facts: AccountFacts, scorecard: Scorecard, measures: Mapping[str, MeasureValue], as_of: date
) -> HealthResult:
    """Return the health of an account on a day from its measures of that day."""
    read = [_read(rule, measures, as_of) for rule in scorecard.measures]
    coverage = _coverage(scorecard.measures, read)
    blocked = any(part.standing is Standing.BLOCKING for part in read)
    if blocked or coverage == 0 or coverage < scorecard.coverage_floor:
        parts, points = _without_points(read, scorecard.measures), None
        caps = tuple(CapOutcome(cap, evaluate(cap.when, measures), False) for cap in scorecard.caps)
    else:
        parts = _shared(read, scorecard.measures)
        cap_part, caps = _capped(sum(part.points for part in parts), scorecard.caps, measures, as_of)
        parts = (*parts, *cap_part)
        points = sum(part.points for part in parts)
    band = UNKNOWN_BAND if points is None else band_of(points, scorecard.bands)
    name = f"{scorecard.key}@{scorecard.version}"
    return HealthResult(facts.account.account_id, name, as_of, points, band, coverage, parts, caps)


def _read(rule: MeasureRule, measures: Mapping[str, MeasureValue], as_of: date) -> Contribution:
    """Return a measure's own points, or how it is missing; shares and contribution come later."""
    found = measures[rule.measure]
    stale = is_stale(found, rule.max_age_days, as_of)
    points: int | None
    if found.value is None or stale:
        standing = Standing.SHADOW if rule.weight == 0 else _WHEN_MISSING[rule.on_missing]
        points = _stand_in(rule, standing)
    else:
        standing = Standing.SHADOW if rule.weight == 0 else Standing.COUNTED
        points = curve_points(rule.curve, Fraction(found.value))
    return Contribution(rule.measure, rule.title, rule.group, standing, 0, 0, 0, points, found, stale)


def is_stale(found: MeasureValue, max_age_days: int | None, as_of: date) -> bool:
    """Say whether a known value is older than its limit on a day; without a limit none is."""
    if found.value is None or max_age_days is None:
        return False
    return found.observed_on is None or (as_of - found.observed_on).days > max_age_days


def _stand_in(rule: MeasureRule, standing: Standing) -> int | None:
    if standing is Standing.NEUTRAL:
        return NEUTRAL_POINTS
    if standing is Standing.WORST:
        return min(corner.points for corner in rule.curve)
    return None


def _coverage(rules: Sequence[MeasureRule], read: Sequence[Contribution]) -> int:
    total = sum(rule.weight for rule in rules)
    present = sum(
        rule.weight for rule, part in zip(rules, read, strict=True) if part.standing is Standing.COUNTED
    )
    return present * THOUSAND // total if total else 0


def _declared(rules: Sequence[MeasureRule]) -> tuple[int, ...]:
    total = sum(rule.weight for rule in rules) or 1
    return largest_remainder([Fraction(rule.weight * THOUSAND, total) for rule in rules])


def _without_points(read: Sequence[Contribution], rules: Sequence[MeasureRule]) -> tuple[Contribution, ...]:
    declared = _declared(rules)
    return tuple(replace(part, declared_share=share) for part, share in zip(read, declared, strict=True))


def _shared(read: Sequence[Contribution], rules: Sequence[MeasureRule]) -> tuple[Contribution, ...]:
    """Return the parts with shares of the present weight and contributions that sum to the score."""
    weights = [
        0 if part.measure_points is None else rule.weight for part, rule in zip(read, rules, strict=True)
    ]
    present = sum(weights)
    shares = largest_remainder([Fraction(weight * THOUSAND, present) for weight in weights])
    exact = [
        Fraction(weight * (part.measure_points or 0), present)
        for part, weight in zip(read, weights, strict=True)
    ]
    parts = zip(read, largest_remainder(exact), shares, _declared(rules), strict=True)
    return tuple(
        replace(part, points=points, share=share, declared_share=declared)
        for part, points, share, declared in parts
    )


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
        binding.key, binding.reason, "caps", Standing.CAP, binding.points - base, 0, 0, binding.points, value,
        reason=binding.reason,
    )  # fmt: skip
    return (part,), outcomes
