"""Which fields of our specs are deployed, and the rights the integration user needs to them.

The integration user sees nothing by itself ("Minimum Access"): a permission set grants what we read and
write, except required fields, which Salesforce refuses to list in one. Source: Metadata API guide,
"PermissionSet". Neighbours: ``sources`` makes the permission set of these, ``metadata_xml`` writes it,
``installer`` deploys it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from integration.port import FieldSpec, SchemaChange
from integration.salesforce.metadata_xml import FieldGrant, ObjectGrant, parent_specs
from integration.salesforce.names import is_custom

# Read by every look; rights on line items and tasks follow from these. Account, because reading
# opportunities, contacts and cases depends on it.
ALWAYS_READ = ("Account", "Contact", "Opportunity", "Case", "Product2")
ALWAYS_WRITTEN = ("Opportunity",)
NO_OBJECT_RIGHTS = frozenset({"OpportunityLineItem", "OpportunityContactRole", "Task", "Event", "User"})


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


def _each_once(fields: Iterable[FieldSpec]) -> tuple[FieldSpec, ...]:
    return tuple({field.name: field for field in fields}.values())
