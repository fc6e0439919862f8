"""What segments, stages of the journey and stages of adoption are declared by: ordered criteria.

A criterion says when an account comes in and, where it should not leave at the same border, when it
goes. Which of several counts is for ``segmentation`` (the first) and ``journey`` (the furthest) to say.
The charter's ``segments``, ``journey`` and ``adoption`` become these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNKNOWN = "unknown"
"""The segment of an account of which too little is known to say, and that never had another."""


class TouchModel(StrEnum):
    """How much of a person's time the accounts of a segment get (domain C02)."""

    HIGH = "high"
    MID = "mid"
    LOW = "low"
    DIGITAL = "digital"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A segment or stage by its key. ``when`` None always holds; ``leave_when`` None: left as it is entered.

    Both are CEL. With ``leave_when`` an account that is in stays in, ``when`` or not, until it holds.
    """

    key: str
    title: str
    when: str | None = None
    leave_when: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentRule(Criterion):
    """A segment: its criterion, its touch model, and how many days may pass between two touches."""

    touch: TouchModel | None = None
    touch_every_days: int | None = None


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Segments in order, the last one without ``when``; another follows after ``hold_days`` days."""

    version: int
    hold_days: int
    segments: tuple[SegmentRule, ...]

    @property
    def name(self) -> str:
        """Return what figures by segment are printed beside: the rules and their version."""
        return f"segments@{self.version}"


@dataclass(frozen=True, slots=True)
class Journey:
    """Stages in their order, the first one without ``when``; another follows after ``hold_days`` days."""

    version: int
    hold_days: int
    stages: tuple[Criterion, ...]


ONE_SEGMENT = Segmentation(1, 0, (SegmentRule("all", "All"),))
"""What stands where a charter declares no segments: everybody is in the same one."""

CONTRACT_JOURNEY = Journey(
    1,
    0,
    (
        Criterion("prospect", "Prospect"),
        Criterion("onboarding", "Onboarding", "contract.open"),
        Criterion("adopting", "Adopting", "contract.open && !(plan.first_phase in plan.phases_open)"),
        Criterion("customer", "Customer", "contract.open && size(plan.phases_open) == 0"),
        Criterion("churned", "Churned", "contract.begun && !contract.open"),
    ),
)
"""What stands where a charter declares no journey: contracts and the plan say the stage."""
