"""From computed results to the canonical records that should stand in the CRM.

Only words and fields are made here; every figure comes from the modules named in them.
``decide`` calls these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from success.deal_lines import deals_expanded, deals_renewed, of_expansion, of_renewal
from success.desired import DesiredRecord, RecordKind, Value
from success.expansion import adoptable, is_open, key_of, seat_needs
from success.explain import explain, override_ended, shown_points, tenths
from success.fold import ExpansionState, FoldState, PlanState, RenewalState
from success.health import HealthResult
from success.journey import shown_products
from success.ledger import contradictions, sum_arr
from success.overriding import ends_on
from success.plans import MilestoneState, MilestoneStatus
from success.prediction.told import risk_fields
from success.renewal_terms import next_due
from success.renewals import followed
from success.rules import PlanTemplate
from success.segmentation import rule_of
from success.standing import Standing
from success.standing_findings import standing_findings
from success.trend import Trend, trend
from success.view import AccountView
from success.wording.words import Words

# Contradictions a CSM must act on; the others are the admin's, shown on the console.
RISKY = frozenset({"churned_but_open", "no_rate"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was computed for one account as of a day, before it is put into records.

    ``change`` tells in words why health is another than before its band began.
    """

    view: AccountView
    state: FoldState
    health: HealthResult
    milestones: tuple[MilestoneStatus, ...]
    as_of: date
    standing: Standing
    health_trend: Trend = Trend.UNKNOWN
    change: str = ""

    @property
    def words(self) -> Words:
        """Return the language of what a CSM reads."""
        return Words(self.view.rules.language)


def records(outcome: Outcome) -> tuple[DesiredRecord, ...]:
    """Return every record of the account: profile, plan and milestones, renewals, expansions by key."""
    return (
        profile(outcome),
        *_plan_records(outcome),
        *(_renewal(outcome, key) for key in sorted(outcome.state.renewals)),
        *(_expansion(outcome, key) for key in sorted(outcome.state.expansions)),
    )


def _record(
    outcome: Outcome,
    kind: RecordKind,
    key: str,
    fields: dict[str, Value],
    *,
    reason: str,
    parent_key: str | None = None,
) -> DesiredRecord:
    account = outcome.view.facts.account.account_id
    return DesiredRecord(kind, key, account, fields, parent_key, reason)


def profile(outcome: Outcome) -> DesiredRecord:
    """Return the account's profile: what people sort, list and automate on."""
    view, health, as_of = outcome.view, outcome.health, outcome.as_of
    fields: dict[str, Value] = {
        "name": view.facts.account.name,
        "health": _shown(health.points),
        "health_computed": _shown(health.computed_points),
        "override_until": None if health.override is None else ends_on(health.override),
        "band": health.band,
        "coverage": tenths(health.coverage),
        "trend": trend(view, as_of).value,
        "health_trend": outcome.health_trend.value,
        **_standing(outcome),
        "arr": sum_arr(view.open_lines(as_of), view.rules.policies),
        "renewal_on": next_due(view, as_of),
        "risks": "\n".join(_risks(outcome)),
        "explanation": "\n".join(
            [explain(health, outcome.words), *_overrides(outcome), *_adoptions(outcome)]
        ),
        "change": outcome.change,
        "scorecard": health.scorecard,
        "milestones_late": _count(outcome.milestones, MilestoneState.LATE),
        "expansions_open": sum(
            is_open(view, key, expansion, as_of) for key, expansion in outcome.state.expansions.items()
        ),
    }
    fields |= risk_fields(view, as_of)
    key = f"profile:{view.facts.account_key}".lower()
    return _record(outcome, RecordKind.PROFILE, key, fields, reason=outcome.words("profile.reason"))


def _shown(points: int | None) -> Decimal | None:
    return None if points is None else shown_points(points)


def _overrides(outcome: Outcome) -> Iterator[str]:
    """Tell that an override has ended."""
    told = override_ended(outcome.view.facts.human.override, outcome.as_of, outcome.words)
    if told is not None:
        yield told


def _standing(outcome: Outcome) -> dict[str, Value]:
    """Return segment, touch model and stages, with the day each stands since."""
    view, stands = outcome.view, outcome.standing
    segment, stage = stands.segment, stands.stage
    rule = rule_of(view.rules.segmentation, segment.value) if segment else None
    return {
        "segment": segment.value if segment else None,
        "segment_since": segment.since if segment else None,
        "touch_model": rule.touch.value if rule and rule.touch else None,
        "stage": stage.value if stage else None,
        "stage_since": stage.since if stage else None,
        "adoption_stages": shown_products(view, stands.adoption, outcome.as_of),
    }


def _risks(outcome: Outcome) -> Iterator[str]:
    for found in outcome.health.caps:
        if found.holds:
            yield f"{found.cap.reason}."
    for milestone in outcome.milestones:
        if milestone.status is MilestoneState.LATE:
            yield outcome.words("risk.milestone", title=milestone.rule.title, day=milestone.due_on)
    for _, renewal in sorted(outcome.state.renewals.items()):
        if renewal.closed_on is None and renewal.due_on < outcome.as_of:
            yield outcome.words("risk.renewal", day=renewal.due_on)
    view = outcome.view
    for contradiction in contradictions(view.facts, view.rules.policies, outcome.as_of):
        if contradiction.code in RISKY:
            yield outcome.words(f"risk.{contradiction.code}", **dict(contradiction.values))
    for misplaced in standing_findings(view):
        yield outcome.words(f"risk.{misplaced.code}", **dict(misplaced.values))


