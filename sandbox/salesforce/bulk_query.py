"""Bulk API 2.0 query: a SOQL text becomes a CSV, read in pages by locator (Bulk API 2.0 guide)."""

from __future__ import annotations

from sandbox.salesforce.bulk_jobs import (
    DELIMITERS,
    advance,
    forget,
    job_of,
    keep,
    layout_of,
    new_job,
    shown,
    write_csv,
)
from sandbox.salesforce.errors import SfError
from sandbox.salesforce.org import Org
from sandbox.salesforce.soql_parse import parse
from sandbox.salesforce.soql_run import Plan, run
from sandbox.salesforce.web import Answer, Call, Router, acting

_KIND = "V2Query"
_PAGE = 50_000


def register(router: Router) -> None:
    """Add the bulk query routes."""
    base = "jobs/query"
    router.add("POST", base, create)
    router.add("GET", base + "/*", status)
    router.add("PATCH", base + "/*", abort)
    router.add("DELETE", base + "/*", remove)
    router.add("GET", base + "/*/results", results)


def create(org: Org, call: Call) -> Answer:
    """Start a query job; the text is checked at once."""
    body = call.object()
    if body.get("operation") not in ("query", "queryAll"):
        raise SfError("INVALIDOPERATION", f"Unknown operation: {body.get('operation')}")
    found = _plan(org, call, str(body.get("query") or ""), deleted=body["operation"] == "queryAll")
    extra = layout_of(body)
    job = new_job(org, call, _KIND, {"operation": body["operation"], "object": found.object,
        "_query": body["query"],
                                     "state": "UploadComplete", **extra})  # fmt: skip
    call.note.object = found.object
    return Answer(200, shown(job))


def _plan(org: Org, call: Call, text: str, *, deleted: bool) -> Plan:
    query = parse(text)
    if query.count or query.children:
        raise SfError("API_ERROR", "Aggregate queries and subqueries are not supported in Bulk Query")
    if query.offset or set(query.fields_of) - {"STANDARD"}:
        raise SfError("API_ERROR", "OFFSET, FIELDS(ALL) and FIELDS(CUSTOM) are not supported in Bulk Query")
    return run(org, acting(org, call).access, query, call.version, deleted=deleted)


def status(org: Org, call: Call, job_id: str) -> Answer:
    """Show a job's state."""
    job = advance(org, job_of(org, job_id, _KIND))
    body = shown(job) | {"isPkChunkingSupported": True}
    if job["state"] == "JobComplete":
        found = _plan(org, call, job["_query"], deleted=job["operation"] == "queryAll")
        body["numberRecordsProcessed"] = len(found.rows)
    return Answer(200, body)


def abort(org: Org, call: Call, job_id: str) -> Answer:
    """Abort a job that has not ended."""
    job = job_of(org, job_id, _KIND)
    if call.object().get("state") != "Aborted" or job["state"] == "JobComplete":
        raise SfError("INVALIDJOBSTATE", "Only a job that has not ended can be aborted")
    job = dict(job, state="Aborted")
    keep(org, job)
    return Answer(200, shown(job))


def remove(org: Org, _call: Call, job_id: str) -> Answer:
    """Forget an ended query."""
    forget(org, job_of(org, job_id, _KIND))
    return Answer(204)


def results(org: Org, call: Call, job_id: str) -> Answer:
    """Return a page of rows as CSV; ``Sforce-Locator`` is the text ``null`` on the last."""
    job = job_of(org, job_id, _KIND)
    if job["state"] != "JobComplete":
        raise SfError("INVALIDJOBSTATE", "The job has not ended yet")
    found = _plan(org, call, job["_query"], deleted=job["operation"] == "queryAll")
    locator, asked = call.args.get("locator", ""), call.args.get("maxRecords", str(_PAGE))
    if not asked.isdigit() or int(asked) == 0:
        raise SfError("INVALID_QUERY_LOCATOR", f"maxRecords must be a number above 0: {asked}")
    size = int(asked)
    start = _start(locator)
    rows = found.rows[start : start + size]
    end = start + len(rows)
    header = [name for name, _read in found.columns]
    cells = [[read(row) for _name, read in found.columns] for row in rows]
    text = write_csv(header, cells, DELIMITERS[job["columnDelimiter"]], job["lineEnding"])
    following = "null" if end >= len(found.rows) else f"MTAw{end}"
    call.note.object, call.note.rows_out = found.object, len(rows)
    return Answer(200, text=text, content_type="text/csv",
                  headers={"Sforce-Locator": following,
                  "Sforce-NumberOfRecords": str(len(rows))})  # fmt: skip


def _start(locator: str) -> int:
    if not locator:
        return 0
    digits = locator.removeprefix("MTAw")
    if not digits.isdigit():
        raise SfError("INVALID_QUERY_LOCATOR", "invalid query locator")
    return int(digits)
