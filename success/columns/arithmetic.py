"""CEL's operators over whole columns, with its errors as rows that are not known.

Integers are 64-bit and an overflow is an error; they are divided towards zero and by zero not at all.
Doubles follow IEEE 754, so their division by zero is infinite and not a number is equal to nothing.
Rules are those of the CEL specification (google/cel-spec, langdef: numeric values), as cel-expr-python
runs them. Neighbour: ``expressions`` walks the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from success.columns.frame import Integers, Yes
from success.columns.tree import TEXT, TEXTS, Kind
from success.measures import CelType

SMALLEST: Final = np.int64(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Truth:
    """Where an expression is true and where it is false; elsewhere it is unknown."""

    yes: Yes
    no: Yes


@dataclass(frozen=True, slots=True)
class Values:
    """A number or text of every account, read only where ``known``."""

    data: NDArray[Any]
    known: Yes


def both(one: Truth, other: Truth) -> Truth:
    """Return ``&&``: false beats unknown."""
    return Truth(one.yes & other.yes, one.no | other.no)


def either(one: Truth, other: Truth) -> Truth:
    """Return ``||``: true beats unknown."""
    return Truth(one.yes | other.yes, one.no & other.no)


def negated(one: Truth) -> Truth:
    """Return ``!``."""
    return Truth(one.no, one.yes)


def as_values(truth: Truth) -> Values:
    """Return a truth as values, to compare it or choose by it."""
    return Values(truth.yes, truth.yes | truth.no)


def as_truth(values: Values) -> Truth:
    """Return yes-or-no values as a truth."""
    return Truth(values.known & values.data, values.known & ~values.data)


def chosen(condition: Truth, one: Values, other: Values) -> Values:
    """Return ``condition ? one : other``; unknown where the condition is, whatever the two are."""
    known = (condition.yes & one.known) | (condition.no & other.known)
    return Values(np.where(condition.yes, one.data, other.data), known)


def _added(one: Integers, other: Integers) -> tuple[Integers, Yes]:
    total = one + other
    return total, ((one ^ total) & (other ^ total)) >= 0


def _subtracted(one: Integers, other: Integers) -> tuple[Integers, Yes]:
    left = one - other
    return left, ((one ^ other) & (one ^ left)) >= 0


def _multiplied(one: Integers, other: Integers) -> tuple[Integers, Yes]:
    product = one * other
    divisor = np.where(one == 0, np.int64(1), one)
    # Dividing back finds every overflow but -1 times the smallest, whose quotient overflows too.
    fits = (one == 0) | ((product // divisor == other) & ~((one == -1) & (other == SMALLEST)))
    return product, fits


def _divisible(one: Integers, other: Integers) -> tuple[Integers, Yes]:
    fits = (other != 0) & ~((other == -1) & (one == SMALLEST))
    return np.where(fits, other, np.int64(1)), fits


def _divided(one: Integers, other: Integers) -> tuple[Integers, Yes]:
    divisor, fits = _divisible(one, other)
    return (one - np.fmod(one, divisor)) // divisor, fits


def _remainder(one: Integers, other: Integers) -> tuple[Integers, Yes]:
    divisor, fits = _divisible(one, other)
    return np.fmod(one, divisor), fits


_INTEGER: Final[Mapping[str, Callable[[Integers, Integers], tuple[Integers, Yes]]]] = {
    "_+_": _added,
    "_-_": _subtracted,
    "_*_": _multiplied,
    "_/_": _divided,
    "_%_": _remainder,
}
_DOUBLE: Final[Mapping[str, Callable[..., NDArray[Any]]]] = {
    "_+_": np.add,
    "_-_": np.subtract,
    "_*_": np.multiply,
    "_/_": np.divide,
}
_COMPARED: Final[Mapping[str, Callable[..., NDArray[Any]]]] = {
    "_==_": np.equal,
    "_!=_": np.not_equal,
    "_<_": np.less,
    "_<=_": np.less_equal,
    "_>_": np.greater,
    "_>=_": np.greater_equal,
}
COMPARISONS: Final = frozenset(_COMPARED)
ARITHMETIC: Final[Mapping[Kind, frozenset[str]]] = {
    CelType.INT: frozenset(_INTEGER),
    CelType.DOUBLE: frozenset(_DOUBLE),
    CelType.BOOL: frozenset(),
    TEXT: frozenset({"_+_"}),
    TEXTS: frozenset(),
}
"""Which operators columns have, by the type of what comes out."""


def computed(function: str, kind: Kind, one: Values, other: Values) -> Values:
    """Return an operator of ``ARITHMETIC`` over two columns of one type."""
    known = one.known & other.known
    if kind is CelType.INT:
        data, fits = _INTEGER[function](one.data, other.data)
        return Values(data, known & fits)
    if kind is CelType.DOUBLE:
        return Values(_DOUBLE[function](one.data, other.data), known)
    return Values(one.data + other.data, known)


def minus(kind: Kind, one: Values) -> Values:
    """Return ``-one``; the smallest integer has no opposite."""
    known = one.known & (one.data != SMALLEST) if kind is CelType.INT else one.known
    return Values(-one.data, known)


def compared(function: str, one: Values, other: Values) -> Truth:
    """Return a comparison of two columns of one type; texts compare by code point."""
    known = one.known & other.known
    found = _COMPARED[function](one.data, other.data).astype(np.bool_)
    return Truth(known & found, known & ~found)
