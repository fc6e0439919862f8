"""From computed results to the canonical records that should stand in the CRM.

Only words and fields are made here; every figure comes from the modules named in them.
``decide`` calls these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from success.deal_lines import deals_expanded, deals_renewed, of_expansion, of_renewal
from success.desired import DesiredRecord, RecordKind, Value
from success.expansion import adoptable, is_open, key_of, seat_needs
from success.explain import explain, shown_points, tenths
from success.facts import Money
from success.fold import ExpansionState, FoldState, PlanState, RenewalState
from success.health import HealthResult
from success.ledger import contradictions, minor_per_unit, sum_arr
from success.plans import MilestoneState, MilestoneStatus
from success.prediction.told import risk_fields
from success.renewal_terms import next_due
from success.renewals import followed
from success.rules import PlanTemplate
from success.stage import stage, trend
from success.view import AccountView

# Contradictions a CSM must act on; the others are the admin's, shown on the console.
RISKY = frozenset({"churned_but_open", "no_rate"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was computed for one account as of a day, before it is put into records."""

    view: AccountView
    state: FoldState
    health: HealthResult
    milestones: tuple[MilestoneStatus, ...]
    as_of: date


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
        "health": None if health.points is None else shown_points(health.points),
        "band": health.band,
        "coverage": tenths(health.coverage),
        "trend": trend(view, as_of).value,
        "stage": stage(view, outcome.milestones, as_of).value,
        "arr": sum_arr(view.open_lines(as_of), view.rules.policies),
        "renewal_on": next_due(view, as_of),
        "risks": "\n".join(_risks(outcome)),
        "explanation": "\n".join([explain(health), *_adoptions(outcome)]),
        "scorecard": health.scorecard,
        "milestones_late": _count(outcome.milestones, MilestoneState.LATE),
        "expansions_open": sum(
            is_open(view, key, expansion, as_of) for key, expansion in outcome.state.expansions.items()
        ),
    }
    fields |= risk_fields(view, as_of)
    key = f"profile:{view.facts.account_key}".lower()
    return _record(outcome, RecordKind.PROFILE, key, fields, reason="Every account has a profile.")


def _risks(outcome: Outcome) -> Iterator[str]:
    for found in outcome.health.caps:
        if found.holds:
            yield f"{found.cap.reason}."
    for milestone in outcome.milestones:
        if milestone.status is MilestoneState.LATE:
            yield f"Milestone {milestone.rule.title} was due on {milestone.due_on}."
    for _, renewal in sorted(outcome.state.renewals.items()):
        if renewal.closed_on is None and renewal.due_on < outcome.as_of:
            yield f"The renewal due on {renewal.due_on} is still open."
    view = outcome.view
    for contradiction in contradictions(view.facts, view.rules.policies, outcome.as_of):
        if contradiction.code in RISKY:
            yield contradiction.text


def _adoptions(outcome: Outcome) -> Iterator[str]:
    """Tell which of a person's own deals stand in for records we would have made."""
    names = {deal.deal_id: deal.name for deal in outcome.view.facts.deals}
    for key, deal_id in sorted(outcome.state.adopted.items()):
        if deal_id in names:
            term = key.rpartition(":")[2]
            yield f"Renewal term {term} is handled in the deal {names[deal_id]}, so none was opened."
    waiting = adoptable(outcome.view)
    if waiting is None:
        return
    for need in seat_needs(outcome.view, outcome.as_of):
        if key_of(outcome.view, need.product_id) not in outcome.state.expansions:
            product = outcome.view.facts.product_name(need.product_id)
            yield f"More seats of {product} are needed; the deal {waiting.name} is open for it."


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
    reason = f"The first recurring line began on {plan.starts_on}, within {template.lookback_days} days."
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
    reason = f"{found.rule.title} is reached on the first day that {found.rule.evidence}."
    return _record(outcome, RecordKind.MILESTONE, found.key, fields, reason=reason, parent_key=found.plan_key)


def _renewal(outcome: Outcome, key: str) -> DesiredRecord:
    stored: RenewalState = outcome.state.renewals[key]
    renewal = followed(outcome.view, key, stored, outcome.as_of)
    count = len(renewal.lines)
    come = "1 line worth {} a year comes" if count == 1 else f"{count} lines worth {{}} a year come"
    reason = (
        f"{come.format(shown_money(renewal.amount))} due on {renewal.due_on} (term {renewal.term_number})."
    )
    fields: dict[str, Value] = {
        "name": f"{outcome.view.facts.account.name}: renewal {stored.opened_due_on}",
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
    trigger, more = outcome.view.rules.expansion, _seats(expansion.added_seats)
    product = outcome.view.facts.product_name(expansion.product_id)
    reason = (
        f"{tenths(trigger.seat_utilisation)} % or more of {_seats(expansion.seats)} of "
        f"{product} were in use on each of the {trigger.days} days before "
        f"{expansion.opened_on}: {more} more {'is' if expansion.added_seats == 1 else 'are'} proposed."
    )
    fields: dict[str, Value] = {
        "name": f"{outcome.view.facts.account.name}: {more} of {product}",
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


def shown_money(amount: Money) -> str:
    """Return an amount as people write it: currency, thousands separated, minor digits if any."""
    per_unit = minor_per_unit(amount.currency)
    whole, rest = divmod(abs(amount.minor), per_unit)
    sign = "-" if amount.minor < 0 else ""
    digits = len(str(per_unit)) - 1
    return f"{amount.currency} {sign}{whole:,}" + (f".{rest:0{digits}d}" if digits else "")


def _seats(count: int) -> str:
    return "1 seat" if count == 1 else f"{count} seats"
