"""List views, compact layouts, page layouts, tabs, apps, quick actions and paths: their references.

A component is refused where a field, object, tab, page or action it names is not in the org, and where
it leaves out what the platform asks for. Source: Metadata API guide, the pages of the types.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_fields import Problem
from sandbox.salesforce.metadata_scope import (
    Scope,
    check_filter,
    check_label,
    check_name,
    check_root,
    missing,
    needed,
    one_of,
    texts,
)
from sandbox.salesforce.metadata_zip import children, text_of
from sandbox.salesforce.schema import SObject

_SCOPES = ("Everything", "Mine", "Queue", "Delegated", "MyTerritory", "MyTeamTerritory", "Team",
           "AssignedToMe", "MineAndMyGroups")  # fmt: skip
_EVERY_COLUMN = {
    "NAME": "string", "OWNER.ALIAS": "string", "OWNER.FIRST_NAME": "string", "OWNER.LAST_NAME": "string",
    "CREATED_DATE": "datetime", "LAST_UPDATE": "datetime", "CREATEDBY_USER": "string",
    "UPDATEDBY_USER": "string",
}  # fmt: skip
# Columns of standard objects have names of their own (as list views retrieved from orgs show them).
_COLUMNS = {
    "Account": {
        "ACCOUNT.NAME": "string", "ACCOUNT.TYPE": "picklist", "ACCOUNT.INDUSTRY": "picklist",
        "ACCOUNT.PHONE1": "phone", "ACCOUNT.ADDRESS1_STATE": "string", "ACCOUNT.CREATED_DATE": "datetime",
        "ACCOUNT.LAST_UPDATE": "datetime", "CORE.USERS.ALIAS": "string",
    },
    "Opportunity": {
        "OPPORTUNITY.NAME": "string", "ACCOUNT.NAME": "string", "OPPORTUNITY.AMOUNT": "currency",
        "OPPORTUNITY.CLOSE_DATE": "date", "OPPORTUNITY.STAGE_NAME": "picklist",
        "OPPORTUNITY.CLOSED": "boolean", "OPPORTUNITY.WON": "boolean",
        "OPPORTUNITY.CREATED_DATE": "datetime", "CORE.USERS.ALIAS": "string",
    },
}  # fmt: skip
_RELATED = {
    "RelatedActivityList": {"TASK.SUBJECT", "TASK.WHO_NAME", "TASK.DUE_DATE", "TASK.STATUS", "TASK.PRIORITY",
                            "ACTIVITY.TASK", "CORE.USERS.FULL_NAME"},
    "RelatedHistoryList": {"TASK.SUBJECT", "TASK.WHO_NAME", "TASK.DUE_DATE", "ACTIVITY.TASK",
                           "TASK.LAST_UPDATE", "CORE.USERS.FULL_NAME"},
}  # fmt: skip
_STANDARD_TABS = frozenset(
    f"standard-{name}"
    for name in ("home", "Account", "Contact", "Opportunity", "Case", "Task", "report", "Dashboard")
)
_BUTTONS = frozenset({"Edit", "Delete", "Clone", "Share", "Submit", "ChangeOwnerOne", "PrintableView"})
_LAYOUT = {
    "excludeButtons", "layoutSections", "platformActionList", "relatedLists", "showEmailCheckbox",
    "showHighlightsPanel", "showInteractionLogPanel", "showRunAssignmentRulesCheckbox",
    "showSubmitAndAttachButton",
}  # fmt: skip
_COMPACT_FIELDS = 10
_PATH_FIELDS = 5


def list_view(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a ``listViews`` element of an object; ``name`` is Object.View."""
    obj, view = _split(scope, name)
    check_name(view, 40)
    check_label(root, limit=40)
    one_of(needed(root, "filterScope"), _SCOPES, "FilterScope")
    for column in texts(root, "columns"):
        _column(scope, obj, column)
    for item in children(root, "filters"):
        column = needed(item, "field")
        kind = _column(scope, obj, column)
        check_filter(kind, column, needed(item, "operation"), text_of(item, "value") or "")


