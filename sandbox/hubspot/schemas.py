"""Custom object definitions: making, changing, deleting (HubSpot's custom objects guide).

Enterprise only, a limited number per account, immutable names; a deleted name is free again only
after a second delete with ``archived=true``. Sub-categories of the refusals: answers of a live portal
in October 2026. Which keys a definition needs: the OpenAPI types behind HubSpot's SDKs, except
``allowsSensitiveProperties``, which HubSpot's own example leaves out.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.documents import Document
from sandbox.hubspot.errors import VendorError, error, invalid, missing_fields, not_found
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.reading import a_text, an_object, objects, texts
from sandbox.hubspot.times import stamp

_NAME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,49}$")
_REQUIRED: Final = ("name", "labels", "properties", "requiredProperties", "associatedObjects")
_DATED_REQUIRED: Final = ("searchableProperties", "secondaryDisplayProperties")
_CHANGEABLE: Final = (
    "labels",
    "description",
    "requiredProperties",
    "searchableProperties",
    "primaryDisplayProperty",
    "secondaryDisplayProperties",
)
MAX_SEARCHABLE: Final = 20


def live_schemas(portal: Portal, archived: bool = False) -> list[Document]:
    """Return the custom object definitions in one state."""
    return [body for body in portal.documents.all("schema") if body["archived"] == archived]


def find_schema(portal: Portal, name: str, archived: bool = False) -> Document:
    """Return a definition by type id, name or fully qualified name. Raises 404."""
    for body in live_schemas(portal, archived):
        if name.lower() in (
            body["objectTypeId"],
            body["fullyQualifiedName"].lower(),
            f"p_{body['name']}".lower(),
        ):
            return body
    raise not_found(f"Unable to infer object type from: {name}")


def create_schema(portal: Portal, given: dict[str, Any], user: str, *, dated: bool) -> Document:
    """Define a custom object with its properties and associations; ``dated`` paths ask for more keys.

    Raises 400, 403 or 409.
    """
    _check_new(portal, given, dated=dated)
    number = 45_000_001 + portal.services.settings.get("schemas_made", 0)
    now = stamp(portal.clock.now_ms())
    body: Document = {
        "id": str(number),
        "objectTypeId": f"2-{number}",
        "fullyQualifiedName": portal.catalogue.fqn(given["name"]),
        "name": given["name"],
        "labels": given["labels"],
        "description": given.get("description"),
        "primaryDisplayProperty": given.get("primaryDisplayProperty") or "",
        "secondaryDisplayProperties": list(given.get("secondaryDisplayProperties") or []),
        "searchableProperties": list(given.get("searchableProperties") or []),
        "requiredProperties": list(given.get("requiredProperties") or []),
        "allowsSensitiveProperties": bool(given.get("allowsSensitiveProperties")),
        "archived": False,
        "createdAt": now,
        "updatedAt": now,
        "createdByUserId": int(user),
    }
    _check_named(body, {raw.get("name") for raw in given["properties"]} | {"hs_object_id"})
    kind = portal.learn_schema(body)
    portal.properties.seed(kind.type_id)
    group = portal.properties.groups(kind)[0]["name"]
    try:
        for raw in given["properties"]:
            portal.create_property(kind, {"groupName": group, **raw}, user)
    except Exception:
        portal.properties.forget(kind.type_id)
        portal.catalogue.remove(kind.type_id)
        raise
    portal.services.settings.put("schemas_made", number - 45_000_000)
    portal.documents.put("schema", "", body["objectTypeId"], body)
    others = [portal.type_of(name).type_id for name in given["associatedObjects"]]
    portal.association_types.define_for_schema(kind, others)
    return body


def _check_new(portal: Portal, given: dict[str, Any], *, dated: bool) -> None:
    if portal.options.tier != "enterprise":
        raise error(403, "BANNED", "Custom objects need an Enterprise subscription in this account.")
    wanted = (*_REQUIRED, *_DATED_REQUIRED) if dated else _REQUIRED
    missing = [key for key in wanted if given.get(key) is None]
    if missing:
        raise missing_fields(*missing)
    objects(given["properties"], "properties")
    for key in ("requiredProperties", "associatedObjects", *_DATED_REQUIRED):
        texts(given.get(key), key)
    a_text(given.get("primaryDisplayProperty"), "primaryDisplayProperty")
    _check_names(portal, given)
    for other in given["associatedObjects"]:
        portal.type_of(str(other))
    if len(live_schemas(portal)) >= portal.options.custom_objects:
        raise invalid(
            f"The limit of {portal.options.custom_objects} custom object definitions is reached",
            sub_category="ObjectSchemaError.LIMIT_EXCEEDED",
        )


def _check_names(portal: Portal, given: dict[str, Any]) -> None:
    name, labels = str(given["name"]), given["labels"]
    if not _NAME.match(name):
        raise invalid(
            f"invalid object type name {name}: letters, digits and underscores, beginning with a letter",
            sub_category="InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT",
        )
    if not isinstance(labels, dict) or not labels.get("singular") or not labels.get("plural"):
        raise invalid("Both labels.singular and labels.plural are needed")
    if not given.get("primaryDisplayProperty"):
        raise invalid(
            "A primary display property is required",
            sub_category="ObjectSchemaError.PRIMARY_DISPLAY_PROPERTY_REQUIRED",
        )
    if any(body["name"].lower() == name.lower() for body in portal.documents.all("schema")):
        raise error(
            409,
            "OBJECT_ALREADY_EXISTS",
            f"{name} already exists",
            sub_category="InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST",
        )


def _check_named(body: Document, known: set[Any]) -> None:
    for key in ("requiredProperties", "searchableProperties", "secondaryDisplayProperties"):
        unknown = [name for name in body[key] if name not in known]
        if unknown:
            raise invalid(f"{key} names properties that don't exist: {unknown}")
    if body["primaryDisplayProperty"] and body["primaryDisplayProperty"] not in known:
        raise invalid(f"primaryDisplayProperty {body['primaryDisplayProperty']} does not exist")
    if len(body["searchableProperties"]) > MAX_SEARCHABLE:
        raise invalid(f"At most {MAX_SEARCHABLE} searchableProperties are supported")


def update_schema(portal: Portal, body: Document, changes: dict[str, Any]) -> Document:
    """Change a definition's labels and property lists. Raises 400 for anything else."""
    fixed = sorted(
        set(changes) - set(_CHANGEABLE) - {"restorable", "clearDescription", "allowsSensitiveProperties"}
    )
    if fixed:
        raise invalid(f"These parts of an object schema can't be changed: {fixed}")
    for key in ("requiredProperties", *_DATED_REQUIRED):
        texts(changes.get(key), key)
    an_object(changes.get("labels"), "labels")
    allowed: Document = {key: changes[key] for key in _CHANGEABLE if key in changes}
    merged = {**body, **allowed}
    _check_named(merged, set(portal.properties.live(body["objectTypeId"])))
    merged["updatedAt"] = stamp(portal.clock.now_ms())
    portal.documents.put("schema", "", body["objectTypeId"], merged)
    portal.learn_schema(merged)
    return merged


