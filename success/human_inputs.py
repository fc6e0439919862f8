"""What people say of an account where the rules listen: overrides, pins and the pulse (domain C.5, C17).

Read from the CRM like every other fact, so that a person's word has a day, an author and an end.
Neighbours: ``facts`` carries them; health, segments and the journey take them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

OVERRIDE_DAYS = 90
"""The longest an override of health may last (domain C.5)."""


class OverrideKind(StrEnum):
    """What an override does to the computed score: stands for it, or limits it from above or below."""

    VALUE = "value"
    CAP = "cap"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Override:
    """A person's own score, in force on ``[made_on, until)``; ``points`` are integer thousandths.

    ``author`` is who answers for it, by name or by the CRM's id. One that would last longer than
    ``OVERRIDE_DAYS`` ends after these.
    """

    kind: OverrideKind
    points: int
    reason: str
    author: str
    made_on: date
    until: date


@dataclass(frozen=True, slots=True)
class Pin:
    """A segment or a stage a person fixed by its key, in force on ``[made_on, until)``."""

    key: str
    made_on: date
    until: date
    reason: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a CSM feels about an account on a day, from 1 (worst) to 5 (best)."""

    rating: int
    on: date
    author: str = ""


@dataclass(frozen=True, slots=True)
class HumanInputs:
    """All a person said of one account as known at a moment."""

    override: Override | None = None
    segment_pin: Pin | None = None
    stage_pin: Pin | None = None
    pulse: Pulse | None = None
