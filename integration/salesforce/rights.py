"""What a permission set grants, read from its file and from the org, and the difference.

A deployed permission set replaces the org's whole (API 40.0 and later), so what an admin has added to one
of ours is carried into the file before it is deployed. Sources: Metadata API guide, "PermissionSet";
Object Reference, "FieldPermissions", "ObjectPermissions". Pure. Neighbours: ``standing`` reads the org's,
``installer`` compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree as ET

from defusedxml import ElementTree as SafeET

from integration.salesforce.metadata_xml import NAMESPACE

READ, EDIT = "readable", "editable"
# Element of the file -> field of ObjectPermissions.
OBJECT_RIGHTS: Final[Mapping[str, str]] = {
    "allowCreate": "PermissionsCreate",
    "allowDelete": "PermissionsDelete",
    "allowEdit": "PermissionsEdit",
    "allowRead": "PermissionsRead",
    "modifyAllRecords": "PermissionsModifyAllRecords",
    "viewAllRecords": "PermissionsViewAllRecords",
}
_NS: Final = f"{{{NAMESPACE}}}"


@dataclass(frozen=True, slots=True)
class Rights:
    """What one permission set grants: names of rights by object, and by Object.Field."""

    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def lacking(self, held: Rights) -> Iterator[str]:
        """Yield what is granted here and not in ``held``, as an admin reads it."""
        for mine, theirs in ((self.objects, held.objects), (self.fields, held.fields)):
            for name, rights in sorted(mine.items()):
                gone = rights - theirs.get(name, frozenset())
                if gone:
                    yield f"{name} ({', '.join(sorted(gone))})"


NO_RIGHTS: Final = Rights()


def read_rights(text: str) -> Rights:
    """Return what a permission set file grants."""
    root = SafeET.fromstring(text)
    return Rights(
        {_text(one, "object"): _true(one, OBJECT_RIGHTS) for one in root.iter(f"{_NS}objectPermissions")},
        {_text(one, "field"): _true(one, (READ, EDIT)) for one in root.iter(f"{_NS}fieldPermissions")},
    )


def object_rights(row: Mapping[str, Any]) -> frozenset[str]:
    """Return the rights in a row of ObjectPermissions."""
    return frozenset(right for right, column in OBJECT_RIGHTS.items() if row[column])


def field_rights(row: Mapping[str, Any]) -> frozenset[str]:
    """Return the rights in a row of FieldPermissions."""
    read, edit = row["PermissionsRead"], row["PermissionsEdit"]
    return frozenset(right for right, has in ((READ, read), (EDIT, edit)) if has)


def with_held(text: str, held: Rights) -> str:
    """Return a permission set file that also grants what the org's grants beyond it."""
    wanted = read_rights(text)
    if not any(held.lacking(wanted)):
        return text
    ET.register_namespace("", NAMESPACE)
    root = SafeET.fromstring(text)
    for name, rights in held.fields.items():
        _merge(root, "fieldPermissions", "field", name, rights, (READ, EDIT))
    for name, rights in held.objects.items():
        _merge(root, "objectPermissions", "object", name, rights, OBJECT_RIGHTS)
    root[:] = sorted(root, key=lambda one: one.tag)
    ET.indent(root, "    ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _merge(
    root: ET.Element, kind: str, key: str, name: str, held: frozenset[str], known: Iterable[str]
) -> None:
    found = next((one for one in root.findall(_NS + kind) if _text(one, key) == name), None)
    grant = found if found is not None else ET.SubElement(root, _NS + kind)
    rights = held | _true(grant, known)
    values = {**{right: str(right in rights).lower() for right in known}, key: name}
    grant[:] = []
    for tag in sorted(values):
        ET.SubElement(grant, _NS + tag).text = values[tag]


def _text(element: ET.Element, name: str) -> str:
    return (element.findtext(_NS + name) or "").strip()


def _true(element: ET.Element, names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in names if _text(element, name) == "true")
