"""A logistic model on a table of facts, shrunk as far as its events are few (domain C.7).

The strength of shrinkage is chosen on training rows by cross-validation with whole accounts; with
fewer than ten events per parameter it is strong whatever the rows say. A file has no expert: there is no
prior to be pulled to, as ``success.prediction.penalised`` has. Neighbours: ``encoding``
makes the numbers, ``report`` asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from success.backtest.encoding import Term, learn_terms, matrix
from success.backtest.ranking import auc
from success.backtest.table import FactsTable, Floats, Ints, Mask

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

CHOICES = (0.01, 0.1, 1.0, 10.0)
STRONG = 0.05
FOLDS = 4
FEWEST_FOLDS = 2
EVENTS_PER_PARAMETER = 10
ITERATIONS = 500
PERMUTATIONS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model: its terms, their weights in log-odds per standard deviation, and how it was shrunk.

    ``strength`` is the inverse of the penalty (scikit-learn's C): the smaller, the stronger.
    """

    terms: tuple[Term, ...]
    weights: Floats
    intercept: float
    strength: float
    events_per_parameter: float
    shrunk: bool

    def log_odds(self, table: FactsTable) -> Floats:
        """Return the log-odds of the event for every row."""
        if not self.terms:
            return np.full(len(table), self.intercept)
        odds: Floats = matrix(self.terms, table) @ self.weights + self.intercept
        return odds


def fit(table: FactsTable, train: Mask) -> Fitted:
    """Return the model of the training rows. There must be events and others among them."""
    terms = learn_terms(table, train)
    labels, events = table.labels[train], float(table.labels[train].sum())
    per_parameter = events / max(len(terms), 1)
    if not terms:
        base = labels.mean()
        return Fitted(terms, np.zeros(0), float(np.log(base / (1 - base))), 0.0, events, False)
    numbers = matrix(terms, table)[train]
    shrunk = per_parameter < EVENTS_PER_PARAMETER
    strength = STRONG if shrunk else _strength(numbers, labels, table.groups[train])
    model = _solve(numbers, labels, strength)
    return Fitted(terms, model.coef_[0], float(model.intercept_[0]), strength, per_parameter, shrunk)


def _solve(numbers: Floats, labels: Ints, strength: float) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=ITERATIONS).fit(numbers, labels)


def _strength(numbers: Floats, labels: Ints, groups: Ints) -> float:
    """Return the choice with the least log-loss on accounts it did not learn from."""
    from sklearn.model_selection import GroupKFold

    folds = min(FOLDS, len(np.unique(groups[labels == 1])))
    if folds < FEWEST_FOLDS:
        return STRONG
    losses = dict.fromkeys(CHOICES, 0.0)
    for learn, check in GroupKFold(folds).split(numbers, labels, groups):
        if labels[learn].min() == labels[learn].max():
            continue
        for strength in CHOICES:
            odds = _solve(numbers[learn], labels[learn], strength).decision_function(numbers[check])
            losses[strength] += float(np.logaddexp(0, np.where(labels[check] == 1, -odds, odds)).sum())
    return min(CHOICES, key=lambda strength: (losses[strength], strength))


def permuted_areas(table: FactsTable, model: Fitted, train: Mask, test: Mask, seed: int) -> list[float]:
    """Return the areas of refits on labels shuffled among rows, judged by shuffled labels.

    They lie about 0.5 unless the way of fitting lets outcomes through.
    """
    draw = np.random.default_rng(seed)
    numbers = matrix(model.terms, table) if model.terms else np.zeros((len(table), 1))
    areas = []
    for _ in range(PERMUTATIONS):
        learned, judged = draw.permutation(table.labels[train]), draw.permutation(table.labels[test])
        refitted = _solve(numbers[train], learned, model.strength or STRONG)
        area = auc(judged == 1, refitted.decision_function(numbers[test]))
        areas.append(0.5 if area is None else area)
    return areas
