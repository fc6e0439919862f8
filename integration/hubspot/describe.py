"""What a portal holds: its account, objects, properties, deal pipelines and limits.

A custom object's properties come with its schema, so only standard objects cost a call
each. What the grant does not show becomes a note for the admin, not a failure.
Neighbours: ``port`` calls it before any plan; ``schema`` reads properties through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from integration.hubspot import vocabulary
from integration.hubspot.connector import ACTIVITIES, STANDARD_TYPE_IDS
from integration.hubspot.fields import field_spec
from integration.hubspot.pipelines import load_pipelines
from integration.hubspot.portal import Portal
from integration.hubspot.transport import Transport
from integration.port import CrmDescription, FieldSpec, ObjectSpec, Refused

REASON = "describe"


@dataclass(frozen=True, slots=True)
class _CustomObjects:
    """Schemas by plain name, or why they cannot be seen."""

    schemas: dict[str, Any]
    note: str = ""


def describe(portal: Portal, objects: Sequence[str]) -> CrmDescription:
    """Return the description; 3 calls, 1 per standard object, and 1 where custom objects exist."""
    account = portal.transport.call(REASON, "GET", portal.paths.account).body
    custom = _custom_objects(portal)
    by_id = {schema.object_type_id: name for name, schema in custom.schemas.items()}
    described = {name: spec for name in objects if (spec := _object(portal, custom, by_id, name))}
    left, limit = (0, None) if custom.note else _custom_objects_left(portal)
    return CrmDescription(
        account_id=str(account.get("portalId", "")),
        account_name=f"HubSpot {account.get('portalId', '')}",
        time_zone=str(account.get("timeZone", "UTC")),
        objects=described,
        deal_pipelines=load_pipelines(portal, "deals", REASON),
        custom_objects_left=left,
        notes=(custom.note,) if custom.note else (),
        account_type=str(account.get("accountType", "")),
        custom_objects_limit=limit,
    )


def load_schemas(transport: Transport, path: str, reason: str = REASON) -> dict[str, Any]:
    """Return the SDK's schema models of all custom objects, by plain name."""
    answer = transport.call(reason, "GET", path)
    return {schema.name: schema for schema in vocabulary.schema_models(answer.body)}


def load_fields(portal: Portal, object_name: str, reason: str = REASON) -> dict[str, FieldSpec]:
    """Return an object's properties by name."""
    path = f"{portal.paths.properties}/{portal.names.in_path(object_name)}"
    models = vocabulary.property_models(portal.transport.call(reason, "GET", path).body)
    return {model.name: field_spec(model) for model in models if not model.archived}


def _custom_objects(portal: Portal) -> _CustomObjects:
    try:
        schemas = load_schemas(portal.transport, portal.paths.schemas)
    except Refused as refusal:
        return _CustomObjects({}, f"custom objects cannot be used: {refusal.error.words}")
    portal.names.remember({name: schema.object_type_id for name, schema in schemas.items()})
    return _CustomObjects(schemas)


def _custom_objects_left(portal: Portal) -> tuple[int | None, int | None]:
    """Return how many definitions are left and how many there may be (page "Limits tracking")."""
    try:
        answer = portal.transport.call(REASON, "GET", f"{portal.paths.limits}/custom-object-types")
    except Refused:
        return None, None
    limit, usage = answer.body.get("limit"), answer.body.get("usage")
    if not isinstance(limit, int) or not isinstance(usage, int):
        return None, None
    return max(0, limit - usage), limit


def _object(portal: Portal, custom: _CustomObjects, by_id: dict[str, str], name: str) -> ObjectSpec | None:
    if name in STANDARD_TYPE_IDS:
        label = name.replace("_", " ").capitalize()
        fields = load_fields(portal, name)
        return ObjectSpec(name, label.removesuffix("s"), label, tuple(fields.values()))
    schema = custom.schemas.get(name)
    if schema is None:
        return None
    return ObjectSpec(
        name=name,
        label=schema.labels.singular or name,
        plural=schema.labels.plural or name,
        fields=tuple(field_spec(model) for model in schema.properties or [] if not model.archived),
        custom=True,
        parents=_parents(schema, by_id),
        primary_field=schema.primary_display_property or "",
    )


def _parents(schema: Any, by_id: dict[str, str]) -> tuple[str, ...]:
    """Return the objects it was associated with when it was made; later ones hang under it."""
    own = schema.object_type_id
    standard = {type_id: name for name, type_id in STANDARD_TYPE_IDS.items() if name not in ACTIVITIES}
    older = {type_id: name for type_id, name in by_id.items() if _number(type_id) < _number(own)}
    ends = [tie.to_object_type_id for tie in schema.associations or [] if tie.from_object_type_id == own]
    return tuple(dict.fromkeys(name for end in ends if (name := standard.get(end) or older.get(end))))


def _number(type_id: str) -> int:
    """Return the running number of a custom type id, ``2-345``."""
    return int(type_id.partition("-")[2] or 0)
