"""Field types both ways: HubSpot's (type, fieldType) and the port's ``FieldType``.

Source: page "CRM API | Properties". Neighbours: ``describe`` reads, ``schema`` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from integration.port import FieldSpec, FieldType

TO_HUBSPOT: Final[Mapping[FieldType, tuple[str, str]]] = {
    FieldType.TEXT: ("string", "text"),
    FieldType.LONG_TEXT: ("string", "textarea"),
    FieldType.NUMBER: ("number", "number"),
    FieldType.MONEY: ("number", "number"),
    FieldType.BOOLEAN: ("bool", "booleancheckbox"),
    FieldType.DATE: ("date", "date"),
    FieldType.INSTANT: ("datetime", "date"),
    FieldType.CHOICE: ("enumeration", "select"),
}
"""References are missing: HubSpot links records by associations, not by properties."""

_BY_TYPE: Final[Mapping[str, FieldType]] = {
    "string": FieldType.TEXT,
    "phone_number": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "bool": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.INSTANT,
    "enumeration": FieldType.CHOICE,
}
_LONG: Final = frozenset({"textarea", "html"})
_YES_NO: Final = (("true", "Yes"), ("false", "No"))


def field_spec(model: Any) -> FieldSpec:
    """Return the port's description of an SDK ``Property`` model."""
    options = sorted(model.options or [], key=lambda option: option.display_order or 0)
    metadata = model.modification_metadata
    return FieldSpec(
        name=model.name,
        label=model.label or model.name,
        type=_field_type(model),
        unique=bool(model.has_unique_value),
        choices=tuple((option.value, option.label) for option in options),
        references=_references(model),
        writable=not (model.calculated or (metadata is not None and metadata.read_only_value)),
        description=model.description or "",
    )


def definition(field: FieldSpec, group: str | None) -> dict[str, Any]:
    """Return a property definition by the SDK's attribute names; ``group`` is its property group."""
    kind, field_type = TO_HUBSPOT[field.type]
    found: dict[str, Any] = {
        "name": field.name,
        "label": field.label,
        "type": kind,
        "field_type": field_type,
        "description": field.description or None,
        "options": _options(field),
        "has_unique_value": True if field.unique else None,
        "show_currency_symbol": True if field.type is FieldType.MONEY else None,
    }
    return found if group is None else {**found, "group_name": group}


def is_same_kind(wanted: FieldSpec, held: FieldSpec) -> bool:
    """Return whether a property that stands already will do for the one wanted."""
    kinds = TO_HUBSPOT[wanted.type][0], TO_HUBSPOT.get(held.type, ("", ""))[0]
    return kinds[0] == kinds[1] and (held.unique or not wanted.unique)


def _field_type(model: Any) -> FieldType:
    if _references(model) is not None:
        return FieldType.REFERENCE
    if model.external_options:
        return FieldType.TEXT  # its choices live elsewhere in HubSpot
    if model.field_type == "booleancheckbox":
        return FieldType.BOOLEAN  # HubSpot has enumerations of true and false too
    if model.type == "string" and model.field_type in _LONG:
        return FieldType.LONG_TEXT
    if model.type == "number" and model.show_currency_symbol:
        return FieldType.MONEY
    return _BY_TYPE.get(model.type, FieldType.TEXT)


def _references(model: Any) -> str | None:
    """Return the object a property points to; owners are the only one HubSpot has."""
    if model.name == "hubspot_owner_id" or model.referenced_object_type == "OWNER":
        return "owners"
    return None


def _options(field: FieldSpec) -> list[dict[str, Any]] | None:
    choices = _YES_NO if field.type is FieldType.BOOLEAN else field.choices
    return [
        {"value": value, "label": label, "displayOrder": at, "hidden": False}
        for at, (value, label) in enumerate(choices)
    ] or None
