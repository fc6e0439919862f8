"""The single values of a charter, each refusing what it cannot mean.

Pydantic runs these on every value, so that one reading of the file reports all mistakes.
A refusal carries its remedy (and, inside an expression, its place) to ``mappings.load``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from mappings.problems import suggest
from success.expressions import ExpressionError, check_at
from success.measures import MEASURES
from success.words import Step


class Model(BaseModel):
    """A part of the charter: immutable, and closed to fields nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Finding(NamedTuple):
    """One inconsistency between the values of a part: ``at`` is the path from that part.

    ``inside`` is line and column (from 1) inside the text there, where the mistake is in the middle of it.
    """

    at: tuple[str | int, ...]
    wrong: str
    remedy: str
    inside: tuple[int, int] | None = None


def refuse(findings: list[Finding]) -> None:
    """Raise all findings as one pydantic error; return when there are none."""
    if findings:
        wrong = "; ".join(finding.wrong for finding in findings)
        raise PydanticCustomError("charter", "{wrong}", {"wrong": wrong, "findings": tuple(findings)})


def _refuse_value(wrong: str, remedy: str) -> None:
    refuse([Finding((), wrong, remedy)])


def _known_measure(name: str) -> str:
    if name not in MEASURES:
        _refuse_value(f"there is no measure {name!r}", suggest(name, MEASURES))
    return name


def _at(step: Step, *, per_product: bool = False) -> Callable[[str], str]:
    """Return the check of an expression that stands in a rule of a step (``success.words``)."""

    def checked(expression: str) -> str:
        try:
            check_at(expression, step, per_product=per_product)
        except ExpressionError as error:
            context = {"wrong": error.message, "line": error.line, "column": error.column}
            raise PydanticCustomError("expression", "{wrong}", {**context, "remedy": error.remedy}) from error
        return expression

    return checked


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse_value(f"there is no time zone {name!r}", "Use an IANA name such as Europe/Berlin or UTC.")
    return name


def _plain(number: Decimal) -> Decimal:
    """Return the number in the one form its value has, so that 50 and 50.0 hash alike."""
    plain = number.normalize()
    return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain


def _no_text(number: object) -> object:
    if isinstance(number, bool | str):
        _refuse_value(f"{number!r} is not a number", "Write a number without quotes, such as 50 or 0.8.")
    return number


def _as_json_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _in_thousandths(number: Decimal) -> Decimal:
    if (number * 10) % 1:
        _refuse_value(f"{number} is finer than one decimal", "Round it to one decimal.")
    return number


def _share_in_thousandths(number: Decimal) -> Decimal:
    if (number * 1000) % 1:
        _refuse_value(f"{number} is finer than three decimals", "Round it to three decimals.")
    return number


def _schema(**limits: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "number", **limits})


_JSON = PlainSerializer(_as_json_number, when_used="json")
Number = Annotated[Decimal, BeforeValidator(_no_text), AfterValidator(_plain), _JSON, _schema()]
PositiveNumber = Annotated[Number, Field(gt=0), _schema(exclusiveMinimum=0)]
Percent = Annotated[
    Number, Field(ge=0, le=100), AfterValidator(_in_thousandths), _schema(minimum=0, maximum=100)
]
Points = Percent
Share = Annotated[
    Number, Field(ge=0, le=1), AfterValidator(_share_in_thousandths), _schema(minimum=0, maximum=1)
]
MeasureName = Annotated[str, AfterValidator(_known_measure)]
Expression = Annotated[str, StringConstraints(min_length=1), AfterValidator(_at(Step.HEALTH))]
HealthExpression = Annotated[str, StringConstraints(min_length=1), AfterValidator(_at(Step.EXPANSION))]
SegmentExpression = Annotated[str, StringConstraints(min_length=1), AfterValidator(_at(Step.SEGMENT))]
EvidenceExpression = Annotated[str, StringConstraints(min_length=1), AfterValidator(_at(Step.PLAN))]
StageExpression = Annotated[str, StringConstraints(min_length=1), AfterValidator(_at(Step.STAGE))]
AdoptionExpression = Annotated[
    str, StringConstraints(min_length=1), AfterValidator(_at(Step.HEALTH, per_product=True))
]
Zone = Annotated[str, AfterValidator(_known_zone)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Name = Annotated[str, StringConstraints(min_length=1)]


def thousandths_of_percent(percent: Decimal) -> int:
    """Return a percentage as integer thousandths of the whole: 30 % is 300."""
    return int(percent * 10)


def thousandths(value: Decimal) -> int:
    """Return points or a share as integer thousandths: 0.8 is 800, 60 points are 60,000."""
    return int(value * 1000)
