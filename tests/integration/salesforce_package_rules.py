"""What must hold across the package's files beyond the schema of each; every rule returns what breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

from tests.integration.salesforce_metadata import NAMESPACE

Files = Mapping[str, str]
# Metadata API guide, "CustomField", "CustomObject": names of fields and objects before their suffix, and
# labels; the names of everything else.
SHORT, LONG = 40, 80
PEOPLE = ("CS_Admin", "CS_User")
EVERYBODY = (*PEOPLE, "CS_Integration")


def tree(text: str) -> ET.Element:
    """Return a file's root without the namespace in its names."""
    return ET.fromstring(text.replace(f' xmlns="{NAMESPACE}"', ""))


def fields(files: Files) -> Iterator[tuple[str, ET.Element]]:
    """Yield Object.Field and the root of each field file."""
    for path, text in files.items():
        parts = PurePosixPath(path).parts
        if parts[0] == "objects" and parts[2] == "fields":
            yield f"{parts[1]}.{parts[3].removesuffix('.field-meta.xml')}", tree(text)


def own(files: Files, folder: str, suffix: str) -> list[str]:
    """Return the names of the files in a folder."""
    return [PurePosixPath(path).name.removesuffix(suffix) for path in files if path.startswith(f"{folder}/")]


def uncovered(files: Files) -> list[str]:
    """Return what a permission set does not grant: fields and objects to all, tabs and the app to people."""
    wanting: list[str] = []
    objects = [
        name
        for path in files
        if (name := path.split("/")[1]).endswith("__c") and path.endswith(f"{name}.object-meta.xml")
    ]
    for who in EVERYBODY:
        root = tree(files[f"permissionsets/{who}.permissionset-meta.xml"])
        rights = {one.findtext("field"): one for one in root.iter("fieldPermissions")}
        for name, field in fields(files):
            if field.findtext("required") == "true":
                continue
            right = rights.get(name)
            if right is None or right.findtext("readable") != "true":
                wanting.append(f"{who}: {name}")
            elif field.find("formula") is not None and right.findtext("editable") == "true":
                wanting.append(f"{who}: {name} is a formula")
        seen = {
            one.findtext("object")
            for one in root.iter("objectPermissions")
            if one.findtext("allowRead") == "true"
        }
        wanting += [f"{who}: {name}" for name in objects if name not in seen]
        if who in PEOPLE:
            tabs = {
                one.findtext("tab")
                for one in root.iter("tabSettings")
                if one.findtext("visibility") == "Visible"
            }
            apps = {one.findtext("application") for one in root.iter("applicationVisibilities")}
            wanting += [
                f"{who}: tab {name}" for name in own(files, "tabs", ".tab-meta.xml") if name not in tabs
            ]
            wanting += [
                f"{who}: app {name}"
                for name in own(files, "applications", ".app-meta.xml")
                if name not in apps
            ]
    return wanting


def incomplete_fields(files: Files) -> list[str]:
    """Return fields that lack what Salesforce asks of their type and the schema does not."""
    wanting = []
    for name, root in fields(files):
        kind, calculated = root.findtext("type"), root.find("formula") is not None
        asked = {
            "Lookup": ("referenceTo", "relationshipName"),
            "Number": ("precision", "scale"),
            "Currency": ("precision", "scale"),
            "Text": () if calculated else ("length",),
            "LongTextArea": ("length", "visibleLines"),
            "Picklist": ("valueSet",),
        }.get(kind or "", ())
        wanting += [f"{name}: {one}" for one in asked if root.find(one) is None]
        if root.findtext("externalId") == "true":
            wanting += [f"{name}: unique" for one in ("unique",) if root.findtext(one) != "true"]
            wanting += [
                f"{name}: caseSensitive" for one in ("caseSensitive",) if root.findtext(one) != "false"
            ]
    return wanting


def too_long(files: Files) -> list[str]:
    """Return names and labels that are longer than Salesforce takes."""
    wanting = []
    for path, text in files.items():
        if not path.endswith("-meta.xml"):
            continue
        parts = PurePosixPath(path).parts
        stem = re.sub(r"\.\w+-meta\.xml$", "", parts[-1])
        short = parts[0] == "objects" and parts[2:3] != ("compactLayouts",)
        name = stem.rpartition(".")[2].removesuffix("__c").removesuffix("__chn")
        if len(name) > (SHORT if short else LONG):
            wanting.append(f"{path}: {name}")
        label = tree(text).findtext("label")
        if label is not None and len(label) > (SHORT if short or parts[0] == "permissionsets" else LONG):
            wanting.append(f"{path}: {label}")
    return wanting


def code(files: Files, roots: set[str]) -> list[str]:
    """Return files that are not metadata of the types expected: Apex, components, flows, pages."""
    return [
        path for path, text in files.items() if not path.endswith("-meta.xml") or tree(text).tag not in roots
    ]
