"""Columns that hold a value of a later time: what explains the future of another column beyond its past.

Of two columns of which one runs ahead of the other, the one ahead is from the future, unless the other
is an earlier value on purpose: that one has nothing to hold in an account's first rows. Neighbour:
``foresight`` has the other checks that look further than the label.
"""

from __future__ import annotations

import numpy as np

from success.backtest.foresight import left_over, numeric_but, stands_still
from success.backtest.leaks import Leak, rows_of
from success.backtest.table import Column, FactsTable, Floats, drawn_in

KNOWS_NEXT = 0.6
FEWEST_ROWS = 200
MOST_ROWS = 8_000
FEW_VALUES = 10
CLOCKWORK, STEADY = 0.8, 0.15
DELAYED = 0.8
LEADS = (1, 2, 3)
LAGS = (1, 2)


def future_values(table: FactsTable) -> dict[str, Leak]:
    """Return the columns that know what another one becomes, by name."""
    moving = [one for one in table.columns if not one.levels and not one.missing.all()]
    moving = [one for one in moving if not stands_still(table, one)]
    sizes = _sizes(table)
    found: dict[str, Leak] = {}
    for other in moving:
        if _foreseeable(table, other) or _delayed(table, other):
            continue
        for lead in LEADS:
            for name, tie in _ahead(table, moving, other, lead, sizes).items():
                why = (
                    f"it goes with what {other.name} becomes {rows_of(lead)} later "
                    f"(correlation {tie:.2f} beyond its past)"
                )
                found.setdefault(name, Leak(name, "future_value", why))
    return found


def _ahead(
    table: FactsTable, moving: list[Column], other: Column, lead: int, sizes: list[Floats]
) -> dict[str, float]:
    """Return which columns go with a later value of another, and how closely."""
    later = drawn_in(other.values)
    past = np.column_stack([np.ones(len(table)), later, *(table.lagged(later, lag) for lag in LAGS), *sizes])
    ahead = table.lagged(later, -lead)
    whole = np.flatnonzero(np.isfinite(ahead) & np.isfinite(past).all(axis=1))
    found = {}
    for column in moving:
        values = column.values[whole]
        rows = whole[np.isfinite(values)]
        if column.name == other.name or len(rows) < FEWEST_ROWS:
            continue
        rows = rows[:: -(-len(rows) // MOST_ROWS)]
        pair = np.column_stack([drawn_in(column.values[rows]), ahead[rows]])
        tie = left_over(pair, past[rows])
        if tie is not None and abs(tie) >= KNOWS_NEXT:
            found[column.name] = tie
    return found


def _sizes(table: FactsTable) -> list[Floats]:
    """Return the numbers that stand still for each account, gaps in their middle: what to measure by."""
    everything = Column("", np.zeros(0))
    still = [one for one in numeric_but(table, everything) if stands_still(table, one)]
    drawn = [drawn_in(one.values) for one in still]
    return [np.where(np.isnan(one), np.nanmean(one), one) for one in drawn]


def _foreseeable(table: FactsTable, column: Column) -> bool:
    """Say whether a column has few values, or runs like a clock: then its next is no secret."""
    if len(np.unique(column.values[~column.missing])) < FEW_VALUES:
        return True
    change = column.values - table.lagged(column.values, 1)
    known = change[~np.isnan(change)]
    if not len(known):
        return True
    usual = float(np.median(known))
    steady = np.abs(known - usual) <= STEADY * abs(usual)
    return bool(steady.mean() >= CLOCKWORK)


def _delayed(table: FactsTable, column: Column) -> bool:
    """Say whether a column holds an earlier value: an account's first rows have none, or a stand-in."""
    first, rest = table.starts, ~table.starts
    if not rest.any():
        return True
    empty = column.missing | (column.values == 0)
    if empty[first].mean() >= DELAYED and empty[rest].mean() < DELAYED / 2:
        return True
    second = table.lagged(column.values, -1)
    repeated = column.values == second
    known = ~np.isnan(second) & ~column.missing
    if not (first & known).any() or not (rest & known).any():
        return True
    return bool(repeated[first & known].mean() >= DELAYED and repeated[rest & known].mean() < DELAYED / 2)
