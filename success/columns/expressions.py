"""CEL over columns: the subset a portfolio is judged by at once, with the same truth as row by row.

The subset: ``&& || ! ?:``, ``== != < <= > >=``, ``+ - * / %``, ``double(count)``, literals, names of numbers
(measures), texts and lists of texts, ``attr.name``, ``in`` a list that is written or named, and ``size`` of a
named one. Outside it: other functions, macros, maps, timestamps and durations. Unknown goes through as in
``success.expressions.evaluate``, which is the twin and answers for what is outside. Neighbours:
``tree`` (what CEL parsed), ``arithmetic`` (the operators).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from success.columns.arithmetic import (
    ARITHMETIC,
    COMPARISONS,
    Truth,
    Values,
    as_truth,
    as_values,
    both,
    chosen,
    compared,
    computed,
    either,
    minus,
    negated,
)
from success.columns.frame import Doubles, Frame, Measured
from success.columns.tree import (
    TEXT,
    TEXTS,
    Call,
    Choice,
    Kind,
    Literal,
    Name,
    Node,
    OutsideSubset,
    read_tree,
)
from success.expressions import evaluate, serialized
from success.measures import CelType

_LOGIC: Final = frozenset({"_&&_", "_||_", "!_", "_?_:_"})
_OF_TEXTS: Final = frozenset({("@in", TEXTS), ("size", TEXTS)})
_EXACT_DOUBLE: Final = 1 << 53


def outside(expression: str) -> str | None:
    """Return what in an expression columns cannot follow, None where they can.

    Raises ``ExpressionError`` like ``success.expressions.check``.
    """
    try:
        _tree(expression)
    except OutsideSubset as found:
        return str(found)
    return None


def truth(expression: str, frame: Frame) -> Truth:
    """Return where an expression is true and false of the accounts of a frame, by columns only.

    Raises ``OutsideSubset`` naming what is not in the subset, ``ExpressionError`` like ``check``.
    """
    return truth_of(_tree(expression), frame)


def truth_of(tree: Node, frame: Frame) -> Truth:
    """Return the same of an expression that ``followed`` gave."""
    with np.errstate(all="ignore"):
        return _truth(tree, frame)


def truth_or_rows(expression: str, frame: Frame) -> Truth:
    """Return the same as ``truth``, account by account where columns cannot follow the expression.

    So also where it reads what only the accounts' own books hold (``Frame.books``).
    """
    if outside(expression) is None and (frame.books is None or _holds(frame, _tree(expression))):
        return truth(expression, frame)
    found = [evaluate(expression, frame.book(row)) for row in range(len(frame))]
    return Truth(
        np.array([one is True for one in found], dtype=np.bool_),
        np.array([one is False for one in found], dtype=np.bool_),
    )


def _holds(frame: Frame, node: Node) -> bool:
    """Say whether the frame has a column for every name."""
    if isinstance(node, Name):
        return node.name in frame.measures or node.name in frame.texts
    if isinstance(node, Choice):
        return all(_holds(frame, one) for one in (node.element, *node.options))
    return isinstance(node, Literal) or all(_holds(frame, one) for one in node.operands)


@lru_cache(maxsize=4096)
def _tree(expression: str) -> Node:
    return followed(serialized(expression))


def followed(compiled: bytes) -> Node:
    """Return the tree of an expression CEL compiled and serialized. Raises ``OutsideSubset``."""
    tree = read_tree(compiled)
    _refuse(tree)
    return tree


def _refuse(node: Node) -> None:
    """Raise ``OutsideSubset`` for a function that is not in the subset."""
    if isinstance(node, Choice):
        for one in (node.element, *node.options):
            _refuse(one)
    if not isinstance(node, Call):
        return
    for one in node.operands:
        _refuse(one)
    first, last = _kind(node.operands[0]), _kind(node.operands[-1])
    if node.function in _LOGIC and node.kind != TEXTS:
        return
    if node.function in COMPARISONS and first != TEXTS:
        return
    if (node.function, last) in _OF_TEXTS:
        return
    if node.function == "-_" or (node.function == "double" and first is CelType.INT):
        return
    if node.function not in ARITHMETIC[node.kind]:
        raise OutsideSubset("`in` a map" if node.function == "@in" else f"the function {node.function}")


def _kind(node: Node) -> Kind:
    return CelType.BOOL if isinstance(node, Choice) else node.kind


def _truth(node: Node, frame: Frame) -> Truth:
    if isinstance(node, Choice):
        return _choice(node, frame)
    if not isinstance(node, Call) or node.function == "_?_:_":
        return as_truth(_values(node, frame))
    if node.function == "!_":
        return negated(_truth(node.operands[0], frame))
    one, other = node.operands
    if node.function == "@in":
        return _among(_values(one, frame), _values(other, frame))
    if node.function == "_&&_":
        return both(_truth(one, frame), _truth(other, frame))
    if node.function == "_||_":
        return either(_truth(one, frame), _truth(other, frame))
    return compared(node.function, _values(one, frame), _values(other, frame))


def _choice(node: Choice, frame: Frame) -> Truth:
    """Return ``element in [options]``; one unknown option leaves all unknown, as building the list fails."""
    element = _values(node.element, frame)
    options = [_values(option, frame) for option in node.options]
    known, found = element.known, np.zeros(len(frame), dtype=np.bool_)
    for option in options:
        known = known & option.known
        found |= compared("_==_", element, option).yes
    return Truth(known & found, known & ~found)


def _among(element: Values, texts: Values) -> Truth:
    """Return whether a text is among an account's named texts."""
    pairs = zip(element.data, texts.data, strict=True)
    found = np.fromiter((one in several for one, several in pairs), np.bool_, len(texts.data))
    known = element.known & texts.known
    return Truth(known & found, known & ~found)


