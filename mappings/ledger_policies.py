"""The charter's ``policies``: how contracts are counted (domain A.0), and one choice changed for a look.

``rulebook`` holds the other rules of customer success; ``colonnade metrics --policy`` changes
choices for one answer without a new charter.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from mappings.problems import suggest
from mappings.scalars import Currency, Finding, Model, PositiveNumber, refuse
from success import policies
from success.facts import LineKind

RATES, DATED = "fx", "fx_dated"
CountedKind = Literal["recurring", "committed_usage", "cs_offer"]
GraceDays = Annotated[int, Field(ge=0, le=366)]
Months = Annotated[int, Field(ge=0, le=120)]
TargetDays = Annotated[int, Field(ge=1, le=3660)]


class Policies(Model):
    """The declared policies of the contract ledger; every metric prints them (domain A.0)."""

    overlap: policies.Overlap = policies.Overlap.STACK
    validity: policies.Validity = policies.Validity.HALF_OPEN
    reporting_currency: Currency = "USD"
    fx: dict[Currency, PositiveNumber] = Field(
        default_factory=dict,
        description="What one unit of a currency is worth in the reporting currency, held constant.",
    )
    customer: policies.Customer = Field(
        default=policies.Customer.ACCOUNT, description="Who is one customer, whose gains offset its losses."
    )
    churn_date: policies.ChurnDate = Field(
        default=policies.ChurnDate.TERM_END, description="The day on which a customer who leaves is lost."
    )
    grace_days: GraceDays = Field(
        default=0, description="How long ended lines stay in ARR, pending, while a late renewal may come."
    )
    new_after_months: Months = Field(
        default=0, description="An absence of so many months makes a returning customer new; 0 is never."
    )
    movement: policies.Movement = Field(
        default=policies.Movement.POINT_TO_POINT,
        description="Whether a period is told by its ends or by every movement inside it.",
    )
    multi_year: policies.MultiYear = Field(
        default=policies.MultiYear.CURRENT_YEAR, description="Which price of a line with steps is its ARR."
    )
    co_term: policies.CoTerm = Field(
        default=policies.CoTerm.JOIN, description="Whether co-termed lines are due once or each on its own."
    )
    fx_rate: policies.FxRate = Field(
        default=policies.FxRate.CONSTANT,
        description="Retention at the rates of the period's start, of each day, or at those of `fx`.",
    )
    fx_dated: dict[Currency, dict[date, PositiveNumber]] = Field(
        default_factory=dict, description="What one unit was worth from a day on; before the first, `fx`."
    )
    usage_pricing: policies.UsagePricing = Field(
        default=policies.UsagePricing.COMMITTED, description="Whether overage of three months is annualised."
    )
    counted: tuple[CountedKind, ...] = Field(
        default=("recurring", "committed_usage"),
        description="The kinds of lines that are ARR; trials, one-time, services and credits never are.",
    )
    clock: policies.Clock = Field(
        default=policies.Clock.CONTRACT_START, description="When the clock of time to value starts."
    )
    activation_days: TargetDays = Field(
        default=30, description="How long an account may take to be activated."
    )
    value_days: TargetDays = Field(default=90, description="The target of time to value.")

    @field_validator("counted")
    @classmethod
    def _in_one_order(cls, kinds: tuple[CountedKind, ...]) -> tuple[CountedKind, ...]:
        if not kinds:
            refuse([Finding((), "nothing would be ARR", "Name at least one, such as recurring.")])
        ordered: tuple[CountedKind, ...] = ("recurring", "committed_usage", "cs_offer")
        return tuple(kind for kind in ordered if kind in kinds)

    @model_validator(mode="after")
    def _rates_fit(self) -> Policies:
        own, found = self.reporting_currency, []
        rate = self.fx.get(own, Decimal(1))
        if rate != 1:
            found.append(Finding((RATES, own), f"one {own} is worth {rate} {own}", "Leave this rate out."))
        for currency in self.fx_dated:
            if currency not in self.fx:
                wrong = f"{currency} has rates by day and none in `fx`"
                found.append(Finding((DATED, currency), wrong, "Give it the fixed rate in `fx` too."))
        refuse(found)
        return self

    def to_rules(self) -> policies.Policies:
        """Return the policies for the ledger, with exact rates."""
        values: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        values[RATES] = {currency: Fraction(rate) for currency, rate in self.fx.items()}
        values[DATED] = {
            currency: tuple((day, Fraction(rate)) for day, rate in sorted(dated.items()))
            for currency, dated in self.fx_dated.items()
        }
        values["counted"] = frozenset(LineKind(kind) for kind in self.counted)
        return policies.Policies(**values)


def with_choices(declared: Policies, choices: Iterable[str]) -> Policies:
    """Return the policies with some changed, each given as ``name=value``.

    A rate is ``fx.EUR=1.1``, one from a day on ``fx_dated.EUR.2024-01-01=1.1``; kinds of
    ``counted`` are joined by ``+``. Raises ValueError with the choice and the remedy.
    """
    content = declared.model_dump()
    for choice in choices:
        name, equals, value = choice.partition("=")
        if not equals:
            raise ValueError(f"{choice!r} is no choice; write NAME=VALUE, such as grace_days=30")
        content = _chosen(content, choice, name.split("."), value)
    try:
        return Policies.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(_said(first["loc"], first["msg"])) from error


def _chosen(content: dict[str, Any], choice: str, path: list[str], value: str) -> dict[str, Any]:
    match path:
        case [name] if name in content and name not in {RATES, DATED}:
            return {**content, name: tuple(value.split("+")) if name == "counted" else value}
        case ["fx", currency]:
            return {**content, RATES: {**content[RATES], currency: _rate(choice, value)}}
        case ["fx_dated", currency, day]:
            held = {str(at): rate for at, rate in content[DATED].get(currency, {}).items()}
            rates = {**held, day: _rate(choice, value)}
            return {**content, DATED: {**content[DATED], currency: rates}}
    known = [f"{name}.EUR" if name == RATES else name for name in content if name != DATED]
    raise ValueError(f"{choice!r}: there is no policy {'.'.join(path)!r}. {suggest(path[0], known)}")


def _rate(choice: str, value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"{choice!r}: {value!r} is not a number") from error


def _said(place: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(step) for step in place)
    return f"{where}: {message[0].lower()}{message[1:]}" if where else message
