"""The stage of an account's journey (domain C24, D.2) and of each product's adoption (C15).

An account is at the furthest stage whose criterion holds, and at the first one otherwise. Stages
may be skipped, and lost again. A criterion that is unknown brings nobody in and sends nobody away.
Stages follow contracts, evidence and measures, never the calendar alone. Neighbours: ``standing``
judges one stage and holds what all of them ask, ``product_measures`` has the numbers by product.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from success.criteria import Journey
from success.fold import PlanState
from success.holding import Held
from success.measures import MeasureBook
from success.plans import MilestoneState, MilestoneStatus
from success.product_measures import words_of_product
from success.rules import PlanTemplate
from success.standing import Standing, held_before, in_force, kept, settled
from success.view import AccountView
from success.words import STAGE, Word


def asked(journey: Journey, current: str | None, book: MeasureBook) -> str:
    """Return the stage the criteria ask for, for an account (or a product) that is at ``current``."""
    for stage in reversed(journey.stages):
        found = kept(stage, current, book)
        if found or (found is None and stage.key == current):
            return stage.key
    return journey.stages[0].key


def step(view: AccountView, before: Standing, book: MeasureBook, day: date) -> tuple[Held, bool]:
    """Return the stage after a day, with all it was before, and whether a pin set it."""
    journey = view.rules.journey
    keys = [stage.key for stage in journey.stages]
    pin = in_force(view.facts.human.stage_pin, day, keys)
    current = held_before(before.stage, keys, pinned=STAGE in before.pinned)
    wanted = pin or asked(journey, current, book)
    return settled(before.stage, current, wanted, pin, day, journey.hold_days), pin is not None


def step_products(view: AccountView, before: Standing, book: MeasureBook, day: date) -> dict[str, Held]:
    """Return every product's stage of adoption after a day; a product that is not open keeps its last."""
    adoption = view.rules.adoption
    held = dict(before.adoption)
    if adoption is None:
        return held
    keys = [stage.key for stage in adoption.stages]
    for product in products_open(view, day):
        last = held.get(product)
        current = held_before(last, keys, pinned=False)
        wanted = asked(adoption, current, book.saying(words_of_product(view, product, day)))
        held[product] = settled(last, current, wanted, None, day, adoption.hold_days)
    return held


def products_open(view: AccountView, day: date) -> list[str]:
    """Return the products with an open recurring line on a day, sorted."""
    return sorted({line.product_id for line in view.open_lines(day)})


def words_of_plan(template: PlanTemplate, plan: PlanState | None, day: date) -> dict[str, Word]:
    """Return the words for a plan's progress up to a day; without a plan nothing is open or reached."""
    if plan is None:
        return _words("", (), (), 0)
    reached = {position for position, on in plan.reached.items() if on <= day}
    waiting = [rule for rule in template.milestones if rule.position not in reached]
    late = sum(plan.starts_on + timedelta(days=rule.due_offset_days) < day for rule in waiting)
    known = [rule.position for rule in template.milestones if rule.position in reached]
    return _words(template.milestones[0].phase, [rule.phase for rule in waiting], known, late)


def words_of_milestones(milestones: Collection[MilestoneStatus]) -> dict[str, Word]:
    """Return the same words for milestones as they stand on the day of a look."""
    if not milestones:
        return _words("", (), (), 0)
    waiting = [one for one in milestones if one.status is not MilestoneState.DONE]
    reached = [one.rule.position for one in milestones if one.status is MilestoneState.DONE]
    late = sum(one.status is MilestoneState.LATE for one in waiting)
    return _words(next(iter(milestones)).rule.phase, [one.rule.phase for one in waiting], reached, late)


def _words(first: str, phases: Collection[str], reached: Collection[str], late: int) -> dict[str, Word]:
    return {
        "plan.first_phase": first,
        "plan.phases_open": tuple(dict.fromkeys(phases)),
        "plan.reached": tuple(reached),
        "plan.milestones_late": late,
    }


def shown_products(view: AccountView, adoption: Mapping[str, Held], day: date) -> str:
    """Return one line for each product that is open on a day, ``product: stage``, sorted; empty for none."""
    stages = () if view.rules.adoption is None else view.rules.adoption.stages
    titles = {stage.key: stage.title for stage in stages}
    lines = [
        f"{view.facts.product_name(product)}: {titles.get(adoption[product].value, adoption[product].value)}"
        for product in products_open(view, day)
        if product in adoption and titles
    ]
    return "\n".join(sorted(lines))
