"""From what is wanted and what stands to the steps of an install, and what is said of each part; pure.

Neighbours: ``install`` asks the CRM and makes the plan of this, ``install_apply`` makes the steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from integration.deal_pipelines import Pipeline
from integration.install_specs import (
    FIELDS_A_STEP,
    AddChoices,
    ChangeList,
    InstallStep,
    LabelSpec,
    ListSpec,
    MakeFields,
    MakeGroup,
    MakeLabel,
    MakeList,
    MakeObject,
    MakePipeline,
    PipelineSpec,
    Survey,
    Wanted,
)
from integration.package_step import PackageSurvey
from integration.parts import OwnedPart, Part, PartKind
from integration.port import CrmDescription, FieldSpec, FieldType, ObjectSpec

REQUIRED = frozenset({PartKind.OBJECT, PartKind.GROUP, PartKind.FIELD})
"""Without these our records cannot stand; without the others an installation goes on."""


class Outcome(StrEnum):
    """What an apply does about a part."""

    CREATE = "create"
    RESTORE = "restore"
    CHANGE = "change"
    RIGHT = "right"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part of the plan: what is done about it, and why where that is not plain."""

    part: Part
    outcome: Outcome
    why: str = ""
    crm_id: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """The steps an apply makes, and every part with what is done about it."""

    steps: tuple[InstallStep, ...]
    parts: tuple[PlannedPart, ...]

    @property
    def calls(self) -> int:
        """Return how many calls the steps are, all answered at the first try."""
        return sum(step.calls for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Portal:
    """What is known of the CRM, and which parts are ours, with the CRM's ids where we know them."""

    found: CrmDescription
    survey: Survey
    owned: Mapping[Part, str | None]


Said = Iterator[tuple[InstallStep | None, list[PlannedPart]]]


def work_of(wanted: Wanted, found: CrmDescription, survey: Survey, owned: Iterable[OwnedPart]) -> Work:
    """Return the steps that bring about what is wanted, parents before children."""
    if survey.package is not None:
        return _package(survey.package)
    portal = _Portal(found, survey, {one.part: one.crm_id for one in owned})
    said = [
        *_objects(wanted.objects, portal),
        *_fields(wanted.objects, portal),
        *_choices(wanted.objects, portal),
        *(one for spec in wanted.labels for one in _label(spec, portal)),
        *(one for spec in wanted.pipelines for one in _pipeline(spec, portal)),
        *(one for spec in wanted.lists for one in _list(spec, portal)),
    ]
    steps = tuple(step for step, _ in said if step is not None)
    return Work(steps, tuple(part for _, parts in said for part in parts))


def _package(package: PackageSurvey) -> Work:
    """Return the one step of a CRM that takes all of an install in one piece, if there is anything to do."""
    parts = [PlannedPart(part, Outcome.CREATE, why) for part, why in package.creates.items()]
    parts += [PlannedPart(part, Outcome.CHANGE, why) for part, why in package.changes.items()]
    parts += [PlannedPart(part, Outcome.RIGHT) for part in package.right]
    return Work(() if package.step is None else (package.step,), tuple(parts))


def _objects(specs: Iterable[ObjectSpec], portal: _Portal) -> Said:
    for spec in specs:
        if not spec.custom:
            continue
        step = MakeObject(spec)
        (part,) = step.parts
        if spec.name in portal.found.objects:
            yield None, [PlannedPart(part, Outcome.RIGHT)]
        elif spec.name in portal.survey.archived_objects:
            yield None, [PlannedPart(part, Outcome.CANNOT, deleted_object(spec.name))]
        else:
            yield step, [PlannedPart(part, Outcome.CREATE)]


def deleted_object(name: str) -> str:
    """Return what to do about an object of our name that was deleted and not for good."""
    return (
        f"the name {name} still belongs to a deleted object: restore that one, or delete it for good "
        "(a second delete, with archived=true), and run again"
    )


def _fields(specs: Iterable[ObjectSpec], portal: _Portal) -> Said:
    for spec in specs:
        held = portal.found.objects.get(spec.name)
        if held is None:
            continue
        names = {one.name for one in held.fields}
        missing = [one for one in spec.fields if one.name not in names]
        right = [
            PlannedPart(Part(PartKind.FIELD, spec.name, one.name), Outcome.RIGHT)
            for one in spec.fields
            if one.name in names
        ]
        yield None, right
        if missing:
            yield from _group(spec.name, portal)
            yield from _missing_fields(spec.name, missing, portal)


def _group(object_name: str, portal: _Portal) -> Said:
    step = MakeGroup(object_name, portal.survey.group)
    (part,) = step.parts
    if object_name in portal.survey.grouped:
        yield None, [PlannedPart(part, Outcome.RIGHT)]
    else:
        yield step, [PlannedPart(part, Outcome.CREATE)]


def _missing_fields(object_name: str, missing: list[FieldSpec], portal: _Portal) -> Said:
    archived = portal.survey.archived_fields.get(object_name, frozenset())
    for start in range(0, len(missing), FIELDS_A_STEP):
        step = MakeFields(object_name, portal.survey.group, tuple(missing[start : start + FIELDS_A_STEP]))
        yield (
            step,
            [
                PlannedPart(part, Outcome.RESTORE, "an archived one of this name comes back")
                if part.name in archived
                else PlannedPart(part, Outcome.CREATE)
                for part in step.parts
            ],
        )


def _choices(specs: Iterable[ObjectSpec], portal: _Portal) -> Said:
    """Yield the choices that standing fields lack, as a charter with other bands brings about."""
    for spec in specs:
        held = portal.found.objects.get(spec.name)
        fields = {} if held is None else {one.name: one for one in held.fields}
        for one in spec.fields:
            other = fields.get(one.name)
            if other is None or one.type is not FieldType.CHOICE or other.type is not FieldType.CHOICE:
                continue
            known = {value for value, _ in other.choices}
            lacking = tuple(choice for choice in one.choices if choice[0] not in known)
            if lacking:
                words = f"choices are added: {', '.join(value for value, _ in lacking)}; all others stay"
                part = Part(PartKind.FIELD, spec.name, one.name)
                step = AddChoices(spec.name, replace(one, choices=lacking))
                yield step, [PlannedPart(part, Outcome.CHANGE, words)]


def _label(spec: LabelSpec, portal: _Portal) -> Said:
    standing = portal.survey.labels.get((spec.object, spec.target))
    if standing is not None and spec.label in standing.ids:
        yield None, [PlannedPart(spec.part, Outcome.RIGHT, crm_id=standing.ids[spec.label])]
    elif standing is not None and standing.left == 0:
        words = (
            f"{spec.object} and {spec.target} have as many labels as HubSpot allows: remove one to have "
            "ours; links are made without it"
        )
        yield None, [PlannedPart(spec.part, Outcome.CANNOT, words)]
    else:
        yield MakeLabel(spec), [PlannedPart(spec.part, Outcome.CREATE)]


def _pipeline(spec: PipelineSpec, portal: _Portal) -> Said:
    held = standing_pipeline(spec, portal.survey)
    if held is not None:
        lacking = [stage.label for stage in spec.stages if stage_id(held, stage.label) is None]
        words = f"it has no stage {', '.join(lacking)}: add it, or plans are kept without stages"
        outcome = Outcome.CANNOT if lacking else Outcome.RIGHT
        yield None, [PlannedPart(spec.part, outcome, words if lacking else "", held.id)]
    elif portal.survey.pipelines_left.get(spec.object) == 0:
        words = f"{spec.object} has as many pipelines as this account may have: plans are kept without stages"
        yield None, [PlannedPart(spec.part, Outcome.CANNOT, words)]
    else:
        yield MakePipeline(spec), [PlannedPart(spec.part, Outcome.CREATE)]


def standing_pipeline(spec: PipelineSpec, survey: Survey) -> Pipeline | None:
    """Return the pipeline that stands under the label wanted."""
    held = survey.pipelines.get(spec.object, ())
    return next((one for one in held if one.label.lower() == spec.label.lower()), None)


def stage_id(pipeline: Pipeline, label: str) -> str | None:
    """Return the id of a stage of ours by its label."""
    return next((stage.id for stage in pipeline.stages if stage.label.lower() == label.lower()), None)


def _list(spec: ListSpec, portal: _Portal) -> Said:
    without = portal.survey.without.get(PartKind.LIST)
    standing = portal.survey.lists.get(spec.name)
    if without is not None:
        yield None, [PlannedPart(spec.part, Outcome.CANNOT, without)]
    elif standing is None:
        yield MakeList(spec), [PlannedPart(spec.part, Outcome.CREATE)]
    elif portal.owned.get(spec.part, "") not in (None, standing.crm_id):  # unheard of, or another list
        words = "a list of this name is there and not ours: rename that one to have ours"
        yield None, [PlannedPart(spec.part, Outcome.CANNOT, words)]
    elif standing.as_wanted:
        yield None, [PlannedPart(spec.part, Outcome.RIGHT, crm_id=standing.crm_id)]
    else:
        step = ChangeList(spec, standing.crm_id)
        yield step, [PlannedPart(spec.part, Outcome.CHANGE, "its filters become ours again", standing.crm_id)]
