"""Which files an install deploys: the package's own, the charter's, and the integration user's rights.

The files of the package are the one source of objects and fields. What a charter closes (its bands) is
written over the package's open picklist of the same field. Neighbours: ``source_format`` and ``generated``
have the files, ``installer`` leaves out what is not ours to deploy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from defusedxml import ElementTree as SafeET

from integration.port import FieldType, ObjectSpec, SchemaChange
from integration.salesforce.metadata_xml import (
    NAMESPACE,
    PERMISSION_SET,
    FieldGrant,
    field_nodes,
    permission_set_xml,
    render,
)
from integration.salesforce.names import is_custom
from integration.salesforce.packaged import in_namespace
from integration.salesforce.schema import field_grants, object_grants
from integration.salesforce.source_format import MEMBER_TYPES, OBJECTS, Part, component_of, package_files

OPTIONAL: Final = (Part.DASHBOARDS, Part.EVENTS)
"""Parts of the package an org may do without."""
RIGHTS_FILE: Final = f"permissionsets/{PERMISSION_SET}.permissionset-meta.xml"
PACKAGED_SET: Final = "CS_Integration"
_NS: Final = f"{{{NAMESPACE}}}"


def sources(
    specs: Sequence[ObjectSpec], added: Mapping[str, str], without: Collection[Part], prefix: str = ""
) -> dict[str, str]:
    """Return the source-format files of an install by path, all but the integration user's rights.

    ``added`` is what the charter adds to the package. Where the package is installed under ``prefix``,
    only that is deployed.
    """
    if prefix:
        return in_namespace(added, prefix)
    files = package_files(Part.CORE)
    for part in OPTIONAL:
        if part not in without:
            files |= package_files(part)
    files |= added
    for spec in specs:
        for one in spec.fields:
            path = f"{OBJECTS}/{spec.name}/fields/{one.name}.field-meta.xml"
            if one.type is FieldType.CHOICE and path in files:
                files[path] = render("CustomField", field_nodes(spec, one))
    return files


def rights_file(
    specs: Sequence[ObjectSpec],
    files: Mapping[str, str],
    permissionable: Mapping[str, frozenset[str]],
    prefix: str = "",
) -> str:
    """Return the integration user's permission set: what is read and written, and every field deployed.

    Without sight of a field nobody could tell later that it is still there.
    """
    changes = [SchemaChange(one, False, tuple(f for f in one.fields if is_custom(f.name))) for one in specs]
    grants = {one.field: one for one in field_grants(changes, permissionable)}
    for path, text in files.items():
        kind, name = component_of(path)
        if kind == MEMBER_TYPES["fields"] and name not in grants and not _required(text):
            grants[name] = FieldGrant(name, editable=False)
    text = permission_set_xml(object_grants(changes), grants.values())
    return in_namespace({RIGHTS_FILE: text}, prefix)[RIGHTS_FILE]


def content_of(files: Mapping[str, str]) -> str:
    """Return what identifies the content of files; equal files, equal text."""
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(f"{path}\0{files[path]}\0".encode())
    return found.hexdigest()[:16]


def formula_fields() -> frozenset[str]:
    """Return the fields of the core that are calculated, as Object.Field."""
    found = {component_of(path): text for path, text in package_files(Part.CORE).items()}
    return frozenset(
        name
        for (kind, name), text in found.items()
        if kind == MEMBER_TYPES["fields"] and _root(text).find(f"{_NS}formula") is not None
    )


def _required(text: str) -> bool:
    root = _root(text)
    return root.findtext(f"{_NS}required") == "true" or root.findtext(f"{_NS}type") == "MasterDetail"


def _root(text: str) -> ET.Element:
    found: ET.Element = SafeET.fromstring(text)
    return found
