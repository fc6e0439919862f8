"""Whether probabilities mean what they say: losses against the base rate, slope and intercept, deciles.

The line here is the best one there is, to measure by; that of ``success.prediction.calibration`` is pulled
towards "as fitted", to predict by.

Neighbour: ``report`` asks with the rows of the test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from success.backtest.table import Floats, Mask

LEAST = 1e-6
STEPS = 50
SMALL = 1e-9
DECILES = 10


@dataclass(frozen=True, slots=True)
class Decile:
    """A tenth of the rows by predicted probability: how many, the mean predicted, the share observed."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Losses are means over rows; the base rate's are those of predicting training's share for all.

    ``slope`` 1 and ``intercept`` 0 are right; a slope under 1 says that predictions spread too far.
    """

    brier: float
    brier_base: float
    log_loss: float
    log_loss_base: float
    slope: float | None
    intercept: float | None
    deciles: tuple[Decile, ...]


def probability(log_odds: Floats) -> Floats:
    """Return the probabilities of log-odds."""
    shares: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    return shares


def calibrate(positive: Mask, log_odds: Floats, base_rate: float) -> Calibration:
    """Return how probabilities stand to what happened; ``base_rate`` is training's share of events."""
    shares, flat = probability(log_odds), np.full(len(positive), base_rate)
    line = straight_line(positive, log_odds)
    return Calibration(
        brier(positive, shares),
        brier(positive, flat),
        log_loss(positive, shares),
        log_loss(positive, flat),
        None if line is None else line[1],
        None if line is None else line[0],
        deciles(positive, shares),
    )


def brier(positive: Mask, shares: Floats) -> float:
    """Return the mean squared error of probabilities."""
    return float(((shares - positive) ** 2).mean())


def log_loss(positive: Mask, shares: Floats) -> float:
    """Return the mean of the negative log-likelihood, in nats."""
    kept = np.clip(shares, LEAST, 1 - LEAST)
    return float(-np.log(np.where(positive, kept, 1 - kept)).mean())


def straight_line(positive: Mask, log_odds: Floats) -> tuple[float, float] | None:
    """Return (intercept, slope) of the outcome on the log-odds, by maximum likelihood.

    None where no line is best: all outcomes equal, the log-odds constant, or the two told apart wholly.
    """
    spread = float(log_odds.std())
    if spread <= SMALL or positive.all() or not positive.any():
        return None
    scaled = np.column_stack([np.ones(len(log_odds)), (log_odds - log_odds.mean()) / spread])
    weights = np.zeros(2)
    for _ in range(STEPS):
        shares = probability(scaled @ weights)
        curve = scaled.T @ (scaled * (shares * (1 - shares))[:, None])
        if abs(np.linalg.det(curve)) <= SMALL:
            return None
        step = np.linalg.solve(curve, scaled.T @ (positive - shares))
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < SMALL:
            slope = weights[1] / spread
            return float(weights[0] - slope * log_odds.mean()), float(slope)
    return None


def deciles(positive: Mask, shares: Floats) -> tuple[Decile, ...]:
    """Return the tenths of the rows from the least to the most likely."""
    order = np.argsort(shares, kind="stable")
    return tuple(
        Decile(len(rows), float(shares[rows].mean()), float(positive[rows].mean()))
        for rows in np.array_split(order, DECILES)
        if len(rows)
    )
