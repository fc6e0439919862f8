"""A state that changes only when its new value has lasted: segment, stage and band (domain C.4).

``step`` is taken once for each day of the fold's grid, so that a value held back by a border
it keeps crossing does not flap. Neighbours: ``fold`` remembers it, ``decide`` takes the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, slots=True)
class Change:
    """A value and the grid day from which it stood."""

    since: date
    value: str


@dataclass(frozen=True, slots=True)
class Held:
    """A value with all it was before, oldest first, and the one that waits to follow it.

    ``waiting`` is what has been asked for on every grid day since it began; None where nothing else is.
    """

    changes: tuple[Change, ...]
    waiting: Change | None = None

    @property
    def value(self) -> str:
        """Return the value that stands."""
        return self.changes[-1].value

    @property
    def since(self) -> date:
        """Return the grid day from which the value stands."""
        return self.changes[-1].since

    def on(self, day: date) -> str | None:
        """Return the value that stood on a day, None before the first."""
        stood = [change.value for change in self.changes if change.since <= day]
        return stood[-1] if stood else None


def step(held: Held | None, asked: str, day: date, hold_days: int, *, at_once: bool = False) -> Held:
    """Return what stands after a grid day on which ``asked`` was the value of the facts.

    The first value stands at once. Another follows when it was asked for on each grid day of
    ``hold_days`` days, the last one ``day``; without a hold, or ``at_once`` (a pin, a hard fact),
    it follows the same day.
    """
    if held is None:
        return Held((Change(day, asked),))
    if asked == held.value:
        return replace(held, waiting=None)
    waiting = held.waiting
    if waiting is None or waiting.value != asked:
        waiting = Change(day, asked)
    if at_once or (day - waiting.since).days >= hold_days:
        return Held((*held.changes, Change(day, asked)))
    return replace(held, waiting=waiting)
