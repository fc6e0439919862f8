"""simple-salesforce in ``colonnade bench push``: ``python -m sync.bench.push_simple_salesforce JOB``.

By the rule CumulusCI loads by: collections of 200 below 2,000 rows, a Bulk 2.0 job from there on. With
``hash_skip`` only rows whose hash changed are sent. Neighbours: ``push_rows`` has the rows, ``push`` starts
this.
"""

from __future__ import annotations

from collections.abc import Sequence
from csv import DictReader
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from sync.bench.push_rows import Job, Skip, Watch, batches, key_of, read_job, values

COLLECTION_ROWS = 200
BULK_FROM_ROWS = 2_000
POLL_S = 1
"""A fifth of the client's default, which would be most of its time."""

VERSION = "66.0"
KEY = "CS_Key__c"


def main() -> None:
    """Send the rows, and say how many were taken and which were refused."""
    job = read_job()
    session = requests.Session()
    session.mount(f"https://{urlsplit(job.url).netloc}", _PlainHttp())
    place = job.url.replace("http://", "https://", 1)
    client = Salesforce(session_id=job.token, instance_url=place, version=VERSION, session=session)
    watch = Watch()
    skip = Skip(job) if job.hash_skip else None
    rows = skip.changed() if skip else range(job.rows)
    send = _in_bulk if len(rows) >= BULK_FROM_ROWS else _in_collections
    written, refused = send(client, job, rows)
    if skip:
        skip.keep()
    watch.done(written, refused)
    if skip is None:
        Skip(job).keep()


class _PlainHttp(HTTPAdapter):
    """Sends what the client means for https to a sandbox, which speaks http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def _in_collections(client: Any, job: Job, rows: Sequence[int]) -> tuple[int, list[str]]:
    """Upsert 200 a call; the answer has a result for each record, in order."""
    written, refused = 0, []
    for numbers in batches(rows, COLLECTION_ROWS):
        records = [{"attributes": {"type": job.object}, **_record(job, number)} for number in numbers]
        body = {"allOrNone": False, "records": records}
        told = client.restful(f"composite/sobjects/{job.object}/{KEY}", method="PATCH", json=body)
        refused += [key_of(number) for number, one in zip(numbers, told, strict=True) if not one["success"]]
        written += sum(one["success"] for one in told)
    return written, refused


def _in_bulk(client: Any, job: Job, rows: Sequence[int]) -> tuple[int, list[str]]:
    """Upsert as one job; failed records are asked for where there are any."""
    kind = getattr(client.bulk2, job.object)
    done = kind.upsert(records=[_record(job, number) for number in rows], external_id_field=KEY, wait=POLL_S)
    written, refused = 0, []
    for one in done:
        written += one["numberRecordsProcessed"] - one["numberRecordsFailed"]
        if one["numberRecordsFailed"]:
            refused += [row[KEY] for row in DictReader(StringIO(kind.get_failed_records(one["job_id"])))]
    return written, refused


def _record(job: Job, number: int) -> dict[str, str]:
    return {KEY: key_of(number), **values(job, number)}


if __name__ == "__main__":
    main()
