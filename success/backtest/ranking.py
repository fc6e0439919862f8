"""How well a risk ranks: areas, precision at the top, and their spread by resampling whole accounts.

A risk is any number that is higher where the event is more likely; ties count half. Weights, where
given, are amounts (ARR). Neighbours: ``leaks`` and ``run`` ask, and ``prediction`` for the area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from success.backtest.table import Floats, Ints, Mask
from success.shares import half_up

TOP_SHARE = 0.1
LOW, HIGH = 2.5, 97.5
CHUNK = 4_000_000


def auc(positive: Mask, risk: Floats) -> float | None:
    """Return the chance that an event ranks above a non-event; None where either is absent."""
    won, pairs = pairs_won(positive, risk)
    return won / (2 * pairs) if pairs else None


def exact_auc(outcomes: Sequence[bool], scores: Sequence[int]) -> int | None:
    """Return the same in thousandths for exact scores, which is what a model keeps of itself."""
    won, pairs = pairs_won(np.array(outcomes, dtype=bool), np.array(scores, dtype=np.int64))
    return half_up(Fraction(1000 * won, 2 * pairs)) if pairs else None


def pairs_won(positive: Mask, risk: Floats | Ints) -> tuple[int, int]:
    """Return twice the pairs (event, other) the event wins, ties as half, and how many there are."""
    events, others = risk[positive], np.sort(risk[~positive])
    below = np.searchsorted(others, events, "left") + np.searchsorted(others, events, "right")
    return int(below.sum()), len(events) * len(others)


def auc_within(strata: Ints, positive: Mask, risk: Floats) -> float | None:
    """Return the area over pairs of the same stratum only; None where no stratum has both."""
    order = np.argsort(strata, kind="stable")
    bounds = np.flatnonzero(np.diff(strata[order])) + 1
    won = pairs = 0.0
    for rows in np.split(order, bounds):
        events = int(positive[rows].sum())
        if events and events < len(rows):
            count = events * (len(rows) - events)
            won += (auc(positive[rows], risk[rows]) or 0.0) * count
            pairs += count
    return won / pairs if pairs else None


def auc_of_flags(positive: Mask, flags: Mask) -> float | None:
    """Return the area of a yes or no, from its two rates."""
    events, others = int(positive.sum()), int((~positive).sum())
    if not events or not others:
        return None
    hit, false = (flags & positive).sum() / events, (flags & ~positive).sum() / others
    return float(0.5 + (hit - false) / 2)


def weighted_auc(positive: Mask, risk: Floats, weights: Floats) -> float | None:
    """Return the area where every row counts by its weight."""
    events, held = float(weights[positive].sum()), float(weights[~positive].sum())
    if events <= 0 or held <= 0:
        return None
    order = np.argsort(risk[~positive], kind="stable")
    others, mass = risk[~positive][order], np.concatenate(([0.0], np.cumsum(weights[~positive][order])))
    at = risk[positive]
    below = mass[np.searchsorted(others, at, "left")] + mass[np.searchsorted(others, at, "right")]
    return float((weights[positive] * below).sum() / 2 / events / held)


def average_precision(positive: Mask, risk: Floats) -> float | None:
    """Return the mean precision over the events, rows of one risk taken together."""
    if not positive.any():
        return None
    order = np.argsort(-risk, kind="stable")
    hits = np.cumsum(positive[order])
    last = np.append(np.flatnonzero(np.diff(risk[order])), len(order) - 1)
    found = np.diff(np.concatenate(([0], hits[last])))
    return float((found * hits[last] / (last + 1)).sum() / hits[-1])


@dataclass(frozen=True, slots=True)
class Top:
    """The tenth with the highest risk: its lift over the base rate, and the share of events in it."""

    lift: float
    capture: float


def top_tenth(positive: Mask, risk: Floats, weights: Floats | None = None) -> Top | None:
    """Return lift and capture of the top tenth of rows (of weight); ties are shared evenly."""
    mass = np.ones(len(risk)) if weights is None else weights
    if not len(risk) or mass[positive].sum() <= 0:
        return None
    order = np.argsort(-risk, kind="stable")
    bounds = np.append(np.flatnonzero(np.diff(risk[order])), len(order) - 1)
    held = np.cumsum(mass[order])[bounds]
    events = np.cumsum((mass * positive)[order])[bounds]
    taken = float(np.interp(TOP_SHARE * held[-1], np.append(0.0, held), np.append(0.0, events)))
    capture = taken / float(events[-1])
    return Top(capture / TOP_SHARE, capture)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the middle 95 % of its resamples."""

    value: float
    low: float
    high: float


class AccountBootstrap:
    """Resamples of whole accounts, the same for every risk, so that differences are paired.

    An area is a sum over pairs of accounts, so one matrix per risk answers all resamples at once.
    """

    def __init__(self, positive: Mask, groups: Ints, resamples: int, seed: int) -> None:
        """Draw ``resamples`` samples of the accounts of these rows."""
        self._positive = positive
        _, self._codes = np.unique(groups, return_inverse=True)
        count = int(self._codes.max()) + 1 if len(groups) else 0
        draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / max(count, 1)), resamples)
        self._draws: Floats = draws.astype(float)
        self._with_events = np.unique(self._codes[positive])
        self._pairs = self._count_pairs()

    def areas(self, risk: Floats) -> Floats:
        """Return the area of each resample, NaN where it holds no event or nothing else."""
        won = self._won(risk)
        drawn = self._draws[:, self._with_events]
        total = ((drawn @ won) * self._draws).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            areas: Floats = np.where(self._pairs > 0, total / self._pairs, np.nan)
        return areas

    def _count_pairs(self) -> Floats:
        events = np.bincount(self._codes[self._positive], minlength=self._draws.shape[1])
        others = np.bincount(self._codes[~self._positive], minlength=self._draws.shape[1])
        pairs: Floats = (self._draws @ events) * (self._draws @ others)
        return pairs

    def _won(self, risk: Floats) -> Floats:
        """Return, by account with events and account of the others, the pairs the event wins."""
        others = np.flatnonzero(~self._positive)
        others = others[np.argsort(self._codes[others], kind="stable")]
        held, first = np.unique(self._codes[others], return_index=True)
        won = np.zeros((len(self._with_events), self._draws.shape[1]))
        if not len(others):
            return won
        events = np.flatnonzero(self._positive)
        places = np.searchsorted(self._with_events, self._codes[events])
        size = max(1, CHUNK // len(others))
        for begin in range(0, len(events), size):
            at = risk[events[begin : begin + size], None]
            beats = (at > risk[others]) + 0.5 * (at == risk[others])
            sums = np.add.reduceat(beats, first, axis=1)
            block = np.zeros((len(sums), won.shape[1]))
            block[:, held] = sums
            np.add.at(won, places[begin : begin + size], block)
        return won


def middle(values: Floats) -> tuple[float, float] | None:
    """Return the bounds of the middle 95 %; None where no resample gave a value."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, (LOW, HIGH))
    return float(low), float(high)


def interval(value: float | None, resampled: Floats) -> Interval | None:
    """Return a figure with its bounds; None where there is no figure."""
    bounds = middle(resampled)
    return None if value is None or bounds is None else Interval(value, *bounds)


def all_areas(bootstrap: AccountBootstrap, risks: Sequence[Floats]) -> list[Floats]:
    """Return the resampled areas of several risks, each over the same resamples."""
    return [bootstrap.areas(one) for one in risks]
