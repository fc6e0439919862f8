"""A frame from accounts measured one by one: what some expressions read of each, measures and words.

For rules that are asked of a whole portfolio whose accounts are already at hand. Neighbours: ``frame``,
``success.words`` (what a word is and of which type).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from success.columns.frame import NO_DAY, Frame, Measured, Named, measured, named
from success.expressions import names_in
from success.measures import MEASURES, CelType, MeasureBook, MeasureValue
from success.words import ATTRIBUTES, HEALTH, WORDS, Word, WordType

_NUMBERS: Final = {
    WordType.BOOL: CelType.BOOL,
    WordType.INT: CelType.INT,
    WordType.DOUBLE: CelType.DOUBLE,
}


def frame_of(accounts: Sequence[str], books: Sequence[MeasureBook], expressions: Iterable[str]) -> Frame:
    """Return the accounts as columns of all that the expressions read.

    Raises OverflowError like ``frame.measured``, ``ExpressionError`` like ``success.expressions.check``.
    """
    measures: dict[str, Measured] = {}
    texts: dict[str, Named] = {}
    for name in sorted({name for expression in expressions for name in names_in(expression)}):
        if name in MEASURES or name == HEALTH:
            measures[name] = measured(name, [_value(book, name) for book in books])
            continue
        values = [_word(book, name) for book in books]
        kind = _NUMBERS.get(WORDS[name].type) if name in WORDS else None
        if kind is None:
            texts[name] = named([_text(value) for value in values])
        else:
            measures[name] = _numbers(kind, values)
    return Frame(accounts, measures, texts, books.__getitem__)


def _value(book: MeasureBook, name: str) -> MeasureValue:
    found = book.get(name)
    return MeasureValue(None, None) if found is None else found


def _word(book: MeasureBook, name: str) -> Word | None:
    """Return a word, or one attribute of ``attr``."""
    head, _, attribute = name.partition(".")
    if head != ATTRIBUTES:
        return book.word(name)
    held = book.word(ATTRIBUTES)
    return held.get(attribute) if isinstance(held, Mapping) else None


def _text(value: Word | None) -> str | tuple[str, ...] | None:
    """Return a word as the columns of texts take it; a map by itself is none they follow."""
    return value if isinstance(value, str | tuple) else None


def _numbers(kind: CelType, values: Sequence[Word | None]) -> Measured:
    exact = [Fraction(value) if isinstance(value, bool | int | float) else None for value in values]
    plain = [Fraction(0) if one is None else one for one in exact]
    return Measured(
        kind,
        np.array([one.numerator for one in plain], dtype=np.int64),
        np.array([one.denominator for one in plain], dtype=np.int64),
        np.array([one is not None for one in exact], dtype=np.bool_),
        np.full(len(exact), NO_DAY, dtype=np.int64),
    )
