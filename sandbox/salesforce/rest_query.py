"""``/query`` and ``/queryAll`` with paging, and ``/sobjects/X/updated|deleted`` (REST API guide).

A locator keeps the rows as they were when the query ran; the newest 50 locators live, in memory.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from sandbox.salesforce.errors import SfError
from sandbox.salesforce.instants import moment, read_instant, stamp
from sandbox.salesforce.org import Org
from sandbox.salesforce.recycle_bin import deletions
from sandbox.salesforce.rest_records import visible
from sandbox.salesforce.soql_run import Plan, plan
from sandbox.salesforce.web import Answer, Call, Router, acting

_PAGE = 2000
_SMALLEST = 200
_KEPT = 50
_UPDATED_DAYS = 30
_DELETED_DAYS = 15
IDS_CAP = "ids cap"
_IDS_CAP = 600_000


def register(router: Router) -> None:
    """Add the query and replication routes."""
    router.add("GET", "query", lambda org, call: first_page(org, call, deleted=False))
    router.add("GET", "queryAll", lambda org, call: first_page(org, call, deleted=True))
    router.add("GET", "query/*", next_page)
    router.add("GET", "queryAll/*", next_page)
    router.add("GET", "sobjects/*/updated", updated)
    router.add("GET", "sobjects/*/deleted", deleted)


def page_size(call: Call) -> int:
    """Return the rows per page that ``Sforce-Query-Options: batchSize=`` asks for, 200 to 2000."""
    match = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""), re.IGNORECASE)
    return min(_PAGE, max(_SMALLEST, int(match[1]))) if match else _PAGE


def first_page(org: Org, call: Call, *, deleted: bool) -> Answer:
    """Run a query and answer its first page."""
    text = call.args.get("q")
    if text is None:
        raise SfError("MALFORMED_QUERY", "A query string has to be specified")
    found = plan(org, acting(org, call).access, text, call.version, deleted=deleted)
    call.note.object = found.object
    if found.count_only:
        return Answer(body={"totalSize": len(found.rows), "done": True, "records": []})
    size = page_size(call)
    locator = ""
    if len(found.rows) > size:
        locator = f"0r8{org.count('cursor'):012d}AAA"
        org.cursors[locator] = found
        while len(org.cursors) > _KEPT:
            del org.cursors[next(iter(org.cursors))]
    return _page(call, found, locator, 0, size)


def next_page(org: Org, call: Call, locator: str) -> Answer:
    """Answer a later page of a query."""
    name, _, start = locator.partition("-")
    found = org.cursors.get(name)
    if found is None or not start.isdigit():
        raise SfError("INVALID_QUERY_LOCATOR", "invalid query locator")
    call.note.object = found.object
    return _page(call, found, name, int(start), page_size(call))


def _page(call: Call, found: Plan, locator: str, start: int, size: int) -> Answer:
    rows = [found.render(r) for r in found.rows[start : start + size]]
    end = start + len(rows)
    call.note.rows_out = len(rows)
    done = end >= len(found.rows)
    more = {} if done else {"nextRecordsUrl": f"/services/data/v{call.version}.0/query/{locator}-{end}"}
    return Answer(body={"totalSize": len(found.rows), "done": done, **more, "records": rows})


def _window(org: Org, call: Call, days: int) -> tuple[str, str]:
    start, end = (read_instant(call.args.get(n, "").replace(" ", "+")) for n in ("start", "end"))
    if start is None or end is None:
        raise SfError("INVALID_REPLICATION_DATE", "start and end must be ISO 8601 date times")
    if moment(end) - moment(start) <= timedelta(minutes=1):
        raise SfError("INVALID_REPLICATION_DATE", "startDate must be more than one minute before endDate")
    if moment(start) < org.now() - timedelta(days=days):
        raise SfError("INVALID_REPLICATION_DATE", f"startDate should be within the last {days} days")
    return start, end


def _capped(org: Org, found: list[Any]) -> list[Any]:
    cap = int(org.store.noted(IDS_CAP, _IDS_CAP))
    if len(found) > cap:
        raise SfError("EXCEEDED_ID_LIMIT", f"more than {cap} ids: choose dates that are closer together")
    return found


def updated(org: Org, call: Call, name: str) -> Answer:
    """Return the ids of records created or changed in a window of at most 30 days back."""
    obj, _ = visible(org, call, name)
    start, end = _window(org, call, _UPDATED_DAYS)
    ids = _capped(
        org, [r["Id"] for r in org.store.live(obj.name) if start <= r.get("SystemModstamp", "") < end]
    )
    call.note.rows_out = len(ids)
    return Answer(body={"ids": ids, "latestDateCovered": min(end, org.stamp())})


def deleted(org: Org, call: Call, name: str) -> Answer:
    """Return the records deleted in a window of at most 15 days back, purged ones too."""
    obj, _ = visible(org, call, name)
    start, end = _window(org, call, _DELETED_DAYS)
    found = _capped(org, [one for one in deletions(org, obj) if start <= one["deletedDate"] < end])
    call.note.rows_out = len(found)
    earliest = stamp(org.now() - timedelta(days=_DELETED_DAYS))
    return Answer(body={"deletedRecords": found, "earliestDateAvailable": earliest,
                        "latestDateCovered": min(end, org.stamp())})  # fmt: skip
