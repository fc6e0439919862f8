"""The objects in which SOQL shows what is deployed: list views, tabs, apps, reports, dashboards, rights.

Names are from the Object Reference, "ListView", "TabDefinition", "AppDefinition", "Report", "Dashboard",
"FieldPermissions", "ObjectPermissions". Neighbour: ``metadata_rows`` keeps the rows.
"""

from __future__ import annotations

from sandbox.salesforce.schema import SObject
from sandbox.salesforce.standard import choice, flag, make, reference, system_fields, text

RIGHTS = {
    "PermissionsCreate": "allowCreate", "PermissionsDelete": "allowDelete", "PermissionsEdit": "allowEdit",
    "PermissionsRead": "allowRead", "PermissionsModifyAllRecords": "modifyAllRecords",
    "PermissionsViewAllRecords": "viewAllRecords",
}  # fmt: skip


def metadata_objects() -> list[SObject]:
    """Return the objects whose rows show what is deployed; no caller writes them."""
    name = text("DeveloperName", "Developer Name", 80)
    parent = reference("ParentId", "Parent ID", "PermissionSet")
    of_object = text("SobjectType", "SObject Type", 40)
    folder = text("FolderName", "Folder Name", 255)
    fields = {
        ("ListView", "00B"): [name, of_object],
        ("TabDefinition", "01r"): [text("SobjectName", "SObject Name", 80), flag("IsCustom", "Custom")],
        ("AppDefinition", "06m"): [name, text("Label", "Label", 255)],
        ("Report", "00O"): [name, folder],
        ("Dashboard", "01Z"): [name, folder, choice("Type", "Type", "SpecifiedUser", "LoggedInUser")],
        ("FieldPermissions", "01k"): [
            parent, of_object, text("Field", "Field", 240), flag("PermissionsRead", "Read"),
            flag("PermissionsEdit", "Edit"),
        ],
        ("ObjectPermissions", "110"): [parent, of_object, *(flag(one, one) for one in RIGHTS)],
    }  # fmt: skip
    made = []
    for (object_name, prefix), own in fields.items():
        named = object_name not in ("FieldPermissions", "ObjectPermissions")
        every = [*system_fields(named=named, owned=False), *own]
        obj = make(object_name, object_name, f"{object_name}s", prefix, every, createable=False,
                   updateable=False, deletable=False)  # fmt: skip
        obj.fields.pop("isdeleted")
        made.append(obj)
    return made
