"""From log-odds to probabilities: a monotone map learned on time the model was not trained on.

The map is a line of log-odds with a slope above zero, pulled towards "as fitted"; two numbers are what a
hundred events bear, and a line neither makes ties nor probabilities of 0 and 1, as steps do. Without the
events, or where the order does not hold on that time, accounts are ranked and no probability is told
(domain C.7). Neighbours: ``ladder`` fits models, ``model`` applies the map.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from success.prediction.model import MILLION, Calibration, Model
from success.prediction.penalised import logistic
from success.prediction.table import FeatureTable

ENOUGH_EVENTS = 100


def calibrate(model: Model, held_out: FeatureTable) -> Model:
    """Return the model with its map, or without one where the held-out rows do not allow it.

    Raises ValueError where a held-out period is not after all periods of training.
    """
    periods = [row.period for row in held_out.rows]
    if periods and model.trained.last is not None and min(periods) <= model.trained.last:
        raise ValueError(
            f"period {min(periods)} is not after training, which ended with {model.trained.last}"
        )
    without = replace(model, calibration=None)
    if held_out.events < ENOUGH_EVENTS or held_out.events == len(held_out.rows):
        return without
    ordered = FeatureTable(held_out.columns, held_out.in_order())
    scores = np.array(model.scores(ordered), dtype=np.float64) / MILLION
    outcomes = np.array([float(row.event) for row in ordered.rows])
    fit = logistic(scores[:, None], outcomes, np.ones(1), strength=1.0)
    slope = round(float(fit.weights[0]) * MILLION)
    if slope <= 0:
        return without
    shift = round(fit.intercept * MILLION)
    found = Calibration(slope, shift, held_out.events, len(periods), min(periods), max(periods))
    return replace(model, calibration=found)
