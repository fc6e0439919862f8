"""Bulk API 2.0 ingest: upserts and updates of any number of rows, streamed through files on disk.

A job that is JobComplete may still hold failed rows; one that Failed or was aborted keeps the rows it
has done and tells the rest as unprocessed; result files are in no promised order. Every row is therefore
told once, by its external key or its record id. Source: Bulk API 2.0 guide, "Get Job Results".
Neighbours: ``csv_rows`` makes the files, ``bulk_jobs`` watches; ``write`` sends rows here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from integration.port import Refusal, Refused, RowError, Unavailable, WriteResult
from integration.salesforce.bulk_jobs import Jobs, once
from integration.salesforce.csv_rows import BulkRow, CsvFile, iter_csv_files
from integration.salesforce.errors import row_error
from integration.salesforce.limits import BULK_CSV_BYTES, BULK_WAIT_S
from integration.salesforce.transport import Transport

CSV_HEADERS = {"Content-Type": "text/csv; charset=UTF-8", "Accept": "application/json"}
COMPLETE = "JobComplete"
# Our code for a row that a job ended before; the job's own words come with it.
UNPROCESSED = "UNPROCESSED"
# How an errorMessage begins when the file as a whole is wrong ("InvalidBatch : Field name not found : X").
WHOLE_FILE = "InvalidBatch"
UNKNOWN_COLUMN = "Field name not found"


class BulkLoad:
    """Writes rows of one object, told apart by one column: an external key, or ``Id`` in an update."""

    def __init__(
        self, transport: Transport, object_name: str, key_field: str, operation: str = "upsert"
    ) -> None:
        """Write ``object_name`` by ``key_field``; ``operation`` is ``upsert`` or ``update``."""
        self._jobs = Jobs(transport, "ingest", f"write {object_name}")
        self._object = object_name
        self._key_field = key_field
        self._operation = operation

    def run(self, rows: Iterable[BulkRow], wait_s: float = BULK_WAIT_S) -> Iterator[WriteResult]:
        """Yield one result per row, in no order; one job per 100 MB, one after the other.

        Rows a job has not done after ``wait_s`` are told as ``UNPROCESSED``. Raises Refused when a job fails
        before it tells of any row, Unavailable when one leaves rows out: the same rows may be sent again.
        """
        for file in iter_csv_files(rows, self._key_field, BULK_CSV_BYTES):
            yield from self._run_job(file, wait_s)

    def _run_job(self, file: CsvFile, wait_s: float) -> Iterator[WriteResult]:
        self._jobs.spend_batches(file.rows)
        with self._jobs.opened(self._body()) as path:
            self._upload(path, file)
            job = self._jobs.wait(path, wait_s)
        told = 0
        for result in self._results(path, job):
            told += 1
            yield result
        if told == 0:
            raise Refused(_unprocessed_error(job))
        if told < file.rows:
            raise Unavailable(f"the results of a bulk job leave {file.rows - told} rows out")

    def _body(self) -> Mapping[str, Any]:
        by_key = {"externalIdFieldName": self._key_field} if self._operation == "upsert" else {}
        return {
            "object": self._object,
            "operation": self._operation,
            **by_key,
            "contentType": "CSV",
            "lineEnding": "LF",
        }

    def _upload(self, path: str, file: CsvFile) -> None:
        send, reason = self._jobs.transport, self._jobs.reason
        once(lambda: send.send_bytes(reason, "PUT", f"{path}/batches", data=file.data, headers=CSV_HEADERS))
        once(lambda: send.request(reason, "PATCH", path, body={"state": "UploadComplete"}))

    def _results(self, path: str, job: Mapping[str, Any]) -> Iterator[WriteResult]:
        """Yield the job's rows: done, failed, and, where it did not come to its end, left over."""
        key_field = self._key_field
        failed = int(job.get("numberRecordsFailed") or 0)
        if int(job.get("numberRecordsProcessed") or 0) > failed:
            for line in self._jobs.iter_rows(f"{path}/successfulResults"):
                yield WriteResult(line[key_field], line["sf__Id"], created=line["sf__Created"] == "true")
        if failed:
            external = key_field if self._operation == "upsert" else ""
            for line in self._jobs.iter_rows(f"{path}/failedResults"):
                error = parse_bulk_error(line["sf__Error"], external)
                yield WriteResult(line[key_field], line["sf__Id"] or None, error=error)
        if job["state"] != COMPLETE:
            error = _unprocessed_error(job)
            for line in self._jobs.iter_rows(f"{path}/unprocessedrecords"):
                yield WriteResult(line[key_field], None, error=error)


def parse_bulk_error(text: str, key_field: str) -> RowError:
    """Return the refusal in an ``sf__Error`` cell: ``CODE:message:FIELD,FIELD --``."""
    code, _, rest = text.partition(":")
    message, _, tail = rest.rpartition(":")
    names = [name.strip() for name in tail.replace("--", "").split(",")]
    return row_error(code, message or rest, [name for name in names if name], key_field)


def _unprocessed_error(job: Mapping[str, Any]) -> RowError:
    """Return why a job left rows undone.

    A column the integration user does not see fails the whole file, which is INVALID_FIELD elsewhere; any
    other fault of the file would fail again; a job that failed or was aborted on its way may be tried again.
    """
    words = str(job.get("errorMessage") or f"the bulk job ended as {job['state']}")
    if not words.startswith(WHOLE_FILE):
        return RowError(Refusal.BUSY, UNPROCESSED, words)
    return RowError(Refusal.PERMISSION if UNKNOWN_COLUMN in words else Refusal.FIXABLE, WHOLE_FILE, words)
