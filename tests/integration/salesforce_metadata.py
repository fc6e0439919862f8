"""Salesforce's own schema of metadata files, made from the Metadata WSDL that simple_salesforce brings.

The WSDL describes types in sequences; files may hold their children in any order of groups. So children
are sorted into the WSDL's order before a file is validated. It is API 63.0: newer elements are unknown.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import simple_salesforce
from lxml import etree

XSD = "{http://www.w3.org/2001/XMLSchema}"
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


@cache
def _types() -> etree._Element:
    wsdl = etree.parse(str(Path(simple_salesforce.__file__).parent / "metadata.wsdl"))
    return wsdl.find(f".//{XSD}schema")


@cache
def _complex_types() -> dict[str, etree._Element]:
    return {one.get("name"): one for one in _types().findall(f"{XSD}complexType")}


def _base(name: str) -> str | None:
    extension = _complex_types()[name].find(f".//{XSD}extension")
    return None if extension is None else extension.get("base").removeprefix("tns:")


def _is_metadata(name: str) -> bool:
    base = _base(name)
    return base == "Metadata" or (base in _complex_types() and _is_metadata(base))


@cache
def _order(name: str) -> dict[str, tuple[int, str]]:
    """Return a type's elements with their place in the sequence, the inherited ones first, and their type."""
    base = _base(name)
    own = _complex_types()[name].findall(f".//{XSD}element")
    found = dict(_order(base)) if base in _complex_types() else {}
    for element in own:
        found[element.get("name")] = (len(found), element.get("type").removeprefix("tns:"))
    return found


@cache
def metadata_schema() -> etree.XMLSchema:
    """Return the schema, with one global element for each type a file may have as its root."""
    schema = etree.fromstring(etree.tostring(_types()))
    held = {one.get("name") for one in schema.findall(f"{XSD}element")}
    for name in (one for one in _complex_types() if _is_metadata(one) and one not in held):
        element = etree.SubElement(schema, f"{XSD}element", name=name, type=f"tns:{name}")
        element.tail = "\n"
    return etree.XMLSchema(schema)


def _sort(element: etree._Element, type_name: str) -> None:
    if type_name not in _complex_types():
        return
    order = _order(type_name)
    name_of = lambda child: etree.QName(child).localname  # noqa: E731
    children = sorted(element, key=lambda child: order.get(name_of(child), (len(order), ""))[0])
    element[:] = children
    for child in children:
        if name_of(child) in order:
            _sort(child, order[name_of(child)][1])


def mistakes(text: str) -> list[str]:
    """Return what the schema says against a file, its children sorted first."""
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_comments=True))
    for element in root.findall(f"{{{NAMESPACE}}}targetConfigs"):
        root.remove(element)  # encoded in the WSDL, written out in a component's file
    _sort(root, etree.QName(root).localname)
    sorted_again = etree.fromstring(etree.tostring(root))
    schema = metadata_schema()
    schema.validate(sorted_again)
    return [error.message for error in schema.error_log]
