"""Which check belongs to which metadata type, in the order in which the types may refer to each other.

A type without a check here is refused: to remember it unseen would be to say that it is right.
Neighbour: ``metadata_apply`` runs the checks, objects and fields before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_events import channel, channel_member, client_app, client_app_oauth
from sandbox.salesforce.metadata_fields import Problem
from sandbox.salesforce.metadata_lwc import BUNDLE
from sandbox.salesforce.metadata_messages import flow, outbound_message
from sandbox.salesforce.metadata_pages import flexi_page
from sandbox.salesforce.metadata_reports import (
    dashboard,
    dashboard_folder,
    report,
    report_folder,
    report_type,
)
from sandbox.salesforce.metadata_scope import Scope
from sandbox.salesforce.metadata_views import (
    application,
    compact_layout,
    layout,
    list_view,
    path_assistant,
    quick_action,
    tab,
)
from sandbox.salesforce.metadata_zip import FOLDERS, Package
from sandbox.salesforce.validation_rules import RULE, validation_rule

Check = Callable[[Scope, str, ET.Element], None]
BEFORE_PERMISSIONS: dict[str, Check] = {
    "QuickAction": quick_action,
    "Layout": layout,
    "CustomTab": tab,
    "PathAssistant": path_assistant,
    "FlexiPage": flexi_page,
    "CustomApplication": application,
}
AFTER_PERMISSIONS: dict[str, Check] = {
    "ReportType": report_type,
    "Report": report,
    "Dashboard": dashboard,
    "PlatformEventChannel": channel,
    "PlatformEventChannelMember": channel_member,
    "ExternalClientApplication": client_app,
    "ExtlClntAppOauthSettings": client_app_oauth,
    "Flow": flow,
}
_FOLDER_CHECKS: dict[str, Check] = {"Report": report_folder, "Dashboard": dashboard_folder}
_NESTED: dict[str, Check] = {
    "ListView": list_view,
    "CompactLayout": compact_layout,
    "WorkflowOutboundMessage": outbound_message,
    RULE: validation_rule,
}
_APPLIED = frozenset({"CustomObject", BUNDLE, "PermissionSet", "Workflow"})


def files_of(package: Package, kind: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield path, full name and content of a type's files, folders before what is in them."""
    found = [
        (path, _full_name(path), data)
        for path, data in package.files.items()
        if FOLDERS.get(path.partition("/")[0]) == kind
    ]
    yield from sorted(found, key=lambda item: (item[1].count("/"), item[0]))


def strangers(package: Package) -> Iterator[tuple[str, str, str]]:
    """Yield path, type and the refusal of every file whose type is not checked here."""
    for path in sorted(package.files):
        folder = path.partition("/")[0]
        kind = FOLDERS.get(folder)
        if kind is None:
            yield path, "", f"Unknown folder '{folder}' in the zip: no metadata type is kept there"
        elif kind not in (_APPLIED | BEFORE_PERMISSIONS.keys() | AFTER_PERMISSIONS.keys()):
            yield path, kind, unchecked(kind)


def check_file(scope: Scope, kind: str, name: str, path: str, data: bytes) -> None:
    """Check one component file. Raises Problem or ParseError."""
    if path.endswith("-meta.xml"):
        check = _FOLDER_CHECKS.get(kind)
        if check is None:
            raise Problem(f"{kind} has no folders")
    else:
        check = {**BEFORE_PERMISSIONS, **AFTER_PERMISSIONS}[kind]
    check(scope, name, ET.fromstring(data))


def check_nested(scope: Scope, kind: str, name: str, element: ET.Element) -> None:
    """Check one member of an object file or a workflow file. Raises Problem."""
    if kind not in _NESTED:
        raise Problem(unchecked(kind))
    _NESTED[kind](scope, name, element)


def unchecked(kind: str) -> str:
    """Return the refusal of a type that is not checked here, in words of the sandbox's own."""
    return f"The sandbox does not check {kind} and so does not take it"


def _full_name(path: str) -> str:
    return path.partition("/")[2].removesuffix("-meta.xml").rsplit(".", 1)[0]
