"""The weights of a scorecard over columns: measure in group, group in score, and who carries what is missing.

Only proportions of weights mean something. Those here are whole numbers in the proportions of the twin's,
``success.weighing``, brought to one denominator per account. Neighbour: ``health`` divides by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod

import numpy as np

from success.columns.frame import Integers, Yes
from success.rules import Scorecard
from success.weighing import nominal


def nominal_weights(card: Scorecard) -> tuple[int, ...]:
    """Return each measure's weight in the score when everything is known, as small as whole numbers allow."""
    return _reduced(nominal(card))


def largest_whole(card: Scorecard) -> int:
    """Return what the carried weights of one account come to at most."""
    if not card.groups:
        return sum(_reduced([rule.weight for rule in card.measures]))
    inside = _inside(card).values()
    return sum(_group_weights(card).values()) * prod(max(sum(weights), 1) for weights in inside)


def carried_weights(card: Scorecard, present: Yes) -> Integers:
    """Return the weight each measure carries for each account; ``present`` says which have points.

    Without groups a missing one is left out; with groups the others of its group carry its weight, and a
    group of which nothing is present drops out.
    """
    if not card.groups:
        return _upright(_reduced([rule.weight for rule in card.measures])) * present
    weights, groups = np.zeros(present.shape, dtype=np.int64), _group_weights(card)
    common = np.ones(present.shape[1], dtype=np.int64)
    totals: dict[str, Integers] = {}
    for key, own in _inside(card).items():
        rows = [place for place, rule in enumerate(card.measures) if rule.group == key]
        weights[rows] = _upright(own) * present[rows]
        total = weights[rows].sum(axis=0)
        totals[key] = np.where(total > 0, total, 1)
        common *= totals[key]
    for place, rule in enumerate(card.measures):
        weights[place] *= groups[rule.group] * (common // totals[rule.group])
    return weights


def _upright(weights: Sequence[int]) -> Integers:
    """Return weights as a column, to stand beside a row per measure."""
    return np.array(weights, dtype=np.int64).reshape(-1, 1)


def _group_weights(card: Scorecard) -> dict[str, int]:
    weights = _reduced([group.weight for group in card.groups])
    return {group.key: weight for group, weight in zip(card.groups, weights, strict=True)}


def _inside(card: Scorecard) -> dict[str, tuple[int, ...]]:
    """Return the weights of each group's measures in their order."""
    own: dict[str, list[int]] = {}
    for rule in card.measures:
        own.setdefault(rule.group, []).append(rule.weight)
    return {key: _reduced(weights) for key, weights in own.items()}


def _reduced(weights: Sequence[int]) -> tuple[int, ...]:
    common = gcd(*weights) or 1
    return tuple(weight // common for weight in weights)
