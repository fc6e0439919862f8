"""What Bulk API 2.0's two kinds of job share: how a job is kept and shown, and CSV in both directions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.salesforce.errors import SfError, resource_missing
from sandbox.salesforce.ids import mint, to18
from sandbox.salesforce.org import Org
from sandbox.salesforce.web import Call

Json = dict[str, Any]
# A cell may be as long as the vendor takes it, so that a longer one is told by its row.
csv.field_size_limit(1_000_000)
DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
_TIMES = {"retries": 0, "totalProcessingTime": 0, "apiActiveProcessingTime": 0, "apexProcessingTime": 0}


def layout_of(body: Json) -> Json:
    """Return how a job says its CSV is laid out. Raises INVALIDJOB for a way there is not."""
    known = {"contentType": ("CSV",), "columnDelimiter": tuple(DELIMITERS), "lineEnding": ("LF", "CRLF")}
    for name, values in known.items():
        if body.get(name, values[0]) not in values:
            raise SfError("INVALIDJOB", f"Unsupported {name}: {body[name]}")
    return {name: body[name] for name in known if name in body}


def new_job(org: Org, call: Call, kind: str, extra: Json) -> Json:
    """Make and keep a job of ``kind`` (V2Ingest or V2Query)."""
    job = {
        "id": mint("750", org.count("bulk job")),
        "createdById": call.user_id,
        "createdDate": org.stamp(),
        "systemModstamp": org.stamp(),
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(call.version),
        "jobType": kind,
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    } | extra
    keep(org, job)
    return job


def keep(org: Org, job: Json) -> None:
    """Make a job's state durable."""
    org.store.note("bulk:" + job["id"], job)


def job_of(org: Org, job_id: str, kind: str) -> Json:
    """Return a kept job. Raises NOT_FOUND."""
    found: Json | None = org.store.noted("bulk:" + (to18(job_id) or ""))
    if found is None or found["jobType"] != kind:
        raise resource_missing()
    return found


def forget(org: Org, job: Json) -> None:
    """Delete a job. Raises INVALIDJOBSTATE for one that has not ended."""
    if job["state"] not in ("JobComplete", "Failed", "Aborted"):
        raise SfError("INVALIDJOBSTATE", "Only ended jobs can be deleted")
    org.store.note("bulk:" + job["id"], None)


def shown(job: Json) -> Json:
    """Return the job as the API shows it, without what the stand-in keeps for itself."""
    body = {k: v for k, v in job.items() if not k.startswith("_")}
    if job["state"] in ("JobComplete", "Failed"):
        body |= _TIMES
    return body


def advance(org: Org, job: Json) -> Json:
    """Move a job one state on at each poll: UploadComplete, InProgress, then its end."""
    steps = {"UploadComplete": "InProgress", "InProgress": job.get("_end", "JobComplete")}
    if job["state"] in steps:
        job = dict(job, state=steps[job["state"]])
        keep(org, job)
    return job


def read_csv(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """Return header and rows. Raises a batch error where a row has another width."""
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    if not rows:
        raise SfError("InvalidBatch", "InvalidBatch : Field name not found : ")
    return rows[0], [r for r in rows[1:] if r]


def write_csv(
    header: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",", ending: str = "LF"
) -> str:
    """Return CSV text with every value quoted, as the vendor's results are."""
    out = io.StringIO()
    terminator = "\r\n" if ending == "CRLF" else "\n"
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=terminator)
    writer.writerow(header)
    writer.writerows([_cell(v) for v in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
