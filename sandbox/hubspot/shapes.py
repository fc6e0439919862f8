"""How records look in HubSpot's answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Record
from sandbox.hubspot.times import stamp


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asked to see of a record; no ``properties`` means HubSpot's default set."""

    properties: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    associations: tuple[str, ...] = ()


def shown(portal: Portal, kind: ObjectType, record: Record, wanted: Wanted) -> dict[str, Any]:
    """Return a record as read: asked-for properties (null when unset, left out when unknown)."""
    live = portal.properties.live(kind.type_id)
    names = wanted.properties or kind.shown
    always = (kind.created, kind.modified, "hs_object_id")
    properties = {name: record.values.get(name) for name in (*names, *always) if name in live}
    body = _frame(portal, record, properties)
    if wanted.history:
        body["propertiesWithHistory"] = {
            name: _history(record, name) for name in wanted.history if name in live
        }
    if wanted.associations:
        found = associations(portal, kind, record, wanted.associations)
        if found:
            body["associations"] = found
    return body


def written(portal: Portal, record: Record) -> dict[str, Any]:
    """Return a record as the answer to a write: every property it holds."""
    return _frame(portal, record, dict(record.values))


def _frame(portal: Portal, record: Record, properties: dict[str, str | None]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": record.id,
        "properties": properties,
        "createdAt": stamp(record.created),
        "updatedAt": stamp(record.updated),
        "archived": record.archived,
    }
    if record.archived_at is not None:
        body["archivedAt"] = stamp(record.archived_at)
    body["url"] = (
        f"https://app.hubspot.com/contacts/{portal.options.portal_id}/record/{record.type_id}/{record.id}"
    )
    return body


def _history(record: Record, name: str) -> list[dict[str, Any]]:
    return [
        {"value": one.value, "timestamp": stamp(one.at), "sourceType": one.source, "sourceId": one.source_id}
        for one in record.versions(name)
    ]


def associations(portal: Portal, kind: ObjectType, record: Record, names: Iterable[str]) -> dict[str, Any]:
    """Return the ``associations`` part: by plural name (``line items`` with a space), ids with type names."""
    body: dict[str, Any] = {}
    for name in names:
        other = portal.type_of(name)
        ends = portal.links.of(kind.type_id, record.id, other.type_id)
        rows = [
            {"id": to_id, "type": portal.association_types.by_id(type_id, kind.type_id, other.type_id).name}
            for to_id in sorted(ends, key=int)
            for type_id in sorted(ends[to_id])
        ]
        if rows:
            body[other.plural if other.custom else other.plural.replace("_", " ")] = {"results": rows}
    return body
