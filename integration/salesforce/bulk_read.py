"""Bulk API 2.0 query: the rows of a SOQL text as a stream of any length.

The results come in pages of the org's choosing, the last of which says so in its locator; each page is on
disk while its rows are read, so that neither the number of rows nor their order costs memory. Compound
fields, subqueries and aggregates are refused by the org. Source: Bulk API 2.0 guide, "Get Results for a
Query Job". Neighbours: ``read`` asks for it, ``bulk_jobs`` watches.
"""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import BinaryIO, Final, cast

from integration.port import Page, Refusal, Refused, RowError, Unavailable
from integration.salesforce.bulk_jobs import Jobs, read_rows
from integration.salesforce.limits import BULK_READ_CALLS, BULK_RESULT_ROWS
from integration.salesforce.transport import Transport

LOCATOR: Final = "Sforce-Locator"
LAST: Final = "null"


def reads_as_bulk(page: Page) -> bool:
    """Return whether the rows left after ``page`` cost fewer calls as a job than as pages of its size."""
    left = page.left or 0
    pages = -(-left // max(1, len(page.records)))
    return pages > BULK_READ_CALLS - (-left // BULK_RESULT_ROWS)


def iter_bulk_rows(
    transport: Transport, reason: str, soql: str, *, include_deleted: bool = False
) -> Iterator[dict[str, str]]:
    """Yield every row of a query by column, ``""`` where a field is empty.

    Raises Refused in the org's words when the query or its job fails, Unavailable when the job does not
    end in time or somebody aborts it.
    """
    jobs = Jobs(transport, "query", reason)
    operation = "queryAll" if include_deleted else "query"
    with jobs.opened({"operation": operation, "query": soql}) as path:
        job = jobs.wait(path)
    if job["state"] == "Aborted":
        raise Unavailable("the bulk query was aborted")
    if job["state"] == "Failed":
        words = str(job.get("errorMessage") or "the bulk query failed")
        raise Refused(RowError(Refusal.FIXABLE, words.partition(" ")[0], words))
    locator = ""
    while locator != LAST:
        with TemporaryFile() as file:
            params = {"locator": locator} if locator else None
            headers = transport.fetch(reason, f"{path}/results", cast("BinaryIO", file), params=params)
            yield from read_rows(cast("BinaryIO", file))
        locator = headers.get(LOCATOR) or LAST
