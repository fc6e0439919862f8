"""What an org remembers of changes: stage history always, field history where it is tracked.

``OpportunityHistory`` gets a row with the values after each change of stage, amount, close date or
probability, the first at creation. ``AccountHistory``, ``OpportunityFieldHistory`` and ``X__History`` exist
where fields of the object are tracked, at most 20, and get a row with old and new value for each; a lookup
gets two, of names and of ids, and a long text no values. Tracked changes are kept for 24 months by API.
Nobody writes them. Source: Object Reference, "OpportunityHistory", "OpportunityFieldHistory",
"StandardObjectNameHistory"; Salesforce Help, "Field History Tracking".
Neighbours: ``write`` and ``derive`` record, ``control`` tracks, ``soql_run`` leaves out what is too old.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.ids import mint
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.standard_history import STAGE_HISTORY, field_history, history_of, is_history
from sandbox.salesforce.store import Change, Row

_TRACKED = "tracked fields"
_MOST_FIELDS = 20
_MONTHS = 24
_LONG = 255
_STAGE_FIELDS = ("StageName", "Amount", "CloseDate", "Probability")
_PREFIXES = {"Account": "0P0", "Opportunity": "017"}
_SNAPSHOT = (*_STAGE_FIELDS, "ExpectedRevenue", "ForecastCategory", "CurrencyIsoCode")


def track(org: Org, obj: SObject, fields: list[str]) -> None:
    """Track fields of an object from now on. Raises ValueError for too many, and for a field unknown."""
    unknown = [name for name in fields if obj.get(name) is None]
    if unknown or len(fields) > _MOST_FIELDS:
        raise ValueError(f"unknown fields {unknown}" if unknown else f"at most {_MOST_FIELDS} fields")
    name, _parent = history_of(obj)
    if org.schema.get(name) is None:
        prefix = _PREFIXES.get(obj.name) or org.next_prefix()
        made = field_history(obj, prefix)
        org.schema.put(made, org.stamp())
        org.save_schema()
    org.store.note(_TRACKED, {**org.store.noted(_TRACKED, {}), obj.name: fields})


def record(org: Org, change: Change, obj: SObject, row: Row, old: Row | None) -> None:
    """Remember a save; ``old`` is ``None`` of a new row, whose tracked values are not told."""
    if obj.name == "Opportunity" and (old is None or any(row[n] != old[n] for n in _STAGE_FIELDS)):
        remember_stage(org, change, row, org.stamp())
    for name in org.store.noted(_TRACKED, {}).get(obj.name, ()) if old else ():
        f = obj.get(name)
        if f is not None and old is not None and row.get(f.name) != old.get(f.name):
            for before, after in _values(org, f, old.get(f.name), row.get(f.name)):
                _put_change(org, change, obj, row, (f, before, after))


def remember_stage(org: Org, change: Change, row: Row, at: str, **other: Any) -> None:
    """Add a row of stage history as of an instant; ``other`` are values that were not the row's own."""
    shown = {name: row.get(name) for name in _SNAPSHOT} | other
    system = {"OpportunityId": row["Id"], "SystemModstamp": at}
    _put(org, change, org.schema[STAGE_HISTORY], row, {**shown, **system}, at)


def _put_change(org: Org, change: Change, obj: SObject, row: Row, what: tuple[Field, Any, Any]) -> None:
    f, before, after = what
    name, parent = history_of(obj)
    told = f.name.removesuffix("Id") if f.type == "reference" and not f.custom else f.name
    values = {parent: row["Id"], "Field": told, "DataType": f.type, "OldValue": before, "NewValue": after}
    _put(org, change, org.schema[name], row, values, org.stamp())


def _put(org: Org, change: Change, obj: SObject, row: Row, values: Row, at: str) -> None:
    fixed = {"Id": mint(obj.prefix, org.count("id:" + obj.prefix)), "IsDeleted": False, "CreatedDate": at}
    org.store.put(change, obj.name, {**fixed, "CreatedById": row.get("LastModifiedById"), **values})


def _values(org: Org, f: Field, before: Any, after: Any) -> list[tuple[Any, Any]]:
    if f.type == "textarea" and f.length > _LONG:
        return [(None, None)]
    if f.type != "reference":
        return [(before, after)]
    return [(_named(org, f, before), _named(org, f, after)), (before, after)]


def _named(org: Org, f: Field, row_id: str | None) -> str | None:
    found = org.store.find(f.reference_to[0], row_id) if row_id else None
    return found.get("Name") if found else None


def forgotten(org: Org, obj: SObject, row: Row) -> bool:
    """Return whether a row of field history is older than an org keeps; stage history stays."""
    if not is_history(obj) or obj.name == STAGE_HISTORY:
        return False
    now = org.now()
    months = now.year * 12 + now.month - 1 - _MONTHS
    oldest = f"{months // 12:04d}-{months % 12 + 1:02d}-{min(now.day, 28):02d}"
    return str(row["CreatedDate"]) < oldest