def _values(node: Node, frame: Frame) -> Values:
    if isinstance(node, Name):
        return _column(node, frame)
    if isinstance(node, Literal):
        return _literal(node, len(frame))
    if isinstance(node, Call) and node.function == "_?_:_":
        condition, one, other = node.operands
        return chosen(_truth(condition, frame), _values(one, frame), _values(other, frame))
    if isinstance(node, Choice) or node.kind is CelType.BOOL:
        return as_values(_truth(node, frame))
    operands = [_values(one, frame) for one in node.operands]
    if node.function == "-_":
        return minus(node.kind, operands[0])
    if node.function == "size":
        sizes = np.fromiter(map(len, operands[0].data), np.int64, len(frame))
        return Values(sizes, operands[0].known)
    if node.function == "double":
        return Values(operands[0].data.astype(np.float64), operands[0].known)
    return computed(node.function, node.kind, *operands)


def _literal(node: Literal, count: int) -> Values:
    kinds: dict[Kind, type[np.generic]] = {
        CelType.INT: np.int64,
        CelType.DOUBLE: np.float64,
        CelType.BOOL: np.bool_,
    }
    data: NDArray[Any] = np.full(count, node.value, dtype=kinds.get(node.kind, np.object_))
    return Values(data, np.ones(count, dtype=np.bool_))


def _column(node: Name, frame: Frame) -> Values:
    """Return a named column; one that the frame does not hold is known of nobody."""
    if node.kind in {TEXT, TEXTS}:
        found = frame.texts.get(node.name)
        if found is not None:
            return Values(found.texts, found.known)
    elif node.name in frame.measures:
        return _plain(frame.measures[node.name])
    blank = _literal(Literal("" if node.kind in {TEXT, TEXTS} else 0, node.kind), len(frame))
    return Values(blank.data, np.zeros(len(frame), dtype=np.bool_))


def _plain(column: Measured) -> Values:
    if column.kind is CelType.BOOL:
        return Values(column.numerator.astype(np.bool_), column.known)
    if column.kind is CelType.INT:
        return Values(column.numerator, column.known)
    return Values(_nearest(column), column.known)


def _nearest(column: Measured) -> Doubles:
    """Return the doubles nearest to exact fractions; where a part has none of its own, one by one."""
    doubles: Doubles = column.numerator / column.denominator
    wide = column.known & (
        (np.abs(column.numerator) > _EXACT_DOUBLE)
        | (column.numerator < -_EXACT_DOUBLE)  # the smallest integer is its own absolute value
        | (column.denominator > _EXACT_DOUBLE)
    )
    for row in np.flatnonzero(wide):
        doubles[row] = int(column.numerator[row]) / int(column.denominator[row])
    return doubles
