"""The rules a charter sets, as frozen values the pure functions of this package take.

``mappings`` builds them from the charter's YAML; nothing here knows YAML or a vendor.
Expressions are CEL over the measures of ``success.measures`` (see ``success.expressions``).
Points are integer thousandths (100 points = 100_000), weights and shares integer thousandths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from success.criteria import CONTRACT_JOURNEY, ONE_SEGMENT, Journey, Segmentation
from success.event_points import EventRule
from success.policies import Overlap, Policies, Validity
from success.prediction.rule import Scoring
from success.wording.words import Language

__all__ = [
    "Band",
    "Cap",
    "CurvePoint",
    "EventRule",
    "ExpansionTrigger",
    "GroupRule",
    "Language",
    "MeasureRule",
    "MilestoneRule",
    "OnMissing",
    "Overlap",
    "PlanTemplate",
    "Policies",
    "RenewalRule",
    "Rules",
    "Scorecard",
    "Validity",
]


class OnMissing(StrEnum):
    """What a measure without a fresh value does to its scorecard (domain C.3)."""

    REDISTRIBUTE = "redistribute"
    NEUTRAL = "neutral"
    WORST = "worst"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A corner of a piecewise-linear curve: a raw value and its points (thousandths)."""

    raw: Fraction
    points: int


@dataclass(frozen=True, slots=True)
class MeasureRule:
    """How one measure counts. ``weight`` 0 is a shadow measure: shown, not counted.

    The weight is the measure's in its group where the scorecard weighs groups, else in the scorecard.
    """

    measure: str
    title: str
    group: str
    weight: int
    curve: tuple[CurvePoint, ...]
    max_age_days: int | None = None
    on_missing: OnMissing = OnMissing.REDISTRIBUTE


@dataclass(frozen=True, slots=True)
class GroupRule:
    """How much a group of measures weighs in the scorecard; 0 shows the whole group without counting it."""

    key: str
    title: str
    weight: int


@dataclass(frozen=True, slots=True)
class Cap:
    """A hard fact that limits the score: while ``when`` is true it is at most ``points``.

    A ``critical`` one makes the band worse the same day, whatever the scorecard's margin and hold.
    """

    key: str
    when: str
    points: int
    reason: str
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A half-open band [floor, next floor) in thousandths of points."""

    key: str
    title: str
    floor: int


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One health scorecard. Below ``coverage_floor`` (thousandths) the score is unknown.

    ``bands`` are in ascending order of floor, the first floor 0. With ``groups`` a measure weighs within
    its group and the group within the scorecard. ``margin`` (thousandths of points) and ``hold_days`` are
    how far and how long a score must have left its band for another to stand. ``segments`` and
    ``stages`` name the accounts it is for, empty: any. The days of ``events`` are those of ``time_zone``.
    """

    key: str
    version: int
    measures: tuple[MeasureRule, ...]
    bands: tuple[Band, ...]
    caps: tuple[Cap, ...] = ()
    coverage_floor: int = 500
    groups: tuple[GroupRule, ...] = ()
    events: tuple[EventRule, ...] = ()
    margin: int = 0
    hold_days: int = 0
    segments: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    time_zone: str = "UTC"

    @property
    def name(self) -> str:
        """Return the key and the version as people read them: ``health@3``."""
        return f"{self.key}@{self.version}"


@dataclass(frozen=True, slots=True)
class MilestoneRule:
    """A milestone of a plan: due ``due_offset_days`` after the plan's start.

    ``evidence`` is a CEL expression; the first day it is true is the day it was reached.
    """

    position: str
    title: str
    phase: str
    owner_side: str
    due_offset_days: int
    evidence: str


@dataclass(frozen=True, slots=True)
class PlanTemplate:
    """A success plan for accounts whose first recurring line began within ``lookback_days``."""

    key: str
    version: int
    title: str
    lookback_days: int
    milestones: tuple[MilestoneRule, ...]


@dataclass(frozen=True, slots=True)
class RenewalRule:
    """When a renewal is opened: from ``lead_days`` before its due day to the due day, both in.

    A line with an end is in force up to the day before it, and opens none once it has ended.

    ``rolling_terms``: an open-ended line with a term is due at each anniversary (29 Feb on
    28 Feb); otherwise only lines with an end are due. ``skip_monthly``: lines with a term
    under 12 months and no end make no renewal (domain D.6, rule 9).
    """

    lead_days: int = 90
    rolling_terms: bool = True
    skip_monthly: bool = True
    uplift: int = 0
    adopt_within_days: int = 60


@dataclass(frozen=True, slots=True)
class ExpansionTrigger:
    """A reason to propose more seats of a product the account already has.

    ``seat_utilisation`` (thousandths) must have held on each of the last ``days`` days;
    ``suppress_when`` is CEL over measures (red health, open severity).
    """

    key: str
    title: str
    seat_utilisation: int
    days: int
    window_days: int
    add_share: int
    suppress_when: str = "false"


@dataclass(frozen=True, slots=True)
class Rules:
    """All a charter decides about one portfolio, and the trained models in force.

    The first of ``scorecards`` that is for an account scores it, else ``scorecard`` (``success.scorecards``).
    Without ``adoption`` no product has a stage. ``language`` is that of what a CSM reads.
    ``models`` None: there never was one, and nothing of risk is told; empty: what one told is taken back.
    """

    charter_hash: str
    policies: Policies
    scorecard: Scorecard
    plan: PlanTemplate
    renewal: RenewalRule
    expansion: ExpansionTrigger
    time_zone: str = "UTC"
    language: Language = Language.EN
    scorecards: tuple[Scorecard, ...] = ()
    segmentation: Segmentation = ONE_SEGMENT
    journey: Journey = CONTRACT_JOURNEY
    adoption: Journey | None = None
    models: tuple[Scoring, ...] | None = None

    def without_holds(self) -> Rules:
        """Return the same rules with changes of segment and stage that wait for nothing."""
        adoption = None if self.adoption is None else replace(self.adoption, hold_days=0)
        return replace(
            self,
            segmentation=replace(self.segmentation, hold_days=0),
            journey=replace(self.journey, hold_days=0),
            adoption=adoption,
        )
