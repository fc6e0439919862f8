"""Merging two records of a type: the primary keeps its id and values and takes over the other's links.

Source: HubSpot's merge guide; the record merged away is archived, and its id still works for
single updates (HubSpot's "Using object APIs"), also when its survivor was merged again. In some cases
HubSpot makes a new record out of the two (webhook field ``newObjectId``): ``fresh`` does that.
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


def merge_records(
    writer: Writer, kind: ObjectType, primary: Record, other: Record, actor: Actor, *, fresh: bool = False
) -> Record:
    """Merge ``other`` into ``primary`` and return the result. Raises 400 for one record twice."""
    if primary.id == other.id:
        raise invalid("A record can't be merged with itself")
    portal = writer.portal
    now = portal.clock.now_ms()
    gone = [other, primary] if fresh else [other]
    merged_ids = [
        value for one in gone for value in (one.values.get("hs_merged_object_ids"), one.id) if value
    ]
    if not fresh and primary.values.get("hs_merged_object_ids"):
        merged_ids.insert(0, primary.values["hs_merged_object_ids"])
    new_id = portal.records.next_id() if fresh else primary.id
    values = {**other.values, **primary.values, "hs_merged_object_ids": ";".join(merged_ids)}
    values |= {"hs_object_id": new_id, kind.modified: stamp(now)}
    moved = sum(1 for name in other.values if name not in primary.values)
    result = replace(primary, id=new_id, values=values, updated=now)
    with writer.transaction():
        for one in gone:
            portal.move_unique(kind, one, None)
        portal.move_unique(kind, None if fresh else primary, result)
        archived = [replace(one, archived=True, archived_at=now, updated=now) for one in gone]
        portal.records.keep([result, *archived])
        for one in gone:
            _move_links(portal, kind, result, one)
    merged = portal.services.settings.get("merged", {})
    portal.services.settings.put("merged", {**merged, **{one.id: new_id for one in gone}})
    fields = {
        "primaryObjectId": int(primary.id),
        "mergedObjectIds": [int(other.id)],
        "newObjectId": int(new_id),
        "numberOfPropertiesMoved": moved,
    }
    portal.webhooks.emit([Event("merge", kind, new_id, actor, fields)])
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
