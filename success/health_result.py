"""What a health score consists of: its contributions, its caps, and how each measure stands in it.

``health`` makes these, ``explain`` puts them into words, ``records`` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from success.human_inputs import Override
from success.measures import MeasureValue
from success.rules import Cap


class Standing(StrEnum):
    """How a contribution stands in a score."""

    COUNTED = "counted"
    SHADOW = "shadow"
    REDISTRIBUTED = "redistributed"
    NEUTRAL = "neutral"
    WORST = "worst"
    BLOCKING = "blocking"
    EVENT = "event"
    CAP = "cap"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one measure, event rule, cap or override adds to the score; all points are integer thousandths.

    ``measure_points`` is the measure's own 0..100_000 (None where missing), ``declared_share``
    its share of the scorecard's weight and ``share`` what it got after redistribution, both
    in thousandths. ``stale`` tells a value that is too old from one that was never there.
    Of events, the value is how many there were and ``measure_points`` what they are worth together;
    of a cap or an override, ``measure_points`` is the score it asks for.
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

    ``coverage`` is the share of the weight behind fresh values, in thousandths. ``computed_points`` is
    the score without the person's ``override`` in force on the day (None: there is none). ``band`` is the
    one that stands and ``raw_band`` the one the points fall into; they differ only where the scorecard
    has a margin or a hold (``success.bands``), and never in what ``score`` returns.
    """

    account_id: str
    scorecard: str
    as_of: date
    points: int | None
    band: str
    coverage: int
    contributions: tuple[Contribution, ...]
    caps: tuple[CapOutcome, ...]
    computed_points: int | None = None
    raw_band: str = ""
    override: Override | None = None

    def by_group(self) -> Mapping[str, int]:
        """Return the points per group in the order of the scorecard; they sum to the score."""
        totals: dict[str, int] = {}
        for part in self.contributions:
            totals[part.group] = totals.get(part.group, 0) + part.points
        return totals
