"""The other side of ``colonnade bench health``: its scorecard in a few lines of pandas that explain nothing.

Doubles, linear interpolation, a weighted mean over what is known: no contributions, no exact sums, no holds
and no history. What somebody would write to have a number. Neighbour: ``health``.
"""
# ruff: noqa: PLR2004 - the numbers are those of ``health_rules``, written out as one would here

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from success.columns.frame import Frame
from sync.bench.health_rules import SCORECARD


def scored(frame: Frame, as_of: date) -> Any:
    """Return a pandas DataFrame with score, band, segment and stage per account.

    Raises ImportError where pandas is not installed.
    """
    import pandas as pd

    table = pd.DataFrame(
        {
            name: np.where(column.known, column.numerator / column.denominator, np.nan)
            for name, column in frame.measures.items()
        },
        index=pd.Index(frame.accounts),
    )
    points, weights = _points(table, frame, as_of)
    coverage = weights.sum(axis=1)
    for group in SCORECARD.groups:
        inside = [rule.measure for rule in SCORECARD.measures if rule.group == group.key]
        total = weights[inside].sum(axis=1)
        weights[inside] = weights[inside].mul(group.weight / total.where(total > 0), axis=0).fillna(0)
    present = weights.sum(axis=1)
    score = (points.fillna(0) * weights).sum(axis=1) / present.where(present > 0)
    score = score.where(coverage >= SCORECARD.coverage_floor * 100)
    score = score.mask((table["open_escalations"] > 0) & (score > 60), 60)
    score = score.mask((table["seat_utilisation"] < 0.05) & (table["arr"] > 0) & (score > 40), 40)
    floors = [band.floor / 1000 for band in SCORECARD.bands]
    band = pd.cut(score, [*floors, np.inf], right=False, labels=[band.key for band in SCORECARD.bands])
    return pd.DataFrame(
        {"score": score, "band": band, "segment": _segments(table), "stage": _stages(table)}, table.index
    )


def _points(table: Any, frame: Frame, as_of: date) -> tuple[Any, Any]:
    """Return each measure's points, NaN where it has none, and the weight it counts with."""
    points, weights = table[[]].copy(), table[[]].copy()
    of_group = {group.key: group.weight / 100_000 for group in SCORECARD.groups}
    for rule in SCORECARD.measures:
        raw = [float(corner.raw) for corner in rule.curve]
        found = np.interp(table[rule.measure], raw, [corner.points / 1000 for corner in rule.curve])
        points[rule.measure] = found
        if rule.max_age_days is not None:
            old = frame.measures[rule.measure].observed < as_of.toordinal() - rule.max_age_days
            points.loc[old, rule.measure] = np.nan
        weights[rule.measure] = points[rule.measure].notna() * rule.weight * of_group[rule.group]
    return points, weights


def _segments(table: Any) -> Any:
    rich, middle = table["arr"] >= 100_000, (table["arr"] >= 20_000) & (table["seats"] > 20)
    return np.select([rich, middle], ["enterprise", "mid"], "small")


def _stages(table: Any) -> Any:
    active, use, age = table["active_days_28d"], table["seat_utilisation"], table["days_since_start"]
    liked = table["nps_90d"] >= 50
    furthest_first = {
        "govern": (table["arr"] >= 100_000) & liked & (table["csat_90d"] >= 4) & (age > 365),
        "advocate": liked & (use >= 0.5) & (age > 180),
        "expand": (use >= 0.8) & (table["open_escalations"] == 0),
        "prove_value": (active >= 8) & (table["feature_breadth_28d"] >= 2) & (age > 60),
        "adopt": (active >= 4) & (use >= 0.2),
        "onboard": age >= 0,
    }
    return np.select(list(furthest_first.values()), list(furthest_first), "align")
