"""Segments and stages of a whole portfolio: ordered criteria over columns, and changes that wait.

A criterion has a key, a CEL expression by which accounts come in, and maybe another by which they go; who is
in stays in until the latter holds. ``first`` and ``furthest`` say which of several is asked for, ``held``
what stands after the day, as ``success.holding.step`` does for one account. Values are positions in the
list of criteria, ``NOWHERE`` for none. Neighbour: ``expressions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from success.columns.arithmetic import Truth
from success.columns.expressions import truth_or_rows
from success.columns.frame import NO_DAY, Frame, Integers, Yes

NOWHERE: Final = -1


class Criterion(Protocol):
    """A segment or stage by its key: when accounts come in, and when they go."""

    @property
    def key(self) -> str:
        """Return the key."""
        ...

    @property
    def when(self) -> str | None:
        """Return the CEL expression by which accounts come in; None: all do."""
        ...

    @property
    def leave_when(self) -> str | None:
        """Return the CEL expression by which those who are in go; None: when they would not come in."""
        ...


@dataclass(frozen=True, slots=True)
class HeldColumns:
    """What stands and what waits to follow it, with the ordinals of the days from which each does.

    Without a value or a wait the position is ``NOWHERE`` and the day ``NO_DAY``.
    """

    value: Integers
    since: Integers
    waiting: Integers
    waiting_since: Integers


def nothing_held(count: int) -> HeldColumns:
    """Return the state of accounts before their first day."""
    nowhere = np.full(count, NOWHERE, dtype=np.int64)
    return HeldColumns(nowhere, np.full(count, NO_DAY), nowhere, np.full(count, NO_DAY))


def first(criteria: Sequence[Criterion], current: Integers, frame: Frame) -> Integers:
    """Return the first criterion that holds for each account; where one before it is unknown, ``current``."""
    asked = current.copy()
    open_still = np.ones(len(frame), dtype=np.bool_)
    for place, criterion in enumerate(criteria):
        inside = _kept(criterion, current == place, frame)
        asked[open_still & inside.yes] = place
        # True settles it, and so does unknown: the account stays where it is.
        open_still &= inside.no
        if not open_still.any():
            break
    return asked


def furthest(criteria: Sequence[Criterion], current: Integers, frame: Frame) -> Integers:
    """Return the last criterion that holds for each account, the first one where none does.

    One that is unknown brings nobody in and sends nobody away.
    """
    asked = np.zeros(len(frame), dtype=np.int64)
    for place, criterion in enumerate(criteria):
        here = current == place
        inside = _kept(criterion, here, frame)
        asked[inside.yes | (here & ~inside.no)] = place
    return asked


def _kept(criterion: Criterion, here: Yes, frame: Frame) -> Truth:
    """Return who is in by a criterion; ``here`` are those who were before."""
    if criterion.when is None:
        everybody = np.ones(len(frame), dtype=np.bool_)
        return Truth(everybody, ~everybody)
    entered = truth_or_rows(criterion.when, frame)
    if criterion.leave_when is None or not here.any():
        return entered
    staying = here & ~truth_or_rows(criterion.leave_when, frame).yes
    return Truth(entered.yes | staying, entered.no & ~staying)


def held(before: HeldColumns, asked: Integers, day: int, hold_days: int, at_once: Yes) -> HeldColumns:
    """Return what stands after the grid day with ordinal ``day``; see ``success.holding.step``.

    ``at_once`` are accounts whose change does not wait; neither does a first value.
    """
    same = asked == before.value
    since = np.where(before.waiting == asked, before.waiting_since, day)
    follows = ~same & (at_once | (before.value == NOWHERE) | (day - since >= hold_days))
    waits = ~same & ~follows
    return HeldColumns(
        np.where(follows, asked, before.value),
        np.where(follows, day, before.since),
        np.where(waits, asked, NOWHERE),
        np.where(waits, since, NO_DAY),
    )
