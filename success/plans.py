"""Success plans and milestones (domain C11, D.1): reached by evidence, never by hand.

The fold opens a plan for an account whose first recurring line began lately and replays
its days since, so that a first load gives true days. A milestone stays reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from success.days import days_between
from success.expressions import evaluate
from success.fold import PlanState
from success.measures import MeasureBook
from success.rules import MilestoneRule, PlanTemplate
from success.view import AccountView


class MilestoneState(StrEnum):
    """Computed state: late means overdue and without evidence."""

    OPEN = "open"
    DONE = "done"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class MilestoneStatus:
    """A milestone of an opened plan as of a day; ``done_on`` is the first day its evidence held."""

    key: str
    plan_key: str
    rule: MilestoneRule
    due_on: date
    status: MilestoneState
    done_on: date | None


def plan_key(view: AccountView, template: PlanTemplate) -> str:
    """Return the structural key of an account's plan from a template version."""
    return f"plan:{view.facts.account_key}:{template.key}:{template.version}".lower()


def milestone_key(plan: str, position: str) -> str:
    """Return the structural key of a milestone by its plan's key and its position."""
    return f"milestone:{plan.removeprefix('plan:')}:{position}".lower()


def step(view: AccountView, plans: Mapping[str, PlanState], day: date) -> dict[str, PlanState]:
    """Return the plans after 00:00 of a grid day: opened where due, milestones marked to yesterday."""
    template = view.rules.plan
    key = plan_key(view, template)
    plan = plans.get(key)
    yesterday = day - timedelta(days=1)
    if plan is not None:
        return {**plans, key: _marked(view, plan, template, [yesterday])}
    start = _plan_start(view, template, day)
    if start is None:
        return dict(plans)
    return {**plans, key: _marked(view, PlanState(start, day), template, days_between(start, yesterday))}


def _plan_start(view: AccountView, template: PlanTemplate, day: date) -> date | None:
    """Return the first recurring start if it lies within the lookback and a line is open, or None."""
    start = view.started_on(day)
    if start is None or not template.milestones or not view.open_lines(day):
        return None
    return start if (day - start).days <= template.lookback_days else None


def _marked(view: AccountView, plan: PlanState, template: PlanTemplate, days: Iterable[date]) -> PlanState:
    reached = dict(plan.reached)
    waiting = [rule for rule in template.milestones if rule.position not in reached]
    for day in days:
        if not waiting:
            break
        book = MeasureBook(view, day)
        for rule in [rule for rule in waiting if evaluate(rule.evidence, book)]:
            reached[rule.position] = day
            waiting.remove(rule)
    return replace(plan, reached=reached)


def milestones(view: AccountView, plans: Mapping[str, PlanState], as_of: date) -> tuple[MilestoneStatus, ...]:
    """Return the milestones of the account's plan as of a day, in template order.

    One whose evidence holds now but was not folded yet counts as reached today.
    """
    template = view.rules.plan
    key = plan_key(view, template)
    plan = plans.get(key)
    if plan is None:
        return ()
    book = MeasureBook(view, as_of)
    return tuple(_status(key, plan, rule, book, as_of) for rule in template.milestones)


def _status(
    key: str, plan: PlanState, rule: MilestoneRule, book: MeasureBook, as_of: date
) -> MilestoneStatus:
    due_on = plan.starts_on + timedelta(days=rule.due_offset_days)
    done_on = plan.reached.get(rule.position)
    if done_on is None or done_on > as_of:
        done_on = as_of if evaluate(rule.evidence, book) else None
    if done_on is not None:
        state = MilestoneState.DONE
    else:
        state = MilestoneState.LATE if due_on < as_of else MilestoneState.OPEN
    return MilestoneStatus(milestone_key(key, rule.position), key, rule, due_on, state, done_on)
