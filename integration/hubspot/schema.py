"""Making what an install consists of, one step and one acknowledged call at a time.

Nothing is read first: the plan has looked. HubSpot says 409 (or a refusal of its own) where a
thing exists, and only then is it looked at. A call whose answer was lost is made once more, and
what it then finds standing is ours. An archived property's name restores it.
Neighbours: ``survey`` looks before the plan; ``fields`` turns specs to definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from integration.deal_pipelines import Pipeline
from integration.hubspot import vocabulary
from integration.hubspot.connector import PROPERTY_GROUP_LABEL
from integration.hubspot.describe import load_fields, load_schemas
from integration.hubspot.errors import RefusedCall, problem_of
from integration.hubspot.fields import definition, field_spec, is_same_kind
from integration.hubspot.labels import create_label, standing_labels
from integration.hubspot.lists import change_list, create_list, is_name_taken, standing_lists
from integration.hubspot.pipelines import create_pipeline, load_pipelines
from integration.hubspot.portal import Portal
from integration.install_specs import (
    AddChoices,
    ChangeList,
    InstallStep,
    Made,
    MakeFields,
    MakeGroup,
    MakeLabel,
    MakeList,
    MakeObject,
    MakePipeline,
)
from integration.package_step import DeployPackage
from integration.parts import Part
from integration.port import FieldSpec, FieldType, ObjectSpec, RateLimited, Refused, Unavailable

REASON: Final = "install"
DELETED_NAME: Final = (
    "HubSpot keeps the name of the deleted object {name}: restore it, or delete it for good "
    "(a second delete, with archived=true), and run again"
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer, or the refusal; ``doubtful`` where an earlier try was left without an answer."""

    answer: Any
    refusal: RefusedCall | None
    doubtful: bool

    @property
    def exists(self) -> bool:
        return self.refusal is not None and self.refusal.problem.status == HTTPStatus.CONFLICT


@dataclass(frozen=True, slots=True)
class Installer:
    """Makes the steps of an install in one portal."""

    portal: Portal

    def make(self, step: InstallStep) -> Made:
        """Make one step. Raises Unavailable or NeedsConsent where HubSpot does not answer."""
        try:
            return self._make(step)
        except Refused as refusal:
            words = refusal.error.words
            return Made(refused=dict.fromkeys(step.parts, words), message="" if step.parts else words)

    def _make(self, step: InstallStep) -> Made:
        match step:
            case MakeObject():
                return self._object(step)
            case MakeGroup():
                return self._group(step)
            case MakeFields():
                return self._fields(step)
            case AddChoices():
                return self._choices(step)
            case MakeLabel():
                return self._label(step)
            case MakePipeline():
                return self._pipeline(step)
            case MakeList():
                return self._list(step)
            case ChangeList():
                change_list(self.portal, step.spec, step.crm_id, REASON)
                return Made()
            case DeployPackage():
                raise TypeError("a portal takes no package whole")

    def _object(self, step: MakeObject) -> Made:
        (part,), name = step.parts, step.spec.name
        body = _schema_body(self.portal, step.spec)
        asked = _ask(lambda: self._post(self.portal.paths.schemas, body))
        if asked.answer is not None:
            type_id = str(vocabulary.schema_model(asked.answer).object_type_id)
            self.portal.names.remember({name: type_id})
            return Made({part: type_id})
        if not asked.exists:
            raise _refusal(asked)
        schemas = load_schemas(self.portal.transport, self.portal.paths.schemas, REASON)
        self.portal.names.remember({known: schema.object_type_id for known, schema in schemas.items()})
        if name not in schemas:
            return Made(refused={part: DELETED_NAME.format(name=name)})
        held = {model.name for model in schemas[name].properties or [] if not model.archived}
        lacking = [one.name for one in _properties(step.spec.fields) if one.name not in held]
        message = f"{name} was made by somebody else meanwhile: run again" if lacking else ""
        stands = {part: str(schemas[name].object_type_id)}
        return Made(stands, message=message) if asked.doubtful else Made(taken=(part,), message=message)

    def _group(self, step: MakeGroup) -> Made:
        (part,) = step.parts
        body = vocabulary.group_create_body(step.name, PROPERTY_GROUP_LABEL)
        path = f"{self.portal.paths.properties}/{self.portal.names.in_path(step.object)}/groups"
        asked = _ask(lambda: self._post(path, body))
        if asked.answer is not None or (asked.exists and asked.doubtful):
            return Made({part: None})
        if asked.exists:
            return Made(taken=(part,))
        raise _refusal(asked)

    def _fields(self, step: MakeFields) -> Made:
        parts = {part.name: part for part in step.parts}
        made, problems, doubtful = self._create_fields(step, step.fields)
        missing = [one for one in step.fields if one.name not in made]
        if not missing:
            return _fields_made(parts, step.fields, made, {}, {})
        held = load_fields(self.portal, step.object, REASON)
        absent = [one for one in missing if one.name not in held]
        if absent and not made and len(absent) < len(missing):  # all were refused because some exist
            made, problems, _ = self._create_fields(step, absent)
        theirs = {one.name: held[one.name] for one in missing if one.name in held}
        unmade = [one.name for one in absent if one.name not in made]
        refused = {name: _words(name, problems) for name in unmade}
        ours = {**theirs, **made} if doubtful else made
        return _fields_made(parts, step.fields, ours, {} if doubtful else theirs, refused)

    def _create_fields(
        self, step: MakeFields, fields: Sequence[FieldSpec]
    ) -> tuple[dict[str, FieldSpec], list[str], bool]:
        """Return the properties a batch made or restored, the refusals' words, and whether it is in doubt."""
        body = vocabulary.property_create_body([definition(one, step.group) for one in fields])
        path = f"{self.portal.paths.properties}/{self.portal.names.in_path(step.object)}/batch/create"
        asked = _ask(lambda: self._post(path, body))
        if asked.answer is None:
            if not asked.exists:
                raise _refusal(asked)
            return {}, [], asked.doubtful
        problems = [problem_of(0, item).message for item in asked.answer.get("errors", [])]
        made = {model.name: field_spec(model) for model in vocabulary.property_models(asked.answer)}
        return made, problems, asked.doubtful

    def _choices(self, step: AddChoices) -> Made:
        """Send every option HubSpot has with the new ones: it replaces the whole list."""
        name = self.portal.names.in_path(step.object)
        path = f"{self.portal.paths.properties}/{name}/{step.spec.name}"
        held = self.portal.transport.call(REASON, "GET", path).body.get("options", [])
        values = {str(option["value"]) for option in held}
        last = max((int(option.get("displayOrder") or 0) for option in held), default=-1)
        added = [
            {"value": value, "label": label, "displayOrder": last + at, "hidden": False}
            for at, (value, label) in enumerate((one for one in step.spec.choices if one[0] not in values), 1)
        ]
        self.portal.transport.call(REASON, "PATCH", path, {"options": [*held, *added]})
        return Made()

    def _label(self, step: MakeLabel) -> Made:
        (part,), spec = step.parts, step.spec
        asked = _ask(lambda: create_label(self.portal, spec, REASON))
        if asked.answer is not None:
            return Made({part: asked.answer})
        held = standing_labels(self.portal, spec.object, spec.target, REASON).ids if asked.doubtful else {}
        if spec.label in held:
            return Made({part: held[spec.label]})
        raise _refusal(asked)

    def _pipeline(self, step: MakePipeline) -> Made:
        (part,), spec = step.parts, step.spec
        asked = _ask(lambda: create_pipeline(self.portal, spec, REASON))
        made: Pipeline | None = asked.answer
        if made is None and asked.doubtful:
            made = self._pipeline_labelled(spec.object, spec.label)
        if made is None:
            raise _refusal(asked)
        return Made({part: made.id}, pipeline=made)

    def _pipeline_labelled(self, object_name: str, label: str) -> Pipeline | None:
        held = load_pipelines(self.portal, object_name, REASON)
        return next((one for one in held if one.label == label), None)

    def _list(self, step: MakeList) -> Made:
        (part,), spec = step.parts, step.spec
        asked = _ask(lambda: create_list(self.portal, spec, REASON))
        if asked.answer is not None:
            return Made({part: asked.answer})
        if asked.refusal is None or not is_name_taken(asked.refusal):
            raise _refusal(asked)
        if asked.doubtful:
            return Made({part: standing_lists(self.portal, [spec], {}, REASON)[spec.name].crm_id})
        return Made(refused={part: f"{asked.refusal.problem.message} Rename that list to have ours."})

    def _post(self, path: str, body: vocabulary.Body) -> vocabulary.Body:
        return self.portal.transport.call(REASON, "POST", path, body, repeatable=False).body


