"""Which rung of the ladder a table allows, and the model fitted there (domain C.6 g, C.7).

Under 20 events the expert's weights stand as they are: *insufficient evidence*. From there the data move
them, under a strong pull while there are fewer than 10 events to a parameter. Where the columns of time can
be afforded at 10 events to a parameter, rows are account-months of a discrete-time hazard, in which accounts
that are still here are censored by simply having no event. Gradient boosting is left out: it did not beat
the logistic model at any size met so far, and has no exact contributions.
Neighbours: ``encoding`` turns columns into numbers, ``penalised`` fits, ``model`` is the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from success.backtest.ranking import exact_auc
from success.prediction.encoding import Coding, encode, matrix
from success.prediction.model import MILLION, Encoded, Feature, Model, Rung, Trained
from success.prediction.penalised import Floats, logistic
from success.prediction.profile import profile_of
from success.prediction.ranking import cuts
from success.prediction.table import Column, Direction, FeatureTable, Prior, Role, Row

ENOUGH_EVENTS = 20
EVENTS_PER_PARAMETER = 10
STRONG, LIGHT = 20, 1
"""Pulls towards the prior, per squared standard deviation: C = 0.05 and C = 1 of scikit-learn."""


def fit(table: FeatureTable, prior: Prior | None = None) -> Model:
    """Return the model the table's events allow, the same for the same rows in any order.

    Centres, spreads and ranges are those of these rows alone. Without a prior the expert holds nothing.
    """
    rows = table.in_order()
    every = _codings(table, rows, prior or Prior())
    rung = _rung(table, every)
    codings = [one for one in every if rung is Rung.HAZARD or one.column.role is Role.FEATURE]
    trained = _trained(table, sum(one.parameters for one in codings))
    if rung is Rung.EXPERT:
        features = _features(table, codings, _priors(codings), rung, frozenset())
        return _judged(Model(rung, _micro(_base_of_rate(rows)), features, trained), table)
    strength = STRONG if table.events < EVENTS_PER_PARAMETER * trained.parameters else LIGHT
    places = {column.name: index for index, column in enumerate(table.columns)}
    order = [places[one.column.name] for one in codings]
    x = matrix(codings, [[row.values[index] for index in order] for row in rows])
    y = np.array([float(row.event) for row in rows])
    base, weights, against = _directed(x, y, codings, strength)
    features = _features(table, codings, weights, rung, against)
    return _judged(Model(rung, _micro(base), features, trained, strength), table)


def _judged(model: Model, table: FeatureTable) -> Model:
    """Return the model with what its own scores of training say: how well they order, and their tenths."""
    scores = model.scores(table)
    found = exact_auc([row.event for row in table.rows], scores)
    return replace(model, trained=replace(model.trained, auc=found), cuts=cuts(scores))


def rung_of(table: FeatureTable) -> Rung:
    """Return the rung a table's events allow; events alone, without one row of none, allow no fit."""
    return _rung(table, _codings(table, table.in_order(), Prior()))


def _codings(table: FeatureTable, rows: Sequence[Row], prior: Prior) -> list[Coding]:
    return [
        encode(column, [row.values[index] for row in rows], prior)
        for index, column in enumerate(table.columns)
    ]


def _rung(table: FeatureTable, codings: Sequence[Coding]) -> Rung:
    events = table.events
    if events < ENOUGH_EVENTS or events == len(table.rows):
        return Rung.EXPERT
    timed = any(one.column.role is Role.TIME for one in codings)
    if timed and events >= EVENTS_PER_PARAMETER * sum(one.parameters for one in codings):
        return Rung.HAZARD
    return Rung.RIDGE


def _trained(table: FeatureTable, parameters: int) -> Trained:
    periods = [row.period for row in table.rows]
    return Trained(
        rows=len(table.rows),
        accounts=len({row.account for row in table.rows}),
        events=table.events,
        parameters=parameters,
        first=min(periods, default=None),
        last=max(periods, default=None),
    )


def _base_of_rate(rows: Sequence[Row]) -> float:
    """Return the log-odds of the base rate, half an event added on both sides."""
    events = sum(row.event for row in rows)
    return math.log((events + 0.5) / (len(rows) - events + 0.5))


def _priors(codings: Sequence[Coding]) -> Floats:
    return np.array([one.prior for coding in codings for one in coding.numbers], dtype=np.float64)


def _directed(
    x: Floats, y: Floats, codings: Sequence[Coding], strength: int
) -> tuple[float, Floats, frozenset[str]]:
    """Fit, leaving out one by one the numbers whose weight came out against the stated direction."""
    owners = [coding.column for coding in codings for _ in coding.numbers]
    prior, left_out = _priors(codings), set[int]()
    while True:
        kept = [index for index in range(len(owners)) if index not in left_out]
        found = logistic(x[:, kept], y, prior[kept], strength)
        weights = np.zeros(len(owners))
        weights[kept] = found.weights
        wrong = [(_against(owners[index], weights[index]), index) for index in kept]
        worst, index = max(wrong, default=(0.0, 0))
        if worst <= 0:
            return found.intercept, weights, frozenset(owners[index].name for index in left_out)
        left_out.add(index)


def _against(column: Column, weight: float) -> float:
    """Return by how much a weight goes against its column's direction, 0 where it does not."""
    if column.direction is None:
        return 0.0
    return max(0.0, -weight if column.direction is Direction.RAISES else weight)


def _features(
    table: FeatureTable, codings: Sequence[Coding], weights: Floats, rung: Rung, against: frozenset[str]
) -> tuple[Feature, ...]:
    places = {column.name: index for index, column in enumerate(table.columns)}
    features, place = [], 0
    for coding in codings:
        mine = weights[place : place + len(coding.numbers)]
        place += len(coding.numbers)
        index = places[coding.column.name]
        words = [one.level for one in coding.numbers if one.level is not None]
        profile = profile_of([row.values[index] for row in table.rows], words)
        feature = _feature(coding, mine, rung, coding.column.name in against)
        features.append(replace(feature, profile=profile))
    return tuple(features)


def _feature(coding: Coding, weights: Floats, rung: Rung, against: bool) -> Feature:
    held = rung is not Rung.EXPERT
    encoded = tuple(
        Encoded(
            one.level,
            _micro(float(weight)),
            _micro(one.prior),
            one.centre,
            one.spread,
            one.low if held else None,
            one.high if held else None,
            one.scale,
        )
        for one, weight in zip(coding.numbers, weights, strict=True)
    )
    return Feature(coding.column.name, coding.column.kind, coding.column.role, encoded, against)


def _micro(log_odds: float) -> int:
    return round(log_odds * MILLION)
