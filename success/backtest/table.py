"""Rows of facts: one account at one time each, with what was known then and what came of it.

The columns are arrays over the same rows, ordered by account and time. Neighbours: ``sync`` reads
them from a file or from the mirror, everything in this package takes them. ``success.prediction.table``
holds exact values instead, since a stored model must give the same contributions for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
FAR = 1 << 40
"""More rows than any account has: no event comes."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column: numbers, or codes into ``levels`` where it is a category. Missing is NaN.

    ``identifies`` marks text that names single records: no feature, but it may still know the outcome.
    """

    name: str
    values: Floats
    levels: tuple[str, ...] = ()
    identifies: bool = False

    @property
    def missing(self) -> Mask:
        """Return in which rows it is empty."""
        return np.isnan(self.values)


@dataclass(frozen=True, eq=False)
class FactsTable:
    """Rows in order of (group, time). ``labels`` are 0 or 1, ``times`` whole steps: months, or days.

    ``days`` tells that a step is a day (times are ordinals of dates); otherwise it counts as a month.
    """

    times: Ints
    groups: Ints
    labels: Ints
    columns: tuple[Column, ...]
    days: bool = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.times)

    def column(self, name: str) -> Column:
        """Return a column; KeyError where there is none of the name."""
        for one in self.columns:
            if one.name == name:
                return one
        raise KeyError(name)

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, in the order of the file."""
        return tuple(one.name for one in self.columns)

    @cached_property
    def first_of_group(self) -> Ints:
        """Return for each row the first row of its group."""
        return np.maximum.accumulate(np.where(self.starts, np.arange(len(self)), 0))

    @cached_property
    def starts(self) -> Mask:
        """Return which rows are the first of their group."""
        return (
            np.concatenate(([True], self.groups[1:] != self.groups[:-1])) if len(self) else np.zeros(0, bool)
        )

    @cached_property
    def ends(self) -> Mask:
        """Return which rows are the last of their group."""
        return np.concatenate((self.starts[1:], [True])) if len(self) else np.zeros(0, bool)

    @cached_property
    def elapsed(self) -> Ints:
        """Return the steps since the group's first row."""
        return self.times - self.times[self.first_of_group]

    @cached_property
    def rows_to_event(self) -> Ints:
        """Return how many rows of the group lie before its next labelled row; ``FAR`` where none comes."""
        return self._until(self.labels == 1)

    @cached_property
    def rows_to_end(self) -> Ints:
        """Return how many rows of the group are still to come."""
        return self._until(self.ends)

    @cached_property
    def step(self) -> int:
        """Return the smallest distance of two rows of one group; 1 where no group has two."""
        gaps = np.diff(self.times)[~self.starts[1:]]
        return int(gaps.min()) if len(gaps) else 1

    def _until(self, marks: Mask) -> Ints:
        rows = np.arange(len(self))
        last = np.minimum.accumulate(np.where(self.ends, rows, FAR)[::-1])[::-1]
        following = np.minimum.accumulate(np.where(marks, rows, FAR)[::-1])[::-1]
        return np.where(following <= last, following - rows, FAR)

    def lagged(self, values: Floats, rows: int) -> Floats:
        """Return the values ``rows`` rows earlier in the same group (later when negative), NaN outside it."""
        moved = np.full(len(self), np.nan)
        if rows >= 0:
            moved[rows:] = values[: len(self) - rows]
            outside = np.arange(len(self)) - self.first_of_group < rows
        else:
            moved[:rows] = values[-rows:]
            outside = self.rows_to_end < -rows
        moved[outside] = np.nan
        return moved

    def without(self, names: Iterable[str]) -> FactsTable:
        """Return the table without some columns."""
        gone = set(names)
        kept = tuple(one for one in self.columns if one.name not in gone)
        return FactsTable(self.times, self.groups, self.labels, kept, self.days)


def drawn_in(values: Floats) -> Floats:
    """Return numbers with long tails drawn in, the sign kept."""
    drawn: Floats = np.sign(values) * np.log1p(np.abs(values))
    return drawn


def ordered(
    times: Ints, groups: Ints, labels: Ints, columns: Iterable[Column], *, days: bool = False
) -> FactsTable:
    """Return the rows in order of group and time.

    Raises ValueError where an account has two rows of one time: which of them was known then?
    """
    order = np.lexsort((times, groups))
    times, groups, labels = times[order], groups[order], labels[order]
    twice = (times[1:] == times[:-1]) & (groups[1:] == groups[:-1])
    if twice.any():
        raise ValueError(
            f"{int(twice.sum())} rows repeat an account and time already there; give one row for each"
        )
    kept = tuple(Column(one.name, one.values[order], one.levels, one.identifies) for one in columns)
    return FactsTable(times, groups, labels, kept, days)
