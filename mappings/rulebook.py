"""The half of the charter that speaks of customer success: scorecard, plan, renewal, expansion.

People write percent, points of 100 and days; ``to_rules`` methods turn them into the integer
thousandths of ``success.rules``. Weights follow domain C.1 to C.3, plans D.1, renewals D.6,
expansion D.7. Neighbour: ``ledger_policies`` says how contracts are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import Field, field_validator

from mappings.scalars import (
    EvidenceExpression,
    Expression,
    Finding,
    HealthExpression,
    Key,
    MeasureName,
    Model,
    Name,
    Number,
    Percent,
    Points,
    PositiveNumber,
    Share,
    refuse,
    thousandths,
    thousandths_of_percent,
)
from success import rules
from success.measures import MEASURES

Utilisation = Annotated[PositiveNumber, Field(le=10)]
WHOLE_PERCENT = 100
Days = Annotated[int, Field(ge=0, le=3660)]


def repeated(names: Sequence[str], field: str) -> list[Finding]:
    """Return a finding for every name in a list that stands there before."""
    return [
        Finding((index, field), f"{name!r} stands in the list before", "Names in a list must differ.")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


class MeasureEntry(Model):
    """One measure of the scorecard; weight 0 shows it without counting it."""

    measure: MeasureName
    title: Name | None = None
    group: Key
    weight: Percent = Field(description="Percent of the score; all weights together are 100.")
    curve: tuple[tuple[Number, Points], ...] = Field(
        description="Corners [value, points] in rising order of value, straight lines between them."
    )
    max_age_days: Annotated[int, Field(ge=1)] | None = None
    on_missing: rules.OnMissing = rules.OnMissing.REDISTRIBUTE

    @field_validator("curve")
    @classmethod
    def _curve_rises(cls, curve: tuple[tuple[Decimal, Decimal], ...]) -> tuple[tuple[Decimal, Decimal], ...]:
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


class BandEntry(Model):
    """A band of health from its floor up to the next band's floor."""

    key: Key
    title: Name
    floor: Points


class CapEntry(Model):
    """A hard fact that holds the score down while it is true (domain C.5)."""

    key: Key
    when: Expression
    points: Points
    reason: Name


class ScorecardEntry(Model):
    """The health scorecard (domain C.1 to C.5)."""

    key: Key
    version: Annotated[int, Field(ge=1)]
    coverage_floor: Percent = Field(
        default=Decimal(50), description="Below this share of known weight the score is unknown."
    )
    bands: tuple[BandEntry, ...]
    measures: tuple[MeasureEntry, ...]
    caps: tuple[CapEntry, ...] = ()

    @field_validator("measures")
    @classmethod
    def _weights_are_whole(cls, measures: tuple[MeasureEntry, ...]) -> tuple[MeasureEntry, ...]:
        findings = repeated([entry.measure for entry in measures], "measure")
        total = sum(entry.weight for entry in measures)
        if total != WHOLE_PERCENT:
            findings.append(Finding((), f"the weights add up to {total}, not to 100", "Adjust the weights."))
        refuse(findings)
        return measures

    @field_validator("bands")
    @classmethod
    def _bands_rise_from_zero(cls, bands: tuple[BandEntry, ...]) -> tuple[BandEntry, ...]:
        findings = repeated([band.key for band in bands], "key")
        findings += [
            Finding((index, "key"), "'unknown' is the band without a score", "Choose another key.")
            for index, band in enumerate(bands)
            if band.key == "unknown"
        ]
        findings += [
            Finding(
                (index, "floor"),
                f"floor {band.floor} does not come after {bands[index - 1].floor}",
                "Order the bands from the worst to the best.",
            )
            for index, band in enumerate(bands)
            if index and band.floor <= bands[index - 1].floor
        ]
        if not bands:
            findings.append(Finding((), "there is no band", "Give at least one band with floor 0."))
        elif bands[0].floor != 0:
            wrong = "the first band does not begin at 0"
            findings.append(Finding((0, "floor"), wrong, "Set its floor to 0."))
        refuse(findings)
        return bands

    @field_validator("caps")
    @classmethod
    def _caps_differ(cls, caps: tuple[CapEntry, ...]) -> tuple[CapEntry, ...]:
        refuse(repeated([cap.key for cap in caps], "key"))
        return caps

    def to_rules(self) -> rules.Scorecard:
        """Return the scorecard in thousandths."""
        return rules.Scorecard(
            key=self.key,
            version=self.version,
            measures=tuple(entry.to_rules() for entry in self.measures),
            bands=tuple(rules.Band(band.key, band.title, thousandths(band.floor)) for band in self.bands),
            caps=tuple(
                rules.Cap(cap.key, cap.when, thousandths(cap.points), cap.reason) for cap in self.caps
            ),
            coverage_floor=thousandths_of_percent(self.coverage_floor),
        )


