"""Property definitions and groups of each object type: making, changing, archiving, restoring.

Rules and refusals: HubSpot's Properties guide, and behaviour measured on a live portal on
2026-09-29 (409 on an existing name, restoring by creating again, groups that still hold properties).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.documents import Document, Documents
from sandbox.hubspot.errors import VendorError, error, invalid, missing_fields, not_found
from sandbox.hubspot.property_options import option_list
from sandbox.hubspot.standard_properties import GROUPS, custom_group, pipeline_properties, properties_of
from sandbox.hubspot.times import stamp
from sandbox.server.clock import SandboxClock

NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,99}$")
TYPES: Final = ("bool", "date", "datetime", "enumeration", "number", "phone_number", "string")
FIELD_TYPES: Final = {
    "bool": ("booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("booleancheckbox", "checkbox", "radio", "select", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "phone_number": ("phonenumber",),
    "string": ("file", "html", "phonenumber", "text", "textarea", "calculation_equation"),
}
MAX_UNIQUE: Final = 10
MAX_PROPERTIES: Final = 1000
_SETTABLE: Final = (
    "label",
    "type",
    "fieldType",
    "groupName",
    "description",
    "options",
    "displayOrder",
    "hidden",
    "formField",
    "calculationFormula",
    "numberDisplayHint",
    "externalOptions",
    "currencyPropertyName",
    "referencedObjectType",
    "showCurrencySymbol",
)


class Properties:
    """Definitions by object type id and name."""

    def __init__(self, documents: Documents, clock: SandboxClock) -> None:
        """Read the definitions kept in ``documents``."""
        self._documents, self._clock = documents, clock
        self._live: dict[str, dict[str, Document]] = {}
        for name in {owner for owner, _ in self._keys()}:
            self._relearn(name)

    def _keys(self) -> list[tuple[str, str]]:
        return [(body["objectTypeId"], body["name"]) for body in self._documents.all("property")]

    def _relearn(self, type_id: str) -> None:
        found = self._documents.of("property", type_id)
        self._live[type_id] = {body["name"]: body for body in found if not body["archived"]}

    def live(self, type_id: str) -> dict[str, Document]:
        """Return the properties in use on a type, by name. Do not change them in place."""
        return self._live.get(type_id, {})

    def seed(self, type_id: str) -> None:
        """Give a type what a fresh portal has on it."""
        group = custom_group(type_id) if type_id.startswith("2-") else GROUPS[type_id]
        self.put_group(type_id, {"name": group[0], "label": group[1], "displayOrder": -1})
        rows = [
            (type_id, body["name"], {**body, "objectTypeId": type_id})
            for body in properties_of(type_id, stamp(self._clock.now_ms()))
        ]
        self._documents.put_many("property", rows)
        self._relearn(type_id)

    def forget(self, type_id: str) -> None:
        """Remove all definitions of a type whose schema is gone."""
        for kind in ("property", "group"):
            for body in self._documents.of(kind, type_id):
                self._documents.drop(kind, type_id, body["name"])
        self._live.pop(type_id, None)

    def read(self, kind: ObjectType, name: str, archived: bool = False) -> Document:
        """Return one definition. Raises 404 when there is none (or it is not in that state)."""
        body = self._documents.get("property", kind.type_id, name)
        if body is None or body["archived"] != archived:
            raise not_found(
                f"No property exists for portalId with propertyName={name} and objectTypeId={kind.type_id}"
            )
        return body

    def listed(self, kind: ObjectType, archived: bool = False) -> list[Document]:
        """Return the definitions of a type in one state."""
        return [body for body in self._documents.of("property", kind.type_id) if body["archived"] == archived]

    def create(self, kind: ObjectType, given: dict[str, Any], user: str) -> Document:
        """Make a property, or restore an archived one of that name. Raises 400 or 409."""
        body = self._checked(kind, given)
        kept = self._documents.get("property", kind.type_id, body["name"])
        if kept is not None and not kept["archived"]:
            raise existing_property(body["name"])
        self._check_room(kind)
        self._check_unique(kind, body)
        if kept is not None:
            # A restore takes the posted definition; only when it was first made stays.
            body["createdAt"] = kept["createdAt"]
        return self._keep(kind, {**body, "createdUserId": user, "updatedUserId": user})

    def update(self, kind: ObjectType, name: str, changes: dict[str, Any]) -> Document:
        """Change a property. Raises 404 or 400.

        What can't change once a property is made (name, uniqueness, sensitivity) is left out of the
        answer's changes without an error, as a live portal did (2026-09-30).
        """
        body = self.read(kind, name)
        if body["hubspotDefined"] and body["modificationMetadata"]["readOnlyDefinition"]:
            raise invalid(f"Property {name} is read only and can't be modified")
        merged = {**body, **_settable(changes)}
        self._check_shape(kind, merged)
        merged["options"] = option_list(merged)
        merged["updatedAt"] = stamp(self._clock.now_ms())
        return self._keep(kind, merged)

    def archive(self, kind: ObjectType, name: str, lists: list[str]) -> None:
        """Archive a property of the customer's own; ``lists`` are the lists whose filters use it.

        Raises 404, or 400 for HubSpot's own and for one in use.
        """
        body = self.read(kind, name)
        if body["hubspotDefined"]:
            raise invalid(f"Property {name} is HubSpot defined and can't be archived")
        pattern = rf"\b{re.escape(name)}\b"
        uses = [
            ("CALCULATED_PROPERTY", f"{kind.type_id}/{other['name']}")
            for other in self.live(kind.type_id).values()
            if re.search(pattern, other.get("calculationFormula") or "")
        ]
        uses += [("LIST", one) for one in lists]
        if uses:
            raise _in_use(kind, name, uses)
        now = stamp(self._clock.now_ms())
        self._keep(kind, {**body, "archived": True, "archivedAt": now})

    def add_pipeline_properties(self, kind: ObjectType) -> None:
        """Give a custom object the properties its first pipeline brings."""
        group = self.groups(kind)[0]["name"]
        for body in pipeline_properties(group, stamp(self._clock.now_ms())):
            if body["name"] not in self.live(kind.type_id):
                self._keep(kind, {**body, "objectTypeId": kind.type_id})

    def _keep(self, kind: ObjectType, body: Document) -> Document:
        self._documents.put("property", kind.type_id, body["name"], body)
        self._relearn(kind.type_id)
        return body

    def keep_changed(self, kind: ObjectType, body: Document) -> None:
        """Keep a definition as given, without checks (the loader's way in)."""
        self._keep(kind, body)

    def _checked(self, kind: ObjectType, given: dict[str, Any]) -> Document:
        missing = [key for key in ("name", "label", "type", "fieldType", "groupName") if not given.get(key)]
        if missing:
            raise missing_fields(*missing)
        name = str(given["name"])
        if not NAME.match(name):
            raise invalid(
                f"Property name {name} is not valid: it must start with a lowercase letter and hold only "
                "lowercase letters, numbers and underscores"
            )
        self._check_shape(kind, given)
        moment = stamp(self._clock.now_ms())
        body: Document = {
            "updatedAt": moment,
            "createdAt": moment,
            "name": name,
            "description": "",
            "displayOrder": -1,
            **_settable(given),
            "calculated": given["fieldType"] == "calculation_equation",
            "externalOptions": bool(given.get("externalOptions")),
            "archived": False,
            "hasUniqueValue": bool(given.get("hasUniqueValue")),
            "hidden": bool(given.get("hidden")),
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": False,
                "readOnlyValue": given["fieldType"] == "calculation_equation",
            },
            "formField": bool(given.get("formField")),
            "hubspotDefined": False,
            "dataSensitivity": given.get("dataSensitivity") or "non_sensitive",
            "objectTypeId": kind.type_id,
        }
        body["options"] = option_list(given)
        return body

    def _check_room(self, kind: ObjectType) -> None:
        own = [p for p in self.live(kind.type_id).values() if not p["hubspotDefined"]]
        if len(own) >= MAX_PROPERTIES:
            raise invalid(f"The limit of {MAX_PROPERTIES} custom properties for {kind.type_id} is reached")

    def _check_shape(self, kind: ObjectType, given: dict[str, Any]) -> None:
        if given["type"] not in TYPES:
            raise invalid(f"Invalid property type: {given['type']}")
        if not isinstance(given.get("options") or [], list):
            raise invalid("Invalid input JSON: options is not a list")
        if given["fieldType"] not in FIELD_TYPES[given["type"]]:
            raise invalid(f"Invalid fieldType {given['fieldType']} for property type {given['type']}")
        if self._documents.get("group", kind.type_id, given["groupName"]) is None:
            raise invalid(f"Property group {given['groupName']} does not exist")
        if given["fieldType"] == "calculation_equation" and not given.get("calculationFormula"):
            raise invalid("calculationFormula is required when fieldType is calculation_equation")

    def _check_unique(self, kind: ObjectType, body: Document) -> None:
        if not body["hasUniqueValue"]:
            return
        if body["type"] not in ("string", "number"):
            raise invalid(f"A property of type {body['type']} can't have unique values")
        own = [p for p in self.live(kind.type_id).values() if p["hasUniqueValue"] and not p["hubspotDefined"]]
        if len(own) >= MAX_UNIQUE:
            raise invalid(f"The limit of {MAX_UNIQUE} unique value properties for {kind.type_id} is reached")

    def groups(self, kind: ObjectType) -> list[Document]:
        """Return the groups of a type."""
        return self._documents.of("group", kind.type_id)

    def group(self, kind: ObjectType, name: str) -> Document:
        """Return a group. Raises 404."""
        found = self._documents.get("group", kind.type_id, name)
        if found is None:
            raise not_found(f"No property group exists with name {name}")
        return found

    def create_group(self, kind: ObjectType, given: dict[str, Any]) -> Document:
        """Make a group. Raises 400 without a name or label, 409 when it exists."""
        missing = [key for key in ("name", "label") if not given.get(key)]
        if missing:
            raise missing_fields(*missing)
        if not NAME.match(str(given["name"])):
            raise invalid(f"Property group name {given['name']} is not valid")
        if self._documents.get("group", kind.type_id, given["name"]) is not None:
            raise error(
                409,
                "OBJECT_ALREADY_EXISTS",
                f"A property group named '{given['name']}' already exists.",
                sub_category="Properties.PROPERTY_GROUP_WITH_NAME_EXISTS",
            )
        return self.put_group(kind.type_id, given)

    def put_group(self, type_id: str, given: dict[str, Any]) -> Document:
        """Keep a group as given, without checks."""
        body = {"name": given["name"], "label": given["label"], "displayOrder": given.get("displayOrder", -1)}
        body["archived"] = False
        self._documents.put("group", type_id, body["name"], body)
        return body

    def archive_group(self, kind: ObjectType, name: str) -> None:
        """Archive an empty group. Raises 404, or 400 while it holds properties."""
        self.group(kind, name)
        if any(body["groupName"] == name for body in self.live(kind.type_id).values()):
            raise _group_in_use()
        self._documents.drop("group", kind.type_id, name)


def _in_use(kind: ObjectType, name: str, uses: list[tuple[str, str]]) -> VendorError:
    text = f"Property: {name} of object type {kind.type_id} is currently used in {len(uses)} places"
    return invalid(
        f"{text} and cannot be deleted",
        context={"usageCount": [str(len(uses))]},
        errors=[
            {
                "message": f"used by {parent}",
                "subCategory": "PropertyValidationError.PROPERTY_USAGE",
                "context": {"parentType": [sort], "parentName": [parent]},
            }
            for sort, parent in uses
        ],
        sub_category="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
    )


def _group_in_use() -> VendorError:
    """Return the 400 whose message is, on live portals, the error's own body as JSON text."""
    sub_category = "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
    inner = invalid("Can't delete or purge a group with active properties", sub_category=sub_category)
    return invalid(json.dumps(inner.body), sub_category=sub_category)


def existing_property(name: str) -> VendorError:
    """Return the 409 of a property that exists."""
    return error(
        409,
        "OBJECT_ALREADY_EXISTS",
        f"A property named '{name}' already exists.",
        sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
    )


def _settable(given: dict[str, Any]) -> Document:
    return {key: given[key] for key in _SETTABLE if key in given}
