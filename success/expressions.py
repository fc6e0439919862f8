"""CEL expressions over measures and words: checked with line and column, evaluated three-valued.

Every condition of a charter is written in them (see ``rules`` and ``criteria``). The language is
Google's CEL as cel-expr-python runs it; its types are strict, so a double is compared with ``1.0``
and a count with ``1``. Neighbours: ``measures`` and ``words`` say what may be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from cel_expr_python import cel

from success.measures import MEASURES, CelType, MeasureBook, MeasureValue
from success.words import ATTRIBUTES, HEALTH, WORDS, Step, Word, WordType

__all__ = ["HEALTH", "ExpressionError", "attributes_in", "check", "check_at", "evaluate", "names_in", "place"]

_TYPES = {CelType.INT: cel.Type.INT, CelType.DOUBLE: cel.Type.DOUBLE, CelType.BOOL: cel.Type.BOOL}
_WORD_TYPES = {
    WordType.STRING: cel.Type.STRING,
    WordType.BOOL: cel.Type.BOOL,
    WordType.INT: cel.Type.INT,
    WordType.DOUBLE: cel.Type.DOUBLE,
    WordType.STRINGS: cel.Type.List(cel.Type.STRING),
    WordType.STRINGS_BY_NAME: cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
}
_TEXT = re.compile(
    r"""\"{3}(?:.|\n)*?\"{3}|'{3}(?:.|\n)*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|//[^\n]*"""
)
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)?")
_PLACE = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")
# Rules meet few distinct values (and one account the same ones day after day), and a call of the
# evaluator costs about twenty microseconds whatever it says.
_REMEMBERED = 65_536

Plain = str | bool | int | float | tuple[str, ...] | tuple[tuple[str, str], ...]


class ExpressionError(ValueError):
    """An expression that does not compile to a yes or no; ``line`` and ``column`` count from 1.

    ``remedy`` is set where there is more to say than what an expression looks like.
    """

    def __init__(self, message: str, line: int, column: int, remedy: str = "") -> None:
        """Keep the checker's own words and the place they are about."""
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.line = line
        self.column = column
        self.remedy = remedy


@lru_cache(maxsize=1)
def _environment() -> cel.Env:
    variables = {name: _TYPES[measure.cel_type] for name, measure in MEASURES.items()}
    words = {name: _WORD_TYPES[word.type] for name, word in WORDS.items()}
    return cel.NewEnv(variables={**variables, **words})


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> cel.Expression:
    try:
        compiled = _environment().compile(expression)
    except RuntimeError as error:
        raise _as_expression_error(str(error)) from None
    if compiled.return_type() != cel.Type.BOOL:
        found = compiled.return_type().name().lower()
        message = f"the expression gives {found}, but a yes or no (bool) is needed"
        raise ExpressionError(message, 1, 1)
    return compiled


def _as_expression_error(text: str) -> ExpressionError:
    found = _PLACE.search(text)
    if found is None:
        return ExpressionError(text.splitlines()[0], 1, 1)
    message = found.group(3)
    if "(double, int)" in message or "(int, double)" in message:
        message += "; write 1.0 beside a double and 1 beside an int"
    return ExpressionError(message, int(found.group(1)), int(found.group(2)))


def _read(expression: str) -> list[tuple[str, int]]:
    """Return the names an expression reads with the offset of each; an attribute is read as attr.NAME."""
    bare = _TEXT.sub(lambda text: " " * len(text.group()), expression)
    found = [(re.sub(r"\s", "", name.group()), name.start()) for name in _NAME.finditer(bare)]
    return [(known, at) for name, at in found if (known := _known(name))]


def _known(name: str) -> str | None:
    head = name.partition(".")[0]
    if name in WORDS or name in MEASURES or head == ATTRIBUTES:
        return name
    return head if head in MEASURES or head in WORDS else None


@lru_cache(maxsize=4096)
def names_in(expression: str) -> tuple[str, ...]:
    """Return the measures and words an expression may read, sorted; attributes each as ``attr.name``."""
    return tuple(sorted({name for name, _ in _read(expression)}))


def attributes_in(expression: str) -> tuple[tuple[str, int, int], ...]:
    """Return the account's attributes an expression names, each with line and column."""
    prefix = f"{ATTRIBUTES}."
    return tuple(
        (name.removeprefix(prefix), *place(expression, at))
        for name, at in _read(expression)
        if name.startswith(prefix)
    )


