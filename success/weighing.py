"""The weights of a scorecard: measure in group, group in score, and who carries what is missing (domain C.1).

Weights are integers without a unit of their own: only their proportions mean something, and these are
exact. ``health`` rounds shares and contributions, by largest remainder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import lcm

from success.rules import Scorecard
from success.shares import THOUSAND, largest_remainder


def nominal(card: Scorecard) -> tuple[int, ...]:
    """Return each measure's weight in the score when everything is known.

    Without groups it is the measure's own; else the group's, shared within it by the measures' own.
    """
    return carried(card, [True] * len(card.measures))


def carried(card: Scorecard, present: Sequence[bool]) -> tuple[int, ...]:
    """Return the weight each measure has when only the present ones count; a missing one has none.

    The others of its group carry a missing measure's weight. A group of which nothing is present
    drops out, so that the other groups carry its.
    """
    weights = [rule.weight if here else 0 for rule, here in zip(card.measures, present, strict=True)]
    if not card.groups:
        return tuple(weights)
    of_group = {group.key: group.weight for group in card.groups}
    inside: defaultdict[str, int] = defaultdict(int)
    for rule, weight in zip(card.measures, weights, strict=True):
        inside[rule.group] += weight
    # Over a common denominator W_g * w / (sum of w in g) is an integer for every group.
    common = lcm(*(total for total in inside.values() if total))
    return tuple(
        of_group[rule.group] * weight * common // inside[rule.group] if weight else 0
        for rule, weight in zip(card.measures, weights, strict=True)
    )


# The same few sets of weights come again with every account and every day.
@lru_cache(maxsize=4096)
def shares(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Return the weights as thousandths of their sum, by largest remainder; all 0 where none weighs."""
    total = sum(weights) or 1
    return largest_remainder([Fraction(weight * THOUSAND, total) for weight in weights])


def covered(weights: Sequence[int], known: Sequence[bool]) -> int:
    """Return the share of the weight that is known, in thousandths, rounded down."""
    total = sum(weights)
    here = sum(weight for weight, yes in zip(weights, known, strict=True) if yes)
    return here * THOUSAND // total if total else 0
