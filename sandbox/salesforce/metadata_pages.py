"""Lightning record pages: the template's regions, the facets named, the components known, the fields shown.

Component and property names are those of pages retrieved from orgs (public repositories); one that is
not in the table is refused, since nothing would be known about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_fields import Problem
from sandbox.salesforce.metadata_lwc import shown_on
from sandbox.salesforce.metadata_scope import (
    Scope,
    check_label,
    check_name,
    check_root,
    missing,
    needed,
    one_of,
)
from sandbox.salesforce.metadata_zip import children, text_of
from sandbox.salesforce.schema import SObject

_TEMPLATES = {
    "flexipage:recordHomeTemplateDesktop": {"header", "main", "sidebar"},
    "flexipage:recordHomeWithSubheaderTemplateDesktop": {"header", "subheader", "main", "sidebar"},
}
# Component -> its properties, each with whether its value names a facet.
_COMPONENTS: dict[str, dict[str, bool]] = {
    "force:highlightsPanel": {"collapsed": False, "enableActionsConfiguration": False},
    "force:detailPanel": {},
    "force:relatedListContainer": {"relatedListComponentOverride": False},
    "flexipage:tabset": {"tabs": True},
    "flexipage:tab": {"active": False, "body": True, "title": False},
    "flexipage:fieldSection": {"columns": True, "horizontalAlignment": False, "label": False},
    "flexipage:column": {"body": True},
    "runtime_sales_activities:activityPanel": {},
    "runtime_sales_pathassistant:pathAssistant": {"hideUpdateButton": False, "variant": False},
}
_BEHAVIORS = ("none", "readonly", "required")


def flexi_page(scope: Scope, name: str, root: ET.Element) -> None:
    """Check a record page and remember which object it is for."""
    allowed = {"description", "flexiPageRegions", "masterLabel", "sobjectType", "template", "type"}
    check_root(root, "FlexiPage", allowed)
    check_name(name)
    check_label(root, "masterLabel")
    one_of(needed(root, "type"), ("RecordPage",), "FlexiPageType")
    obj = scope.object(needed(root, "sobjectType"), "sobjectType")
    regions = {needed(region, "name"): region for region in children(root, "flexiPageRegions")}
    if len(regions) < len(children(root, "flexiPageRegions")):
        raise Problem("Two regions of the page have one name")
    template = needed(children(root, "template")[0], "name") if children(root, "template") else ""
    if template not in _TEMPLATES:
        raise missing("template", "FlexiPageTemplate", template)
    _check_regions(regions, _TEMPLATES[template])
    named: set[str] = set()
    items = [item for region in regions.values() for item in children(region, "itemInstances")]
    identifiers = [_item(scope, obj, regions, item, named) for item in items]
    twice = {one for one in identifiers if identifiers.count(one) > 1}
    if twice:
        raise Problem(f"The identifier {min(twice)} is used twice on the page")
    idle = [n for n, r in regions.items() if needed(r, "type") == "Facet" and n not in named]
    if idle:
        raise Problem(f"The facet {idle[0]} is shown nowhere on the page")
    scope.details[f"FlexiPage:{name}"] = obj.name


def _check_regions(regions: Mapping[str, ET.Element], wanted: set[str]) -> None:
    found = {
        name
        for name, region in regions.items()
        if one_of(needed(region, "type"), ("Region", "Facet"), "FlexiPageRegionType") == "Region"
    }
    if found != wanted:
        odd = ", ".join(sorted(found ^ wanted))
        raise Problem(f"The regions of the page are not those of its template: {odd}")


def _item(
    scope: Scope, obj: SObject, regions: Mapping[str, ET.Element], item: ET.Element, named: set[str]
) -> str:
    """Check one item of a region and return its identifier; facets it names are added to ``named``."""
    for element in children(item, "fieldInstance"):
        prefix, _, field_name = needed(element, "fieldItem").partition(".")
        if prefix != "Record":
            raise Problem(f"fieldItem must begin with Record.: {needed(element, 'fieldItem')}")
        scope.field(obj, field_name, "fieldItem")
        for prop in children(element, "fieldInstanceProperties"):
            one_of(needed(prop, "name"), ("uiBehavior",), "FieldInstanceProperty")
            one_of(needed(prop, "value"), _BEHAVIORS, "UiBehavior")
        return needed(element, "identifier")
    for element in children(item, "componentInstance"):
        kind = needed(element, "componentName")
        properties = {} if shown_on(scope, kind, obj) else _COMPONENTS.get(kind)
        if properties is None:
            raise Problem(f"We couldn't retrieve the design time component information for component {kind}.")
        for prop in children(element, "componentInstanceProperties"):
            _property(kind, properties, needed(prop, "name"), text_of(prop, "value") or "", regions, named)
        return needed(element, "identifier")
    raise Problem("An item of the page is neither a component nor a field")


def _property(
    kind: str,
    properties: Mapping[str, bool],
    name: str,
    value: str,
    regions: Mapping[str, ET.Element],
    named: set[str],
) -> None:
    if name not in properties:
        raise Problem(f"The component {kind} has no property {name}")
    if properties[name]:
        if value not in regions or needed(regions[value], "type") != "Facet":
            raise missing(name, "Facet", value)
        named.add(value)
