"""Bulk API 2.0 ingest: a CSV of rows to insert, update, upsert or delete (Bulk API 2.0 guide).

An empty cell leaves a field unchanged, ``#N/A`` clears it, a header ``Rel__r.Ext__c`` names a parent by
external id. Rows are done when ``UploadComplete`` is said; the states pass by one poll at a time.
"""

from __future__ import annotations

import csv
from typing import Any

from sandbox.salesforce.access import Access
from sandbox.salesforce.bulk_jobs import (
    DELIMITERS,
    Json,
    advance,
    forget,
    job_of,
    keep,
    layout_of,
    new_job,
    read_csv,
    shown,
    write_csv,
)
from sandbox.salesforce.errors import SfError
from sandbox.salesforce.org import Org
from sandbox.salesforce.rest_records import key_field
from sandbox.salesforce.schema import NUMERIC, SObject
from sandbox.salesforce.store import Change
from sandbox.salesforce.web import Answer, Call, Router, acting, writer
from sandbox.salesforce.write import Values, Writer, delete, insert, update, upsert

_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_KIND = "V2Ingest"
_MAX_BYTES = 150_000_000
_NULL = "#N/A"
_FIELD_CHARACTERS, _ROW_CHARACTERS, _FIELDS = 32_000, 400_000, 5_000
_RESULTS = {"successfulResults": "_good", "failedResults": "_bad", "unprocessedrecords": "_left"}


def register(router: Router) -> None:
    """Add the ingest routes."""
    base = "jobs/ingest"
    router.add("POST", base, create)
    router.add("GET", base + "/*", status)
    router.add("PATCH", base + "/*", change)
    router.add("DELETE", base + "/*", remove)
    router.add("PUT", base + "/*/batches", upload)
    router.add("GET", base + "/*/*", results)


def create(org: Org, call: Call) -> Answer:
    """Open a job."""
    body = call.object()
    access = acting(org, call).access
    obj = access.object(str(body.get("object")))
    if obj is None:
        raise SfError("INVALIDENTITY", f"Entity '{body.get('object')}' is not supported by the Bulk API.")
    operation = body.get("operation")
    if operation not in _OPERATIONS:
        raise SfError("INVALIDOPERATION", f"Unknown operation: {operation}")
    if operation == "hardDelete":
        raise SfError(
            "FEATURENOTENABLED", "hardDelete operation requires the Bulk API Hard Delete permission"
        )
    extra = layout_of(body)
    key = body.get("externalIdFieldName")
    if operation == "upsert":
        if not key:
            raise SfError("INVALIDJOB", "ExternalIdFieldName is required for upsert")
        key = key_field(obj, access, key).name
    job = new_job(org, call, _KIND, {"object": obj.name, "operation": operation, "externalIdFieldName": key,
                                     "state": "Open", **extra})  # fmt: skip
    job["contentUrl"] = f"services/data/v{call.version}.0/jobs/ingest/{job['id']}/batches"
    keep(org, job)
    call.note.object = obj.name
    return Answer(200, shown(job))


def upload(org: Org, call: Call, job_id: str) -> Answer:
    """Take the CSV, once per job."""
    job = job_of(org, job_id, _KIND)
    if not call.headers.get("content-type", "").startswith("text/csv"):
        raise SfError("INVALIDBATCH", "Content-Type must be text/csv", 415)
    if job["state"] != "Open" or "_csv" in job:
        raise SfError("INVALIDJOBSTATE", "Data can be uploaded once, while the job is Open")
    if len(call.body) > _MAX_BYTES:
        raise SfError("EXCEEDEDSIZE", "The upload is larger than 150 MB", 413)
    keep(org, dict(job, _csv=call.body.decode("utf-8")))
    call.note.object = job["object"]
    return Answer(201)


def change(org: Org, call: Call, job_id: str) -> Answer:
    """Start (``UploadComplete``) or abort a job."""
    job, state = job_of(org, job_id, _KIND), call.object().get("state")
    call.note.object = job["object"]
    may = {"UploadComplete": ("Open",), "Aborted": ("Open", "UploadComplete", "InProgress")}
    if job["state"] not in may.get(str(state), ()):
        raise SfError(
            "INVALIDJOBSTATE", f"Can not change the state of the job from {job['state']} to {state}"
        )
    if state == "Aborted":
        job = dict(job, state="Aborted")
    else:
        job = dict(job, state="UploadComplete") | _process(org, call, job)
    keep(org, job)
    return Answer(200, shown(job))


def status(org: Org, call: Call, job_id: str) -> Answer:
    """Show a job's state."""
    job = advance(org, job_of(org, job_id, _KIND))
    call.note.object = job["object"]
    counts = {"numberRecordsProcessed": job.get("_done", 0), "numberRecordsFailed": job.get("_failed", 0)}
    ended = job["state"] in ("JobComplete", "Failed", "Aborted")
    return Answer(
        200, shown(job) | (counts if ended else {"numberRecordsProcessed": 0, "numberRecordsFailed": 0})
    )


def remove(org: Org, call: Call, job_id: str) -> Answer:
    """Forget an ended job."""
    job = job_of(org, job_id, _KIND)
    forget(org, job)
    call.note.object = job["object"]
    return Answer(204)


