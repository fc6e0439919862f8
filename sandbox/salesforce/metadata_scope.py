"""What a component may refer to: the schema, and the components deployed before it.

Words follow the deploy errors seen in public deploy logs; where none is known they are near to them.
Neighbours: ``metadata_views``, ``metadata_pages``, ``metadata_reports`` and ``metadata_events`` check the
types, ``metadata_apply`` calls them in the order in which they may refer to each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_fields import Problem
from sandbox.salesforce.metadata_zip import NS, children, tag, text_of
from sandbox.salesforce.schema import NUMERIC, Field, Schema, SObject

# Picklists and look-ups may be compared with any text; what else a filter compares is checked.
_DATE = re.compile(
    r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}|TODAY|YESTERDAY|TOMORROW|(THIS|LAST|NEXT)_(WEEK|MONTH|QUARTER|YEAR)"
    r"|(LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS):\d+"
)
_TEXT_ONLY = frozenset({"contains", "notContain", "startsWith"})
OPERATORS = frozenset(
    {"equals", "notEqual", "lessThan", "greaterThan", "lessOrEqual", "greaterOrEqual", *_TEXT_ONLY}
)


@dataclass(slots=True)
class Scope:
    """``components`` holds full names by type; ``details`` what a later component needs of an earlier one.

    ``uses`` collects, as (type, full name), what the component being checked refers to. ``usernames`` are the
    users', in small letters.
    """

    schema: Schema
    components: dict[str, list[str]]
    details: dict[str, Any] = field(default_factory=dict)
    uses: set[tuple[str, str]] = field(default_factory=set)
    usernames: frozenset[str] = frozenset()

    def holds(self, kind: str, name: str) -> bool:
        """Return whether a component is in the org."""
        return name in self.components.get(kind, ())

    def need(self, kind: str, name: str, element: str) -> None:
        """Raise Problem where a component referred to is not in the org."""
        if not self.holds(kind, name):
            raise missing(element, kind, name)
        self.uses.add((kind, name))

    def object(self, name: str, element: str) -> SObject:
        """Return an object referred to. Raises Problem."""
        found = self.schema.get(name)
        if found is None or found.name != name:
            raise missing(element, "CustomObject", name)
        self.uses.add(("CustomObject", name))
        return found

    def field(self, obj: SObject, name: str, element: str) -> Field:
        """Return a field referred to, by its exact name. Raises Problem."""
        found = obj.get(name)
        if found is None or found.name != name:
            raise missing(element, "CustomField", f"{obj.name}.{name}")
        self.uses.add(("CustomField", f"{obj.name}.{name}"))
        return found


def missing(element: str, kind: str, name: str) -> Problem:
    """Return the refusal of a reference that does not resolve."""
    return Problem(f"In field: {element} - no {kind} named {name} found")


def check_root(root: ET.Element, kind: str, elements: Iterable[str]) -> None:
    """Raise Problem where the root is another type, or has an element this stand-in cannot check."""
    if root.tag != NS + kind:
        raise Problem(f"The root element is not {kind}: {root.tag}")
    for child in root:
        if tag(child) not in elements:
            raise Problem(f"Element {child.tag} invalid at this location in type {kind}")


def needed(element: ET.Element, name: str) -> str:
    """Return the text of a child that must be there. Raises Problem."""
    value = text_of(element, name)
    if not value:
        raise Problem(f"Required field is missing: {name}")
    return value


def texts(element: ET.Element, name: str) -> list[str]:
    """Return the texts of the children of a name."""
    return [(child.text or "").strip() for child in children(element, name)]


def one_of(value: str, allowed: Iterable[str], enum: str) -> str:
    """Return a value of an enumeration. Raises Problem."""
    if value not in allowed:
        raise Problem(f"'{value}' is not a valid value for the enum '{enum}'")
    return value


def check_label(element: ET.Element, name: str = "label", limit: int = 80) -> str:
    """Return a label that must be there and fit. Raises Problem."""
    value = needed(element, name)
    if len(value) > limit:
        raise Problem(f"Value too long for field: MasterLabel maximum length is:{limit}")
    return value


def check_name(name: str, limit: int = 80) -> None:
    """Raise Problem for a developer name the platform does not take."""
    if not re.fullmatch(r"[A-Za-z](?:_?[A-Za-z0-9])*", name) or len(name) > limit:
        raise Problem(
            f"The developer name or API name '{name}' is not valid: letters, digits and single underscores, "
            f"begun by a letter, at most {limit}"
        )


def check_filter(kind: str, column: str, operation: str, value: str) -> None:
    """Raise Problem where a filter compares a field of a describe type with what it cannot be."""
    one_of(operation, OPERATORS, "FilterOperation")
    if kind == "textarea":
        raise Problem(f"You cannot filter on a long text field: {column}")
    if operation in _TEXT_ONLY and kind in (*NUMERIC, "date", "datetime", "boolean"):
        raise Problem(f"Invalid filter operator {operation} for {column}")
    if not value:
        return
    good = True
    if kind in NUMERIC:
        good = re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
    elif kind in ("date", "datetime"):
        good = _DATE.fullmatch(value) is not None
    elif kind == "boolean":
        good = value in ("0", "1", "True", "False")
    if not good:
        raise Problem(f"Invalid filter value {value} for {column}")