def delete_schema(portal: Portal, body: Document) -> None:
    """Archive a definition that has no records, associations or properties left. Raises 400."""
    type_id = body["objectTypeId"]
    own = [p for p in portal.properties.live(type_id).values() if not p["hubspotDefined"]]
    named = {*body["requiredProperties"], body["primaryDisplayProperty"], *body["secondaryDisplayProperties"]}
    left = [p["name"] for p in own if p["name"] not in named]
    if portal.records.table(type_id).live:
        raise invalid(
            f"Object type {type_id} cannot be deleted until all object records are deleted",
            sub_category="ObjectSchemaError.EXISTING_OBJECT_RECORDS",
        )
    if left:
        raise invalid(
            f"Object type {type_id} cannot be deleted until its properties are deleted: {left}",
            sub_category="ObjectSchemaError.EXISTING_OBJECT_PROPERTIES",
        )
    portal.documents.put("schema", "", type_id, {**body, "archived": True})
    portal.association_types.forget(type_id)
    portal.catalogue.remove(type_id)


def purge_schema(portal: Portal, name: str) -> None:
    """Remove an archived definition for ever, which frees its name. Raises 400 for any other."""
    try:
        body = find_schema(portal, name, archived=True)
    except VendorError:
        raise invalid("Couldn't find soft-deleted object type(s)") from None
    portal.documents.drop("schema", "", body["objectTypeId"])
    portal.properties.forget(body["objectTypeId"])


def standard_schema(portal: Portal, kind: ObjectType) -> Document:
    """Return one of HubSpot's own types in the form of a definition, which a read by name answers too."""
    body: Document = {
        "id": kind.type_id,
        "objectTypeId": kind.type_id,
        "fullyQualifiedName": kind.singular.upper(),
        "name": kind.singular.upper(),
        "labels": {"singular": kind.singular.title(), "plural": kind.plural.title()},
        "primaryDisplayProperty": kind.shown[0] if kind.shown else "hs_object_id",
        "secondaryDisplayProperties": list(kind.shown[1:3]),
        "searchableProperties": list(kind.shown),
        "requiredProperties": [],
        "allowsSensitiveProperties": False,
        "archived": False,
    }
    return shown_schema(portal, body)


def shown_schema(portal: Portal, body: Document) -> Document:
    """Return a definition as HubSpot answers it, with its properties and associations."""
    type_id = body["objectTypeId"]
    kinds = portal.association_types.of(type_id)
    associations = [
        {
            "id": str(kind.type_id),
            "fromObjectTypeId": kind.from_type,
            "toObjectTypeId": kind.to_type,
            "name": kind.name,
        }
        for kind in kinds
    ]
    return {
        **body,
        "properties": list(portal.properties.live(type_id).values()),
        "associations": associations,
    }
