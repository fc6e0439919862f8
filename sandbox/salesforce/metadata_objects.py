"""An ``.object`` file: the checks of a CustomObject, and the fields inside it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_fields import FieldFile, Problem, known_elements
from sandbox.salesforce.metadata_zip import NS, children, text_of
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.standard import make, read_only, system_fields, text

_ELEMENTS = {
    "fullName", "actionOverrides", "allowInChatterGroups", "articleTypeChannelDisplay", "businessProcesses",
    "compactLayoutAssignment", "compactLayouts", "customHelp", "customHelpPage", "customSettingsType",
    "customSettingsVisibility", "dataStewardGroup", "dataStewardUser", "deploymentStatus", "deprecated",
    "description", "enableActivities", "enableBulkApi", "enableChangeDataCapture", "enableDivisions",
    "enableEnhancedLookup", "enableFeeds", "enableHistory", "enableLicensing", "enableReports",
    "enableSearch",
    "enableSharing", "enableStreamingApi", "eventType", "externalSharingModel", "fieldSets", "fields",
    "gender",
    "household", "historyRetentionPolicy", "indexes", "label", "listViews", "nameField", "pluralLabel",
    "profileSearchLayouts", "publishBehavior", "recordTypeTrackFeedHistory", "recordTypeTrackHistory",
    "recordTypes", "searchLayouts", "sharingModel", "sharingReasons", "sharingRecalculations", "startsWith",
    "validationRules", "visibility", "webLinks",
}  # fmt: skip
_SHARING = {"Private", "Read", "ReadWrite", "ReadWriteTransfer", "FullAccess", "ControlledByParent",
            "ControlledByLeadOrContact", "ControlledByCampaign"}  # fmt: skip


def read_object_file(name: str, data: bytes) -> tuple[ET.Element, list[FieldFile]]:
    """Return the root element and the fields of an object file. Raises Problem or ParseError."""
    root = ET.fromstring(data)
    if root.tag != NS + "CustomObject":
        raise Problem(f"The root element is not CustomObject: {root.tag}")
    fields = []
    for element in children(root, "fields"):
        full = text_of(element, "fullName")
        if not full:
            raise Problem("Required field is missing: fullName")
        if full.endswith("__c"):  # Standard fields may be listed; nothing of theirs is changed here.
            fields.append(FieldFile(name, full, element))
    return root, fields


def custom_object(name: str, root: ET.Element, old: SObject | None) -> SObject | None:
    """Return the object a file defines; None where it is a standard object. Raises Problem."""
    known_elements(root, _ELEMENTS, "CustomObject")
    if not name.endswith("__c"):
        if old is None:
            raise Problem(f"Entity of type '{name}' cannot be found")
        return None
    for needed in ("label", "pluralLabel", "deploymentStatus", "sharingModel"):
        if not text_of(root, needed):
            raise Problem(f"Required field is missing: {needed}" if needed != "sharingModel"
                          else "Must specify a sharingModel for a custom object")  # fmt: skip
    if text_of(root, "deploymentStatus") not in ("Deployed", "InDevelopment"):
        raise Problem(
            f"'{text_of(root, 'deploymentStatus')}' is not a valid value for the enum 'DeploymentStatus'"
        )
    sharing = text_of(root, "sharingModel") or ""
    if sharing not in _SHARING:
        raise Problem(f"'{sharing}' is not a valid value for the enum 'SharingModel'")
    if len(text_of(root, "label") or "") > 40:
        raise Problem("Value too long for field: MasterLabel maximum length is:40")
    return _made(name, root, sharing, old)


def _made(name: str, root: ET.Element, sharing: str, old: SObject | None) -> SObject:
    named = _name_field(root)
    controlled = sharing == "ControlledByParent"
    obj = make(name, text_of(root, "label") or "", text_of(root, "pluralLabel") or "",
        old.prefix if old else "",
               [*system_fields(owned=not controlled), named], granted=old.granted if old else False,
               sharing_model=sharing)  # fmt: skip
    if old is not None:
        for f in old.fields.values():
            if f.custom:
                obj.put(f)
    return obj


def _name_field(root: ET.Element) -> Field:
    element = next(iter(children(root, "nameField")), None)
    kind = None if element is None else text_of(element, "type")
    if element is None or kind not in ("Text", "AutoNumber"):
        raise Problem("Must specify a nameField of type Text or AutoNumber")
    label = text_of(element, "label") or "Name"
    if kind == "Text":
        return text("Name", label, 80)
    pattern = text_of(element, "displayFormat")
    if not pattern:
        raise Problem("Must specify 'displayFormat' for a CustomField of type AutoNumber")
    return read_only("Name", label, "string", length=80, nillable=False, auto_format=pattern)