def _adoptions(outcome: Outcome) -> Iterator[str]:
    """Tell which of a person's own deals stand in for records we would have made."""
    names = {deal.deal_id: deal.name for deal in outcome.view.facts.deals}
    for key, deal_id in sorted(outcome.state.adopted.items()):
        if deal_id in names:
            term = key.rpartition(":")[2]
            yield outcome.words("renewal.adopted", term=term, deal=names[deal_id])
    waiting = adoptable(outcome.view)
    if waiting is None:
        return
    for need in seat_needs(outcome.view, outcome.as_of):
        if key_of(outcome.view, need.product_id) not in outcome.state.expansions:
            product = outcome.view.facts.product_name(need.product_id)
            yield outcome.words("expansion.adopted", product=product, deal=waiting.name)


def _plan_records(outcome: Outcome) -> Iterator[DesiredRecord]:
    if not outcome.milestones:
        return
    key = outcome.milestones[0].plan_key
    plan = outcome.state.plans[key]
    yield _plan(outcome, key, plan, outcome.view.rules.plan)
    for found in outcome.milestones:
        yield _milestone(outcome, found)


def _count(milestones: Sequence[MilestoneStatus], state: MilestoneState) -> int:
    return sum(found.status is state for found in milestones)


def _plan(outcome: Outcome, key: str, plan: PlanState, template: PlanTemplate) -> DesiredRecord:
    done = _count(outcome.milestones, MilestoneState.DONE)
    fields: dict[str, Value] = {
        "name": f"{outcome.view.facts.account.name}: {template.title}",
        "template": f"{template.key}@{template.version}",
        "status": "complete" if done == len(outcome.milestones) else "active",
        "starts_on": plan.starts_on,
        "target_on": max(found.due_on for found in outcome.milestones),
        "milestones_total": len(outcome.milestones),
        "milestones_done": done,
        "milestones_late": _count(outcome.milestones, MilestoneState.LATE),
    }
    reason = outcome.words("plan.reason", day=plan.starts_on, days=template.lookback_days)
    return _record(outcome, RecordKind.PLAN, key, fields, reason=reason)


def _milestone(outcome: Outcome, found: MilestoneStatus) -> DesiredRecord:
    fields: dict[str, Value] = {
        "name": found.rule.title,
        "phase": found.rule.phase,
        "position": found.rule.position,
        "owner_side": found.rule.owner_side,
        "due_on": found.due_on,
        "status": found.status.value,
        "done_on": found.done_on,
        "evidence": found.rule.evidence,
    }
    reason = outcome.words("milestone.reason", title=found.rule.title, evidence=found.rule.evidence)
    return _record(outcome, RecordKind.MILESTONE, found.key, fields, reason=reason, parent_key=found.plan_key)


def _renewal(outcome: Outcome, key: str) -> DesiredRecord:
    stored: RenewalState = outcome.state.renewals[key]
    renewal = followed(outcome.view, key, stored, outcome.as_of)
    account, words = outcome.view.facts.account.name, outcome.words
    reason = words.counted(
        "renewal.reason", len(renewal.lines), amount=renewal.amount, day=renewal.due_on,
        term=renewal.term_number,
    )  # fmt: skip
    fields: dict[str, Value] = {
        "name": words("renewal.name", account=account, day=stored.opened_due_on),
        "amount": renewal.amount,
        "due_on": renewal.due_on,
        "kind": RecordKind.RENEWAL.value,
        "reason": reason,
        "term_number": renewal.term_number,
        "opened_on": renewal.opened_on,
    }
    opening: dict[str, Value] = {"amount": stored.opened_amount, "due_on": stored.opened_due_on}
    record = _record(outcome, RecordKind.RENEWAL, key, fields, reason=reason)
    before = () if renewal.closed_on else deals_renewed(outcome.view, stored)
    return replace(record, opening=opening, lines=of_renewal(outcome.view, stored), continues=before)


def _expansion(outcome: Outcome, key: str) -> DesiredRecord:
    expansion: ExpansionState = outcome.state.expansions[key]
    trigger, words = outcome.view.rules.expansion, outcome.words
    account, product = outcome.view.facts.account.name, outcome.view.facts.product_name(expansion.product_id)
    more = words.counted("seats", expansion.added_seats)
    reason = words.counted(
        "expansion.reason", expansion.added_seats, share=tenths(trigger.seat_utilisation),
        seats=words.counted("seats", expansion.seats), product=product, days=trigger.days,
        day=expansion.opened_on, more=more,
    )  # fmt: skip
    fields: dict[str, Value] = {
        "name": words("expansion.name", account=account, seats=more, product=product),
        "amount": expansion.amount,
        "due_on": expansion.due_on,
        "kind": RecordKind.EXPANSION.value,
        "reason": reason,
        "product": expansion.product_id,
        "opened_on": expansion.opened_on,
    }
    record = _record(outcome, RecordKind.EXPANSION, key, fields, reason=reason)
    before = deals_expanded(outcome.view, expansion)
    return replace(record, lines=of_expansion(outcome.view, expansion), continues=before)
