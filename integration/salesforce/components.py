"""How the components of our package are called among the parts of an install, and back.

Neighbours: ``source_format`` names components by their files, ``integration.parts`` has the parts.
"""

from __future__ import annotations

from typing import Final

from integration.parts import Part, PartKind

REPORTS: Final = frozenset({"Report", "Dashboard"})


def part_of(kind: str, name: str) -> Part:
    """Return the part that a component (metadata type and full name) is."""
    if kind == "CustomObject":
        return Part(PartKind.OBJECT, name, name)
    if kind == "CustomField":
        owner, _, field = name.partition(".")
        return Part(PartKind.FIELD, owner, field)
    if kind == "ListView":
        return Part(PartKind.LIST, name.partition(".")[0], name)
    return Part(PartKind.REPORT if kind in REPORTS else PartKind.COMPONENT, kind, name)


def component_named(part: Part) -> tuple[str, str]:
    """Return the metadata type and full name of a part that ``part_of`` made."""
    if part.kind is PartKind.OBJECT:
        return "CustomObject", part.name
    if part.kind is PartKind.FIELD:
        return "CustomField", f"{part.object}.{part.name}"
    if part.kind is PartKind.LIST:
        return "ListView", part.name
    return part.object, part.name
