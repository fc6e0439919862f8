"""The rules of ``colonnade bench health``: twelve measures in three groups, three segments, seven stages.

None of the measures moves by the calendar alone, so that an explanation changes where facts do.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from success.health import UNKNOWN_BAND
from success.measures import MEASURES
from success.rules import Band, Cap, CurvePoint, GroupRule, MeasureRule, OnMissing, Scorecard


@dataclass(frozen=True, slots=True)
class Criterion:
    """A segment or stage: the CEL by which accounts come in, and by which they go."""

    key: str
    when: str | None
    leave_when: str | None = None


def _measure(
    name: str, group: str, weight: int, *corners: tuple[str, int], max_age_days: int | None = None
) -> MeasureRule:
    curve = tuple(CurvePoint(Fraction(raw), points * 1000) for raw, points in corners)
    missing = OnMissing.NEUTRAL if weight == 0 else OnMissing.REDISTRIBUTE
    return MeasureRule(name, MEASURES[name].title, group, weight, curve, max_age_days, missing)


SCORECARD = Scorecard(
    "bench",
    1,
    (
        _measure("seat_utilisation", "usage", 30_000, ("0", 0), ("0.3", 40), ("0.6", 80), ("0.8", 100)),
        _measure("usage_per_seat_28d", "usage", 10_000, ("0", 0), ("5", 60), ("20", 100)),
        _measure("usage_trend", "usage", 20_000, ("0.5", 0), ("0.9", 60), ("1.1", 90), ("1.3", 100)),
        _measure("active_days_28d", "usage", 15_000, ("0", 0), ("8", 70), ("20", 100)),
        _measure("feature_breadth_28d", "usage", 15_000, ("0", 0), ("2", 50), ("5", 100)),
        _measure("usage_events_28d", "usage", 10_000, ("0", 0), ("100", 60), ("1000", 100)),
        _measure("open_tickets", "support", 35_000, ("0", 100), ("2", 80), ("5", 30), ("10", 0)),
        _measure("open_escalations", "support", 20_000, ("0", 100), ("2", 0)),
        _measure("tickets_28d", "support", 15_000, ("0", 90), ("3", 60), ("12", 0)),
        _measure("csat_90d", "support", 30_000, ("1", 0), ("3", 50), ("4", 80), ("5", 100), max_age_days=60),
        _measure("nps_90d", "relationship", 100_000, ("-100", 0), ("0", 50), ("50", 100), max_age_days=80),
        _measure("seats", "usage", 0, ("0", 0), ("500", 100)),
    ),
    (Band("red", "Red", 0), Band("yellow", "Yellow", 50_000), Band("green", "Green", 75_000)),
    (
        Cap("escalation", "open_escalations > 0", 60_000, "An escalation is open", critical=True),
        Cap("idle", "seat_utilisation < 0.05 && arr > 0.0", 40_000, "Hardly anybody uses what is paid"),
    ),
    coverage_floor=500,
    groups=(
        GroupRule("usage", "Usage", 65_000),
        GroupRule("support", "Support", 25_000),
        GroupRule("relationship", "Relationship", 10_000),
    ),
    margin=3_000,
    hold_days=7,
)
SEGMENTS = (
    Criterion("enterprise", "arr >= 100000.0", "arr < 80000.0"),
    Criterion("mid", "arr >= 20000.0 && seats > 20", "arr < 16000.0"),
    Criterion("small", None),
)
SEGMENT_HOLD_DAYS = 14
STAGES = (
    Criterion("align", None),
    Criterion("onboard", "days_since_start >= 0"),
    Criterion("adopt", "active_days_28d >= 4 && seat_utilisation >= 0.2"),
    Criterion("prove_value", "active_days_28d >= 8 && feature_breadth_28d >= 2 && days_since_start > 60"),
    Criterion("expand", "seat_utilisation >= 0.8 && open_escalations == 0", "seat_utilisation < 0.7"),
    Criterion("advocate", "nps_90d >= 50.0 && seat_utilisation >= 0.5 && days_since_start > 180"),
    Criterion("govern", "arr >= 100000.0 && nps_90d >= 50.0 && csat_90d >= 4.0 && days_since_start > 365"),
)
STAGE_HOLD_DAYS = 7
SEGMENT_KEYS = tuple(one.key for one in SEGMENTS)
STAGE_KEYS = tuple(one.key for one in STAGES)
BAND_KEYS = (*(band.key for band in SCORECARD.bands), UNKNOWN_BAND)
READ = (*(rule.measure for rule in SCORECARD.measures), "arr", "days_since_start")
"""The measures a recompute reads: those of the scorecard, and what segments and stages ask besides."""
