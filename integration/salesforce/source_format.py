"""Our native package: its files in source format, and the same as the Metadata API takes them.

Source format is what Salesforce's CLI works with: each field, list view and compact layout in a file of
its own. The Metadata API takes one file an object and a manifest. Sources: Salesforce DX Developer
Guide, "Salesforce DX Project Structure and Source Format"; Metadata API guide, "package.xml".
Neighbours: ``generated`` adds what a charter needs, ``project`` puts everything into one folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final
from xml.etree import ElementTree as ET

from defusedxml import ElementTree as SafeET

from integration.salesforce.metadata_xml import NAMESPACE, package_xml

PACKAGE: Final = Path(__file__).parent / "package"
META: Final = "-meta.xml"
OBJECTS: Final = "objects"
# A workflow's file holds an object's outbound messages; a manifest names them beside it.
WORKFLOW, MESSAGE = "Workflow", "WorkflowOutboundMessage"
# A Lightning component is a folder of files, deployed as they are.
BUNDLES, BUNDLE = "lwc", "LightningComponentBundle"
# Folder -> metadata type, of every type the package ships.
TYPES: Final[Mapping[str, str]] = {
    "applications": "CustomApplication",
    "dashboards": "Dashboard",
    "externalClientApps": "ExternalClientApplication",
    "extlClntAppOauthSettings": "ExtlClntAppOauthSettings",
    "flexipages": "FlexiPage",
    "flows": "Flow",
    "layouts": "Layout",
    "lwc": BUNDLE,
    "pathAssistants": "PathAssistant",
    "permissionsets": "PermissionSet",
    "platformEventChannelMembers": "PlatformEventChannelMember",
    "platformEventChannels": "PlatformEventChannel",
    "quickActions": "QuickAction",
    "reportTypes": "ReportType",
    "reports": "Report",
    "tabs": "CustomTab",
    "workflows": WORKFLOW,
}
# Folder below an object -> the type of its members; the element of an object file has the folder's name.
MEMBER_TYPES: Final[Mapping[str, str]] = {
    "compactLayouts": "CompactLayout",
    "fields": "CustomField",
    "listViews": "ListView",
    "validationRules": "ValidationRule",
}
_FOLDER_ENDS: Final = (f".reportFolder{META}", f".dashboardFolder{META}")


class Part(StrEnum):
    """A part of the package that is deployed on its own.

    ``core`` is the same for every org. ``dashboards`` show each reader their own sight, and an org may
    have few of that kind. ``events`` needs change data capture, which not every edition has. ``connect``
    is the external client app, whose e-mail address is the deployment's.
    """

    CORE = "core"
    DASHBOARDS = "dashboards"
    EVENTS = "events"
    CONNECT = "connect"


def package_files(part: Part) -> dict[str, str]:
    """Return the files of a part by their paths below it."""
    folder = PACKAGE / part.value
    found = {*folder.rglob(f"*{META}"), *(path for path in folder.rglob(f"{BUNDLES}/*/*"))}
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(found)}


def to_metadata_format(files: Mapping[str, str]) -> dict[str, str]:
    """Return source-format files as the Metadata API takes them, with their ``package.xml``.

    Raises ValueError for a file of a type the package does not ship.
    """
    members: dict[str, list[str]] = {}
    objects: dict[str, list[ET.Element]] = {}
    made: dict[str, str] = {}
    for path, text in files.items():
        kind, name = component_of(path)
        members.setdefault(kind, []).append(f"{name}/" if _is_folder(path) else name)
        if kind == WORKFLOW:
            members.setdefault(MESSAGE, []).extend(f"{name}.{one}" for one in _messages(text))
        if path.startswith(f"{OBJECTS}/"):
            objects.setdefault(PurePosixPath(path).parts[1], []).extend(_object_elements(path, text))
        else:
            made[_deployed_path(path)] = text
    for name, elements in objects.items():
        made[f"{OBJECTS}/{name}.object"] = _object_text(elements)
    made["package.xml"] = package_xml(members)
    return made


def component_of(path: str) -> tuple[str, str]:
    """Return the metadata type and the full name of a source-format file.

    Raises ValueError for a file of a type the package does not ship.
    """
    folder, *between, file = PurePosixPath(path).parts
    stem = file.removesuffix(META).rpartition(".")[0]
    if folder == OBJECTS and len(between) == 1:
        return "CustomObject", between[0]
    if folder == OBJECTS and between[1] in MEMBER_TYPES:
        return MEMBER_TYPES[between[1]], f"{between[0]}.{stem}"
    if folder == BUNDLES and len(between) == 1:
        return BUNDLE, between[0]
    if folder not in TYPES:
        raise ValueError(f"{path}: no metadata type of the package is kept there")
    return TYPES[folder], "/".join([*between, stem])


def _messages(text: str) -> list[str]:
    """Return the names of the outbound messages in a workflow's file."""
    found = SafeET.fromstring(text).iter(f"{{{NAMESPACE}}}outboundMessages")
    return [one.findtext(f"{{{NAMESPACE}}}fullName") or "" for one in found]


def _object_elements(path: str, text: str) -> list[ET.Element]:
    """Return what a file adds to its object's file."""
    root = SafeET.fromstring(text)
    parts = PurePosixPath(path).parts
    if len(parts) == len((OBJECTS, "name", "file")):
        return list(root)
    root.tag = f"{{{NAMESPACE}}}{parts[2]}"
    return [root]


def _object_text(elements: list[ET.Element]) -> str:
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}CustomObject")
    root.extend(sorted(elements, key=lambda element: element.tag))
    ET.indent(root, "    ")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _deployed_path(path: str) -> str:
    """Return where the Metadata API wants a file; those of folders and of bundles keep ``-meta.xml``."""
    if path.startswith(f"{BUNDLES}/"):
        return path
    if _is_folder(path):
        return path.removesuffix(META).rpartition(".")[0] + META
    return path.removesuffix(META)


def _is_folder(path: str) -> bool:
    """Return whether a file is that of a folder itself, whose name the manifest ends with a slash."""
    return path.endswith(_FOLDER_ENDS)
