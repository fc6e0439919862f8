"""Bulk API 2.0 ingest: one upsert job for thousands of rows, streamed as CSV.

In the CSV an empty cell leaves a field unchanged and ``#N/A`` clears it. A job that is JobComplete
may still hold failed rows, and result files are in no promised order: results are matched by the
external key. Source: Bulk API 2.0 guide, "Prepare CSV Files" and "Get Job Results".
Neighbour: ``write`` sends rows here when that costs fewer calls.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integration.port import Refusal, Refused, RowError, Unavailable, WriteResult
from integration.salesforce.errors import row_error
from integration.salesforce.limits import BULK_CSV_BYTES, BULK_WAIT_S, DEPLOY_POLL_MAX_S
from integration.salesforce.transport import Transport
from integration.salesforce.values import to_text

NULL = "#N/A"
CSV_HEADERS = {"Content-Type": "text/csv; charset=UTF-8", "Accept": "application/json"}
RESULT_HEADERS = {"Accept": "text/csv"}


@dataclass(frozen=True, slots=True)
class BulkRow:
    """A row for a job: its key and its JSON fields; a nested parent is ``{relation: {field: key}}``."""

    key: str
    fields: Mapping[str, Any]


def carries_in_csv(fields: Mapping[str, Any]) -> bool:
    """Return whether every value survives a CSV: text that reads ``#N/A`` would become null."""
    return NULL not in fields.values()


class BulkUpsert:
    """Upserts rows of one object by one external key."""

    def __init__(self, transport: Transport, object_name: str, key_field: str) -> None:
        """Write ``object_name`` by ``key_field``."""
        self._transport = transport
        self._object = object_name
        self._key_field = key_field
        self._reason = f"write {object_name}"

    def run(self, rows: Sequence[BulkRow]) -> dict[str, WriteResult]:
        """Return one result per key; raises Unavailable when a job does not end in time."""
        results: dict[str, WriteResult] = {}
        for data in iter_csv(rows, self._key_field, BULK_CSV_BYTES):
            results |= self._run_job(data)
        missing = RowError(Refusal.BUSY, "UNPROCESSED", "the job ended before this row")
        return {row.key: results.get(row.key) or WriteResult(row.key, None, error=missing) for row in rows}

    def _run_job(self, data: bytes) -> dict[str, WriteResult]:
        job = self._transport.request(
            self._reason,
            "POST",
            "jobs/ingest",
            body={
                "object": self._object,
                "operation": "upsert",
                "externalIdFieldName": self._key_field,
                "contentType": "CSV",
                "lineEnding": "LF",
            },
        )
        path = f"jobs/ingest/{job['id']}"
        self._transport.send_bytes(self._reason, "PUT", f"{path}/batches", data=data, headers=CSV_HEADERS)
        self._transport.request(self._reason, "PATCH", path, body={"state": "UploadComplete"})
        ended = self._wait(path)
        return self._results(path, ended)

    def _wait(self, path: str) -> Mapping[str, Any]:
        """Poll ever more slowly: each look is a call of the customer's quota."""
        waited, step = 0.0, 2.0
        while waited < BULK_WAIT_S:
            self._transport.sleep(step)
            waited += step
            job: Mapping[str, Any] = self._transport.request(self._reason, "GET", path)
            if job["state"] in {"JobComplete", "Failed", "Aborted"}:
                return job
            step = min(step * 2, DEPLOY_POLL_MAX_S)
        raise Unavailable("the bulk job has not ended yet")

    def _results(self, path: str, job: Mapping[str, Any]) -> dict[str, WriteResult]:
        failed_count = int(job.get("numberRecordsFailed") or 0)
        done_count = int(job.get("numberRecordsProcessed") or 0) - failed_count
        results: dict[str, WriteResult] = {}
        if done_count:
            for line in self._lines(f"{path}/successfulResults"):
                key = line[self._key_field]
                results[key] = WriteResult(key, line["sf__Id"], created=line["sf__Created"] == "true")
        if failed_count:
            for line in self._lines(f"{path}/failedResults"):
                key = line[self._key_field]
                error = parse_bulk_error(line["sf__Error"], self._key_field)
                results[key] = WriteResult(key, line["sf__Id"] or None, error=error)
        if job["state"] != "JobComplete" and not results:
            words = str(job.get("errorMessage") or job["state"])
            # A whole job fails for a column the integration user does not see ("InvalidBatch : Field
            # name not found : X"): the same cause as INVALID_FIELD elsewhere.
            raise Refused(RowError(Refusal.PERMISSION, words.partition(" ")[0], words))
        return results

    def _lines(self, path: str) -> Iterator[dict[str, str]]:
        answer = self._transport.send_bytes(self._reason, "GET", path, headers=RESULT_HEADERS)
        text = answer.content.decode("utf-8-sig")
        return iter(csv.DictReader(io.StringIO(text, newline="")))


def iter_csv(rows: Sequence[BulkRow], key_field: str, most_bytes: int) -> Iterator[bytes]:
    """Yield CSV files of all ``rows``, each below ``most_bytes``, with the same columns."""
    flat = [{key_field: row.key, **_cells(row.fields)} for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    header = _line(columns)
    pieces, size = [header], len(header)
    for row in flat:
        line = _line([row.get(name, "") for name in columns])
        if size + len(line) > most_bytes and len(pieces) > 1:
            yield b"".join(pieces)
            pieces, size = [header], len(header)
        pieces.append(line)
        size += len(line)
    if len(pieces) > 1:
        yield b"".join(pieces)


def parse_bulk_error(text: str, key_field: str) -> RowError:
    """Return the refusal in an ``sf__Error`` cell: ``CODE:message:FIELD,FIELD --``."""
    code, _, rest = text.partition(":")
    message, _, tail = rest.rpartition(":")
    names = [name.strip() for name in tail.replace("--", "").split(",")]
    return row_error(code, message or rest, [name for name in names if name], key_field)


def _cells(fields: Mapping[str, Any]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            cells |= {f"{name}.{inner}": str(key) for inner, key in value.items()}
        else:
            cells[name] = to_text(value) or NULL
    return cells


def _line(cells: Sequence[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()
