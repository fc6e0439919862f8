"""Where an account stands: its segment, its stage and its products' stages, each with its history.

A value is what the rules ask for, held until it has lasted, or what a person pinned for a time. A step
of the fold judges the day that ended; a look judges the day it is made on, and the fold judges that day
again when it is over. So what a look shows since today is what the fold will know since that day.
Neighbours: ``segmentation`` and ``journey`` say what the rules ask, ``holding`` how a change waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from success.criteria import Criterion
from success.expressions import evaluate
from success.holding import Held, step
from success.human_inputs import Pin
from success.measures import MeasureBook
from success.words import SEGMENT, STAGE, Word


@dataclass(frozen=True, slots=True)
class Standing:
    """The values of one account after a day. None before the first. ``pinned`` names those a pin set."""

    segment: Held | None = None
    stage: Held | None = None
    adoption: Mapping[str, Held] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()

    @property
    def segment_now(self) -> str | None:
        """Return the segment that stands, None before the first."""
        return None if self.segment is None else self.segment.value

    @property
    def stage_now(self) -> str | None:
        """Return the stage that stands, None before the first."""
        return None if self.stage is None else self.stage.value

    @property
    def words(self) -> Mapping[str, Word]:
        """Return segment and stage as rules of later steps read them."""
        held = {SEGMENT: self.segment, STAGE: self.stage}
        return {name: one.value for name, one in held.items() if one is not None}


def kept(criterion: Criterion, current: str | None, book: MeasureBook) -> bool | None:
    """Return whether an account that stands at ``current`` is in by a criterion; None where it is unknown."""
    if criterion.when is None:
        return True
    entered = evaluate(criterion.when, book)
    if entered or criterion.key != current or criterion.leave_when is None:
        return entered
    return entered if evaluate(criterion.leave_when, book) else True


def in_force(pin: Pin | None, day: date, known: Collection[str]) -> str | None:
    """Return the key a pin sets on a day of ``[made_on, until)``, None where there is none known."""
    if pin is None or pin.key not in known or not pin.made_on <= day < pin.until:
        return None
    return pin.key


def held_before(held: Held | None, known: Collection[str], *, pinned: bool) -> str | None:
    """Return the value the rules go on from: none after a pin, or where the charter has it no longer."""
    return held.value if held is not None and not pinned and held.value in known else None


def settled(
    held: Held | None, before: str | None, asked: str, pin: str | None, day: date, hold_days: int
) -> Held:
    """Return what stands after a day: a pin at once, and what was asked at once where nothing was before."""
    if pin is not None:
        return step(held, pin, day, hold_days, at_once=True)
    return step(held, asked, day, hold_days, at_once=before is None)
