"""What people do at the screen beyond saving and deleting: merge, restore, empty the recycle bin.

A merge leaves the losers in the recycle bin with ``MasterRecordId`` and hangs what hung under them under the
survivor (SOAP API guide, ``merge()``). A record purged is in no query any more; the delete log, which
``getDeleted`` reads, still tells of it until it is purged too (SOAP API guide, ``getDeleted()``).
Neighbours: ``control`` calls these, ``rest_query`` reads the log.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.errors import dml
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.standard_history import is_history
from sandbox.salesforce.store import Row
from sandbox.salesforce.write import RELEASED, Writer, existing, hide

_MERGEABLE = ("Account", "Contact")
_LOG = "delete log"


def merge(w: Writer, obj: SObject, survivor_id: str, loser_id: str) -> None:
    """Make one record of two: the loser goes to the recycle bin, its children to the survivor."""
    if obj.name not in _MERGEABLE:
        raise dml("INVALID_OPERATION", f"entity type {obj.name} does not support merge")
    survivor, loser = existing(w.org, obj, survivor_id), existing(w.org, obj, loser_id)
    if survivor["Id"] == loser["Id"]:
        raise dml("INVALID_OPERATION", "a record cannot be merged with itself")
    for child, link in list(w.org.schema.children_of(obj.name)):
        for row in [r for r in w.org.store.live(child.name) if r.get(link.name) == loser["Id"]]:
            if row["Id"] != survivor["Id"]:
                w.org.store.put(w.change, child.name, dict(row, **{link.name: survivor["Id"]}))
    hide(w, obj, loser, MasterRecordId=survivor["Id"])


def restore(w: Writer, obj: SObject, row_id: str) -> None:
    """Take a record out of the recycle bin, with what went there with it and what pointed to it."""
    row = w.org.store.find(obj.name, row_id)
    if row is None or not row.get("IsDeleted"):
        raise dml("UNDELETE_FAILED", "Entity is not in the recycle bin")
    alive = {name: value for name, value in row.items() if name != RELEASED}
    hide(w, obj, alive, IsDeleted=False, MasterRecordId=None)
    for name, child_id, field in row.get(RELEASED, ()):
        child = w.org.store.find(name, child_id)
        if child is None:
            continue
        if child.get("IsDeleted") and is_history(w.org.schema[name]):
            hide(w, w.org.schema[name], child, IsDeleted=False)
        elif child.get("IsDeleted"):
            restore(w, w.org.schema[name], child_id)
        elif child.get(field) is None:
            w.org.store.put(w.change, name, dict(child, **{field: row_id}))


def purge(w: Writer, obj: SObject, row_id: str) -> None:
    """Take a record and what went with it out of the recycle bin for ever; the delete log remembers them."""
    row = w.org.store.find(obj.name, row_id)
    if row is None or not row.get("IsDeleted"):
        raise dml("UNDELETE_FAILED", "Entity is not in the recycle bin")
    logged = w.org.store.noted(_LOG, {})
    logged.setdefault(obj.name, []).append({"id": row_id, "deletedDate": row["SystemModstamp"]})
    w.org.store.note(_LOG, logged)
    w.org.store.remove(w.change, obj.name, row_id)
    for name, child_id, _field in row.get(RELEASED, ()):
        child = w.org.store.find(name, child_id)
        if child is not None and child.get("IsDeleted"):
            purge(w, w.org.schema[name], child_id)


def deletions(org: Org, obj: SObject) -> list[dict[str, Any]]:
    """Return every deletion the log tells of: of what is in the recycle bin, and of what was purged."""
    binned: list[Row] = [row for row in org.store.table(obj.name).values() if row.get("IsDeleted")]
    found = [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in binned]
    return found + list(org.store.noted(_LOG, {}).get(obj.name, ()))


def forget_deletions(org: Org) -> None:
    """Purge the delete log, as the org does by itself where it grows too long."""
    org.store.note(_LOG, {})
