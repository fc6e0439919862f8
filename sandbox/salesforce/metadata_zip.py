"""Reading a deploy zip in Metadata API form: package.xml, component files, destructive changes."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

NS = "{http://soap.sforce.com/2006/04/metadata}"
_MAX_FILES = 10_000
_MAX_ZIP = 39_000_000
_MAX_PLAIN = 600_000_000
FOLDERS = {
    "objects": "CustomObject", "permissionsets": "PermissionSet", "layouts": "Layout",
    "flexipages": "FlexiPage",
    "tabs": "CustomTab", "applications": "CustomApplication", "quickActions": "QuickAction", "flows": "Flow",
    "reports": "Report", "reportTypes": "ReportType", "dashboards": "Dashboard",
    "lwc": "LightningComponentBundle",
    "workflows": "Workflow", "pathAssistants": "PathAssistant", "namedCredentials": "NamedCredential",
    "externalCredentials": "ExternalCredential", "remoteSiteSettings": "RemoteSiteSetting",
    "customMetadata": "CustomMetadata", "platformEventChannels": "PlatformEventChannel",
    "platformEventChannelMembers": "PlatformEventChannelMember", "staticresources": "StaticResource",
    "labels": "CustomLabels", "globalValueSets": "GlobalValueSet",
    "externalClientApps": "ExternalClientApplication",
    "extlClntAppOauthSettings": "ExtlClntAppOauthSettings",
}  # fmt: skip
# Members of an .object file that package.xml names on their own, and the element that holds each.
NESTED = {
    "CustomField": "fields", "ListView": "listViews", "CompactLayout": "compactLayouts",
    "WebLink": "webLinks",
    "ValidationRule": "validationRules", "RecordType": "recordTypes", "FieldSet": "fieldSets",
}  # fmt: skip


class ZipError(Exception):
    """The upload is no deployable zip; carries the vendor's words."""


@dataclass(slots=True)
class Package:
    """What a zip holds: files by path below the package root, members by type, deletions by moment."""

    version: str
    members: dict[str, list[str]]
    files: dict[str, bytes]
    deletions: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def text_of(parent: ET.Element, name: str) -> str | None:
    """Return the text of a child element of the metadata namespace."""
    found = parent.find(NS + name)
    return None if found is None else (found.text or "").strip()


def children(parent: ET.Element, name: str) -> list[ET.Element]:
    """Return the child elements of a name."""
    return parent.findall(NS + name)


def tag(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def read_zip(data: bytes) -> Package:
    """Read an upload. Raises ZipError in the vendor's words."""
    if len(data) > _MAX_ZIP:
        raise ZipError("Maximum size of request reached. Maximum size of request is 52428800 bytes")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise ZipError("Could not open zip file") from None
    entries = [i for i in archive.infolist() if not i.is_dir()]
    if len(entries) > _MAX_FILES or sum(i.file_size for i in entries) > _MAX_PLAIN:
        raise ZipError("The zip file exceeds the limit of 10,000 files or 600 MB uncompressed")
    manifest = min((i.filename for i in entries if i.filename.rsplit("/", 1)[-1] == "package.xml"),
                   key=len, default=None)  # fmt: skip
    if manifest is None:
        raise ZipError("No package.xml found")
    root = manifest.removesuffix("package.xml")
    files = {i.filename.removeprefix(root): archive.read(i) for i in entries if i.filename.startswith(root)}
    version, members = read_manifest(files.pop("package.xml"))
    package = Package(version, members, files)
    for name in ("destructiveChangesPre.xml", "destructiveChanges.xml", "destructiveChangesPost.xml"):
        if name in files:
            package.deletions[name] = read_manifest(files.pop(name))[1]
    return package


def read_manifest(data: bytes) -> tuple[str, dict[str, list[str]]]:
    """Return version and members by type of a package.xml. Raises ZipError."""
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise ZipError(f"Error parsing file: {error}") from error
    if root.tag != NS + "Package":
        raise ZipError("Invalid root element in package.xml")
    members: dict[str, list[str]] = {}
    # A folder may be named with a slash at its end, as Salesforce's own tools do.
    for types in children(root, "types"):
        name = text_of(types, "name")
        if not name:
            raise ZipError("package.xml: types without name")
        members.setdefault(name, []).extend(
            (m.text or "").strip().removesuffix("/") for m in children(types, "members")
        )
    return text_of(root, "version") or "68.0", members
