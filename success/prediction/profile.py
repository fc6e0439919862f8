"""How a feature was spread in training, kept to tell later whether it still is.

Numbers are counted in up to ten parts of equal weight, words one by one; the unknown are a part of their
own. Neighbours: ``ladder`` takes profiles, ``model`` keeps them, ``drift`` compares.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from success.prediction.ranking import PARTS
from success.prediction.table import Value


@dataclass(frozen=True, slots=True)
class Profile:
    """The counts of training by part: between ``edges`` or by ``words`` and others, the unknown last."""

    edges: tuple[Fraction, ...]
    words: tuple[str, ...]
    counts: tuple[int, ...]

    def count(self, values: Sequence[Value]) -> tuple[int, ...]:
        """Return how many of the values fall into each part."""
        parts = (len(self.words) if self.words else len(self.edges)) + 2
        found = [0] * parts
        for value, times in Counter(values).items():
            found[self._part(value, parts)] += times
        return tuple(found)

    def _part(self, value: Value, parts: int) -> int:
        if value is None:
            return parts - 1
        if isinstance(value, str):
            return self.words.index(value) if value in self.words else parts - 2
        return bisect_right(self.edges, Fraction(value))


def profile_of(values: Sequence[Value], words: Sequence[str] = ()) -> Profile:
    """Return the profile of training's values; ``words`` are those of a category that the model knows."""
    counts = Counter(value for value in values if value is not None and not isinstance(value, str))
    empty = Profile(_edges(counts), tuple(words), ())
    return Profile(empty.edges, empty.words, empty.count(values))


def _edges(counts: Counter[Fraction | int]) -> tuple[Fraction, ...]:
    """Return the values at the tenths of all that were counted, each once."""
    total, before, edges = counts.total(), 0, list[Fraction]()
    wanted = [total * part // PARTS for part in range(1, PARTS)] if total else []
    for value in sorted(counts):
        if any(before <= place < before + counts[value] for place in wanted):
            edges.append(Fraction(value))
        before += counts[value]
    return tuple(edges)
