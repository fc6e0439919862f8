"""Planted account-months as the table a backtest takes."""

from __future__ import annotations

from functools import cache

import numpy as np

from success.backtest.report import Report
from success.backtest.run import Options, backtest
from success.backtest.split import TimeSplit
from success.backtest.table import Column, FactsTable, ordered
from tests.success.planted import EMBARGO, TEST_FROM, TRAIN_TO, Planted, planted

SPLIT = TimeSplit(TRAIN_TO, TEST_FROM, EMBARGO)
QUICK = Options(resamples=100)


def column(name: str, values: np.ndarray) -> Column:
    """Return a column: words as codes, many different words as their numbers."""
    if values.dtype.kind != "U":
        return Column(name, np.asarray(values, float))
    levels = sorted(set(values))
    if len(levels) > 50:
        return Column(name, np.array([float(one.rpartition("-")[2]) for one in values]), identifies=True)
    return Column(name, np.array([float(levels.index(one)) for one in values]), tuple(levels))


def table_of(p: Planted, **more: np.ndarray) -> FactsTable:
    """Return the honest columns of the months and what is added to them."""
    held = {
        "segment": np.array(["SMB", "MM", "ENT"])[p.segment.astype(int)],
        "seats": p.seats,
        "active_users": p.active,
        "tickets": p.tickets,
        "is_term_end_month": p.term_end,
        "age_months": p.age,
        **more,
    }
    columns = [column(name, values) for name, values in held.items()]
    return ordered(*(one.astype(np.int64) for one in (p.month, p.account, p.label)), columns)


@cache
def planted_report() -> Report:
    """Return the report of the planted months as they are, made once for all who compare with it."""
    return backtest(table_of(planted()), SPLIT, QUICK)
