"""Columns that know more of the future than the label asks: who leaves at all, how long one lasts, what is used next.

Totals of a lifetime and values of a later month look harmless beside the label and give away what
nobody knew. Neighbour: ``leaks`` looks at the label itself and holds the form of a finding.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from success.backtest.leaks import FEWEST_EVENTS, Leak, either_way, strong_flag
from success.backtest.ranking import auc_within
from success.backtest.signals import Signal
from success.backtest.table import FAR, Column, FactsTable, Floats, Mask

KNOWS_WHO = 0.85
KNOWS_WHO_RATIO = 8.0
NEAR_ROWS = 3
"""A warning may show so many rows before the event; before that nobody can know."""
STILL = 0.99
KNOWS_LENGTH = 0.6
SAME_TOTAL = 0.9
EQUAL_TOTAL = 0.8
KNOWS_NEXT = 0.6
FEWEST_ROWS = 200
FEWEST_ACCOUNTS = 30
MOST_ROWS = 20_000
CLOCKWORK = 0.9
FEW_VALUES = 10
LEADS = (1, 2, 3)


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


def lifetime(table: FactsTable, column: Column) -> Leak | None:
    """Find what stands still and knows how long the account lasts, or what it will have summed up to."""
    if column.levels or not _still(table, column):
        return None
    first = np.flatnonzero(table.starts)
    values = _drawn_in(column.values[first])
    known = ~np.isnan(values)
    if known.sum() < FEWEST_ACCOUNTS or np.ptp(values[known]) == 0:
        return None
    return _same_total(table, column, first) or _knows_length(table, column, first)


def _still(table: FactsTable, column: Column) -> bool:
    before = table.lagged(column.values, 1)
    compared = ~np.isnan(before) & ~column.missing
    return bool(compared.sum() >= FEWEST_ACCOUNTS and (column.values == before)[compared].mean() >= STILL)


def _knows_length(table: FactsTable, column: Column, first: Mask) -> Leak | None:
    ended = _ever(table)[first]
    length = np.log1p(np.bincount(table.groups)[table.groups[first]])
    tie = _tie(column.values[first], length, _origins(table, column, first), ended)
    if tie is None or abs(tie) < KNOWS_LENGTH:
        return None
    why = f"it never changes and goes with how long the accounts that leave last (correlation {tie:.2f})"
    return Leak(column.name, "lifetime_aggregate", why)


def _same_total(table: FactsTable, column: Column, first: Mask) -> Leak | None:
    """Compare with totals of the other columns over all of an account's rows."""
    mine = column.values[first]
    everyone = np.ones(len(first), bool)
    origins = _origins(table, column, first)
    for other in _numeric(table, column):
        if _still(table, other):
            continue
        for name, total in _totals(table, other):
            known = ~np.isnan(mine) & ~np.isnan(total)
            if known.sum() < FEWEST_ACCOUNTS or np.ptp(total[known]) == 0:
                continue
            equal = float(np.isclose(mine[known], total[known], rtol=1e-6, atol=1e-9).mean())
            tie = _tie(mine, _drawn_in(total), origins, everyone)
            if equal >= EQUAL_TOTAL or (tie is not None and abs(tie) >= SAME_TOTAL):
                why = f"it is the {name} of {other.name} over all rows of the account, later ones among them"
                return Leak(column.name, "lifetime_aggregate", why)
    return None


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
    yield "last value", column.values[table.ends]


def _origins(table: FactsTable, column: Column, first: Mask) -> Floats:
    """Return what was known of each account at its first row: when, and all its numbers then."""
    known = [np.ones(len(first)), table.times[first].astype(float)]
    for other in _numeric(table, column):
        values = _drawn_in(other.values[first])
        missing = np.isnan(values)
        if missing.all():
            continue
        known.append(np.where(missing, np.nanmean(values), values))
    return np.column_stack(known)


def _tie(values: Floats, other: Floats, origins: Floats, rows: Mask) -> float | None:
    """Return the correlation of two columns of accounts beyond what their beginnings explain."""
    drawn = _drawn_in(values)
    rows = rows & np.isfinite(drawn) & np.isfinite(other)
    if rows.sum() < max(FEWEST_ACCOUNTS, 3 * origins.shape[1]):
        return None
    return _left_over(np.column_stack([drawn[rows], other[rows]]), origins[rows])


def knows_next(table: FactsTable, column: Column) -> Leak | None:
    """Find what explains most of a later value of another column that its own past does not."""
    if column.levels or _still(table, column):
        return None
    values = _drawn_in(column.values)
    for other in _numeric(table, column):
        later = _drawn_in(other.values)
        if _foreseeable(table, other):
            continue
        past = [np.ones(len(table)), later, table.lagged(later, 1)]
        for lead in LEADS:
            tie = _tie_ahead(values, table.lagged(later, -lead), np.column_stack(past))
            if tie is not None and abs(tie) >= KNOWS_NEXT:
                why = f"it goes with what {other.name} becomes {lead} rows later (correlation {tie:.2f} beyond its past)"
                return Leak(column.name, "future_value", why)
    return None


def _tie_ahead(values: Floats, ahead: Floats, past: Floats) -> float | None:
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(ahead) & np.isfinite(past).all(axis=1))
    if len(rows) < FEWEST_ROWS:
        return None
    rows = rows[:: max(1, len(rows) // MOST_ROWS)]
    return _left_over(np.column_stack([values[rows], ahead[rows]]), past[rows])


def _left_over(pair: Floats, explained_by: Floats) -> float | None:
    """Return the correlation of two columns after taking out what others explain of each."""
    solved, *_ = np.linalg.lstsq(explained_by, pair, rcond=None)
    rest = pair - explained_by @ solved
    spread = np.sqrt((rest**2).sum(axis=0))
    whole = np.sqrt(((pair - pair.mean(axis=0)) ** 2).sum(axis=0))
    if (spread <= 1e-6 * whole).any() or not spread.all():
        return None
    return float((rest[:, 0] * rest[:, 1]).sum() / spread[0] / spread[1])


def _foreseeable(table: FactsTable, column: Column) -> bool:
    """Say whether a column runs like a clock, stands still or has few values: its next is no secret."""
    change = column.values - table.lagged(column.values, 1)
    known = change[~np.isnan(change)]
    if not len(known) or len(np.unique(column.values[~column.missing])) < FEW_VALUES:
        return True
    _, counts = np.unique(known, return_counts=True)
    return bool(counts.max() / len(known) >= CLOCKWORK)


def _numeric(table: FactsTable, but: Column) -> Iterator[Column]:
    return (
        one for one in table.columns if one.name != but.name and not one.levels and not one.missing.all()
    )


def _drawn_in(values: Floats) -> Floats:
    drawn: Floats = np.sign(values) * np.log1p(np.abs(values))
    return drawn
