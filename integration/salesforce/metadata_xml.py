"""The metadata files of an install, as text: objects, fields, the permission set, the manifest.

Children are written in the order of the Metadata API's own schema. Pure: no network, no clock.
Source: Metadata API guide, "CustomObject", "CustomField", "PermissionSet", "package.xml".
Neighbour: ``schema`` zips and deploys what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from integration.port import FieldSpec, FieldType, ObjectSpec
from integration.salesforce.limits import (
    LONG_TEXT_CHARACTERS,
    METADATA_VERSION,
    NUMBER_DIGITS,
    RELATIONSHIP_NAME_CHARACTERS,
    TEXT_CHARACTERS,
)
from integration.salesforce.names import is_custom, parent_field, stem

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
# Not the package's own CS_Integration: either is replaced whole by its next deploy, and must not take the
# other's rights along.
PERMISSION_SET = "CS_Integration_Install"
Node = tuple[str, "str | Sequence[Node]"]
# Tasks of ours and of people hang under our records, too.
_ABILITIES: list[Node] = [
    ("deploymentStatus", "Deployed"),
    ("enableActivities", "true"),
    ("enableReports", "true"),
    ("enableSearch", "true"),
]


@dataclass(frozen=True, slots=True)
class ObjectGrant:
    """Object rights for the integration user; reading always includes records owned by others."""

    object_name: str
    writes: bool


@dataclass(frozen=True, slots=True)
class FieldGrant:
    """Field-level security for the integration user."""

    field: str
    editable: bool


def parent_specs(spec: ObjectSpec) -> tuple[FieldSpec, ...]:
    """Return the lookups by which an object of ours hangs under its parents, first parent first."""
    if not is_custom(spec.name):
        return ()
    lookups = []
    for parent in spec.parents:
        name = parent_field(spec.name, parent) or ""
        label = stem(parent).removeprefix("CS_").replace("_", " ")
        lookups.append(FieldSpec(name, label, FieldType.REFERENCE, references=parent))
    return tuple(lookups)


def object_xml(spec: ObjectSpec) -> str:
    """Return the file of an object we make, without its fields."""
    body: list[Node] = [
        *_ABILITIES,
        ("label", spec.label),
        ("nameField", [("label", f"{spec.label} Name"), ("type", "Text")]),
        ("pluralLabel", spec.plural),
        # Everybody sees customer success records; people edit them as their rights allow.
        ("sharingModel", "ReadWrite"),
    ]
    return render("CustomObject", body)


def permission_set_xml(
    objects: Iterable[ObjectGrant],
    fields: Iterable[FieldGrant],
    *,
    label: str = "CS Integration Install",
    description: str = "What Colonnade reads and writes.",
) -> str:
    """Return a permission set; that of the integration user where nothing else is said."""
    body: list[Node] = [("description", description)]
    body += [
        ("fieldPermissions", [("editable", _flag(g.editable)), ("field", g.field), ("readable", "true")])
        for g in sorted(fields, key=lambda grant: grant.field)
    ]
    body.append(("label", label))
    body += [("objectPermissions", _object_rights(g)) for g in sorted(objects, key=lambda g: g.object_name)]
    return render("PermissionSet", body)


def package_xml(members: Mapping[str, Iterable[str]]) -> str:
    """Return the manifest; ``members`` maps a metadata type to full names."""
    body: list[Node] = []
    for kind in sorted(members):
        names = sorted(set(members[kind]))
        if names:
            body.append(("types", [*(("members", name) for name in names), ("name", kind)]))
    return render("Package", [*body, ("version", METADATA_VERSION)])


def render(root: str, nodes: Sequence[Node]) -> str:
    """Return a metadata document."""
    inner = "".join(_render(node, 1) for node in nodes)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">\n{inner}</{root}>\n'


def _render(node: Node, depth: int) -> str:
    name, content = node
    indent = "    " * depth
    if isinstance(content, str):
        return f"{indent}<{name}>{escape(content)}</{name}>\n"
    inner = "".join(_render(child, depth + 1) for child in content)
    return f"{indent}<{name}>\n{inner}{indent}</{name}>\n"


def field_nodes(owner: ObjectSpec, spec: FieldSpec) -> list[Node]:
    """Return a field's elements: ``fullName`` first, the rest by name, as the schema has them."""
    nodes: dict[str, str | Sequence[Node]] = {"label": spec.label, "type": _VENDOR_TYPES[spec.type]}
    if spec.description:
        nodes["description"] = spec.description
        if not spec.writable:  # people fill it in, and read this beside it
            nodes["inlineHelpText"] = spec.description
    if spec.required and spec.type is not FieldType.BOOLEAN:
        nodes["required"] = "true"
    nodes |= _type_nodes(owner, spec)
    return [("fullName", spec.name), *sorted(nodes.items())]


