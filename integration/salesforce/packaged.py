"""An org in which our package is installed under a namespace: what we deploy beside it names it by prefix.

There the core is the package's, and may not be deployed; only what the charter adds is, and that refers to
the package's objects and fields as ``prefix__CS_Profile__c``. What we add has no prefix: it is the org's
own. Source: ISVforce guide, "Namespace"; Metadata API guide, "Metadata Components and Types".
Neighbours: ``sources`` gathers the files, ``namespace`` has the rule for names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final
from xml.etree import ElementTree as ET

from defusedxml import ElementTree as SafeET

from integration.salesforce.metadata_xml import NAMESPACE
from integration.salesforce.namespace import Namespace
from integration.salesforce.source_format import META, OBJECTS, component_of

# Elements whose text names a field of the object the file belongs to.
_OWN_FIELDS: Final = frozenset({"columns", "field"})


def in_namespace(files: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return source-format files beside the core as an org takes them that has the core under ``prefix``.

    Names that are not the core's stay as they are. With an empty prefix so does everything.
    """
    if not prefix:
        return dict(files)
    return {_path(path, prefix): _text(path, text, prefix) for path, text in files.items()}


def packaged_name(name: str, prefix: str) -> str:
    """Return what an object of the core, or a field of it as Object.Field, is called under ``prefix``."""
    owner, dot, field = name.partition(".")
    known = Namespace(prefix)
    return f"{known.object(owner)}.{known.field(owner, field)}" if dot else known.object(owner)


def _path(path: str, prefix: str) -> str:
    folder, *rest = PurePosixPath(path).parts
    if folder != OBJECTS:
        return path
    named = packaged_name(rest[0], prefix)
    last = rest[-1].replace(rest[0], named, 1) if len(rest) == len(("name", "file")) else rest[-1]
    return "/".join([folder, named, *rest[1:-1], last])


def _text(path: str, text: str, prefix: str) -> str:
    kind, name = component_of(path.removesuffix(META) + META)
    owner = name.partition(".")[0] if kind in ("CustomField", "ListView") else ""
    ET.register_namespace("", NAMESPACE)
    root = SafeET.fromstring(text)
    for element in root.iter():
        named = (element.text or "").strip()
        tag = element.tag.rpartition("}")[2]
        if not named or tag == "fullName":
            continue
        if tag in _OWN_FIELDS and "." not in named and owner:
            element.text = packaged_name(f"{owner}.{named}", prefix).partition(".")[2]
        elif tag in {"field", "object", "referenceTo"}:
            element.text = packaged_name(named, prefix)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
