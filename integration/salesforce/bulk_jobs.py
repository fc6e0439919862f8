"""What Bulk API 2.0's two kinds of job share: watching a job to its end, and reading result files.

A job that we can no longer follow is aborted, so that nothing of ours goes on in the customer's org
unwatched. Result files are read from disk row by row, never as a whole. Source: Bulk API 2.0 guide,
"Get Job Info", "Abort a Job". Neighbours: ``bulk`` (ingest) and ``bulk_read`` (query).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final, cast
from urllib.parse import quote

from integration.port import CrmError, NeedsConsent, RateLimited, Refused, Unavailable
from integration.salesforce.limits import (
    BULK_BATCH_ROWS,
    BULK_POLL_MAX_S,
    BULK_WAIT_S,
    DAILY_QUOTA_RETRY_S,
)
from integration.salesforce.transport import BATCHES, QUERY_JOBS, Transport

ENDED: Final = frozenset({"JobComplete", "Failed", "Aborted"})
FIRST_POLL_S: Final = 2.0
# What the org says when a job is no longer in the state a request is for.
WRONG_STATE: Final = "INVALIDJOBSTATE"
# What it says of jobs and batches when those of 24 hours are spent; parts of them come back all the time.
SPENT: Final = "LIMIT_EXCEEDED"


class Jobs:
    """The jobs of one kind (``ingest`` or ``query``) of one org, counted for one reason."""

    def __init__(self, transport: Transport, kind: str, reason: str) -> None:
        """Work below ``jobs/<kind>``."""
        self.transport = transport
        self.reason = reason
        self._base = f"jobs/{kind}"
        self._counted = kind == "query"

    @contextmanager
    def opened(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Create a job and give its path; the job is aborted where the block raises.

        Raises RateLimited where the org's 24 hours hold no more query jobs.
        """
        if self._counted:
            self.transport.spend(QUERY_JOBS)
        with _spent_told():
            job = self.transport.request(self.reason, "POST", self._base, body=body)
        path = f"{self._base}/{quote(str(job['id']), safe='')}"
        try:
            with _spent_told():
                yield path
        except NeedsConsent:
            raise  # nothing of ours is let in any more, an abort neither
        except Exception:
            with suppress(CrmError):
                self._abort(path)
            raise

    def spend_batches(self, rows: int) -> None:
        """Count the internal batches that ``rows`` take. Raises RateLimited where there are no more."""
        self.transport.spend(BATCHES, -(-rows // BULK_BATCH_ROWS))

    def wait(self, path: str, most_s: float = BULK_WAIT_S) -> Mapping[str, Any]:
        """Return the job when it has ended; asks ever more rarely, for each look is a call.

        One that goes on for more than ``most_s`` is aborted: what it did by then stays done.
        """
        waited, step = 0.0, FIRST_POLL_S
        while waited < most_s:
            self.transport.sleep(step)
            waited += step
            job = self._look(path)
            if job["state"] in ENDED:
                return job
            step = min(step * 2, BULK_POLL_MAX_S)
        once(lambda: self._abort(path))
        ended = self._look(path)
        if ended["state"] not in ENDED:
            raise Unavailable("the bulk job goes on though it was aborted")
        return ended

    def _look(self, path: str) -> Mapping[str, Any]:
        job: Mapping[str, Any] = self.transport.request(self.reason, "GET", path)
        return job

    def _abort(self, path: str) -> None:
        self.transport.request(self.reason, "PATCH", path, body={"state": "Aborted"})

    def iter_rows(self, path: str) -> Iterator[dict[str, str]]:
        """Yield the rows of a result file, from disk."""
        with TemporaryFile() as file:
            self.transport.fetch(self.reason, path, cast("BinaryIO", file))
            yield from read_rows(cast("BinaryIO", file))


@contextmanager
def _spent_told() -> Iterator[None]:
    """Raise RateLimited where the org says that the jobs or batches of 24 hours are spent."""
    try:
        yield
    except Refused as refused:
        if refused.error.code != SPENT:
            raise
        raise RateLimited(refused.error.message, "daily_bulk", DAILY_QUOTA_RETRY_S) from refused


def once(send: Callable[[], Any]) -> None:
    """Make a call that moves a job on; that it has moved already is what we wanted.

    The job's id is ours alone: only an earlier try of this very call, whose answer was lost, can have
    moved it.
    """
    try:
        send()
    except Refused as refused:
        if refused.error.code != WRONG_STATE:
            raise


def read_rows(file: BinaryIO) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV by column; line breaks inside a value stay as they are."""
    yield from csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
