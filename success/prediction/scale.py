"""The scale a number is counted on: as it is, or by its logarithm where a few values are huge.

Seats, users and money are spread over decades: counted as they are, one large account outweighs a hundred.
Neighbours: ``encoding`` chooses the scale from training, ``model`` applies it.
"""

from __future__ import annotations

import math
from enum import StrEnum
from fractions import Fraction

DIGITS = 12


class Scale(StrEnum):
    """How a number is counted."""

    LINEAR = "linear"
    LOG = "log"

    def of(self, number: Fraction) -> Fraction:
        """Return a number on this scale: log(1 + number), nothing below 0, or the number itself."""
        return short(math.log1p(max(0.0, float(number)))) if self is Scale.LOG else number


def short(number: float) -> Fraction:
    """Return a number to twelve significant digits, which is what is stored."""
    return Fraction(format(number, f".{DIGITS}g"))
