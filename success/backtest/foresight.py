"""Columns that know more of the future than the label asks: who leaves at all, how long one lasts.

Totals of a lifetime and what was recorded later look harmless beside the label and give away what
nobody knew. Neighbours: ``leaks`` looks at the label itself and holds the form of a finding,
``later`` finds values of a later time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from success.backtest.leaks import FEWEST_EVENTS, Leak, either_way, strong_flag
from success.backtest.ranking import auc_within
from success.backtest.signals import Signal
from success.backtest.table import FAR, Column, FactsTable, Floats, Ints, Mask, drawn_in

KNOWS_WHO = 0.85
KNOWS_WHO_RATIO = 8.0
NEAR_ROWS = 3
"""A warning may show so many rows before the event; before that nobody can know."""
STILL = 0.99
KNOWS_LENGTH = 0.6
SAME_TOTAL = 0.9
EQUAL_TOTAL = 0.8
OPPOSED = -0.2
"""Halves of a total that a column holds go against each other at least so far."""
FEWEST_ACCOUNTS = 30
TRACE = 1e-6


def knows_who(table: FactsTable, signal: Signal) -> Leak | None:
    """Find what tells, long before, the accounts that will ever have an event from those that never do."""
    before = table.rows_to_event
    coming = (before > NEAR_ROWS) & (before < FAR)
    never = ~_ever(table)
    rows = signal.known & (coming | never)
    accounts = [len(np.unique(table.groups[rows & part])) for part in (coming, never)]
    if min(accounts) < FEWEST_EVENTS:
        return None
    area = either_way(auc_within(table.times[rows], coming[rows], signal.values[rows]))
    flags = signal.values[rows] == 1
    sure = signal.flag and strong_flag(flags, coming[rows], KNOWS_WHO_RATIO)
    if area < KNOWS_WHO and not sure:
        return None
    why = (
        f"{signal.how} tells more than {NEAR_ROWS} rows before who will ever have the event "
        f"(AUC {area:.3f} among rows of one time)"
    )
    return Leak(signal.column, "recorded_after", why)


def _ever(table: FactsTable) -> Mask:
    counts = np.bincount(table.groups, weights=table.labels)
    return np.asarray(counts[table.groups] > 0)


def lifetimes(table: FactsTable, candidates: Iterable[str]) -> dict[str, Leak]:
    """Return which of the candidates stand still and hold a total, or know how long one lasts, by name.

    What goes closest by itself is taken first and no longer counts among what was known at an account's
    beginning: beside a column that knows the end, its other, honest half would seem to know too.
    """
    open_, found = set(candidates), dict[str, Leak]()
    while True:
        rest = table.without(found)
        columns = [one for one in rest.columns if one.name in open_ and _of_accounts(rest, one)]
        suspects = [one for one in (_suspect(rest, column) for column in columns) if one is not None]
        if not suspects:
            return found
        _, leak = max(suspects, key=lambda one: one[0])
        found[leak.column] = leak


def _suspect(table: FactsTable, column: Column) -> tuple[float, Leak] | None:
    """Return what a column seems to know, and how closely it goes with that when nothing else is asked."""
    first = np.flatnonzero(table.starts)
    return _same_total(table, column, first) or _knows_length(table, column, first)


def _of_accounts(table: FactsTable, column: Column) -> bool:
    """Say whether a column tells something of each account, once and for all."""
    if column.levels or not stands_still(table, column):
        return False
    values = drawn_in(column.values[table.starts])
    known = ~np.isnan(values)
    return bool(known.sum() >= FEWEST_ACCOUNTS and np.ptp(values[known]) > 0)


def stands_still(table: FactsTable, column: Column) -> bool:
    """Say whether a column hardly ever changes within an account."""
    before = table.lagged(column.values, 1)
    compared = ~np.isnan(before) & ~column.missing
    return bool(compared.sum() >= FEWEST_ACCOUNTS and (column.values == before)[compared].mean() >= STILL)


def _knows_length(table: FactsTable, column: Column, first: Ints) -> tuple[float, Leak] | None:
    ended = _ever(table)[first]
    length = np.log1p(np.bincount(table.groups)[table.groups[first]])
    tie = _tie(column.values[first], length, _origins(table, column, first), ended)
    if tie is None or abs(tie) < KNOWS_LENGTH:
        return None
    why = f"it never changes and goes with how long the accounts that leave last (correlation {tie:.2f})"
    return _plainly(column.values[first], length, ended), Leak(column.name, "lifetime_aggregate", why)


def _plainly(values: Floats, other: Floats, rows: Mask) -> float:
    return abs(_tie(values, other, np.ones((len(values), 1)), rows) or 0.0)


def _same_total(table: FactsTable, column: Column, first: Ints) -> tuple[float, Leak] | None:
    """Compare with totals of the other columns over all of an account's rows."""
    mine = column.values[first]
    everyone = np.ones(len(first), bool)
    origins = _origins(table, column, first)
    for other in numeric_but(table, column):
        if stands_still(table, other):
            continue
        for name, total in _totals(table, other):
            known = ~np.isnan(mine) & ~np.isnan(total)
            if known.sum() < FEWEST_ACCOUNTS or np.ptp(total[known]) == 0:
                continue
            equal = float(np.isclose(mine[known], total[known], rtol=1e-6, atol=1e-9).mean())
            tie = _tie(mine, drawn_in(total), origins, everyone)
            close = tie is not None and abs(tie) >= SAME_TOTAL
            if equal >= EQUAL_TOTAL or (close and _settles(table, other, name, mine, origins)):
                why = f"it is the {name} of {other.name} over all rows of the account, later ones among them"
                plainly = _plainly(mine, drawn_in(total), everyone)
                return max(plainly, equal), Leak(column.name, "lifetime_aggregate", why)
    return None


