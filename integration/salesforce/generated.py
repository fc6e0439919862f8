"""What one org's charter adds to the package: fields the core lacks, and list views of its own.

Everything here is rendered, never kept: the core is the same for every org, and this is not. Nothing of
the core is repeated, so the two deploy together. Sources: Metadata API guide, "CustomField", "ListView",
"PermissionSet". Neighbours: ``source_format`` (the core), ``metadata_xml`` (how a field is written).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from integration.port import FieldSpec, ObjectSpec
from integration.salesforce.metadata_xml import (
    FieldGrant,
    Node,
    ObjectGrant,
    field_nodes,
    object_xml,
    permission_set_xml,
    render,
)
from integration.salesforce.names import is_custom
from integration.salesforce.source_format import OBJECTS, Part, component_of, package_files

PERMISSION_SET: Final = "CS_Charter"
# Metadata API guide, "ListView": a name and a label have at most 40 characters.
VIEW_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A list view: ``filters`` are (field, operation, value), all of which must hold.

    ``mine`` shows only records the reader owns. Columns and fields are in Salesforce's own names.
    """

    object: str
    name: str
    label: str
    columns: tuple[str, ...]
    filters: tuple[tuple[str, str, str], ...]
    mine: bool = False


def generated_files(specs: Sequence[ObjectSpec], views: Iterable[ViewSpec]) -> dict[str, str]:
    """Return source-format files by path: what ``specs`` ask for beyond the core, and ``views``.

    People get to see the added fields by a permission set of their own; the integration user gets them
    from the install, as every right of its own.
    """
    held = {component_of(path) for path in package_files(Part.CORE)}
    files: dict[str, str] = {}
    added: list[str] = []
    for spec in specs:
        if is_custom(spec.name) and ("CustomObject", spec.name) not in held:
            files[f"{OBJECTS}/{spec.name}/{spec.name}.object-meta.xml"] = object_xml(spec)
        for field in _missing(spec, held):
            files[f"{OBJECTS}/{spec.name}/fields/{field.name}.field-meta.xml"] = render(
                "CustomField", field_nodes(spec, field)
            )
            added.append(f"{spec.name}.{field.name}")
    for view in views:
        files[f"{OBJECTS}/{view.object}/listViews/{view.name}.listView-meta.xml"] = _view_xml(view)
    if added:
        ours = {name for name in (one.partition(".")[0] for one in added) if is_custom(name)}
        files[f"permissionsets/{PERMISSION_SET}.permissionset-meta.xml"] = permission_set_xml(
            [ObjectGrant(name, writes=False) for name in sorted(ours)],
            [FieldGrant(name, editable=False) for name in added],
            label="CS Charter",
            description="Sees the fields this org's charter adds.",
        )
    return files


def _missing(spec: ObjectSpec, held: set[tuple[str, str]]) -> list[FieldSpec]:
    """Return the custom fields of an object that the core does not have, each once."""
    wanted = {field.name: field for field in spec.fields if is_custom(field.name)}
    return [field for name, field in wanted.items() if ("CustomField", f"{spec.name}.{name}") not in held]


def _view_xml(view: ViewSpec) -> str:
    nodes: list[Node] = [("fullName", view.name)]
    nodes += [("columns", column) for column in view.columns]
    nodes.append(("filterScope", "Mine" if view.mine else "Everything"))
    nodes += [
        ("filters", [("field", field), ("operation", operation), ("value", value)])
        for field, operation, value in view.filters
    ]
    return render("ListView", [*nodes, ("label", view.label[:VIEW_CHARACTERS])])
