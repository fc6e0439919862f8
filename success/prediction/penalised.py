"""The one fit of every rung: a logistic regression pulled towards weights that are given.

Maximises the log-likelihood less strength/2 × |weights − prior|²; the intercept is free. Each Newton step
is a weighted ridge regression of what the prior leaves over, which scikit-learn's ``Ridge`` solves
directly (its ``LogisticRegression`` pulls to zero only and takes no offset). With a prior of zero the
result is that of ``LogisticRegression(C=1/strength)``. Neighbours: ``ladder`` and ``calibration`` ask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from success.backtest.calibration import probability

Floats = NDArray[np.float64]

STEPS = 100
HALVINGS = 30
CLOSE = 1e-10
FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    """The intercept and the weights, one per column, in log-odds."""

    intercept: float
    weights: Floats


def logistic(x: Floats, y: Floats, prior: Floats, strength: float) -> Fit:
    """Return the fit of the 0/1 outcomes ``y`` to the columns of ``x``; ``strength`` is above 0.

    Deterministic: no random state, and the same rows in the same order give the same fit.
    Raises ValueError where there are no rows, or all of them have one outcome.
    """
    if not 0 < y.sum() < len(y):
        raise ValueError("a fit needs rows with and rows without the event")
    rate = float(y.mean())
    now = Fit(float(np.log(rate / (1 - rate))), prior.copy())
    loss = _loss(now, x, y, prior, strength)
    for _ in range(STEPS):
        step = _newton(now, x, y, prior, strength)
        found, below = _damped(now, step, loss, x, y, prior, strength)
        moved = max(
            abs(found.intercept - now.intercept), float(np.abs(found.weights - now.weights).max(initial=0))
        )
        now, loss = found, below
        if moved < CLOSE:
            break
    return now


def _newton(now: Fit, x: Floats, y: Floats, prior: Floats, strength: float) -> Fit:
    """Return the minimum of the quadratic that touches the loss where we stand."""
    from sklearn.linear_model import Ridge

    log_odds = now.intercept + x @ now.weights
    chances = probability(log_odds)
    curvature = np.maximum(chances * (1 - chances), FLAT)
    left = log_odds + (y - chances) / curvature - x @ prior
    if x.shape[1] == 0:
        return Fit(float(np.average(left, weights=curvature)), prior.copy())
    ridge = Ridge(alpha=strength, solver="cholesky").fit(x, left, sample_weight=curvature)
    return Fit(float(ridge.intercept_), prior + ridge.coef_)


def _damped(
    now: Fit, step: Fit, loss: float, x: Floats, y: Floats, prior: Floats, strength: float
) -> tuple[Fit, float]:
    """Return the step, halved until it does not make the loss worse, and its loss."""
    share = 1.0
    for _ in range(HALVINGS):
        tried = Fit(
            now.intercept + share * (step.intercept - now.intercept),
            now.weights + share * (step.weights - now.weights),
        )
        below = _loss(tried, x, y, prior, strength)
        if below <= loss:
            return tried, below
        share /= 2
    return now, loss


def _loss(fit: Fit, x: Floats, y: Floats, prior: Floats, strength: float) -> float:
    log_odds = fit.intercept + x @ fit.weights
    likelihood = np.logaddexp(0, log_odds) - y * log_odds
    return float(likelihood.sum() + strength / 2 * ((fit.weights - prior) ** 2).sum())
