"""CEL expressions over measures: checked with line and column, evaluated three-valued.

Caps, milestone evidence and suppression are written in them (see ``rules``). The language
is Google's CEL as cel-expr-python runs it; its types are strict, so a double is compared
with ``1.0`` and a count with ``1``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from cel_expr_python import cel

from success.measures import MEASURES, CelType, MeasureValue

HEALTH = "health"
_TYPES = {CelType.INT: cel.Type.INT, CelType.DOUBLE: cel.Type.DOUBLE, CelType.BOOL: cel.Type.BOOL}
_NAME = re.compile(r"[A-Za-z_]\w*")
_PLACE = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")


class ExpressionError(ValueError):
    """An expression that does not compile to a yes or no; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        """Keep the checker's own words and the place they are about."""
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.line = line
        self.column = column


@lru_cache(maxsize=1)
def _environment() -> cel.Env:
    variables = {name: _TYPES[measure.cel_type] for name, measure in MEASURES.items()}
    return cel.NewEnv(variables={**variables, HEALTH: cel.Type.DOUBLE})


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
    place = _PLACE.search(text)
    if place is None:
        return ExpressionError(text.splitlines()[0], 1, 1)
    message = place.group(3)
    if "(double, int)" in message or "(int, double)" in message:
        message += "; write 1.0 beside a double and 1 beside an int"
    return ExpressionError(message, int(place.group(1)), int(place.group(2)))


@lru_cache(maxsize=4096)
def names_in(expression: str) -> tuple[str, ...]:
    """Return the measures (and ``health``) an expression may read, sorted."""
    known = {name for name in _NAME.findall(expression) if name in MEASURES or name == HEALTH}
    return tuple(sorted(known))


def check(expression: str, *, with_health: bool = False) -> None:
    """Raise ``ExpressionError`` unless the expression compiles to a bool over the measures.

    ``with_health`` also allows ``health`` (double, 0 to 100), which stands where the score
    is known already: in an expansion's ``suppress_when``. A cap cannot read what it limits.
    """
    _compiled(expression)
    if not with_health and HEALTH in names_in(expression):
        at = expression.index(HEALTH)
        line = expression.count("\n", 0, at) + 1
        raise ExpressionError("health is not known here yet", line, at - expression.rfind("\n", 0, at))


def serialized(expression: str) -> bytes:
    """Return the compiled expression as CEL's own ``CheckedExpr`` message. Raises like ``check``."""
    compiled: bytes = _compiled(expression).serialize()
    return compiled


def evaluate(expression: str, measures: Mapping[str, MeasureValue]) -> bool | None:
    """Return the truth of an expression, or None where it hangs on an unknown measure.

    As in CEL, ``false && unknown`` is false and ``true || unknown`` is true. An arithmetic
    error (division by zero) is unknown too. Raises ``ExpressionError`` like ``check``.
    """
    compiled = _compiled(expression)
    found = ((name, measures.get(name)) for name in names_in(expression))
    data = {
        name: _plain(name, value) for name, value in found if value is not None and value.value is not None
    }
    result = compiled.eval(data=data)
    if result.type() != cel.Type.BOOL:
        return None
    return bool(result.value())


def _plain(name: str, value: MeasureValue) -> int | float | bool:
    raw = value.value if value.value is not None else 0
    if name == HEALTH or MEASURES[name].cel_type is CelType.DOUBLE:
        return float(Fraction(raw))
    return raw if isinstance(raw, bool) else int(raw)
