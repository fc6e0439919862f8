"""Taking back what an install made, in the order in which HubSpot lets go of it.

A property used by a list, label or formula cannot be archived, a group with properties neither,
a stage with records in it cannot go, and an object only without records and properties, its name
being free again after a second delete (pages "Properties", "Pipelines", "Custom objects"). So:
lists, labels, pipelines, properties, groups, and our objects from the last made to the first.
Lists may be restored for 90 days; so may properties, by making one of the same name.
Neighbours: ``schema`` makes what goes here, ``sync/uninstall.py`` says which parts are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from integration.hubspot import vocabulary
from integration.hubspot.connector import ASSOCIATIONS, BATCH_ROWS, GENERAL, SEARCH, modified_property
from integration.hubspot.errors import RefusedCall
from integration.hubspot.labels import standing_labels
from integration.hubspot.lists import find_lists
from integration.hubspot.pipelines import load_pipelines
from integration.hubspot.portal import Portal
from integration.parts import OwnedPart, Part, PartKind, Removal
from integration.port import Refused

REASON = "uninstall"
GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
NO_SUCH_OBJECT = "Unable to infer object type"
"""How HubSpot's 400 begins where a path names an object that is not there (any more)."""


@dataclass(frozen=True, slots=True)
class Remover:
    """Removes parts from one portal; asking twice for the same changes nothing."""

    portal: Portal

    def count_records(self, object_name: str) -> int:
        """Return how many records search finds, which lags behind writes by some seconds."""
        body = vocabulary.search_body(modified_property(object_name), None, None, ["hs_object_id"])
        try:
            path = self.portal.objects_path(object_name, "search")
            answer = self.portal.transport.call(REASON, "POST", path, body, SEARCH)
        except Refused:
            return 0
        return int(answer.body.get("total", 0))

    def remove(self, parts: Sequence[OwnedPart]) -> list[Removal]:
        """Remove ``parts``; what HubSpot keeps back is told in its own words."""
        return list(self._each(parts))

    def _each(self, parts: Sequence[OwnedPart]) -> Iterator[Removal]:
        own = {one.part.object for one in parts if one.part.kind is PartKind.OBJECT}
        for one in _of(parts, PartKind.LIST):
            yield self._remove_list(one)
        for one in _of(parts, PartKind.LABEL):
            yield self._remove_label(one)
        for one in _of(parts, PartKind.PIPELINE):
            yield self._remove_pipeline(one)
        fields = _by_object(_of(parts, PartKind.FIELD))
        for name in sorted(fields.keys() - own):
            yield from self._archive_fields(name, fields[name])
        for one in _of(parts, PartKind.GROUP):
            if one.part.object not in own:
                yield self._remove_group(one.part)
        groups = _by_object(_of(parts, PartKind.GROUP))
        for name in reversed([one.part.name for one in _of(parts, PartKind.OBJECT)]):
            yield from self._remove_object(name, fields.get(name, []), groups.get(name, []))

    def _remove_list(self, one: OwnedPart) -> Removal:
        part, list_id = one.part, one.crm_id
        if list_id is None:  # we crashed before its id was known
            list_id = self._list_id(part)
        if list_id is None:
            return Removal(part, gone=True)
        return self._delete(part, f"{self.portal.paths.lists}/{list_id}")

    def _list_id(self, part: Part) -> str | None:
        asked = part.name, self.portal.names.type_id(part.object)
        held = find_lists(self.portal, part.name, REASON)
        return next((str(one["listId"]) for one in held if (one["name"], one["objectTypeId"]) == asked), None)

    def _remove_label(self, one: OwnedPart) -> Removal:
        part, names = one.part, self.portal.names
        type_id = one.crm_id
        try:
            if type_id is None:
                held = standing_labels(self.portal, part.object, part.target, REASON)
                type_id = held.ids.get(part.name)
        except RefusedCall as refusal:
            return _refused(part, refusal)
        if type_id is None:
            return Removal(part, gone=True)
        pair = f"{names.in_path(part.object)}/{names.in_path(part.target)}"
        path = f"{self.portal.paths.associations}/{pair}/labels/{type_id}"
        return self._delete(part, path, ASSOCIATIONS)

    def _remove_pipeline(self, one: OwnedPart) -> Removal:
        part, pipeline_id = one.part, one.crm_id
        try:
            if pipeline_id is None:
                held = load_pipelines(self.portal, part.object, REASON)
                pipeline_id = next((each.id for each in held if each.label == part.name), None)
        except RefusedCall as refusal:
            return _refused(part, refusal)
        if pipeline_id is None:
            return Removal(part, gone=True)
        path = f"{self.portal.paths.pipelines}/{self.portal.names.in_path(part.object)}/{pipeline_id}"
        return self._delete(part, f"{path}?validateReferencesBeforeDelete=true")

    def _archive_fields(self, object_name: str, parts: Sequence[Part]) -> Iterator[Removal]:
        """Archive properties by the hundred; where one of a batch is kept back, one by one."""
        path = f"{self.portal.paths.properties}/{self.portal.names.in_path(object_name)}"
        for start in range(0, len(parts), BATCH_ROWS):
            batch = parts[start : start + BATCH_ROWS]
            body = {"inputs": [{"name": part.name} for part in batch]}
            try:
                self.portal.transport.call(REASON, "POST", f"{path}/batch/archive", body)
            except RefusedCall:
                yield from (self._delete(part, f"{path}/{part.name}") for part in batch)
            else:
                yield from (Removal(part, gone=True) for part in batch)

    def _remove_group(self, part: Part) -> Removal:
        path = f"{self.portal.paths.properties}/{self.portal.names.in_path(part.object)}/groups/{part.name}"
        return self._delete(part, path)

    def _remove_object(self, name: str, fields: Sequence[Part], groups: Sequence[Part]) -> Iterator[Removal]:
        """Delete an object of ours for good; its fields and groups go with it."""
        part = Part(PartKind.OBJECT, name, name)
        path = f"{self.portal.paths.schemas}/{self.portal.names.in_path(name)}"
        try:
            yield from self._empty_object(name, path, fields)
            self.portal.transport.call(REASON, "DELETE", path)
            was_deleted = False
        except RefusedCall as refusal:
            if refusal.problem.status not in GONE:
                yield _refused(part, refusal)
                return
            was_deleted = True
        yield from self._purge(part, path, (*fields, *groups), was_deleted=was_deleted)

    def _empty_object(self, name: str, path: str, fields: Sequence[Part]) -> Iterator[Removal]:
        """Archive our fields but those the definition itself names, which go with it; yield those kept."""
        schema = vocabulary.schema_model(self.portal.transport.call(REASON, "GET", path).body)
        shown = {schema.primary_display_property, *(schema.required_properties or [])}
        standing = {each.name for each in schema.properties or [] if not each.archived}
        loose = [each for each in fields if each.name in standing - shown]
        yield from (removal for removal in self._archive_fields(name, loose) if not removal.gone)

    def _purge(
        self, part: Part, path: str, inside: Sequence[Part], *, was_deleted: bool
    ) -> Iterator[Removal]:
        """Free the name of a deleted object. One deleted before may have been freed before, too."""
        gone, message = True, ""
        try:
            self.portal.transport.call(REASON, "DELETE", f"{path}?archived=true")
        except RefusedCall as refusal:
            gone = was_deleted and refusal.problem.status == HTTPStatus.BAD_REQUEST
            message = "" if gone else f"deleted, but its name stays taken: {refusal.error.message}"
        yield from (Removal(each, gone=True) for each in inside)
        yield Removal(part, gone, message)

    def _delete(self, part: Part, path: str, kind: str = GENERAL) -> Removal:
        try:
            self.portal.transport.call(REASON, "DELETE", path, None, kind)
        except RefusedCall as refusal:
            return _refused(part, refusal)
        return Removal(part, gone=True)


def _of(parts: Iterable[OwnedPart], kind: PartKind) -> list[OwnedPart]:
    return [one for one in parts if one.part.kind is kind]


def _by_object(parts: Iterable[OwnedPart]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for one in parts:
        found.setdefault(one.part.object, []).append(one.part)
    return found


def _refused(part: Part, refusal: RefusedCall) -> Removal:
    """Return what keeps a part; one that is not there is gone, and so is one of an object that is not."""
    if refusal.problem.status in GONE or refusal.problem.message.startswith(NO_SUCH_OBJECT):
        return Removal(part, gone=True)
    users = refusal.problem.named("parentName")
    used = f" (used by: {', '.join(users)})" if users else ""
    return Removal(part, gone=False, message=refusal.error.message + used)
