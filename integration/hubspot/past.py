"""Property history: the earlier values HubSpot keeps, 50 records a call.

HubSpot keeps the last 20 values of a property (45 of a contact's), so a property changed more often has
no older ones; what was cleared is kept as an empty value. Pages: "CRM API | Objects"
(``propertiesWithHistory``, 50 inputs), "Understanding the CRM". Neighbours: ``read``, ``port``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from integration.history import Held, History
from integration.hubspot import vocabulary
from integration.hubspot.connector import HISTORY_ROWS
from integration.hubspot.portal import Portal


def read_history(
    portal: Portal, object_name: str, ids: Sequence[str], fields: Sequence[str]
) -> list[History]:
    """Return what HubSpot keeps of the records that exist among ``ids``; counted as ``history``."""
    path = portal.objects_path(object_name, "batch/read")
    found: list[History] = []
    for start in range(0, len(ids), HISTORY_ROWS):
        body = vocabulary.batch_read_body(ids[start : start + HISTORY_ROWS], (), history=fields)
        answer = portal.transport.call(f"history {object_name}", "POST", path, body).body
        found += [_history(row) for row in answer.get("results", [])]
    return found


def _history(row: dict[str, Any]) -> History:
    kept = row.get("propertiesWithHistory") or {}
    fields = {
        name: [Held(_instant(one["timestamp"]), one.get("value") or None) for one in values]
        for name, values in kept.items()
    }
    return History(str(row["id"]), _instant(row["createdAt"]), fields)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
