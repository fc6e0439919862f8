"""What became of records: asked of the recycle bin, where a merged account names the one it became.

A record that even ``queryAll`` does not give was purged. ``MasterRecordId`` is set on the losers of a merge
(object reference, "Account", "Contact"). Neighbours: ``write`` is told that records are gone, ``read`` reads
by change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from integration.fates import Fate
from integration.salesforce.transport import Transport
from integration.salesforce.values import parse_instant, soql_text

MERGEABLE: Final = frozenset({"Account", "Contact"})
MASTER: Final = "MasterRecordId"
IDS_PER_QUERY: Final = 200
LONGEST_CHAIN: Final = 5
"""Merges followed one after the other; a longer chain ends as deleted."""


def find_fates(transport: Transport, object_name: str, ids: Sequence[str]) -> list[Fate]:
    """Return those that are gone (reason ``fates``); a call per 200, and one per further merge."""
    rows = _rows(transport, object_name, sorted(set(ids)))
    wanted = {one: str(row[MASTER]) for one, row in rows.items() if row.get(MASTER)}
    for _ in range(LONGEST_CHAIN):
        unknown = sorted(set(wanted.values()) - set(rows))
        if not unknown:
            break
        rows |= _rows(transport, object_name, unknown)
        wanted = {one: _master(rows.get(master)) or master for one, master in wanted.items()}
    alive = {one for one, row in rows.items() if not row["IsDeleted"]}
    found = []
    for one in sorted(set(ids) - alive):
        row, survivor = rows.get(one), wanted.get(one)
        at = parse_instant(row["SystemModstamp"]) if row else None
        found.append(Fate(one, at, survivor if survivor in alive else None))
    return found


def _master(row: Mapping[str, Any] | None) -> str | None:
    return str(row[MASTER]) if row and row.get(MASTER) else None


def _rows(transport: Transport, object_name: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    fields = "Id, IsDeleted, SystemModstamp" + (f", {MASTER}" if object_name in MERGEABLE else "")
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(ids), IDS_PER_QUERY):
        listed = ",".join(map(soql_text, ids[start : start + IDS_PER_QUERY]))
        soql = f"SELECT {fields} FROM {object_name} WHERE Id IN ({listed})"
        answer = transport.query("fates", soql, include_deleted=True)
        found |= {str(row["Id"]): row for row in answer["records"]}
    return found
