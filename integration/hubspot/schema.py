"""Installing our objects and properties; asking twice changes nothing.

A custom object is made in one call with all its properties; properties on what stands
already cost two: their group and one batch. Nothing is read first: HubSpot says 409 where
a thing exists, and only then is it looked at. An archived property's name restores it.
Neighbours: ``port`` calls it for an install plan; ``fields`` turns specs to definitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from integration.hubspot import vocabulary
from integration.hubspot.connector import BATCH_ROWS, PROPERTY_GROUP, PROPERTY_GROUP_LABEL
from integration.hubspot.describe import load_fields, load_schemas
from integration.hubspot.errors import RefusedCall, problem_of
from integration.hubspot.fields import definition, field_spec, is_same_kind
from integration.hubspot.portal import Portal
from integration.port import (
    FieldSpec,
    FieldType,
    ObjectSpec,
    Refusal,
    Refused,
    RowError,
    SchemaChange,
    SchemaResult,
)

REASON = "install"


@dataclass(slots=True)
class Installer:
    """Makes objects and properties in one portal; one per install, as it keeps what it saw."""

    portal: Portal
    _standing: dict[str, dict[str, FieldSpec]] = field(default_factory=dict)

    def apply(self, changes: Sequence[SchemaChange]) -> list[SchemaResult]:
        """Make the changes in their order; a refused one does not stop the others."""
        return [self._apply(change) for change in changes]

    def _apply(self, change: SchemaChange) -> SchemaResult:
        name = change.object.name
        fields = _properties(change.fields or (change.object.fields if change.create_object else ()))
        try:
            if change.create_object and name not in self._standing and self._create(change.object, fields):
                return SchemaResult(name, done=True)
            held = self._standing.get(name, {})
            missing = [each for each in fields if each.name not in held]
            wrong = [*_mismatches(fields, held), *self._add_fields(name, missing)]
        except Refused as refusal:
            return SchemaResult(name, done=False, message=refusal.error.words)
        return SchemaResult(name, done=not wrong, message="; ".join(wrong))

    def _create(self, wanted: ObjectSpec, fields: Sequence[FieldSpec]) -> bool:
        """Create a custom object; return ``False`` when one of that name stands already."""
        primary = wanted.primary_field or fields[0].name
        body = vocabulary.schema_create_body(
            (wanted.label, wanted.plural),
            [definition(each, group=None) for each in fields],
            name=wanted.name,
            primary_display_property=primary,
            required_properties=[each.name for each in fields if each.required],
            searchable_properties=[primary],
            secondary_display_properties=[],
            associated_objects=[self.portal.names.type_id(parent) for parent in wanted.parents],
        )
        answer = self._create_unless_there(self.portal.paths.schemas, body)
        if answer is None:
            self._look(wanted.name)
            return False
        self.portal.names.remember({wanted.name: vocabulary.schema_model(answer).object_type_id})
        return True

    def _look(self, name: str) -> None:
        """Learn all custom objects that stand. Raises ``Refused`` when ``name`` is not among them."""
        schemas = load_schemas(self.portal.transport, self.portal.paths.schemas, REASON)
        self.portal.names.remember({known: schema.object_type_id for known, schema in schemas.items()})
        for known, schema in schemas.items():
            specs = [field_spec(model) for model in schema.properties or [] if not model.archived]
            self._standing[known] = {spec.name: spec for spec in specs}
        if name not in schemas:
            message = f"HubSpot keeps the name of a deleted object {name}: delete it for good or rename ours"
            raise Refused(RowError(Refusal.FIXABLE, "OBJECT_NAME_TAKEN", message))

    def _add_fields(self, object_name: str, fields: Sequence[FieldSpec]) -> list[str]:
        """Add properties; return what stands in the way, in words."""
        if not fields:
            return []
        self._ensure_group(object_name)
        wrong: list[str] = []
        for start in range(0, len(fields), BATCH_ROWS):
            wrong += self._add_batch(object_name, fields[start : start + BATCH_ROWS])
        return wrong

    def _ensure_group(self, object_name: str) -> None:
        path = f"{self._properties_path(object_name)}/groups"
        body = vocabulary.group_create_body(PROPERTY_GROUP, PROPERTY_GROUP_LABEL)
        self._create_unless_there(path, body)

    def _create_unless_there(self, path: str, body: vocabulary.Body) -> vocabulary.Body | None:
        """Return the answer of a creation, ``None`` when HubSpot says it exists."""
        try:
            return self.portal.transport.call(REASON, "POST", path, body).body
        except RefusedCall as refusal:
            if refusal.problem.status != HTTPStatus.CONFLICT:
                raise
            return None

    def _add_batch(self, object_name: str, fields: Sequence[FieldSpec]) -> list[str]:
        """Create what is missing of ``fields``; a restored or standing one must be of their kind."""
        made, problems = self._create_fields(object_name, fields)
        missing = [each for each in fields if each.name not in made]
        if not missing:
            return _mismatches(fields, made)
        held = load_fields(self.portal, object_name, REASON)
        if made or not (absent := [each for each in missing if each.name not in held]):
            return [*_mismatches(fields, {**held, **made}), *_unmade(missing, held, problems)]
        made, problems = self._create_fields(object_name, absent)  # all were refused because some exist
        return [*_mismatches(fields, {**held, **made}), *_unmade(absent, made, problems)]

    def _create_fields(
        self, object_name: str, fields: Sequence[FieldSpec]
    ) -> tuple[dict[str, FieldSpec], list[str]]:
        """Return the properties a batch create made or restored, and the refusals' words."""
        body = vocabulary.property_create_body([definition(each, PROPERTY_GROUP) for each in fields])
        path = f"{self._properties_path(object_name)}/batch/create"
        answer = self._create_unless_there(path, body)
        if answer is None:
            return {}, []
        problems = [problem_of(0, item).message for item in answer.get("errors", [])]
        return {model.name: field_spec(model) for model in vocabulary.property_models(answer)}, problems

    def _properties_path(self, object_name: str) -> str:
        return f"{self.portal.paths.properties}/{self.portal.names.in_path(object_name)}"


def _properties(fields: Sequence[FieldSpec]) -> list[FieldSpec]:
    """Return the fields that are properties here; references become associations."""
    return [each for each in fields if each.type is not FieldType.REFERENCE]


def _mismatches(fields: Sequence[FieldSpec], held: dict[str, FieldSpec]) -> list[str]:
    return [
        f"{each.name} exists as {held[each.name].type}"
        + (", not unique" if each.unique and not held[each.name].unique else "")
        for each in fields
        if each.name in held and not is_same_kind(each, held[each.name])
    ]


def _unmade(missing: Sequence[FieldSpec], held: dict[str, FieldSpec], problems: Sequence[str]) -> list[str]:
    absent = [each.name for each in missing if each.name not in held]
    if not absent:
        return []
    words = [problem for problem in problems if any(name in problem for name in absent)] or problems
    return [f"{', '.join(absent)}: {' '.join(words) or 'not created'}"]
