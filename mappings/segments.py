"""The charter's ``segments``: which accounts are alike, and how much of our time they get (domain C02).

Without this part every account is in the segment ``all``. Neighbours: ``success.segmentation`` applies
it, ``criteria`` has what stages share.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from mappings.criteria import CriterionEntry, HoldDays, Version, key_findings, list_findings
from mappings.scalars import Finding, Model, SegmentExpression, refuse
from success import criteria

DEFAULT_HOLD_DAYS = 14


class SegmentEntry(CriterionEntry):
    """One segment: who is in it, and how they are looked after."""

    touch: criteria.TouchModel
    touch_every_days: Annotated[int, Field(ge=1, le=366)] | None = Field(
        default=None, description="How many days may pass between two touches."
    )
    when: SegmentExpression | None = Field(
        default=None, description="CEL over measures and attributes; the last segment has none."
    )
    leave_when: SegmentExpression | None = Field(
        default=None, description="An account that is in stays, `when` or not, until this holds."
    )

    def to_rules(self) -> criteria.SegmentRule:
        """Return the segment's rule."""
        return criteria.SegmentRule(
            self.key, self.shown, self.when, self.leave_when, self.touch, self.touch_every_days
        )


class SegmentsEntry(Model):
    """Segments in order: the first whose ``when`` holds is the account's."""

    version: Version
    hold_days: HoldDays = DEFAULT_HOLD_DAYS
    rules: tuple[SegmentEntry, ...]

    @field_validator("rules")
    @classmethod
    def _everybody_is_in_one(cls, rules: tuple[SegmentEntry, ...]) -> tuple[SegmentEntry, ...]:
        whens = [rule.when for rule in rules]
        findings = key_findings([rule.key for rule in rules])
        findings += list_findings(whens, [rule.leave_when for rule in rules])
        catch_all = whens.index(None) if None in whens else None
        if catch_all is None:
            wrong = "no segment takes the accounts for which none of these holds"
            findings.append(Finding((), wrong, "Add a last segment without `when`."))
        elif catch_all + 1 < len(rules):
            wrong = (
                f"nobody can be in it: {rules[catch_all].key!r} before it has no `when` and takes everybody"
            )
            remedy = "Move the segment without `when` to the end of the list."
            findings.append(Finding((catch_all + 1,), wrong, remedy))
        refuse(findings)
        return rules

    def to_rules(self) -> criteria.Segmentation:
        """Return the segmentation."""
        rules = tuple(rule.to_rules() for rule in self.rules)
        return criteria.Segmentation(self.version, self.hold_days, rules)
