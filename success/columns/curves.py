"""Piecewise-linear curves and shares of a whole, over columns, in 64-bit whole numbers.

The results are those of ``success.health.curve_points`` and ``success.shares.largest_remainder`` to the last
unit. A row whose arithmetic would not fit is told apart before it is made, and left to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import lcm
from typing import Final

import numpy as np

from success.columns.frame import Integers, Measured, Yes
from success.rules import CurvePoint

ROOM: Final = 1 << 61
"""What a step of the arithmetic may come to: two of them still fit into 64 bits."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve's corners with their raw values brought to one denominator, ``scale``, and rising.

    Up to ``numerator`` and ``denominator`` a value's arithmetic fits.
    """

    raw: Integers
    points: Integers
    scale: int
    numerator: int
    denominator: int


def scaled(corners: Sequence[CurvePoint]) -> Curve | None:
    """Return a curve for columns, None for one that does not rise or leaves no room for values."""
    rising = sorted(corners, key=lambda corner: corner.raw)
    scale = lcm(*(corner.raw.denominator for corner in rising))
    raw = [int(corner.raw * scale) for corner in rising]
    points = [corner.points for corner in rising]
    steps = [abs(after - before) for before, after in pairwise(points)]
    widest = max((abs(one) for one in raw), default=0) * 2 + 1
    denominator = ROOM // (widest * (2 * max(steps, default=0) + 2))
    rises = all(before < after for before, after in pairwise(raw))
    if not rises or denominator == 0 or scale > ROOM or max(map(abs, points)) > ROOM:
        return None
    return Curve(np.array(raw), np.array(points), scale, ROOM // scale, denominator)


def fitting(curve: Curve, column: Measured) -> Yes:
    """Return the accounts whose value the curve can take in whole numbers."""
    return (
        (column.numerator <= curve.numerator)
        & (column.numerator >= -curve.numerator)
        & (column.denominator <= curve.denominator)
    )


def points_on(curve: Curve, column: Measured) -> Integers:
    """Return each value's points on the curve, halves up; meaningless where it is not ``fitting``."""
    if len(curve.raw) == 1:
        return np.full(len(column.numerator), curve.points[0])
    denominator = column.denominator
    place = column.numerator * curve.scale
    segment = np.zeros(len(place), dtype=np.intp)
    for corner in curve.raw[1:-1]:
        segment += place > corner * denominator
    left = curve.raw[segment] * denominator
    along = np.clip(place, curve.raw[0] * denominator, curve.raw[-1] * denominator) - left
    width = np.diff(curve.raw)[segment] * denominator
    rise = along * np.diff(curve.points)[segment]
    found: Integers = curve.points[segment] + (2 * rise + width) // (2 * width)
    return found


def shared_out(parts: Integers, whole: Integers) -> Integers:
    """Return ``parts / whole`` per column as integers that sum to their rounded sum, halves up.

    ``parts`` has a row per part and a column per account, ``whole`` one positive number per account. Each
    is rounded down; what is left goes to the largest remainders, of equal ones to the earlier.
    """
    shares = parts // whole
    remainders = parts - shares * whole
    left = (2 * parts.sum(axis=0) + whole) // (2 * whole) - shares.sum(axis=0)
    before = np.zeros(parts.shape, dtype=np.int16)
    for later in range(1, len(parts)):
        for earlier in range(later):
            first = remainders[earlier] >= remainders[later]
            before[later] += first
            before[earlier] += ~first
    shares += before < left
    return shares
