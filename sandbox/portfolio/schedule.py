"""When an account's contract terms begin and end, as its story needs it.

Terms are counted back from the day the current one ends, so that a story can ask for an
exact due date and every renewal starts on the very day the renewed term ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from sandbox.portfolio.dates import add_months, days_before
from sandbox.portfolio.story import CAUSES, Part, Story, draw

TRIAL_DAYS: Final = 30
WINDOW_DAYS: Final = 90
_MONTHS: Final = (12, 12, 12, 12, 12, 12, 12, 24, 24, 36)
# Days from as_of to the end of the current term, by story (both ends included).
_DUE_DAYS: Final = {
    Story.RENEWAL_SOON: (3, WINDOW_DAYS),
    Story.RENEWAL_TO_ADOPT: (10, 80),
    Story.RENEWAL_TOMORROW: (WINDOW_DAYS + 1, WINDOW_DAYS + 1),
    Story.EXPANSION_READY: (120, 200),
}
_DUE_DAYS_AT_RISK: Final = (12, 180)
_DUE_DAYS_CHURNED: Final = (-150, -10)
_DUE_DAYS_OTHERS: Final = (100, 355)
_ONBOARDING_DAYS: Final = {Story.ONBOARDING_ON_TRACK: (20, 85), Story.ONBOARDING_STALLED: (45, 85)}


@dataclass(frozen=True, slots=True)
class Schedule:
    """The edges of an account's terms.

    ``edges`` holds the start of the first term and the end of each; an open-ended contract
    and a prospect have one edge only. ``trial_on`` is the first day of a trial, if any.
    """

    edges: tuple[date, ...]
    trial_on: date | None = None

    @property
    def begins(self) -> date:
        """The first day anything was valid."""
        return self.trial_on or self.edges[0]


def schedule(seed: int, index: int, part: Part, as_of: date) -> Schedule:
    """Return the terms of the account at ``index``, placed around ``as_of``."""
    rng = draw(seed, index, "schedule")
    if part.story in _ONBOARDING_DAYS:
        start = days_before(as_of, rng.randint(*_ONBOARDING_DAYS[part.story]))
        return Schedule((start, add_months(start, rng.choice((12, 12, 12, 24)))))
    if part.story is Story.MONTHLY:
        return Schedule((days_before(as_of, rng.randint(150, 900)),))
    if part.story is Story.TRIAL:
        start = days_before(as_of, rng.randint(5, 20))
        return Schedule((start + timedelta(days=TRIAL_DAYS),), trial_on=start)
    if part.story is Story.PROSPECT:
        return Schedule((days_before(as_of, rng.randint(5, 40)),))
    return _termed(rng, part, as_of)


def _termed(rng: Random, part: Part, as_of: date) -> Schedule:
    """Return one to four terms that end with the one due when the story wants it."""
    edges = [as_of + timedelta(days=rng.randint(*_due_days(part)))]
    for months in rng.choices(_MONTHS, k=rng.choice((1, 2, 2, 3, 4))):
        edges.append(add_months(edges[0], -months - months_between(edges[-1], edges[0])))
    edges.reverse()
    after_trial = rng.random() < 0.1
    return Schedule(tuple(edges), days_before(edges[0], TRIAL_DAYS) if after_trial else None)


def _due_days(part: Part) -> tuple[int, int]:
    """Return the earliest and latest end of the current term, in days from as_of."""
    if part.churned:
        return _DUE_DAYS_CHURNED
    if part.story in CAUSES:
        return _DUE_DAYS_AT_RISK
    return _DUE_DAYS.get(part.story, _DUE_DAYS_OTHERS)


def months_between(earlier: date, later: date) -> int:
    """Return the whole calendar months from one edge to another."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month
