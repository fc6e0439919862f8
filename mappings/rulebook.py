"""The part of the charter that says what is done with customers: plan, renewal, expansion.

People write percent, points of 100 and days; ``to_rules`` methods turn them into the integer
thousandths of ``success.rules``. Plans follow domain D.1, renewals D.6, expansion D.7. Neighbours:
``scorecards`` says how customers are judged, ``ledger_policies`` how contracts are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import Field, field_validator

from mappings.scalars import (
    Expression,
    Finding,
    HealthExpression,
    Key,
    Model,
    Name,
    PositiveNumber,
    Share,
    refuse,
    thousandths,
)
from success import rules

Utilisation = Annotated[PositiveNumber, Field(le=10)]
Days = Annotated[int, Field(ge=0, le=3660)]


def repeated(names: Sequence[str], field: str) -> list[Finding]:
    """Return a finding for every name in a list that stands there before."""
    return [
        Finding((index, field), f"{name!r} stands in the list before", "Names in a list must differ.")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


class MilestoneEntry(Model):
    """A milestone: due so many days after the plan's start, reached when its evidence is true."""

    position: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$", description="Its lasting name in the plan.")]
    title: Name
    phase: Key
    owner_side: Annotated[str, Field(pattern=r"^(vendor|customer)$")]
    due_after_days: Days
    evidence: Expression

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
