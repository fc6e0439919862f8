"""Search by keyset: the next 200 records by id, changed since an instant.

Sweeps run by ascending ``hs_object_id``, one condition on the id in
place of an offset. So no read meets the 10,000-row window; rows that share one modification
time (an import of 50,000) need no special care; and a record changed while the read runs
never shifts others out of a page, as offsets by modification time would.

Search lags behind writes by some seconds (page "Search the CRM"), so a caller's next
``changed_since`` is the instant this read *began*, less an overlap; it is never the newest
modification seen, because pages do not come in that order.
Neighbours: ``read`` makes pages of it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from integration.hubspot import vocabulary
from integration.hubspot.connector import MERGED_IDS, SEARCH, SEARCH_BODY_CHARS, modified_property
from integration.hubspot.portal import Portal
from integration.port import ReadQuery, Unavailable


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Rows as HubSpot gave them, whether more follow, and whether they carry the fields asked."""

    rows: list[dict[str, Any]]
    more: bool
    complete: bool


def search_page(portal: Portal, query: ReadQuery, after_id: str | None) -> SearchPage:
    """Return the records with the next higher ids (``changed_since`` to the millisecond)."""
    since, fields = query.changed_since, (*query.fields, MERGED_IDS)
    since_ms = None if since is None else math.floor(since.timestamp() * 1000)
    modified = modified_property(query.object)
    body = vocabulary.search_body(modified, since_ms, after_id, fields)
    complete = len(json.dumps(body)) <= SEARCH_BODY_CHARS
    if not complete:
        body = vocabulary.search_body(modified, since_ms, after_id, ["hs_object_id"])
    path = portal.objects_path(query.object, "search")
    answer = portal.transport.call(f"read {query.object}", "POST", path, body, SEARCH).body
    rows: list[dict[str, Any]] = answer.get("results", [])
    more = bool(answer.get("paging", {}).get("next"))
    if more and (not rows or (after_id is not None and int(rows[-1]["id"]) <= int(after_id))):
        raise Unavailable("search did not go forward by id")
    return SearchPage(rows, more, complete)