def _settles(table: FactsTable, other: Column, name: str, mine: Floats, origins: Floats) -> bool:
    """Say whether a column holds both halves of a total, so that more of one means less of the other.

    Seats foretell a steady use as closely as its mean does, and leave what chance adds to each half free.
    """
    early = table.elapsed <= (table.elapsed[table.ends] // 2)[np.cumsum(table.starts) - 1]
    halves = [
        dict(_totals(table, Column(other.name, np.where(rows, other.values, np.nan)))).get(name)
        for rows in (early, ~early)
    ]
    first, second = halves
    if first is None or second is None:
        return True
    rows = np.isfinite(mine) & np.isfinite(first) & np.isfinite(second)
    given = np.column_stack([origins, np.where(rows, drawn_in(mine), 0.0)])
    tie = _tie(first, drawn_in(second), given, rows)
    return tie is None or tie <= OPPOSED


def _totals(table: FactsTable, column: Column) -> Iterator[tuple[str, Floats]]:
    filled = np.where(column.missing, 0.0, column.values)
    starts = np.flatnonzero(table.starts)
    total = np.add.reduceat(filled, starts)
    count = np.add.reduceat((~column.missing).astype(float), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        yield "sum", total
        yield "mean", np.where(count > 0, total / count, np.nan)
    yield "largest value", np.maximum.reduceat(np.where(column.missing, -np.inf, column.values), starts)
    yield "smallest value", np.minimum.reduceat(np.where(column.missing, np.inf, column.values), starts)
    if not column.missing[table.ends].all():
        yield "last value", column.values[table.ends]


def _origins(table: FactsTable, column: Column, first: Ints) -> Floats:
    """Return what was known of each account at its beginning: when, and the first of all its numbers."""
    known = [np.ones(len(first)), table.times[first].astype(float)]
    for other in numeric_but(table, column):
        values = drawn_in(_first_known(table, other)[first])
        missing = np.isnan(values)
        known.append(np.where(missing, np.nanmean(values), values))
    return np.column_stack(known)


def _first_known(table: FactsTable, column: Column) -> Floats:
    """Return on every row the account's earliest value from there on; NaN where none comes."""
    rows = np.arange(len(table))
    place = np.minimum.accumulate(np.where(column.missing, FAR, rows)[::-1])[::-1]
    there = place <= rows + table.rows_to_end
    return np.where(there, column.values[np.where(there, place, 0)], np.nan)


def _tie(values: Floats, other: Floats, origins: Floats, rows: Mask) -> float | None:
    """Return the correlation of two columns of accounts beyond what their beginnings explain."""
    drawn = drawn_in(values)
    rows = rows & np.isfinite(drawn) & np.isfinite(other)
    if rows.sum() < max(FEWEST_ACCOUNTS, 3 * origins.shape[1]):
        return None
    return left_over(np.column_stack([drawn[rows], other[rows]]), origins[rows])


def left_over(pair: Floats, explained_by: Floats) -> float | None:
    """Return the correlation of two columns after taking out what others explain of each."""
    basis, _ = np.linalg.qr(explained_by)
    rest = pair - basis @ (basis.T @ pair)
    spread = np.sqrt((rest**2).sum(axis=0))
    whole = np.sqrt(((pair - pair.mean(axis=0)) ** 2).sum(axis=0))
    if (spread <= TRACE * whole).any():
        return None
    return float((rest[:, 0] * rest[:, 1]).sum() / spread[0] / spread[1])


def numeric_but(table: FactsTable, but: Column) -> Iterator[Column]:
    """Yield the other columns of numbers."""
    return (one for one in table.columns if one.name != but.name and not one.levels and not one.missing.all())
