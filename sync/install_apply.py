"""Applying an install plan: each step made, acknowledged and remembered, so that a crash costs nothing.

What a plan will create is kept as an intention before the first call. A part that stands after a
crash was intended and is ours; one that turns out to be somebody else's is forgotten. A plan that
another apply has overtaken is refused: what that one made would look like the customer's. Neighbours:
``install`` plans, ``state/installed_parts.py`` remembers, ``onboard`` settles what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from integration.deal_pipelines import Pipeline
from integration.install_specs import InstallingPort, InstallStep, Made, MakeObject
from integration.parts import OwnedPart, Part, PartKind
from sync.install import InstallPlan
from sync.install_steps import REQUIRED, Outcome
from sync.state import installed_parts
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.workspace import Workspace

OVERTAKEN = (
    "somebody else has installed into {} or uninstalled from it since this plan was made; nothing was done: "
    "plan again once they are through"
)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of one step: ``object`` says what it was; ``required`` where we cannot do without."""

    object: str
    done: bool
    message: str = ""
    required: bool = True


@dataclass(slots=True)
class Applied:
    """What became of a plan, the CRM's ids of what stands by it, and the pipelines it made."""

    results: list[StepResult] = field(default_factory=list)
    ids: dict[Part, str] = field(default_factory=dict)
    pipelines: dict[Part, Pipeline] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Return whether all stands that our records need."""
        return all(one.done or not one.required for one in self.results)


def apply_plan(ws: Workspace, plan: InstallPlan) -> Applied:
    """Do what the plan says, and nothing else. Raises ValueError with questions open, before any call.

    So it raises StateError where another apply or an uninstall came between plan and apply. A refused
    step does not stop the others. Raises Unavailable or NeedsConsent where the CRM does not answer; the
    next apply goes on from there.
    """
    if plan.questions:
        raise ValueError("the plan has open questions: " + "; ".join(plan.questions))
    port, applied = ws.port, Applied(pipelines=dict(_standing(plan)))
    if not isinstance(port, InstallingPort):
        raise TypeError(f"nothing can be installed into {ws.vendor}")
    _intend(ws, plan, applied)
    for step in plan.todo:
        made = port.make(step)
        _remember(ws, step, made)
        applied.ids.update({part: crm_id for part, crm_id in made.made.items() if crm_id is not None})
        if made.pipeline is not None:
            applied.pipelines.update(dict.fromkeys(made.made, made.pipeline))
        applied.results.append(_result(step, made))
    return applied


def _intend(ws: Workspace, plan: InstallPlan, applied: Applied) -> None:
    """Keep what will be made, and confirm what an apply before this one made without hearing so."""
    stands = {one.part: one.crm_id for one in plan.parts if one.outcome in (Outcome.RIGHT, Outcome.CHANGE)}
    applied.ids.update({part: crm_id for part, crm_id in stands.items() if crm_id is not None})
    with writing(ws.runtime.engine) as conn:
        if plan.todo and plan.owned != frozenset(installed_parts.owned(conn, ws.id)):
            raise StateError(OVERTAKEN.format(ws.id))
        unheard = installed_parts.unconfirmed(conn, ws.id)
        heard = {part: stands[part] for part in unheard if part in stands}
        installed_parts.confirm(conn, ws.id, ws.now(), heard)
        ours = (part for step in plan.todo for part in (*step.parts, *_inside(step)))
        installed_parts.intend(conn, ws.id, ws.now(), ours)


def _remember(ws: Workspace, step: InstallStep, made: Made) -> None:
    inside, ours = _inside(step), bool(made.made)
    stands = {**dict.fromkeys(inside if ours else ()), **made.made}
    with writing(ws.runtime.engine) as conn:
        installed_parts.intend(conn, ws.id, ws.now(), stands)  # another apply may have taken it for theirs
        installed_parts.confirm(conn, ws.id, ws.now(), stands)
        installed_parts.disclaim(conn, ws.id, [*made.taken, *made.refused, *(() if ours else inside)])


def _inside(step: InstallStep) -> tuple[Part, ...]:
    """Return the fields an object is made with: an uninstall must tell them from those added to it since."""
    if not isinstance(step, MakeObject):
        return ()
    return tuple(Part(PartKind.FIELD, step.spec.name, one.name) for one in step.spec.fields)


def _result(step: InstallStep, made: Made) -> StepResult:
    words = "; ".join(dict.fromkeys((*made.refused.values(), *([made.message] if made.message else []))))
    required = any(part.kind in REQUIRED for part in step.parts) or not step.parts
    return StepResult(step.about, made.done, words, required)


def _standing(plan: InstallPlan) -> Iterator[tuple[Part, Pipeline]]:
    """Yield the pipelines that stand already, by the part they are."""
    ids = {one.part: one.crm_id for one in plan.parts if one.part.kind is PartKind.PIPELINE}
    for part, crm_id in ids.items():
        for pipeline in plan.survey.pipelines.get(part.object, ()):
            if pipeline.id == crm_id:
                yield part, pipeline


def label_ids(applied: Applied) -> dict[tuple[str, str], str]:
    """Return the CRM's ids of our labels by (object, target)."""
    return {
        (part.object, part.target): crm_id
        for part, crm_id in applied.ids.items()
        if part.kind is PartKind.LABEL
    }


def owned_parts(ws: Workspace) -> tuple[OwnedPart, ...]:
    """Return the parts known to be ours."""
    with reading(ws.runtime.engine) as conn:
        return installed_parts.owned(conn, ws.id)
