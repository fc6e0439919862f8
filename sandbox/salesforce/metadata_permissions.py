"""A ``.permissionset`` file checked as the Metadata API checks it, and read into grants."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from sandbox.salesforce.access import OBJECT_RIGHTS, Grants
from sandbox.salesforce.metadata_fields import Problem, boolean, known_elements
from sandbox.salesforce.metadata_scope import Scope, needed, one_of
from sandbox.salesforce.metadata_views import tab_known
from sandbox.salesforce.metadata_zip import NS, children, text_of
from sandbox.salesforce.schema import Schema

_ELEMENTS = {
    "fullName", "applicationVisibilities", "classAccesses", "customMetadataTypeAccesses", "customPermissions",
    "customSettingAccesses", "description", "externalCredentialPrincipalAccesses",
    "externalDataSourceAccesses",
    "fieldPermissions", "flowAccesses", "hasActivationRequired", "label", "license", "objectPermissions",
    "pageAccesses", "recordTypeVisibilities", "tabSettings", "userLicense", "userPermissions",
}  # fmt: skip
_VISIBILITIES = ("Available", "None", "Visible")
_NEEDS = {
    "allowCreate": ("allowRead",), "allowEdit": ("allowRead",), "allowDelete": ("allowRead", "allowEdit"),
    "viewAllRecords": ("allowRead",),
    "modifyAllRecords": ("allowRead", "allowEdit", "allowDelete", "viewAllRecords"),
}  # fmt: skip
_WORDS = {"allowCreate": "Create", "allowRead": "Read", "allowEdit": "Edit", "allowDelete": "Delete",
          "viewAllRecords": "View All", "modifyAllRecords": "Modify All"}  # fmt: skip


def permission_set(scope: Scope, name: str, data: bytes) -> tuple[Grants, str]:
    """Return what a permission set grants, and its label. Raises Problem or ParseError."""
    root = ET.fromstring(data)
    if root.tag != NS + "PermissionSet":
        raise Problem(f"The root element is not PermissionSet: {root.tag}")
    known_elements(root, _ELEMENTS, "PermissionSet")
    label = text_of(root, "label")
    if not label:
        raise Problem("Required field is missing: label")
    grants = Grants(name)
    for element in children(root, "objectPermissions"):
        _object(scope.schema, grants, element)
    for element in children(root, "fieldPermissions"):
        _field(scope.schema, grants, element)
    for element in children(root, "applicationVisibilities"):
        scope.need("CustomApplication", needed(element, "application"), "application")
    for element in children(root, "tabSettings"):
        tab_known(scope, needed(element, "tab"), "tab")
        one_of(needed(element, "visibility"), _VISIBILITIES, "PermissionSetTabVisibility")
    return grants, label


def _object(schema: Schema, grants: Grants, element: ET.Element) -> None:
    name = text_of(element, "object") or ""
    if schema.get(name) is None:
        raise Problem(f"In field: field - no CustomObject named {name} found")
    rights = frozenset(r for r in OBJECT_RIGHTS if boolean(element, r))
    for right in rights:
        for other in _NEEDS.get(right, ()):
            if other not in rights:
                words = f"Permission {_WORDS[right]} {name} depends on permission(s): {_WORDS[other]} {name}"
                raise Problem(words)
    grants.objects[name.lower()] = rights


def _field(schema: Schema, grants: Grants, element: ET.Element) -> None:
    full = text_of(element, "field") or ""
    object_name, _, field_name = full.partition(".")
    obj = schema.get(object_name)
    f = obj.get(field_name) if obj else None
    if obj is None or f is None:
        raise Problem(f"In field: field - no CustomField named {full} found")
    if f.required or (f.type == "reference" and f.metadata_type == "MasterDetail"):
        raise Problem(f"You cannot deploy to a required field: {full}")
    read, edit = boolean(element, "readable"), boolean(element, "editable")
    if edit and not read:
        raise Problem(f"Field permission 'Edit' on {full} depends on 'Read'")
    grants.fields[full.lower()] = (read, edit and f.formula is None)
