"""Many accounts on one day as NumPy columns: measured values as exact fractions, texts as text.

What a ``MeasureBook`` is to one account, a ``Frame`` is to a portfolio. A value is a numerator over a
denominator above 0, both 64-bit, so that nothing is rounded on the way in. Neighbours: ``expressions``
and ``health`` read frames; who fills one knows where facts are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from success.expressions import HEALTH
from success.measures import MEASURES, CelType, MeasureValue

Integers: TypeAlias = NDArray[np.int64]
Doubles: TypeAlias = NDArray[np.float64]
Yes: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.object_]

NO_DAY = 0
"""In place of ``observed_on`` where there is none; day 1 is 0001-01-01 (``date.toordinal``)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of every account: ``numerator / denominator`` where ``known``, else neither is read.

    ``observed`` is the day a value stands for as its ordinal, ``NO_DAY`` where it has none.
    """

    kind: CelType
    numerator: Integers
    denominator: Integers
    known: Yes
    observed: Integers

    def value(self, row: int) -> MeasureValue:
        """Return one account's value, as its twin measures it."""
        day = int(self.observed[row])
        observed = None if day == NO_DAY else date.fromordinal(day)
        if not self.known[row]:
            return MeasureValue(None, observed)
        numerator, denominator = int(self.numerator[row]), int(self.denominator[row])
        if self.kind is CelType.BOOL:
            return MeasureValue(bool(numerator), observed)
        exact = Fraction(numerator, denominator)
        return MeasureValue(int(exact) if self.kind is CelType.INT else exact, observed)

    def rows(self, chosen: slice) -> Measured:
        """Return the same measure of some accounts that stand together."""
        return Measured(
            self.kind,
            self.numerator[chosen],
            self.denominator[chosen],
            self.known[chosen],
            self.observed[chosen],
        )


@dataclass(frozen=True, slots=True)
class Named:
    """A text of every account (segment, an attribute), or a tuple of texts, read only where ``known``."""

    texts: Texts
    known: Yes


@dataclass(frozen=True, slots=True)
class Frame:
    """The accounts of a portfolio in one order, with what is known of them on one day.

    ``measures`` holds whatever is a number or a yes or no, ``texts`` the rest. ``books`` gives the book of
    a row's account to the twins, where that holds more than the measures in the columns.
    """

    accounts: Sequence[str]
    measures: Mapping[str, Measured]
    texts: Mapping[str, Named] = field(default_factory=dict)
    books: Callable[[int], Mapping[str, MeasureValue]] | None = None

    def __len__(self) -> int:
        """Return how many accounts there are."""
        return len(self.accounts)

    def book(self, row: int) -> Mapping[str, MeasureValue]:
        """Return one account's measures, for the twins that take one account."""
        if self.books is not None:
            return self.books(row)
        return {name: column.value(row) for name, column in self.measures.items()}


def kind_of(name: str) -> CelType:
    """Return the CEL type of a measure, or of the health that stands beside them."""
    return CelType.DOUBLE if name == HEALTH else MEASURES[name].cel_type


def measured(name: str, values: Sequence[MeasureValue]) -> Measured:
    """Return a measure's values as a column.

    Raises OverflowError where one needs more than 64 bits, ValueError for a count that is not whole.
    """
    exact = [Fraction(0) if one.value is None else Fraction(one.value) for one in values]
    kind = kind_of(name)
    if kind is not CelType.DOUBLE and any(one.denominator != 1 for one in exact):
        raise ValueError(f"{name} is a count, but not all its values are whole")
    return Measured(
        kind,
        np.array([one.numerator for one in exact], dtype=np.int64),
        np.array([one.denominator for one in exact], dtype=np.int64),
        np.array([one.value is not None for one in values], dtype=np.bool_),
        np.array(
            [NO_DAY if one.observed_on is None else one.observed_on.toordinal() for one in values],
            dtype=np.int64,
        ),
    )


def framed(
    accounts: Sequence[str], books: Sequence[Mapping[str, MeasureValue]], names: Sequence[str]
) -> Frame:
    """Return the frame of accounts measured one by one. Raises like ``measured``."""
    return Frame(accounts, {name: measured(name, [book[name] for book in books]) for name in names})


def named(values: Sequence[str | tuple[str, ...] | None]) -> Named:
    """Return texts, or several texts of each account, as a column; None is unknown.

    A text ends before its first NUL, as cel-expr-python 0.1.3 hands texts to CEL.
    """
    texts: Texts = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        texts[row] = tuple(map(_cut, value)) if isinstance(value, tuple) else _cut(value or "")
    return Named(texts, np.array([value is not None for value in values], dtype=np.bool_))


def _cut(text: str) -> str:
    return text.partition("\0")[0]
