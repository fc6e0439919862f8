"""What a scorecard of the charter is made of: measures, groups, bands, events and caps, one entry each.

Neighbour: ``scorecards`` puts them together and says what must hold between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from mappings.scalars import (
    Expression,
    Finding,
    Key,
    MeasureName,
    Model,
    Name,
    Number,
    Percent,
    Points,
    SignedPoints,
    refuse,
    thousandths,
    thousandths_of_percent,
)
from success import rules
from success.event_points import EventKind
from success.measures import MEASURES, Unit

LARGEST_SHARE = 10
LONGEST_HALF_LIFE = 3660
Corner = tuple[Number, Points]


def _halves(days: int) -> int:
    if not 1 <= days <= LONGEST_HALF_LIFE:
        wrong = f"points do not halve in {days} days"
        refuse([Finding((), wrong, "Write the days in which they halve, from 1 to 3660.")])
    return days


def _moves(points: Decimal) -> Decimal:
    if points == 0:
        refuse([Finding((), "0 points move no score", "Write what the event adds, or takes with a minus.")])
    return points


HalfLife = Annotated[
    int,
    AfterValidator(_halves),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LONGEST_HALF_LIFE}),
]
EventPoints = Annotated[SignedPoints, AfterValidator(_moves)]


class MeasureEntry(Model):
    """One measure of the scorecard; weight 0 shows it without counting it."""

    measure: MeasureName
    title: Name | None = None
    group: Key
    weight: Percent = Field(
        description="Percent of the score, or of its group where groups are weighed; all together are 100."
    )
    curve: tuple[Corner, ...] = Field(
        description="Corners [value, points] in rising order of value, straight lines between them."
    )
    max_age_days: Annotated[int, Field(ge=1)] | None = None
    on_missing: rules.OnMissing = rules.OnMissing.REDISTRIBUTE

    @field_validator("curve")
    @classmethod
    def _curve_rises(cls, curve: tuple[Corner, ...], info: ValidationInfo) -> tuple[Corner, ...]:
        findings = [
            Finding(
                (index,),
                f"the curve's value {raw} does not come after {curve[index - 1][0]}",
                "Order the corners by value, each value once.",
            )
            for index, (raw, _) in enumerate(curve)
            if index and raw <= curve[index - 1][0]
        ]
        if not curve:
            findings.append(Finding((), "the curve has no corner", "Give at least one [value, points]."))
        if info.data.get("measure") is not None:
            findings += _wrong_units(info.data["measure"], curve)
        refuse(findings)
        return curve

    def to_rules(self) -> rules.MeasureRule:
        """Return the measure for the score; without a title of its own it has the catalogue's."""
        curve = tuple(rules.CurvePoint(Fraction(raw), thousandths(points)) for raw, points in self.curve)
        return rules.MeasureRule(
            measure=self.measure,
            title=self.title or MEASURES[self.measure].title,
            group=self.group,
            weight=thousandths_of_percent(self.weight),
            curve=curve,
            max_age_days=self.max_age_days,
            on_missing=self.on_missing,
        )


def _wrong_units(measure: str, curve: tuple[Corner, ...]) -> Iterator[Finding]:
    """Yield the corners written in another unit than the measure's: percent of a share, more than a yes."""
    unit = MEASURES[measure].unit
    for index, (raw, _) in enumerate(curve):
        if unit is Unit.SHARE and abs(raw) > LARGEST_SHARE:
            wrong = f"{raw} stands for {raw * 100} %, as {measure} is a share"
            yield Finding((index, 0), wrong, f"This measure is a share: write {raw / 100} for {raw} %.")
        if unit is Unit.FLAG and raw not in (0, 1):
            wrong = f"{measure} is a yes or no, never {raw}"
            yield Finding((index, 0), wrong, "Write 1 for yes and 0 for no.")


class GroupEntry(Model):
    """A group of measures and its weight; weight 0 shows the group without counting it."""

    key: Key
    title: Name
    weight: Percent = Field(description="Percent of the score; all groups together are 100.")

    def to_rules(self) -> rules.GroupRule:
        """Return the group, its weight in thousandths."""
        return rules.GroupRule(self.key, self.title, thousandths_of_percent(self.weight))


class BandEntry(Model):
    """A band of health from its floor up to the next band's floor."""

    key: Key
    title: Name
    floor: Points

    def to_rules(self) -> rules.Band:
        """Return the band, its floor in thousandths."""
        return rules.Band(self.key, self.title, thousandths(self.floor))


class EventEntry(Model):
    """Something that happens on a day and moves the score by points that fade (domain C.4)."""

    key: Key
    when: EventKind = Field(description="What happened; `attribute`: the day in a field of the account.")
    attribute: str | None = Field(
        default=None, description="For `attribute`: the account's attribute that holds the day."
    )
    points: EventPoints = Field(description="What it adds on its day, or takes with a minus.")
    half_life_days: HalfLife = Field(description="The days in which the points halve, again and again.")
    limit: Annotated[Points, Field(gt=0)] | None = Field(
        default=None, description="The most all events of this entry add or take together."
    )
    reason: Name

    @model_validator(mode="after")
    def _attribute_where_it_is_read(self) -> Self:
        if self.when is EventKind.ATTRIBUTE and self.attribute is None:
            wrong = "`attribute` does not say which field holds the day"
            refuse([Finding(("when",), wrong, "Add `attribute:` with the name of an account's attribute.")])
        if self.when is not EventKind.ATTRIBUTE and self.attribute is not None:
            wrong = f"{self.when.value!r} is read from no attribute"
            refuse([Finding(("attribute",), wrong, "Leave it out, or write `when: attribute`.")])
        return self

    def to_rules(self) -> rules.EventRule:
        """Return the event, its points in thousandths."""
        return rules.EventRule(
            key=self.key,
            kind=self.when,
            points=thousandths(self.points),
            half_life_days=self.half_life_days,
            reason=self.reason,
            attribute=self.attribute,
            limit=None if self.limit is None else thousandths(self.limit),
        )


class CapEntry(Model):
    """A hard fact that holds the score down while it is true (domain C.5)."""

    key: Key
    when: Expression
    points: Points
    reason: Name
    critical: bool = Field(
        default=False, description="Makes the band worse the same day, whatever margin and hold say."
    )

    def to_rules(self) -> rules.Cap:
        """Return the cap, its points in thousandths."""
        return rules.Cap(self.key, self.when, thousandths(self.points), self.reason, self.critical)
