"""How many accounts are in each segment and at each stage, what they are worth, who moved (domain C02, C24).

Counted from where every account stands; a move is told by the values at both ends of a period, so
that one who left and came back did not move. ``colonnade metrics`` prints these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from success.criteria import UNKNOWN, SegmentRule, TouchModel
from success.holding import Held
from success.ledger import sum_arr
from success.rules import Rules
from success.standing import Standing
from success.view import AccountView


@dataclass(frozen=True, slots=True)
class Place:
    """A segment or stage: its accounts, and their ARR in minor units of the reporting currency."""

    key: str
    title: str
    touch: TouchModel | None
    accounts: int
    arr: int


@dataclass(frozen=True, slots=True)
class Move:
    """How many accounts stood at ``before`` when the period began and stand at ``after`` now."""

    before: str
    after: str
    accounts: int


@dataclass(frozen=True, slots=True)
class StandingCounts:
    """The portfolio by segment and by stage as of a day, in the charter's order; moves since ``start``."""

    start: date
    as_of: date
    segments: tuple[Place, ...]
    stages: tuple[Place, ...]
    segment_moves: tuple[Move, ...]
    stage_moves: tuple[Move, ...]


def standing_counts(
    views: Mapping[str, AccountView],
    standings: Mapping[str, Standing],
    rules: Rules,
    period: tuple[date, date],
) -> StandingCounts:
    """Return the counts of the accounts given, both mappings by account id; ``period`` is (start, as_of)."""
    start, as_of = period
    worth = {key: sum_arr(view.open_lines(as_of), rules.policies).minor for key, view in views.items()}
    segments = {key: one.segment for key, one in standings.items()}
    stages = {key: one.stage for key, one in standings.items()}
    unknown = SegmentRule(UNKNOWN, "Unknown")
    listed = [(one.key, one.title, one.touch) for one in (*rules.segmentation.segments, unknown)]
    at = [(one.key, one.title, None) for one in rules.journey.stages]
    return StandingCounts(
        start,
        as_of,
        _places(listed, segments, worth),
        _places(at, stages, worth),
        _moves(segments.values(), start),
        _moves(stages.values(), start),
    )


def _places(
    known: Sequence[tuple[str, str, TouchModel | None]],
    held: Mapping[str, Held | None],
    worth: Mapping[str, int],
) -> tuple[Place, ...]:
    """Return every place of the charter, then those it no longer has where somebody still stands there."""
    names = {key: (title, touch) for key, title, touch in known}
    accounts: Counter[str] = Counter()
    arr: Counter[str] = Counter()
    for account, one in held.items():
        if one is not None:
            accounts[one.value] += 1
            arr[one.value] += worth[account]
    keys = [*names, *sorted(accounts.keys() - names.keys())]
    return tuple(Place(key, *names.get(key, (key, None)), accounts[key], arr[key]) for key in keys)


def _moves(held: Iterable[Held | None], start: date) -> tuple[Move, ...]:
    counted = Counter(
        (before, one.value) for one in held if one and (before := one.on(start)) not in (None, one.value)
    )
    return tuple(Move(str(before), after, count) for (before, after), count in sorted(counted.items()))
