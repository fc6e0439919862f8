"""hubspot-api-client in ``colonnade bench push``: ``python -m sync.bench.push_hubspot_client JOB``.

As an engineer would write it: batches of 100, eight threads, a 429 waited for, and a trace id with each row
so that HubSpot tells each row's own error. With ``hash_skip`` only rows whose hash changed are sent.
Neighbours: ``push_rows`` has the rows, ``push`` starts this.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from hubspot import HubSpot
from hubspot.crm.objects import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    SimplePublicObjectBatchInputUpsert,
)
from hubspot.crm.objects.exceptions import ApiException

from sync.bench.push_rows import Job, Skip, Watch, batches, key_of, read_job, values

BATCH_ROWS = 100
THREADS = 8
WAIT_S = 1.0
"""How long a 429 that says nothing of it is waited for."""


def main() -> None:
    """Send the rows, and say how many were taken and which were refused."""
    job = read_job()
    client = HubSpot(access_token=job.token, host=job.url)
    watch = Watch()
    skip = Skip(job) if job.hash_skip else None
    rows = skip.changed() if skip else range(job.rows)
    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(lambda numbers: _upsert(client, job, numbers), batches(rows, BATCH_ROWS)))
    if skip:
        skip.keep()
    watch.done(sum(count for count, _ in told), [key for _, keys in told for key in keys])
    if skip is None:
        Skip(job).keep()


def _upsert(client: Any, job: Job, numbers: Sequence[int]) -> tuple[int, list[str]]:
    """Send a batch; return how many rows were taken and the keys of those refused."""
    inputs = [
        SimplePublicObjectBatchInputUpsert(
            id_property="cs_key",
            id=key_of(number),
            object_write_trace_id=key_of(number),
            properties=values(job, number),
        )
        for number in numbers
    ]
    batch = BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
    while True:
        try:
            answer = client.crm.objects.batch_api.upsert(job.object, batch)
        except ApiException as refused:
            if refused.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            time.sleep(float((refused.headers or {}).get("Retry-After") or WAIT_S))
            continue
        errors = getattr(answer, "errors", None) or []
        named = [key for one in errors for key in (one.context or {}).get("objectWriteTraceId", [])]
        return len(answer.results), named


if __name__ == "__main__":
    main()