def results(org: Org, call: Call, job_id: str, which: str) -> Answer:
    """Return the CSV of good, bad or unprocessed rows."""
    job = job_of(org, job_id, _KIND)
    call.note.object = job["object"]
    if which not in _RESULTS:
        raise SfError("NOT_FOUND", "The requested resource does not exist", 404)
    if job["state"] not in ("JobComplete", "Failed", "Aborted"):
        raise SfError("INVALIDJOBSTATE", "Results are there when the job has ended")
    empty = write_csv(job.get("_header", []), [])
    return Answer(200, text=job.get(_RESULTS[which], empty), content_type="text/csv")


def _process(org: Org, call: Call, job: Json) -> Json:
    """Write every row by itself; return what to keep with the job."""
    obj = org.schema[job["object"]]
    delimiter = DELIMITERS[job["columnDelimiter"]]
    try:
        header, rows = read_csv(job.get("_csv", ""), delimiter)
    except csv.Error as error:
        return {"_end": "Failed", "errorMessage": f"InvalidBatch : {error}"}
    except SfError as error:
        return {"_end": "Failed", "errorMessage": error.message}
    fault = _fault(obj, acting(org, call).access, job, header)
    if fault:
        return {"_end": "Failed", "errorMessage": fault,
                "_left": write_csv(header, rows, delimiter), "_header": header}  # fmt: skip
    good, bad = _write_rows(org, call, job, header, rows)
    call.note.rows_in += len(rows)
    return {
        "_done": len(rows), "_failed": len(bad), "_header": header,
        "_good": write_csv(["sf__Id", "sf__Created", *header], good, delimiter, job["lineEnding"]),
        "_bad": write_csv(["sf__Id", "sf__Error", *header], bad, delimiter, job["lineEnding"]),
    }  # fmt: skip


def _fault(obj: SObject, access: Access, job: Json, header: list[str]) -> str:
    """Return why a file as a whole is refused; mostly nothing. The words on columns given twice are ours."""
    if job["lineEnding"] == "LF" and job["_csv"].partition("\n")[0].endswith("\r"):
        return "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"
    unknown = _unknown_column(obj, access, header)
    if unknown:
        return f"InvalidBatch : Field name not found : {unknown}"
    twice = [name for name in header if sum(one.lower() == name.lower() for one in header) > 1]
    return f"InvalidBatch : Field name given twice : {twice[0]}" if twice else ""


def _unknown_column(obj: SObject, access: Access, header: list[str]) -> str | None:
    for name in header:
        relation, _, key = name.partition(".")
        if not key and name.lower() in access.fields(obj):
            continue
        if key and obj.relationship(relation):
            continue
        return name
    return None


def _write_rows(
    org: Org, call: Call, job: Json, header: list[str], rows: list[list[str]]
) -> tuple[list[list[Any]], list[list[Any]]]:
    obj = org.schema[job["object"]]
    good: list[list[Any]] = []
    bad: list[list[Any]] = []
    for cells in rows:
        w = writer(org, call, Change())
        try:
            row_id, created = _one(w, obj, job, _values(obj, header, cells))
        except SfError as error:
            org.store.undo(w.change)
            fields = ",".join(error.fields or ())
            bad.append(["", f"{error.code}:{error.message}:{fields} --", *cells])
            continue
        call.note.written.append(row_id)
        good.append([row_id, created, *cells])
    return good, bad


def _values(obj: SObject, header: list[str], cells: list[str]) -> Values:
    values: Values = {}
    _check_cells(header, cells)
    for name, cell in zip(header, cells, strict=True):
        if not cell:
            continue
        value = None if cell == _NULL else cell
        relation, _, key = name.partition(".")
        values[relation] = {key: value} if key and value is not None else value
        f = obj.get(name)
        if f and f.type in NUMERIC and value is not None:
            values[relation] = value.strip()
    return values


def _check_cells(header: list[str], cells: list[str]) -> None:
    """Raise where a row is no row of the file, or larger than a job takes (Bulk API 2.0 guide, "Limits")."""
    if len(cells) != len(header):
        raise SfError("MALFORMED_CSV", "The row has another number of columns than the header")
    if any(cell[:1].isspace() and cell.lstrip().startswith('"') for cell in cells):
        raise SfError("MALFORMED_CSV", "There is a space before the quotes of a value")
    if len(cells) > _FIELDS or sum(map(len, cells)) > _ROW_CHARACTERS:
        raise SfError("INVALID_ROW", f"A row has at most {_FIELDS} fields and {_ROW_CHARACTERS} characters")
    if any(len(cell) > _FIELD_CHARACTERS for cell in cells):
        raise SfError("INVALID_ROW", f"A field has at most {_FIELD_CHARACTERS} characters")


def _one(w: Writer, obj: SObject, job: Json, values: Values) -> tuple[str, bool]:
    row_id = next((str(values.pop(k)) for k in list(values) if k.lower() == "id"), "")
    operation = job["operation"]
    if operation == "insert":
        if row_id:
            raise SfError(
                "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", fields=("Id",)
            )
        return insert(w, obj, values), True
    if operation == "upsert" and job["externalIdFieldName"] != "Id":
        name = job["externalIdFieldName"]
        key = next((values.pop(k) for k in list(values) if k.lower() == name.lower()), None)
        if key is None:
            raise SfError("MISSING_ARGUMENT", f"{name} not specified")
        return upsert(w, obj, obj.fields[name.lower()], key, values)
    if not row_id and operation == "upsert":
        return insert(w, obj, values), True
    if not row_id:
        raise SfError("MISSING_ARGUMENT", f"Id not specified in an {operation} call")
    if operation == "delete":
        delete(w, obj, row_id)
    else:
        update(w, obj, row_id, values)
    return row_id, False
