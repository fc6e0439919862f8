"""Merging two records of a type: the primary keeps its id and values and takes over the other's links.

Source: HubSpot's merge guide; the record merged away is archived, and its id still works for
single updates (HubSpot's "Using object APIs").
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.hubspot.catalogue import ObjectType
from sandbox.hubspot.errors import invalid
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.records import Record
from sandbox.hubspot.times import stamp
from sandbox.hubspot.webhooks import Actor, Event
from sandbox.hubspot.writes import Writer


def merge_records(writer: Writer, kind: ObjectType, primary: Record, other: Record, actor: Actor) -> Record:
    """Merge ``other`` into ``primary`` and return the result. Raises 400 for one record twice."""
    if primary.id == other.id:
        raise invalid("A record can't be merged with itself")
    portal = writer.portal
    now = portal.clock.now_ms()
    merged_ids = ";".join(filter(None, [primary.values.get("hs_merged_object_ids"), other.id]))
    values = {**other.values, **primary.values, "hs_merged_object_ids": merged_ids, kind.modified: stamp(now)}
    moved = sum(1 for name in other.values if name not in primary.values)
    result = replace(primary, values=values, updated=now)
    with writer.transaction():
        portal.move_unique(kind, other, None)
        portal.move_unique(kind, primary, result)
        portal.records.keep([result, replace(other, archived=True, archived_at=now, updated=now)])
        _move_links(portal, kind, primary, other)
    merged = portal.services.settings.get("merged", {})
    portal.services.settings.put("merged", {**merged, other.id: primary.id})
    fields = {
        "primaryObjectId": int(primary.id),
        "mergedObjectIds": [int(other.id)],
        "newObjectId": int(primary.id),
        "numberOfPropertiesMoved": moved,
    }
    portal.webhooks.emit([Event("merge", kind, primary.id, actor, fields)])
    return result


def _move_links(portal: Portal, kind: ObjectType, primary: Record, other: Record) -> None:
    for to_type, ends in list(portal.links.all_of(kind.type_id, other.id).items()):
        for to_id, type_ids in list(ends.items()):
            kinds = [portal.association_types.by_id(one, kind.type_id, to_type) for one in type_ids]
            portal.links.remove(kind.type_id, other.id, to_type, to_id)
            held = portal.links.of(kind.type_id, primary.id, to_type)
            has_primary = any(one.primary and one.type_id in ids for one in kinds for ids in held.values())
            kept = [one for one in kinds if not (one.primary and has_primary)]
            if kept and to_id != primary.id:
                portal.links.add(primary.id, to_id, kept)