def compact_layout(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a ``compactLayouts`` element; at most ten fields, none of them long text."""
    obj, layout = _split(scope, name)
    check_name(layout)
    check_label(root, limit=40)
    names = texts(root, "fields")
    if not 1 <= len(names) <= _COMPACT_FIELDS:
        raise Problem(f"A compact layout has between 1 and {_COMPACT_FIELDS} fields")
    for one in names:
        if scope.field(obj, one, "fields").type == "textarea":
            raise Problem(f"The field {one} can not be added to a compact layout")


def layout(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a page layout: its fields each once, none required left out, its actions and related lists."""
    check_root(root, "Layout", _LAYOUT)
    object_name, dash, _ = name.partition("-")
    if not dash:
        raise Problem(f"Layout name must be Object-Label: {name}")
    obj = scope.object(object_name, "object")
    shown = [
        needed(item, "field")
        for section in children(root, "layoutSections")
        for column in children(section, "layoutColumns")
        for item in children(column, "layoutItems")
        if text_of(item, "emptySpace") != "true"
    ]
    for one in shown:
        scope.field(obj, one, "field")
        if shown.count(one) > 1:
            raise Problem(f"Layout contains duplicate field: {one}")
    for f in obj.fields.values():
        wanted = (f.required and f.custom) or (obj.custom and f.name == "Name" and f.createable)
        if wanted and f.name not in shown:
            raise Problem(f"Layout must contain an item for required layout field: {f.name}")
    shown_fields = set(scope.uses)
    for related in children(root, "relatedLists"):
        _related_list(scope, obj, related)
    scope.uses = shown_fields  # a related list goes with what it lists, and holds nothing back
    for actions in children(root, "platformActionList"):
        for action in children(actions, "platformActionListItems"):
            _action(scope, needed(action, "actionName"), needed(action, "actionType"))


def tab(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a tab of a custom object."""
    check_root(root, "CustomTab", {"customObject", "description", "motif"})
    if text_of(root, "customObject") != "true":
        raise Problem("The sandbox knows tabs of custom objects only")
    if not scope.object(name, "name").custom:
        raise Problem(f"{name} is a standard object, which has its tab")
    if not re.fullmatch(r"Custom\d{1,3}: .+", needed(root, "motif")):
        raise Problem(f"Invalid tab style: {text_of(root, 'motif')}")


def application(scope: Scope, name: str, root: ET.Element) -> None:
    """Check an app: its tabs, and the record pages it shows in place of the org's."""
    allowed = {
        "actionOverrides", "brand", "description", "formFactors", "isNavAutoTempTabsDisabled",
        "isNavPersonalizationDisabled", "label", "navType", "tabs", "uiType",
    }  # fmt: skip
    check_root(root, "CustomApplication", allowed)
    check_name(name, 40)
    check_label(root, limit=40)
    one_of(needed(root, "uiType"), ("Aloha", "Lightning"), "UiType")
    for one in texts(root, "tabs"):
        tab_known(scope, one, "tabs")
    for override in children(root, "actionOverrides"):
        target, page = needed(override, "pageOrSobjectType"), needed(override, "content")
        scope.object(target, "pageOrSobjectType")
        scope.need("FlexiPage", page, "content")
        about = scope.details.get(f"FlexiPage:{page}")
        if about != target:
            raise Problem(f"The page {page} is for {about}, not for {target}")


def tab_known(scope: Scope, name: str, element: str) -> None:
    """Raise Problem for a tab the org does not have."""
    if name not in _STANDARD_TABS:
        scope.need("CustomTab", name, element)


def quick_action(scope: Scope, name: str, root: ET.Element) -> None:
    """Check an action that creates a record below the one it stands on, or updates that one itself.

    ``name`` is Object.Action. An update names no parent, and no target but its own object.
    """
    allowed = {
        "description", "label", "optionsCreateFeedItem", "quickActionLayout", "targetObject",
        "targetParentField", "type",
    }  # fmt: skip
    check_root(root, "QuickAction", allowed)
    obj, action = _split(scope, name)
    check_name(action, 40)
    check_label(root)
    kind = one_of(needed(root, "type"), ("Create", "Update"), "QuickActionType")
    target = obj if kind == "Update" else _created_below(scope, obj, root)
    if kind == "Update" and (text_of(root, "targetObject") or obj.name) != obj.name:
        raise Problem(f"An action that updates a record has no other target than {obj.name}")
    for column in children(_only(root, "quickActionLayout"), "quickActionLayoutColumns"):
        for item in children(column, "quickActionLayoutItems"):
            if text_of(item, "emptySpace") != "true":
                scope.field(target, needed(item, "field"), "field")


def _created_below(scope: Scope, obj: SObject, root: ET.Element) -> SObject:
    """Return the object of which an action makes records below those of ``obj``. Raises Problem."""
    target = scope.object(needed(root, "targetObject"), "targetObject")
    parent = needed(root, "targetParentField")
    link = target.get(parent) or target.get(parent + "Id")
    # An activity may hang under every object that has activities.
    if link is None or not (parent == "What" or obj.name in link.reference_to):
        raise missing("targetParentField", "CustomField", f"{target.name}.{parent}")
    return target


def path_assistant(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a path: its picklist, the values of its steps, and at most five fields a step."""
    allowed = {"active", "entityName", "fieldName", "masterLabel", "pathAssistantSteps", "recordTypeName"}
    check_root(root, "PathAssistant", allowed)
    check_name(name)
    check_label(root, "masterLabel")
    obj = scope.object(needed(root, "entityName"), "entityName")
    picklist = scope.field(obj, needed(root, "fieldName"), "fieldName")
    if picklist.type != "picklist":
        raise Problem(f"{picklist.name} is not a picklist")
    if needed(root, "recordTypeName") != "__MASTER__":
        raise missing("recordTypeName", "RecordType", needed(root, "recordTypeName"))
    values = {pick.value for pick in picklist.picks}
    for step in children(root, "pathAssistantSteps"):
        one_of(needed(step, "picklistValueName"), values, f"{obj.name}.{picklist.name}")
        names = texts(step, "fieldNames")
        if len(names) > _PATH_FIELDS:
            raise Problem(f"A step of a path shows at most {_PATH_FIELDS} fields")
        for one in names:
            scope.field(obj, one, "fieldNames")


def _split(scope: Scope, name: str) -> tuple[SObject, str]:
    object_name, _, rest = name.partition(".")
    return scope.object(object_name, "object"), rest


def _only(root: ET.Element, name: str) -> ET.Element:
    found = children(root, name)
    if len(found) != 1:
        raise Problem(f"Required field is missing: {name}")
    return found[0]


def _column(scope: Scope, obj: SObject, name: str) -> str:
    """Return the describe type of a list view's column. Raises Problem."""
    known = _COLUMNS.get(obj.name, {}) if not obj.custom else _EVERY_COLUMN
    if name in known:
        return known[name]
    found = obj.get(name)
    if found is None or found.name != name or not found.custom:
        raise Problem(f"Could not resolve list view column: {name}")
    scope.uses.add(("CustomField", f"{obj.name}.{name}"))
    return found.type


def _related_list(scope: Scope, obj: SObject, element: ET.Element) -> None:
    name = needed(element, "relatedList")
    columns = texts(element, "fields")
    if name in _RELATED:
        unknown = [one for one in columns if one not in _RELATED[name]]
        child = None
    else:
        object_name, _, link = name.partition(".")
        child = scope.schema.get(object_name)
        f = child.get(link) if child else None
        if child is None or f is None or obj.name not in f.reference_to:
            raise Problem(f"Cannot find related list: {name}")
        unknown = []
        for one in columns:
            _column(scope, child, one)
    if unknown:
        raise Problem(f"Could not resolve list view column: {unknown[0]}")
    sort = text_of(element, "sortField")
    if sort is not None and child is not None:
        _column(scope, child, sort)


def _action(scope: Scope, name: str, kind: str) -> None:
    one_of(kind, ("QuickAction", "StandardButton"), "PlatformActionType")
    if kind == "QuickAction":
        scope.need("QuickAction", name, "actionName")
    elif name not in _BUTTONS:
        raise missing("actionName", "StandardButton", name)
