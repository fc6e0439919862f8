"""From columns to the numbers that are fitted: centre, spread and range, learned from training alone.

A number is one; a category is one per word met in training, words beyond the most frequent twenty left out.
Numbers that are nowhere negative and very uneven, and of which no expert weight is held per unit, are counted
by their logarithm. What is unknown becomes the centre, so that it says nothing.
Neighbours: ``ladder`` fits the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from success.prediction.penalised import Floats
from success.prediction.scale import Scale, short
from success.prediction.table import Column, Kind, Prior, Value

LEVELS = 20
FLAT = 1e-9
UNEVEN = 2.0
"""The skewness from which numbers are counted by their logarithm; that of an exponential is 2."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number to fit; ``prior`` is the expert's weight in log-odds per ``spread``."""

    level: str | None
    centre: Fraction
    spread: Fraction
    prior: float
    low: Fraction | None
    high: Fraction | None
    scale: Scale = Scale.LINEAR


@dataclass(frozen=True, slots=True)
class Coding:
    """A column and its numbers."""

    column: Column
    numbers: tuple[Number, ...]

    @property
    def parameters(self) -> int:
        """Return how many weights are free: one less than its words for a category."""
        return len(self.numbers) if self.column.kind is Kind.NUMBER else max(0, len(self.numbers) - 1)


def encode(column: Column, values: Sequence[Value], prior: Prior) -> Coding:
    """Return a column's numbers from its values in training, in the order rows are fitted."""
    known = [value for value in values if value is not None]
    if column.kind is Kind.CATEGORY:
        return Coding(column, tuple(_word(word, known) for word in _words(known)))
    counts = Counter(Fraction(value) for value in known)
    weight = prior.weights.get(column.name)
    if not counts:
        centre = prior.typical.get(column.name, Fraction(0))
        return Coding(column, (Number(None, centre, Fraction(1), float(weight or 0), None, None),))
    return Coding(column, (_number(counts, weight),))


def _number(counts: Counter[Fraction], weight: Fraction | None) -> Number:
    scale = Scale.LINEAR if weight is not None else _scale(_floats(counts))
    scaled = Counter({scale.of(number): 0 for number in counts})
    for number, times in counts.items():
        scaled[scale.of(number)] += times
    floats = _floats(scaled)
    spread = _spread(floats)
    return Number(
        level=None,
        centre=short(float(floats.mean())),
        spread=spread,
        prior=float((weight or 0) * spread),
        low=min(scaled),
        high=max(scaled),
        scale=scale,
    )


def _floats(counts: Counter[Fraction]) -> Floats:
    """Return the numbers as often as they were counted, in order."""
    ordered = sorted(counts)
    times = [counts[number] for number in ordered]
    repeated: Floats = np.repeat(np.array([float(number) for number in ordered]), times)
    return repeated


def _scale(floats: Floats) -> Scale:
    deviation = float(floats.std())
    if floats[0] < 0 or deviation <= float(floats[-1]) * FLAT:
        return Scale.LINEAR
    skewness = float((((floats - floats.mean()) / deviation) ** 3).mean())
    return Scale.LOG if skewness > UNEVEN else Scale.LINEAR


def matrix(codings: Sequence[Coding], rows: Sequence[Sequence[Value]]) -> Floats:
    """Return the standardised numbers of rows, whose values stand in the order of ``codings``."""
    columns: list[Floats] = []
    for place, coding in enumerate(codings):
        values = [row[place] for row in rows]
        columns.extend(_standardised(number, values, coding) for number in coding.numbers)
    return np.column_stack(columns) if columns else np.zeros((len(rows), 0))


def _standardised(number: Number, values: Sequence[Value], coding: Coding) -> Floats:
    centre, spread = float(number.centre), float(number.spread)
    if number.level is None:
        floats = {value: float(number.scale.of(Fraction(value))) for value in set(values) - {None}}  # type: ignore[arg-type]
        raw = [centre if value is None else floats[value] for value in values]
    else:
        words = {one.level for one in coding.numbers}
        raw = [float(value == number.level) if value in words else centre for value in values]
    standardised: Floats = (np.array(raw) - centre) / spread
    return standardised


def _words(known: Sequence[Value]) -> list[str]:
    counts = Counter(str(value) for value in known)
    return sorted(sorted(counts, key=lambda word: (-counts[word], word))[:LEVELS])


def _word(word: str, known: Sequence[Value]) -> Number:
    share = Fraction(sum(value == word for value in known), len(known))
    spread = short(float(share * (1 - share)) ** 0.5) or Fraction(1)
    return Number(word, share, spread, 0.0, None, None)


def _spread(floats: Floats) -> Fraction:
    """Return the standard deviation; 1 where all values are one, so that there is something to divide by."""
    deviation = float(floats.std())
    scale = float(np.abs(floats).max())
    return Fraction(1) if deviation <= scale * FLAT else short(deviation)
