"""Ours in ``colonnade bench push``: ``python -m sync.bench.push_ours JOB``.

Nothing special for the benchmark: what is wanted goes into the ledger, which tells what differs, and a push
writes it over the port. Neighbours: ``push_rows`` has the rows, ``push`` starts this.
"""

from __future__ import annotations

from sync import push as pushing
from sync.bench.push_rows import Job, Watch, batches, key_of, read_job, values
from sync.config import read_settings
from sync.runtime import open_runtime
from sync.state import ledger
from sync.state.engine import reading, writing
from sync.state.leases import next_fence
from sync.state.ledger import WantedRow
from sync.workspace import Workspace, open_workspace

WANTED_ROWS = 2_000
"""Rows wanted in one transaction."""


def main() -> None:
    """Want, push, and say what stands and what was refused."""
    job = read_job()
    runtime = open_runtime(read_settings({"CS_HOME": job.home, "REDIS_URL": job.redis}))
    ws = open_workspace(runtime, job.installation)
    watch = Watch()
    want(ws, job)
    done = pushing.push(ws, "bench")
    with reading(runtime.engine) as conn:
        refused = [row.key for row in ledger.blocked(conn, ws.id, None)]
    watch.done(done.written, refused)


def want(ws: Workspace, job: Job) -> None:
    """Say in the ledger what should stand."""
    for numbers in batches(range(job.rows), WANTED_ROWS):
        rows = [
            WantedRow(job.object, key_of(number), f"account-{number}", "milestone", values(job, number))
            for number in numbers
        ]
        with writing(ws.runtime.engine) as conn:
            ledger.want(conn, ws.id, ws.now(), rows, next_fence(conn, ws.id))


if __name__ == "__main__":
    main()
