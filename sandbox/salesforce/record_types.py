"""Record types: which a user may give a record, and which values of picklists each of them has.

Set by ``POST /_sandbox/record_types`` (see ``shape_control.py``) and kept with the schema; the rows of
RecordType and BusinessProcess follow. ``write.py`` asks ``settle``, describe and ``ui_api.py`` show what
is here. Source: Object Reference, "RecordType", "BusinessProcess"; its refusal of a record type as
recorded in public issue threads.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.errors import dml
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import RecordType, SObject
from sandbox.salesforce.standard import reference
from sandbox.salesforce.store import Change, Row

Json = dict[str, Any]
MASTER_RECORD_TYPE = "012000000000000AAA"
FIELD = "RecordTypeId"


def set_record_types(org: Org, object_name: str, types: list[Json]) -> list[str]:
    """Give an object these record types in place of those it has; return their ids.

    Each is ``{"developer_name", "name"?, "active"?, "available"?, "default"?, "picks"?: {field: [values]}}``;
    those of an opportunity have a sales process, made of the stages in ``picks``. Raises ValueError.
    """
    obj = org.schema.get(object_name)
    if obj is None:
        raise ValueError(f"unknown object {object_name!r}")
    change = Change()
    for old in obj.record_types:
        org.store.remove(change, "RecordType", old.id)
    made = [_make(org, obj, raw) for raw in types]
    obj.record_types = tuple(made)
    if obj.get(FIELD) is None and made:
        obj.put(reference(FIELD, "Record Type ID", "RecordType"))
    org.schema.touch(obj.name, org.stamp())
    org.save_schema()
    org.commit()
    return [one.id for one in made]


def _make(org: Org, obj: SObject, raw: Json) -> RecordType:
    picks = {str(name): tuple(values) for name, values in (raw.get("picks") or {}).items()}
    for name, values in picks.items():
        f = obj.get(name)
        unknown = set(values) - {p.value for p in f.picks} if f is not None else {name}
        if unknown:
            raise ValueError(f"{obj.name}.{name} has no value {', '.join(sorted(unknown))}")
    developer_name = str(raw["developer_name"])
    label, active = str(raw.get("name") or developer_name), bool(raw.get("active", True))
    process: str | None = None
    if obj.name == "Opportunity":
        process = org.plant("BusinessProcess", {"Name": label, "TableEnumOrId": obj.name, "IsActive": True})
    held = {"Name": label, "DeveloperName": developer_name, "SobjectType": obj.name, "IsActive": active,
              "BusinessProcessId": process, "IsPersonType": bool(raw.get("person"))}  # fmt: skip
    row_id = org.plant("RecordType", held)
    available = active and bool(raw.get("available", True))
    return RecordType(row_id, developer_name, label, active, available, bool(raw.get("default")),
                      bool(raw.get("person")), tuple(picks.items()))  # fmt: skip


def settle(obj: SObject, row: Row, given: set[str]) -> None:
    """Give a new row the user's default record type, and refuse one the user may not give.

    Raises INVALID_CROSS_REFERENCE_KEY, and INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST for a value of a
    restricted picklist that the record type leaves out. An unrestricted one takes it, as it takes any.
    """
    if not obj.record_types:
        return
    held = {one.id: one for one in obj.record_types}
    if FIELD in given and row.get(FIELD) is not None:
        chosen = held.get(row[FIELD])
        if chosen is None or not chosen.available:
            words = f"Record Type ID: this ID value isn't valid for the user: {row[FIELD]}"
            raise dml("INVALID_CROSS_REFERENCE_KEY", words, FIELD)
    elif row.get(FIELD) is None:
        row[FIELD] = next((one.id for one in obj.record_types if one.default and one.available), None)
    _check_picks(obj, held.get(row.get(FIELD) or ""), row, given)


def _check_picks(obj: SObject, chosen: RecordType | None, row: Row, given: set[str]) -> None:
    for name, values in chosen.picks if chosen else ():
        f = obj.get(name)
        if f is not None and f.restricted and name in given and row.get(name) not in (None, *values):
            words = f"{f.label}: bad value for restricted picklist field: {row[name]}"
            raise dml("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, name)


def infos(obj: SObject, base: str) -> list[Json]:
    """Return describe's ``recordTypeInfos``: the object's own, then Master, which every object has."""
    defaulted = any(one.default for one in obj.record_types)
    rows = [(one.id, one.developer_name, one.name, one.active, one.available, one.default, False)
            for one in obj.record_types]  # fmt: skip
    rows.append((MASTER_RECORD_TYPE, "Master", "Master", True, not defaulted, not defaulted, True))
    return [
        {"active": active, "available": available, "defaultRecordTypeMapping": default,
         "developerName": developer_name, "master": master, "name": name, "recordTypeId": row_id,
         "urls": {"layout": f"{base}/describe/layouts/{row_id}"}}
        for row_id, developer_name, name, active, available, default, master in rows
    ]  # fmt: skip