class MilestoneEntry(Model):
    """A milestone: due so many days after the plan's start, reached when its evidence is true."""

    position: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$", description="Its lasting name in the plan.")]
    title: Name
    phase: Key
    owner_side: Annotated[str, Field(pattern=r"^(vendor|customer)$")]
    due_after_days: Days
    evidence: EvidenceExpression

    def to_rules(self) -> rules.MilestoneRule:
        """Return the milestone for the plan."""
        return rules.MilestoneRule(
            self.position, self.title, self.phase, self.owner_side, self.due_after_days, self.evidence
        )


class PlanEntry(Model):
    """The success plan given to new customers (domain D.1)."""

    key: Key
    version: Annotated[int, Field(ge=1)]
    title: Name
    lookback_days: Days = Field(description="Accounts whose first recurring line is younger have the plan.")
    milestones: tuple[MilestoneEntry, ...]

    @field_validator("milestones")
    @classmethod
    def _positions_differ(cls, milestones: tuple[MilestoneEntry, ...]) -> tuple[MilestoneEntry, ...]:
        findings = repeated([milestone.position for milestone in milestones], "position")
        if not milestones:
            findings.append(Finding((), "the plan has no milestone", "Give at least one."))
        refuse(findings)
        return milestones

    def to_rules(self) -> rules.PlanTemplate:
        """Return the plan template."""
        milestones = tuple(milestone.to_rules() for milestone in self.milestones)
        return rules.PlanTemplate(self.key, self.version, self.title, self.lookback_days, milestones)


class RenewalEntry(Model):
    """When renewals are opened (domain D.6)."""

    lead_days: Annotated[int, Field(ge=1, le=366)] = 90
    rolling_terms: bool = True
    skip_monthly: bool = True
    uplift: Share = Field(default=Decimal(0), description="0.03 asks for 3 % more than the ending lines.")
    adopt_within_days: Days = 60

    def to_rules(self) -> rules.RenewalRule:
        """Return the renewal rule, its uplift in thousandths."""
        return rules.RenewalRule(
            lead_days=self.lead_days,
            rolling_terms=self.rolling_terms,
            skip_monthly=self.skip_monthly,
            uplift=thousandths(self.uplift),
            adopt_within_days=self.adopt_within_days,
        )


class ExpansionEntry(Model):
    """When more seats are proposed (domain D.7: utilisation of 80 % on 14 consecutive days)."""

    key: Key
    title: Name
    seat_utilisation: Utilisation
    days: Annotated[int, Field(ge=1, le=90)] = 14
    window_days: Annotated[int, Field(ge=1, le=90)] = 28
    add_share: Share = Field(default=Decimal("0.2"), description="0.2 proposes a fifth more seats.")
    suppress_when: HealthExpression = Field(
        default="false", description="CEL over measures and `health` (points of 100)."
    )

    def to_rules(self) -> rules.ExpansionTrigger:
        """Return the trigger, its shares in thousandths."""
        return rules.ExpansionTrigger(
            key=self.key,
            title=self.title,
            seat_utilisation=thousandths(self.seat_utilisation),
            days=self.days,
            window_days=self.window_days,
            add_share=thousandths(self.add_share),
            suppress_when=self.suppress_when,
        )
