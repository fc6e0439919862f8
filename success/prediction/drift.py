"""Whether the world still is as it was in training: features, rate of churn, order (domain C.6 i).

Each alarm needs both a size that matters and more than chance, for small portfolios are never twice alike.
Neighbours: ``model`` keeps what training saw; ``sync.models`` brings the rows of today and since.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from success.backtest.ranking import exact_auc
from success.prediction.model import Model
from success.prediction.table import FeatureTable
from success.shares import half_up

SHIFTED = 250
"""The population stability index, in thousandths, from which a feature counts as shifted."""
RATE_OFF = 250
"""By how many thousandths of itself the rate of churn may differ from training's."""
LEAST_EVENTS = 20
AUC_LOST, AUC_LEAST = 100, 550
Z = 1.959964
Z_ONE_SIDED = 1.644854


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a feature's spread is from training's; ``psi`` and ``chance`` in thousandths.

    ``chance`` is the index that one portfolio in twenty reaches without any change.
    """

    feature: str
    psi: int
    chance: int
    alarm: bool


@dataclass(frozen=True, slots=True)
class BaseRate:
    """The rate of churn in training and since, in thousandths, with the interval (95 %) of the latter."""

    trained: int
    since: int
    low: int
    high: int
    events: int
    rows: int
    alarm: bool


@dataclass(frozen=True, slots=True)
class Order:
    """The AUC in training and since, in thousandths; None where it cannot be told."""

    trained: int | None
    since: int | None
    events: int
    alarm: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """All of it. ``rate`` is None before the first period since training is over."""

    shifts: tuple[Shift, ...]
    rate: BaseRate | None
    order: Order | None

    @property
    def alarms(self) -> tuple[str, ...]:
        """Return the alarms in words, none where all is as it was."""
        said = [
            f"{one.feature} is spread otherwise than in training (PSI {one.psi / 1000:.2f})"
            for one in self.shifts
            if one.alarm
        ]
        if self.rate is not None and self.rate.alarm:
            now, then = self.rate.since / 10, self.rate.trained / 10
            said.append(f"the rate of churn is {now:.1f} %, it was {then:.1f} % in training")
        if self.order is not None and self.order.alarm and self.order.since is not None:
            said.append(f"accounts are ordered with an AUC of {self.order.since / 1000:.2f} since training")
        return tuple(said)


def drift(model: Model, now: FeatureTable, since: FeatureTable) -> Drift:
    """Return how today's accounts (``now``, outcomes unknown) and the periods since training compare.

    ``since`` holds the periods after training whose outcomes are known.
    """
    return Drift(_shifts(model, now), _rate(model, since), _order(model, since))


def psi(before: Sequence[int], after: Sequence[int]) -> float:
    """Return the population stability index of counts by part, half a count added to each."""
    first, second = (sum(counts) + len(counts) / 2 for counts in (before, after))
    pairs = ((((b + 0.5) / first), ((a + 0.5) / second)) for b, a in zip(before, after, strict=True))
    return math.fsum((a - b) * math.log(a / b) for b, a in pairs)


def psi_by_chance(before: Sequence[int], after: Sequence[int]) -> float:
    """Return the index exceeded by chance once in twenty: a chi-square bound (Wilson and Hilferty)."""
    filled = sum(1 for b, a in zip(before, after, strict=True) if b or a)
    free, sizes = max(1, filled - 1), (sum(before), sum(after))
    if not all(sizes):
        return math.inf
    spread = 2 / (9 * free)
    bound = free * (1 - spread + Z_ONE_SIDED * math.sqrt(spread)) ** 3
    return bound * (1 / sizes[0] + 1 / sizes[1])


def wilson(events: int, rows: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate (Wilson)."""
    share, square = events / rows, Z * Z / rows
    middle = (share + square / 2) / (1 + square)
    half = Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows)) / (1 + square)
    return middle - half, middle + half


def _shifts(model: Model, now: FeatureTable) -> tuple[Shift, ...]:
    if not now.rows:
        return ()
    places, found = {column.name: index for index, column in enumerate(now.columns)}, []
    for feature in model.features:
        if feature.profile is None or feature.name not in places:
            continue
        counts = feature.profile.count([row.values[places[feature.name]] for row in now.rows])
        index, bound = psi(feature.profile.counts, counts), psi_by_chance(feature.profile.counts, counts)
        if math.isfinite(bound):
            alarm = index >= SHIFTED / 1000 and index > bound
            found.append(Shift(feature.name, round(index * 1000), round(bound * 1000), alarm))
    return tuple(found)


def _rate(model: Model, since: FeatureTable) -> BaseRate | None:
    if not since.rows or not model.trained.rows:
        return None
    events, rows = since.events, len(since.rows)
    before, after = Fraction(model.trained.events, model.trained.rows), Fraction(events, rows)
    low, high = wilson(events, rows)
    off = abs(after - before) * 1000 > RATE_OFF * before
    return BaseRate(
        trained=half_up(1000 * before),
        since=half_up(1000 * after),
        low=round(low * 1000),
        high=round(high * 1000),
        events=events,
        rows=rows,
        alarm=off and not low <= before <= high,
    )


def _order(model: Model, since: FeatureTable) -> Order | None:
    if not since.rows:
        return None
    trained, events = model.trained.auc, since.events
    if events < LEAST_EVENTS:
        return Order(trained, None, events, alarm=False)
    found = exact_auc([row.event for row in since.rows], model.scores(since))
    lost = found is not None and (found < AUC_LEAST or (trained is not None and found < trained - AUC_LOST))
    return Order(trained, found, events, alarm=lost)
