"""RQ as people use it: its own workers and jobs that do something once, run as processes to be killed.

``python -m tests.crash.plain KIND POINT QUEUE...`` works on ``REDIS_URL`` until its queues are empty. KIND
is RQ's ``Worker`` (a child for each job) or ``SimpleWorker``. POINT is where the process kills itself:
``taken``, between taking a job and entering that it was taken, or ``never``. Nothing of the product is used.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import rq
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.worker.base import BaseWorker


def do(effects: str, word: str) -> None:
    """Have an effect: a line in a file."""
    with Path(effects).open("a") as file:
        file.write(f"{word} {os.getpid()}\n")


def do_slowly(effects: str, gate: str) -> None:
    """Have an effect at the beginning, and another once the gate is there."""
    do(effects, "begun")
    while not Path(gate).exists():
        time.sleep(0.02)
    do(effects, "ended")


def do_and_lose_redis(effects: str, redis_pid: int) -> None:
    """Have an effect, then lose Redis (the first time) before RQ can enter that the job is done."""
    do(effects, "done")
    with suppress(ProcessLookupError):
        os.kill(redis_pid, signal.SIGKILL)


def die(*_given: object, **_named: object) -> None:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(kind: str, point: str, queues: list[str]) -> None:
    """Work until the queues are empty, or until the point is reached."""
    # The outage outlasts the client's patience, which the retries only make longer.
    redis = Redis.from_url(os.environ["REDIS_URL"], retry=Retry(NoBackoff(), 1))
    if point == "taken":
        BaseWorker.prepare_execution = die
    worker = getattr(rq, kind)(queues, connection=redis, job_monitoring_interval=1)
    worker.work(burst=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
