"""The rows of a churn model as the table a backtest takes.

A model's own table is exact (fractions, words, unknown apart from zero), so that a stored model gives the
same contributions for ever; a backtest needs arrays. Neighbours: ``success.prediction`` has the rows,
``run`` judges the scores of a model over them.
"""

from __future__ import annotations

import numpy as np

from success.backtest.table import Column, FactsTable, Floats, ordered
from success.prediction import table as exact
from success.prediction.features import first_of
from success.prediction.model import MILLION, Model
from success.prediction.table import FeatureTable, Kind, Value


def by_account(table: FeatureTable) -> FeatureTable:
    """Return the rows in the order a backtest keeps them in: by account, then by period."""
    rows = sorted(table.rows, key=lambda row: (row.account, row.period))
    return FeatureTable(table.columns, tuple(rows))


def facts_of(table: FeatureTable) -> FactsTable:
    """Return the rows, which stand ``by_account``, at the first days of their periods (ordinals of dates).

    Raises ValueError where an account has two rows of one period.
    """
    codes = {name: code for code, name in enumerate(dict.fromkeys(row.account for row in table.rows))}
    return ordered(
        np.array([first_of(row.period).toordinal() for row in table.rows], dtype=np.int64),
        np.array([codes[row.account] for row in table.rows], dtype=np.int64),
        np.array([int(row.event) for row in table.rows], dtype=np.int64),
        [_column(one, [row.values[place] for row in table.rows]) for place, one in enumerate(table.columns)],
        days=True,
    )


def _column(column: exact.Column, values: list[Value]) -> Column:
    if column.kind is Kind.NUMBER:
        return Column(column.name, np.array([np.nan if one is None else float(one) for one in values]))
    levels = tuple(sorted({str(one) for one in values if one is not None}))
    places = {level: float(place) for place, level in enumerate(levels)}
    return Column(column.name, np.array([places.get(str(one), np.nan) for one in values]), levels)


def log_odds_of(model: Model, table: FeatureTable) -> Floats:
    """Return the log-odds of every row: those the model's probabilities come from, else of the fit itself."""
    scores: Floats = np.array(model.scores(table), dtype=np.float64) / MILLION
    found = model.calibration
    if found is None:
        return scores
    calibrated: Floats = (found.shift + found.slope * scores) / MILLION
    return calibrated