def place(expression: str, at: int) -> tuple[int, int]:
    """Return line and column (from 1) of an offset in an expression."""
    return expression.count("\n", 0, at) + 1, at - expression.rfind("\n", 0, at)


def check(expression: str, *, with_health: bool = False) -> None:
    """Raise ``ExpressionError`` unless the expression compiles to a bool and may stand in a scorecard.

    ``with_health`` also allows ``health`` (double, 0 to 100), which stands where the score
    is known already: in an expansion's ``suppress_when``. A cap cannot read what it limits.
    """
    check_at(expression, Step.EXPANSION if with_health else Step.HEALTH)


def check_at(expression: str, step: Step, *, per_product: bool = False) -> None:
    """Raise ``ExpressionError`` unless the expression is a yes or no of what is known before a step.

    ``per_product`` allows the words that speak of one product.
    """
    _compiled(expression)
    for name, at in _read(expression):
        word = WORDS.get(name)
        if word is None:
            continue
        if word.settled_by >= step:
            message, remedy = _too_early(name, step)
            raise ExpressionError(message, *place(expression, at), remedy)
        if word.per_product and not per_product:
            message = f"{name} is not known here: it speaks of one product, not of the account"
            raise ExpressionError(message, *place(expression, at), "Read it in rules of adoption only.")


def _too_early(name: str, step: Step) -> tuple[str, str]:
    """Return what is wrong with a rule that reads what is settled with it or after it, and the remedy."""
    message = f"{name} is not known here yet: it hangs on this rule, which would make a circle"
    known = sorted(word.name for word in WORDS.values() if word.settled_by < step and not word.per_product)
    return message, f"Read measures or {', '.join(known)} instead."


def serialized(expression: str) -> bytes:
    """Return the compiled expression as CEL's own ``CheckedExpr`` message. Raises like ``check``."""
    compiled: bytes = _compiled(expression).serialize()
    return compiled


def evaluate(expression: str, measures: Mapping[str, MeasureValue]) -> bool | None:
    """Return the truth of an expression, or None where it hangs on an unknown value.

    Words are read where ``measures`` is a ``MeasureBook``. As in CEL, ``false && unknown`` is false
    and ``true || unknown`` is true. An arithmetic error (division by zero) is unknown too, and so is
    an attribute that is empty. Raises ``ExpressionError`` like ``check``.
    """
    names = names_in(expression)
    return _evaluated(expression, tuple(_value(name, measures) for name in names))


def _value(name: str, measures: Mapping[str, MeasureValue]) -> Plain | None:
    if name in MEASURES or name == HEALTH:
        found = measures.get(name)
        return None if found is None or found.value is None else _plain(name, found.value)
    if not isinstance(measures, MeasureBook):
        return None
    head, _, attribute = name.partition(".")
    if head == ATTRIBUTES:
        held = measures.word(ATTRIBUTES)
        every = held if isinstance(held, Mapping) else {}
        return tuple(sorted((one, text) for one, text in every.items() if attribute in ("", one)))
    return _word(measures.word(name))


def _word(word: Word | None) -> Plain | None:
    return tuple(sorted(word.items())) if isinstance(word, Mapping) else word


def _plain(name: str, raw: Fraction | int | bool) -> int | float | bool:
    if name == HEALTH or MEASURES[name].cel_type is CelType.DOUBLE:
        return float(Fraction(raw))
    return raw if isinstance(raw, bool) else int(raw)


@lru_cache(maxsize=_REMEMBERED)
def _evaluated(expression: str, values: tuple[Plain | None, ...]) -> bool | None:
    compiled = _compiled(expression)
    data: dict[str, object] = {}
    attributes: dict[str, str] = {}
    for name, value in zip(names_in(expression), values, strict=True):
        if name.partition(".")[0] == ATTRIBUTES and isinstance(value, tuple):
            attributes.update(value)  # type: ignore[arg-type]
        elif value is not None:
            data[name] = list(value) if isinstance(value, tuple) else value
    result = compiled.eval(data={**data, ATTRIBUTES: attributes})
    return bool(result.value()) if result.type() == cel.Type.BOOL else None
