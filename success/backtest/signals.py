"""The ways in which a column could speak: its number, its gaps, its levels, its change.

A leak may hide in any of them: a date filled in after the event speaks by not being empty, a status
by one of its words. Neighbour: ``leaks`` and ``foresight`` examine each signal and name the column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from success.backtest.table import Column, FactsTable, Floats, Mask

FEW_VALUES = 12
MOST_LEVELS = 60
RARELY = 0.1
"""A column changes rarely when at most this share of rows differ from the row before."""


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """Numbers made of one column; NaN where it says nothing. ``flag``: all are 0 or 1.

    ``how`` says in words what was looked at, to stand after the column's name.
    """

    column: str
    how: str
    values: Floats
    flag: bool

    @property
    def known(self) -> Mask:
        """Return the rows in which it says something."""
        return ~np.isnan(self.values)


def signals_of(table: FactsTable, column: Column) -> Iterator[Signal]:
    """Yield everything a column could say."""
    missing = column.missing
    if missing.all():
        return
    if missing.any():
        yield Signal(column.name, "being empty", missing.astype(float), True)
    if column.levels:
        yield from _levels(column)
    else:
        distinct = np.unique(column.values[~missing])
        yield Signal(column.name, "its value", column.values, _binary(distinct))
        if not _binary(distinct) and 1 < len(distinct) <= FEW_VALUES:
            yield from (_equal(column, float(value), f"being {value:g}") for value in distinct)
    yield from _changes(table, column)


def _binary(distinct: Floats) -> bool:
    return bool(np.array_equal(distinct, (0, 1)))


def _levels(column: Column) -> Iterator[Signal]:
    for code, level in enumerate(column.levels[:MOST_LEVELS]):
        yield _equal(column, float(code), f"being {level!r}")


def _equal(column: Column, value: float, how: str) -> Signal:
    flags = np.where(column.missing, np.nan, (column.values == value).astype(float))
    return Signal(column.name, how, flags, True)


def _changes(table: FactsTable, column: Column) -> Iterator[Signal]:
    before = table.lagged(column.values, 1)
    follows = ~table.starts
    changed = (column.values != before) & ~(column.missing & np.isnan(before))
    if follows.any() and 0 < changed[follows].mean() <= RARELY:
        yield Signal(
            column.name, "having just changed", np.where(follows, changed.astype(float), np.nan), True
        )
    if not column.levels:
        yield Signal(column.name, "its change since the row before", column.values - before, False)