def _ask(call: Callable[[], Any]) -> _Asked:
    """Make a call that may not be done twice; without an answer once more, and then in doubt."""
    doubtful = False
    try:
        try:
            return _Asked(call(), None, doubtful=False)
        except RateLimited:
            raise
        except Unavailable:
            doubtful = True
            return _Asked(call(), None, doubtful=True)
    except RefusedCall as refusal:
        return _Asked(None, refusal, doubtful)


def _refusal(asked: _Asked) -> RefusedCall:
    if asked.refusal is None:
        raise AssertionError("a call that was answered is no refusal")
    return asked.refusal


def _schema_body(portal: Portal, wanted: ObjectSpec) -> vocabulary.Body:
    fields = _properties(wanted.fields)
    primary = wanted.primary_field or fields[0].name
    return vocabulary.schema_create_body(
        (wanted.label, wanted.plural),
        [definition(each, group=None) for each in fields],
        name=wanted.name,
        primary_display_property=primary,
        required_properties=[each.name for each in fields if each.required],
        searchable_properties=[primary],
        secondary_display_properties=[],
        associated_objects=[portal.names.type_id(parent) for parent in wanted.parents],
    )


def _properties(fields: Sequence[FieldSpec]) -> list[FieldSpec]:
    """Return the fields that are properties here; references become associations."""
    return [each for each in fields if each.type is not FieldType.REFERENCE]


def _fields_made(
    parts: Mapping[str, Part],
    wanted: Sequence[FieldSpec],
    made: Mapping[str, FieldSpec],
    theirs: Mapping[str, FieldSpec],
    refused: Mapping[str, str],
) -> Made:
    """Return what became of fields; what stands must be of the kind wanted to be of use."""
    stands = {**made, **theirs}
    wrong = {
        one.name: f"{one.name} exists as {stands[one.name].type.value}"
        + (", not unique" if one.unique and not stands[one.name].unique else "")
        for one in wanted
        if one.name in stands and not is_same_kind(one, stands[one.name])
    }
    told = {**wrong, **refused}
    return Made(
        made={part: None for name, part in parts.items() if name in made and name not in told},
        taken=tuple(part for name, part in parts.items() if name in theirs and name not in told),
        refused={parts[name]: words for name, words in told.items()},
    )


def _words(name: str, problems: Sequence[str]) -> str:
    own = [problem for problem in problems if name in problem] or problems
    return f"{name}: {' '.join(own) or 'not created'}"
