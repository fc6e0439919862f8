"""An install of a few objects and fields into an org: one deploy, made as a plan makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from integration.install_specs import Made
from integration.package_step import DeployPackage
from integration.parts import Part, PartKind
from integration.port import SchemaChange
from integration.salesforce.connector import SalesforcePort
from integration.salesforce.deploys import zipped
from integration.salesforce.metadata_xml import (
    PERMISSION_SET,
    field_nodes,
    object_xml,
    permission_set_xml,
    render,
)
from integration.salesforce.schema import field_grants, object_grants, wanted_fields
from integration.salesforce.source_format import OBJECTS, to_metadata_format
from integration.salesforce.sources import RIGHTS_FILE


def archive_of(changes: Sequence[SchemaChange]) -> bytes:
    """Return the archive of objects and fields, with the integration user's rights to them."""
    files = {RIGHTS_FILE: permission_set_xml(object_grants(changes), field_grants(changes, {}))}
    for change in changes:
        folder = f"{OBJECTS}/{change.object.name}"
        if change.create_object:
            path = f"{folder}/{change.object.name}.object-meta.xml"
            files[path] = object_xml(change.object)
        for one in wanted_fields(change):
            nodes = field_nodes(change.object, one)
            files[f"{folder}/fields/{one.name}.field-meta.xml"] = render("CustomField", nodes)
    return zipped(to_metadata_format(files))


def step_of(changes: Sequence[SchemaChange]) -> DeployPackage:
    """Return the step that brings the changes; every field counts as made."""
    parts = tuple(
        Part(PartKind.FIELD, change.object.name, one.name)
        for change in changes
        for one in wanted_fields(change)
    )
    specs = tuple(replace(one.object, fields=(*one.object.fields, *one.fields)) for one in changes)
    return DeployPackage("", archive_of(changes), parts, (PERMISSION_SET,), specs)


def install(port: SalesforcePort, changes: Sequence[SchemaChange]) -> Made:
    """Deploy the changes and give the integration user its rights."""
    return port.make(step_of(changes))
