"""Taking back what an install made, in the order in which Salesforce lets go of it.

A component that another one uses cannot be deleted, and naming both in one manifest does not help; nor can
a page that an app shows, or a permission set that somebody has. So manifests follow one another, two to a
deploy (``destructiveChangesPre.xml``, ``destructiveChangesPost.xml``): dashboards, the app and list views;
reports, pages, tabs, paths and actions; report types, components and folders; calculated fields; other
fields; our objects, children first, each with all that is in it; permission sets once nobody has them. A
refused component is told in the org's words and the rest is sent again without it. What went can be
restored in Setup for 15 days. Source: Metadata API guide, "Deleting Components from an Organization".
Neighbours: ``installer`` makes what goes here, ``sync/uninstall`` says which parts are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from integration.package_step import PACKAGE
from integration.parts import OwnedPart, Part, PartKind, Removal
from integration.port import Refused
from integration.salesforce.assignment import unassign
from integration.salesforce.components import component_named
from integration.salesforce.deploys import Deployed, deploy, zipped
from integration.salesforce.metadata_xml import package_xml
from integration.salesforce.shape import Shapes
from integration.salesforce.sources import formula_fields
from integration.salesforce.transport import Transport

REASON: Final = "uninstall"
PRE, POST = "destructiveChangesPre.xml", "destructiveChangesPost.xml"
_SETS: Final = "PermissionSet"
_FIRST: Final = frozenset({"CustomApplication", "PlatformEventChannelMember"})
_THIRD: Final = frozenset({"LightningComponentBundle", "ReportType"})
Stage = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Remover:
    """Removes parts from one org; asking twice for the same changes nothing."""

    transport: Transport
    shapes: Shapes

    def count_records(self, object_name: str) -> int:
        """Return how many live records an object has; 0 where it does not stand or cannot be seen."""
        soql = f"SELECT COUNT() FROM {object_name}"
        try:
            answer = self.transport.request(REASON, "GET", "query", params={"q": soql})
        except Refused as refused:
            if refused.error.code in ("INVALID_TYPE", HTTPStatus.NOT_FOUND.name):
                return 0
            raise
        return int(answer["totalSize"])

    def remove(self, parts: Sequence[OwnedPart]) -> list[Removal]:
        """Remove ``parts``; what the org keeps back is told in its own words."""
        return list(self._each([one.part for one in parts]))

    def _each(self, parts: Sequence[Part]) -> Iterator[Removal]:
        objects = {part.name for part in parts if part.kind is PartKind.OBJECT}
        inside = {part: owner for part in parts for owner in objects if _inside(part, owner)}
        sets = tuple(part for part in parts if part.object == _SETS)
        loose = [part for part in parts if part not in inside and part not in sets and part != PACKAGE]
        stages = _stages(loose)
        gone: set[str] = set()
        for start in range(0, len(stages), 2):
            for removal in self._send(dict(zip((PRE, POST), stages[start : start + 2], strict=False))):
                gone |= {removal.part.name} if removal.gone else set()
                yield removal
        for part, owner in inside.items():
            yield Removal(part, owner in gone, "" if owner in gone else f"{owner} still stands")
        if sets:
            unassign(self.transport, REASON, [part.name for part in sets])
            yield from self._send({PRE: sets})
        yield from (Removal(part, gone=True) for part in parts if part == PACKAGE)
        for name in objects:
            self.shapes.forget(name)

    def _send(self, manifests: Mapping[str, Stage]) -> Iterator[Removal]:
        """Deploy manifests until nothing in them is refused, each time without what was."""
        left = {name: list(stage) for name, stage in manifests.items()}
        while any(left.values()):
            outcome = deploy(self.transport, REASON, _archive(left), ignore_warnings=True)
            if outcome.worked:
                yield from (Removal(part, gone=True) for stage in left.values() for part in stage)
                return
            refused = _refused(outcome)
            told = {part: refused.get(component_named(part)) for stage in left.values() for part in stage}
            named = {part: words for part, words in told.items() if words is not None}
            named = named or dict.fromkeys(told, "; ".join(outcome.words))
            yield from (Removal(part, gone=False, message=words) for part, words in named.items())
            left = {name: [part for part in stage if part not in named] for name, stage in left.items()}


def _refused(outcome: Deployed) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for one in outcome.failures:
        held = found.get((one.kind, one.name))
        found[one.kind, one.name] = one.problem if held is None else f"{held}; {one.problem}"
    return found


def _archive(manifests: Mapping[str, Sequence[Part]]) -> bytes:
    files = {"package.xml": package_xml({})}
    for name, stage in manifests.items():
        members: dict[str, list[str]] = {}
        for part in stage:
            kind, full = component_named(part)
            members.setdefault(kind, []).append(full)
        if members:
            files[name] = package_xml(members)
    return zipped(files)


def _stages(parts: Sequence[Part]) -> list[Stage]:
    """Return parts by what must go before what; objects as they were made, so the last comes first."""
    formulas = formula_fields()
    staged: dict[int, list[Part]] = {}
    objects = [part for part in parts if part.kind is PartKind.OBJECT]
    for part in parts:
        if part not in objects:
            staged.setdefault(_stage(part, formulas), []).append(part)
    stages = [tuple(staged[place]) for place in sorted(staged)]
    return [*stages, *((part,) for part in reversed(objects))]


def _stage(part: Part, formulas: frozenset[str]) -> int:
    if part.kind is PartKind.FIELD:
        return 3 if f"{part.object}.{part.name}" in formulas else 4
    if part.kind is PartKind.REPORT:
        folder = "/" not in part.name
        return (1 if folder else 0) if part.object == "Dashboard" else (2 if folder else 1)
    if part.object in _THIRD:
        return 2
    return 0 if part.kind is PartKind.LIST or part.object in _FIRST else 1


def _inside(part: Part, object_name: str) -> bool:
    """Return whether a part goes with an object: its fields, views, layouts, actions and its tab."""
    if part.kind in (PartKind.OBJECT, PartKind.REPORT):
        return False
    if part.kind in (PartKind.FIELD, PartKind.LIST):
        return part.object == object_name
    if part.object == "CustomTab":
        return part.name == object_name
    return part.name.startswith((f"{object_name}.", f"{object_name}-"))
