"""The charter's ``models``: which churn models there are, what they look at and what experts hold.

``success.prediction`` fits them; ``rulebook`` holds the other rules of customer success.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from mappings.problems import suggest
from mappings.scalars import Finding, Key, MeasureName, Model, Name, Number, refuse
from success.prediction.rule import ATTRIBUTE, FeatureRule, ModelRule
from success.prediction.table import Direction

HorizonDays = Annotated[int, Field(ge=7, le=366)]


class FeatureEntry(Model):
    """One feature: a measure, or an attribute of the account whose words are a category."""

    measure: MeasureName | None = None
    attribute: Name | None = None
    weight: Number | None = Field(
        default=None, description="What an expert holds: log-odds of churn for each unit of the measure."
    )
    typical: Number | None = Field(
        default=None, description="The value the weight is counted from while no account has one."
    )
    direction: Direction | None = Field(
        default=None, description="What more of it does to the risk; fitted weights the other way count 0."
    )

    @property
    def column(self) -> str:
        """Return the name of its column in a model's table."""
        return self.measure or f"{ATTRIBUTE}{self.attribute}"

    @model_validator(mode="after")
    def _is_one_thing(self) -> FeatureEntry:
        found = []
        if (self.measure is None) == (self.attribute is None):
            wrong = "a feature is either a measure or an attribute"
            found.append(Finding((), wrong, "Give `measure:` or `attribute:`, not both."))
        elif self.attribute is not None:
            found += [
                Finding((name,), f"an attribute has no {name}", f"Leave `{name}` out; its words are learned.")
                for name in ("weight", "typical", "direction")
                if getattr(self, name) is not None
            ]
        found += self._disagreement()
        refuse(found)
        return self

    def _disagreement(self) -> list[Finding]:
        if self.weight is None or self.weight == 0 or self.direction is None:
            return []
        if (self.weight > 0) == (self.direction is Direction.RAISES):
            return []
        wrong = f"a weight of {self.weight} does not go with `direction: {self.direction.value}`"
        return [Finding(("weight",), wrong, "Turn one of them round; a weight above 0 raises the risk.")]

    def to_rules(self) -> FeatureRule:
        """Return the feature as the fit takes it."""
        return FeatureRule(
            self.column,
            None if self.weight is None else Fraction(self.weight),
            None if self.typical is None else Fraction(self.typical),
            self.direction,
        )


class ModelEntry(Model):
    """A churn model (domain C.7). It is trained by hand, and says nothing before it is activated."""

    key: Key
    version: Annotated[int, Field(ge=1)]
    target: Literal["churn"] = "churn"
    horizon_days: HorizonDays = Field(
        default=90, description="A churn is a term that ends within so many days and is not followed."
    )
    features: tuple[FeatureEntry, ...]
    active: bool = Field(
        default=False, description="Whether the version activated stands on the record; one model may."
    )

    @field_validator("features")
    @classmethod
    def _features_differ(cls, features: tuple[FeatureEntry, ...]) -> tuple[FeatureEntry, ...]:
        names = [one.column for one in features]
        findings = [
            Finding((index,), f"{name!r} stands in the list before", "Names in a list must differ.")
            for index, name in enumerate(names)
            if name in names[:index]
        ]
        if not features:
            findings.append(Finding((), "the model has no feature", "Give at least one measure."))
        refuse(findings)
        return features

    def to_rules(self) -> ModelRule:
        """Return the model as it is trained."""
        return ModelRule(
            self.key, self.version, self.horizon_days, tuple(one.to_rules() for one in self.features)
        )


def models_differ(models: tuple[ModelEntry, ...]) -> tuple[ModelEntry, ...]:
    """Return the models; refuse two of one key, and two that would stand on the record."""
    keys = [one.key for one in models]
    findings = [
        Finding((index, "key"), f"{key!r} stands in the list before", "Names in a list must differ.")
        for index, key in enumerate(keys)
        if key in keys[:index]
    ]
    active = [index for index, one in enumerate(models) if one.active]
    findings += [
        Finding((index, "active"), "another model stands on the record", "Leave one of them active.")
        for index in active[1:]
    ]
    refuse(findings)
    return models


def unread_attributes(models: tuple[ModelEntry, ...], read: Mapping[str, frozenset[str]]) -> list[Finding]:
    """Return a finding for each attribute a CRM of the charter does not read, by vendor's attributes."""
    return [
        Finding(
            ("models", place, "features", index, "attribute"),
            f"{vendor} reads no attribute {feature.attribute!r}",
            suggest(feature.attribute, names) if names else "Name it under `attributes` of the account.",
        )
        for place, model in enumerate(models)
        for index, feature in enumerate(model.features)
        if feature.attribute is not None
        for vendor, names in read.items()
        if feature.attribute not in names
    ]
