"""Columns as numbers for a model, by what the training rows alone tell (domain C.6 b).

A gap takes the median of training, with a flag of its own where training had gaps; long tails are
drawn in; categories become one flag per level that training met often enough. A file's columns are of any
kind and told nothing of, so gaps speak here; ``success.prediction.encoding`` keeps exact numbers for ever and
lets what is unknown say nothing. Neighbours:
``fitting`` takes the matrix, ``report`` names what was made of each column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from success.backtest.table import Column, FactsTable, Floats, Mask, drawn_in

FEWEST_OF_A_LEVEL = 20
TAIL = 2.0
"""Skewness beyond which a column is drawn in by its logarithm."""


@dataclass(frozen=True, slots=True)
class Term:
    """One number of the matrix: what it is called, and how it is made of a column.

    ``level`` is the code of a category's level, ``gap`` a flag for being empty; else a number,
    drawn in where ``logarithm``, its gaps filled with ``middle``, then centred and scaled.
    """

    column: str
    name: str
    level: int | None = None
    gap: bool = False
    logarithm: bool = False
    middle: float = 0.0
    centre: float = 0.0
    scale: float = 1.0

    def of(self, column: Column) -> Floats:
        """Return the term's values for the rows of a column."""
        return (_raw(self, column) - self.centre) / self.scale


def _raw(term: Term, column: Column) -> Floats:
    if term.gap:
        return column.missing.astype(float)
    if term.level is not None:
        return np.asarray(column.values == term.level, float)
    values = drawn_in(column.values) if term.logarithm else column.values
    return np.where(column.missing, term.middle, values)


def learn_terms(table: FactsTable, train: Mask) -> tuple[Term, ...]:
    """Return the terms of a table's columns, their figures those of the training rows."""
    found: list[Term] = []
    for column in table.columns:
        if not column.identifies:
            found += [_scaled(term, column, train) for term in _terms(column, train)]
    return tuple(term for term in found if term.scale > 0)


def matrix(terms: tuple[Term, ...], table: FactsTable) -> Floats:
    """Return one column per term, one row per row of the table."""
    columns = {one.name: one for one in table.columns}
    return np.column_stack([term.of(columns[term.column]) for term in terms])


def _terms(column: Column, train: Mask) -> list[Term]:
    missing = column.missing[train]
    if missing.all():
        return []
    gaps = [Term(column.name, f"{column.name} is empty", gap=True)] if missing.any() else []
    if column.levels:
        return [*_level_terms(column, train), *gaps]
    known = column.values[train][~missing]
    tailed = _skewness(known) > TAIL
    middle = float(np.median(drawn_in(known) if tailed else known))
    return [Term(column.name, column.name, logarithm=tailed, middle=middle), *gaps]


def _level_terms(column: Column, train: Mask) -> list[Term]:
    codes = column.values[train]
    counts = np.bincount(codes[~np.isnan(codes)].astype(int), minlength=len(column.levels))
    often = [code for code, count in enumerate(counts) if count >= FEWEST_OF_A_LEVEL]
    return [Term(column.name, f"{column.name} = {column.levels[code]}", level=code) for code in often]


def _scaled(term: Term, column: Column, train: Mask) -> Term:
    raw = _raw(term, column)[train]
    return Term(
        term.column,
        term.name,
        term.level,
        term.gap,
        term.logarithm,
        term.middle,
        float(raw.mean()),
        float(raw.std()),
    )


def _skewness(values: Floats) -> float:
    spread = values.std()
    return float(abs(((values - values.mean()) ** 3).mean()) / spread**3) if spread > 0 else 0.0
