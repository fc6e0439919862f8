"""What SOQL shows of deployed metadata: list views, tabs, apps, reports, dashboards, and rights.

The rows follow what is deployed; nobody writes them. Rights are those of permission sets. Source: Object
Reference, "ListView", "TabDefinition", "AppDefinition", "Report", "Dashboard", "FieldPermissions",
"ObjectPermissions". Neighbour: ``metadata_apply`` calls ``refresh`` at the end of a deploy.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.access import Grants
from sandbox.salesforce.org import Org
from sandbox.salesforce.standard_setup import RIGHTS
from sandbox.salesforce.store import Change

Row = dict[str, Any]


def refresh(org: Org, components: dict[str, list[str]]) -> None:
    """Make the rows those of what is deployed now."""
    wanted = {
        "ListView": [_in_object(name) for name in components.get("ListView", [])],
        "TabDefinition": [
            {"Name": name, "SobjectName": name, "IsCustom": True} for name in components.get("CustomTab", [])
        ],
        "AppDefinition": [
            {"Name": name, "DeveloperName": name, "Label": name}
            for name in components.get("CustomApplication", [])
        ],
        "Report": [_in_folder(name) for name in components.get("Report", []) if "/" in name],
        "Dashboard": [
            _in_folder(name) | {"Type": "LoggedInUser"}
            for name in components.get("Dashboard", [])
            if "/" in name
        ],
        "FieldPermissions": [row for key, one in org.grants.items() for row in _field_rows(org, key, one)],
        "ObjectPermissions": [row for key, one in org.grants.items() for row in _object_rows(org, key, one)],
    }
    for object_name, rows in wanted.items():
        if org.schema.get(object_name) is not None:
            _replace(org, object_name, rows)


def _replace(org: Org, object_name: str, rows: list[Row]) -> None:
    """Remove the rows that are not wanted any more and plant the new ones; the rest keep their ids."""
    names = sorted(rows[0]) if rows else []
    wanted = {tuple(row[name] for name in names): row for row in rows}
    for row_id, row in list(org.store.table(object_name).items()):
        if wanted.pop(tuple(row[name] for name in names), None) is None:
            org.store.remove(Change(), object_name, row_id)
    for row in wanted.values():
        org.plant(object_name, row)


def _in_object(name: str) -> Row:
    object_name, _, view = name.partition(".")
    return {"Name": view, "DeveloperName": view, "SobjectType": object_name}


def _in_folder(name: str) -> Row:
    """Return a report's or dashboard's row; a folder is shown by its label, here its name in words."""
    folder, _, own = name.partition("/")
    return {"Name": own, "DeveloperName": own, "FolderName": folder.replace("_", " ")}


def _field_rows(org: Org, key: str, grants: Grants) -> list[Row]:
    rows = []
    for name, (read, edit) in grants.fields.items():
        object_name, _, field_name = name.partition(".")
        obj = org.schema.get(object_name)
        found = obj.get(field_name) if obj else None
        if obj is not None and found is not None:
            rows.append({"ParentId": key, "SobjectType": obj.name, "Field": f"{obj.name}.{found.name}",
                         "PermissionsRead": read, "PermissionsEdit": edit})  # fmt: skip
    return rows


def _object_rows(org: Org, key: str, grants: Grants) -> list[Row]:
    rows = []
    for name, rights in grants.objects.items():
        obj = org.schema.get(name)
        if obj is not None:
            shown = {one: right in rights for one, right in RIGHTS.items()}
            rows.append({"ParentId": key, "SobjectType": obj.name, **shown})
    return rows
