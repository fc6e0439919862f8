"""Looking before an install: what stands of all it wants, and what the portal has room for.

Each look is made only where the plan needs it: archived names where something is to be made,
labels and pipelines where their objects stand, filters where a list of that name is there. What
the grant does not show is told, not failed on. Page names stand with the limits.
Neighbours: ``describe`` has read objects, properties and deal pipelines before; ``schema`` makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integration.deal_pipelines import Pipeline
from integration.hubspot.connector import PROPERTY_GROUP, STANDARD_TYPE_IDS
from integration.hubspot.labels import standing_labels
from integration.hubspot.lists import standing_lists
from integration.hubspot.pipelines import load_pipelines
from integration.hubspot.portal import Portal
from integration.install_specs import (
    Inspection,
    LabelSpec,
    PipelineSpec,
    StandingLabels,
    StandingList,
    Survey,
    Usage,
    Wanted,
)
from integration.parts import OwnedPart, PartKind
from integration.port import CrmDescription, ObjectSpec, Refused

REASON: Final = "survey"
UNIQUE_PROPERTIES: Final = 10
"""Page "Properties": properties with unique values an object may have."""

CUSTOM_PIPELINES: Final = "pipelines of custom objects"
OWNERS_A_PAGE: Final = 500
"""Page "Owners": a page has at most so many."""


def survey(portal: Portal, wanted: Wanted, found: CrmDescription, owned: Sequence[OwnedPart]) -> Survey:
    """Return what stands of ``wanted``; see ``InstallingPort.survey``."""
    looking = _Looking(portal, found)
    lacking = list(looking.lacking(wanted.objects))
    lists, no_lists = looking.lists(wanted, owned)
    labels, pipelines = dict(looking.labels(wanted.labels)), looking.pipeline_limits()
    return Survey(
        group=PROPERTY_GROUP,
        grouped=frozenset(name for name in lacking if looking.has_group(name)),
        archived_objects=looking.archived_objects(wanted.objects),
        archived_fields={name: looking.archived_fields(name) for name in lacking},
        lists=lists,
        labels=labels,
        pipelines=looking.pipelines(wanted.pipelines),
        pipelines_left=_left(wanted.pipelines, pipelines),
        without={PartKind.LIST: no_lists} if no_lists else {},
        inspection=looking.inspection(wanted.objects, (*pipelines, *_label_limits(labels))),
    )


def _left(specs: Iterable[PipelineSpec], limits: Iterable[Usage]) -> dict[str, int]:
    """Return how many more pipelines our objects may have, where that is shown."""
    custom = [one for one in limits if one.name == CUSTOM_PIPELINES and one.limit is not None]
    return {spec.object: max(0, (one.limit or 0) - one.used) for spec in specs for one in custom}


def _label_limits(labels: Mapping[tuple[str, str], StandingLabels]) -> Iterator[Usage]:
    for (source, target), held in labels.items():
        yield Usage(f"labels of {source} to {target}", len(held.ids), len(held.ids) + held.left)


@dataclass(frozen=True, slots=True)
class _Looking:
    """The looks at one portal, beside what describing it has shown."""

    portal: Portal
    found: CrmDescription

    def lacking(self, specs: Iterable[ObjectSpec]) -> Iterator[str]:
        """Yield the standing objects that lack a field of ours."""
        for spec in specs:
            held = self.found.objects.get(spec.name)
            if held is not None and {one.name for one in spec.fields} - {one.name for one in held.fields}:
                yield spec.name

    def has_group(self, name: str) -> bool:
        groups = self._seen(f"{self._properties(name)}/groups")
        return any(one["name"] == PROPERTY_GROUP and not one.get("archived") for one in groups)

    def archived_fields(self, name: str) -> frozenset[str]:
        held = self._seen(f"{self._properties(name)}?archived=true")
        return frozenset(str(one["name"]) for one in held)

    def archived_objects(self, specs: Sequence[ObjectSpec]) -> frozenset[str]:
        if all(not spec.custom or spec.name in self.found.objects for spec in specs):
            return frozenset()
        held = self._seen(f"{self.portal.paths.schemas}?archived=true")
        return frozenset(str(one["name"]) for one in held)

    def lists(self, wanted: Wanted, owned: Sequence[OwnedPart]) -> tuple[dict[str, StandingList], str]:
        """Return the lists that stand, or why lists cannot be had."""
        known = {
            one.part.name: one.crm_id
            for one in owned
            if one.part.kind is PartKind.LIST and one.crm_id is not None
        }
        if not wanted.lists:
            return {}, ""
        try:
            return standing_lists(self.portal, wanted.lists, known, REASON), ""
        except Refused as refusal:
            return {}, refusal.error.words

    def labels(self, specs: Iterable[LabelSpec]) -> Iterator[tuple[tuple[str, str], StandingLabels]]:
        for spec in specs:
            if self._stand(spec.object, spec.target):
                yield (
                    (spec.object, spec.target),
                    standing_labels(self.portal, spec.object, spec.target, REASON),
                )

    def pipelines(self, specs: Iterable[PipelineSpec]) -> dict[str, tuple[Pipeline, ...]]:
        names = [spec.object for spec in specs if self._stand(spec.object)]
        return {name: load_pipelines(self.portal, name, REASON) for name in names}

    def pipeline_limits(self) -> tuple[Usage, ...]:
        """Return the pipelines of deals, then of all custom objects (page "Limits tracking"), where shown."""
        try:
            found = self._get(f"{self.portal.paths.limits}/pipelines")
        except Refused:
            return ()
        deals = [
            (row.get("usage"), row.get("limit"))
            for row in found.get("hubspotDefinedObjectTypes", [])
            if row.get("objectTypeId") == STANDARD_TYPE_IDS["deals"]
        ]
        custom = found.get("customObjectTypes", {})
        rows = [("pipelines of deals", one) for one in deals]
        rows += [(CUSTOM_PIPELINES, (custom.get("overallUsage"), custom.get("overallLimit")))]
        return tuple(
            Usage(name, used, limit)
            for name, (used, limit) in rows
            if isinstance(used, int) and isinstance(limit, int)
        )

    def inspection(self, specs: Sequence[ObjectSpec], more: Iterable[Usage]) -> Inspection:
        """Return what the admin should know: owners and limits, as far as the grant shows them."""
        return Inspection(
            account_type=self.found.account_type,
            custom_objects=not self.found.notes,
            owners=self._owners(archived=False),
            archived_owners=self._owners(archived=True),
            limits=(*self._limits(specs), *more),
        )

    def _owners(self, *, archived: bool) -> int | None:
        count, after = 0, ""
        path = f"{self.portal.paths.owners}?limit={OWNERS_A_PAGE}&archived={str(archived).lower()}"
        try:
            while True:
                answer = self._get(f"{path}&after={after}" if after else path)
                count += len(answer.get("results", []))
                after = str(answer.get("paging", {}).get("next", {}).get("after", ""))
                if not after:
                    break
        except Refused:
            return None
        return count

    def _limits(self, specs: Sequence[ObjectSpec]) -> Iterator[Usage]:
        limit, left = self.found.custom_objects_limit, self.found.custom_objects_left
        if limit is not None and left is not None:
            yield Usage("custom objects", limit - left, limit)
        for spec in specs:
            held = self.found.objects.get(spec.name)
            if held is not None:
                unique = [one for one in held.fields if one.unique and not one.name.startswith("hs_")]
                yield Usage(f"unique properties of {spec.name}", len(unique), UNIQUE_PROPERTIES)
        yield from self._custom_properties({spec.name for spec in specs})

    def _custom_properties(self, names: set[str]) -> Iterator[Usage]:
        """Yield the custom properties of the objects we extend (page "Limits tracking")."""
        try:
            rows = self._get(f"{self.portal.paths.limits}/custom-properties").get("byObjectType", [])
        except Refused:
            return
        by_id = {STANDARD_TYPE_IDS[name]: name for name in names if name in STANDARD_TYPE_IDS}
        for row in rows:
            name = by_id.get(str(row.get("objectTypeId")))
            if name is not None:
                yield Usage(f"custom properties of {name}", int(row["usage"]), int(row["limit"]))

    def _stand(self, *names: str) -> bool:
        return all(name in self.found.objects for name in names)

    def _properties(self, name: str) -> str:
        return f"{self.portal.paths.properties}/{self.portal.names.in_path(name)}"

    def _seen(self, path: str) -> list[dict[str, Any]]:
        """Return the results of a look; none where the grant does not show them."""
        try:
            results: list[dict[str, Any]] = self._get(path).get("results", [])
        except Refused:
            return []
        return results

    def _get(self, path: str) -> dict[str, Any]:
        return self.portal.transport.call(REASON, "GET", path).body
