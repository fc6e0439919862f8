"""Columns that the calendar alone decides: ages, term ends, and what else follows from how long one is there.

Accounts of one age have different fates, so what age decides cannot know them, however well it ranks:
where customers can leave at the end of a term only, the month a term ends ranks nearly all of them.
Neighbour: ``run`` lets such columns pass.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from success.backtest.table import Column, FactsTable, Floats, Ints

DECIDED = 0.95
FEWEST_ROWS = 5
"""Of so many rows of one age at least it can be said that they agree."""
STEADY = 0.99


def by_the_clock(table: FactsTable, column: Column) -> bool:
    """Say whether how long an account is there decides a column's values."""
    if column.levels or column.identifies or column.missing.any():
        return False
    return any(_decided(clock, column.values) for clock in _clocks(table))


def _clocks(table: FactsTable) -> Iterator[Ints]:
    """Yield the steps since the first row, and columns that count on with time from a beginning."""
    yield table.elapsed
    passed = np.diff(table.times)[~table.starts[1:]]
    for column in table.columns:
        if column.levels or column.missing.any() or column.values.min() < 0:
            continue
        counted = np.diff(column.values)[~table.starts[1:]]
        if len(counted) and (counted == passed).mean() >= STEADY:
            yield np.floor(column.values).astype(np.int64)


def _decided(clock: Ints, values: Floats) -> bool:
    """Say whether rows of one reading of the clock hold nearly one value."""
    _, codes, counts = np.unique(clock, return_inverse=True, return_counts=True)
    often = counts[codes] >= FEWEST_ROWS
    if not often.any():
        return False
    codes, held = codes[often], values[often]
    whole = float(((held - held.mean()) ** 2).sum())
    if whole <= 0:
        return False
    sums, rows = np.bincount(codes, weights=held), np.bincount(codes)
    means = sums / np.maximum(rows, 1)
    within = float(((held - means[codes]) ** 2).sum())
    return 1 - within / whole >= DECIDED