_VENDOR_TYPES: Mapping[FieldType, str] = {
    FieldType.TEXT: "Text",
    FieldType.LONG_TEXT: "LongTextArea",
    FieldType.NUMBER: "Number",
    FieldType.MONEY: "Currency",
    FieldType.BOOLEAN: "Checkbox",
    FieldType.DATE: "Date",
    FieldType.INSTANT: "DateTime",
    FieldType.CHOICE: "Picklist",
    FieldType.REFERENCE: "Lookup",
}


def _type_nodes(owner: ObjectSpec, spec: FieldSpec) -> dict[str, str | Sequence[Node]]:
    kind = spec.type
    if kind is FieldType.TEXT:
        key = {"caseSensitive": "false", "externalId": "true", "unique": "true"} if spec.unique else {}
        return {"length": str(TEXT_CHARACTERS), **key}
    if kind is FieldType.LONG_TEXT:
        return {"length": str(LONG_TEXT_CHARACTERS), "visibleLines": "5"}
    if kind in {FieldType.NUMBER, FieldType.MONEY}:
        scale = spec.decimals or (2 if kind is FieldType.MONEY else 0)
        return {"precision": str(NUMBER_DIGITS), "scale": str(scale)}
    if kind is FieldType.BOOLEAN:
        return {"defaultValue": "false"}
    if kind is FieldType.CHOICE:
        return {"valueSet": _value_set(spec)}
    return _lookup_nodes(owner, spec) if kind is FieldType.REFERENCE else {}


def _lookup_nodes(owner: ObjectSpec, spec: FieldSpec) -> dict[str, str | Sequence[Node]]:
    if not spec.references:
        raise ValueError(f"{owner.name}.{spec.name} is a reference to nothing")
    return {
        "deleteConstraint": "Restrict" if spec.required else "SetNull",
        "referenceTo": spec.references,
        "relationshipLabel": owner.plural,
        "relationshipName": child_relationship(owner.name, spec),
    }


def child_relationship(owner: str, spec: FieldSpec) -> str:
    """Return the name under which the parent lists its children.

    It must differ for every lookup at the same parent, so it carries the child's name, and the
    field's as well unless the field is the conventional one: ``CS_Profiles``.
    """
    conventional = spec.name == parent_field(owner, spec.references or "")
    name = f"{stem(owner)}s" if conventional else f"{stem(owner)}_{stem(spec.name)}"
    return name.replace("__", "_")[:RELATIONSHIP_NAME_CHARACTERS].rstrip("_")


def _value_set(spec: FieldSpec) -> Sequence[Node]:
    values: list[Node] = [
        ("value", [("fullName", value), ("default", "false"), ("label", label)])
        for value, label in spec.choices
    ]
    return [("restricted", "true"), ("valueSetDefinition", [("sorted", "false"), *values])]


def _object_rights(grant: ObjectGrant) -> Sequence[Node]:
    ours = is_custom(grant.object_name)
    return [
        ("allowCreate", _flag(grant.writes)),
        ("allowDelete", _flag(grant.writes and ours)),
        ("allowEdit", _flag(grant.writes)),
        ("allowRead", "true"),
        ("modifyAllRecords", _flag(grant.writes and ours)),
        ("object", grant.object_name),
        ("viewAllRecords", "true"),
    ]


def _flag(value: bool) -> str:
    return "true" if value else "false"
