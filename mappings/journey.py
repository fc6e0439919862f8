"""The charter's ``journey`` and ``adoption``: stages of an account, and of each of its products.

Without ``journey`` contracts and the plan say the stage (``success.criteria.CONTRACT_JOURNEY``), and
without ``adoption`` no product has one. Neighbours: ``success.journey`` applies them, ``criteria`` has
what segments share. Domain C24, D.2 and C15.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, field_validator

from mappings.criteria import CriterionEntry, HoldDays, Version, key_findings, list_findings
from mappings.scalars import AdoptionExpression, Finding, Model, StageExpression, refuse
from success import criteria


class StageEntry(CriterionEntry):
    """One stage of the journey: who has come this far."""

    when: StageExpression | None = Field(
        default=None,
        description="CEL over measures, attributes, `segment` and the plan; the first stage has none.",
    )
    leave_when: StageExpression | None = Field(
        default=None, description="An account that is here stays, `when` or not, until this holds."
    )


class JourneyEntry(Model):
    """Stages in order: the account is at the furthest whose ``when`` holds."""

    version: Version
    hold_days: HoldDays = 0
    stages: tuple[StageEntry, ...]

    @field_validator("stages")
    @classmethod
    def _everybody_is_at_one(cls, stages: tuple[StageEntry, ...]) -> tuple[StageEntry, ...]:
        refuse(_stage_findings(stages))
        return stages

    def to_rules(self) -> criteria.Journey:
        """Return the journey."""
        return criteria.Journey(self.version, self.hold_days, _criteria_of(self.stages))


class AdoptionStageEntry(CriterionEntry):
    """One stage of adoption: how far a product has come at an account."""

    when: AdoptionExpression | None = Field(
        default=None,
        description="CEL over `product`, measures, attributes, segment and stage; the first stage has none.",
    )
    leave_when: AdoptionExpression | None = Field(
        default=None, description="A product that is here stays, `when` or not, until this holds."
    )


class AdoptionEntry(Model):
    """Stages in order: each product is at the furthest whose ``when`` holds."""

    version: Version
    hold_days: HoldDays = 0
    stages: tuple[AdoptionStageEntry, ...]

    @field_validator("stages")
    @classmethod
    def _every_product_is_at_one(
        cls, stages: tuple[AdoptionStageEntry, ...]
    ) -> tuple[AdoptionStageEntry, ...]:
        refuse(_stage_findings(stages))
        return stages

    def to_rules(self) -> criteria.Journey:
        """Return the stages of adoption."""
        return criteria.Journey(self.version, self.hold_days, _criteria_of(self.stages))


def _stage_findings(stages: Sequence[StageEntry | AdoptionStageEntry]) -> list[Finding]:
    whens = [one.when for one in stages]
    findings = key_findings([one.key for one in stages])
    findings += list_findings(whens, [one.leave_when for one in stages])
    if not whens:
        return [Finding((), "there is no stage", "Give at least one, without `when`.")]
    if whens[0] is not None:
        wrong = "the first stage has a `when`, but it is where everybody begins"
        findings.append(Finding((0, "when"), wrong, "Leave it out, or put a stage without `when` first."))
    findings += [
        Finding(
            (index,),
            f"nobody can be at the {index} before it: this stage has no `when` and is further for everybody",
            "Say by `when` who has come this far.",
        )
        for index, when in enumerate(whens)
        if index and when is None
    ]
    return findings


def _criteria_of(stages: Sequence[StageEntry | AdoptionStageEntry]) -> tuple[criteria.Criterion, ...]:
    return tuple(criteria.Criterion(one.key, one.shown, one.when, one.leave_when) for one in stages)
