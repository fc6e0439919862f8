"""Deploying objects and fields as specs describe them, and the rights of the integration user to them.

A deploy is all-or-nothing (``rollbackOnError``), so either every change is done or none is, and each
change tells the org's own words for its own components. Deploying what is there already changes
nothing. The integration user sees nothing by itself ("Minimum Access"): the permission set grants
what we read and write, except required fields, which Salesforce refuses to list in one. Since API
40.0 a deployed permission set *replaces* the org's (Help, "Permission Sets and Profile Settings in
Change Sets"), so the rights it holds already are read first and kept.
Source: Metadata API guide, "Deploying and Retrieving Metadata with REST"; Object Reference,
"PermissionSetAssignment". Neighbours: ``metadata_xml`` writes the files, ``installer`` deploys the package
whole, with the same rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from integration.port import FieldSpec, SchemaChange, SchemaResult
from integration.salesforce.assignment import assign
from integration.salesforce.deploys import Deployed, deploy, zipped
from integration.salesforce.metadata_xml import (
    PERMISSION_SET,
    FieldGrant,
    ObjectGrant,
    object_xml,
    package_xml,
    parent_specs,
    permission_set_xml,
)
from integration.salesforce.names import is_custom
from integration.salesforce.rights import NO_RIGHTS, Rights, with_held
from integration.salesforce.shape import Shapes
from integration.salesforce.standing import read_held
from integration.salesforce.transport import Transport

REASON = "install"
# Read by every look; rights on line items and tasks follow from these. Account, because reading
# opportunities, contacts and cases depends on it.
ALWAYS_READ = ("Account", "Contact", "Opportunity", "Case", "Product2")
ALWAYS_WRITTEN = ("Opportunity",)
NO_OBJECT_RIGHTS = frozenset({"OpportunityLineItem", "OpportunityContactRole", "Task", "Event", "User"})


class SchemaWriter:
    """The installing verb of one port."""

    def __init__(self, transport: Transport, shapes: Shapes) -> None:
        """Tell ``shapes`` what was deployed."""
        self._transport = transport
        self._shapes = shapes

    def apply(self, changes: Sequence[SchemaChange]) -> list[SchemaResult]:
        """Deploy all ``changes`` at once; one result per change, in order.

        Naming every object of the charter, also those with no field to add, keeps the permission set
        whole even where the user may not read which rights it holds.

        Raises Refused when the user may not deploy at all, Unavailable when the deploy does not
        end within ``DEPLOY_WAIT_S``.
        """
        if not changes:
            return []
        allowed = self._permissionable(changes)
        held = read_held(self._transport, REASON, PERMISSION_SET)
        outcome = deploy(self._transport, REASON, build_zip(changes, allowed, held))
        results = schema_results(changes, outcome)
        if outcome.worked:
            assign(self._transport, REASON, [PERMISSION_SET])
            for change in changes:
                self._shapes.forget(change.object.name)
                self._shapes.learn(change.object.name, wanted_fields(change))
        return results

    def _permissionable(self, changes: Sequence[SchemaChange]) -> dict[str, frozenset[str]]:
        """Return, per standard object with standard fields to read, which of them take rights."""
        names = {
            change.object.name
            for change in changes
            if not change.create_object and any(not is_custom(field.name) for field in change.object.fields)
        }
        return {name: self._shapes.get(name).permissionable for name in sorted(names)}


def wanted_fields(change: SchemaChange) -> tuple[FieldSpec, ...]:
    """Return the custom fields a change deploys, each once; an object of ours brings its lookups.

    The lookups come every time: deploying one again changes nothing, and it must exist to be granted.
    """
    fields = (*parent_specs(change.object), *change.fields)
    if change.create_object:
        fields = (*fields, *change.object.fields)
    ours = is_custom(change.object.name)
    # A required field on a standard object would refuse every save of the customer's own people.
    fields = fields if ours else tuple(replace(field, required=False) for field in fields)
    return _each_once(field for field in fields if is_custom(field.name))


def build_zip(
    changes: Sequence[SchemaChange], permissionable: Mapping[str, frozenset[str]], held: Rights = NO_RIGHTS
) -> bytes:
    """Return the deploy archive; equal changes and rights give equal bytes."""
    members: dict[str, list[str]] = {"CustomObject": [], "CustomField": [], "PermissionSet": [PERMISSION_SET]}
    files: dict[str, str] = {}
    for change in changes:
        name, fields = change.object.name, wanted_fields(change)
        if change.create_object:
            members["CustomObject"].append(name)
        members["CustomField"] += [f"{name}.{field.name}" for field in fields]
        if change.create_object or fields:
            files[f"objects/{name}.object"] = object_xml(change.object, fields, change.create_object)
    grants = permission_set_xml(object_grants(changes), field_grants(changes, permissionable))
    files[f"permissionsets/{PERMISSION_SET}.permissionset"] = with_held(grants, held)
    files["package.xml"] = package_xml(members)
    return zipped(files)


def object_grants(changes: Sequence[SchemaChange]) -> tuple[ObjectGrant, ...]:
    """Return object rights: all of ours to write, and what every install reads."""
    written = {change.object.name for change in changes if is_custom(change.object.name)}
    written |= {*ALWAYS_WRITTEN}
    written |= {change.object.name for change in changes if any(field.writable for field in change.fields)}
    read = {*ALWAYS_READ, *(change.object.name for change in changes)}
    return tuple(ObjectGrant(name, name in written) for name in (read | written) - NO_OBJECT_RIGHTS)


def field_grants(
    changes: Sequence[SchemaChange], permissionable: Mapping[str, frozenset[str]]
) -> tuple[FieldGrant, ...]:
    """Return field rights; required fields and those the org calls not permissionable are left out."""
    grants: dict[str, FieldGrant] = {}
    for change in changes:
        owner = change.object.name
        allowed = permissionable.get(owner, frozenset())
        deployed = wanted_fields(change)
        for field in _each_once((*change.object.fields, *deployed)):
            if not field.required and (is_custom(field.name) or field.name in allowed):
                grants[f"{owner}.{field.name}"] = FieldGrant(f"{owner}.{field.name}", field.writable)
    return tuple(grants.values())


def schema_results(changes: Sequence[SchemaChange], outcome: Deployed) -> list[SchemaResult]:
    """Return each change's fate in the org's own words."""
    if outcome.worked:
        return [SchemaResult(change.object.name, True) for change in changes]
    others = "rolled back: " + "; ".join(outcome.words)
    results = []
    for change in changes:
        own = [str(one) for one in outcome.failures if one.name.split(".")[0] == change.object.name]
        results.append(SchemaResult(change.object.name, False, "; ".join(own) or others))
    return results


def _each_once(fields: Iterable[FieldSpec]) -> tuple[FieldSpec, ...]:
    return tuple({field.name: field for field in fields}.values())
