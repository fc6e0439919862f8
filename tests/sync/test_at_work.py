"""Whether anybody is at work is told by live processes only: what killed ones left in Redis says nothing."""

from __future__ import annotations

import os

from rq import Queue

from sync.bell import Lane
from sync.worker import at_work, run_worker
from tests.sync.harness import Deployment

SEEN: list[bool] = []


def look_around(address: str) -> None:
    """Ask, from within a job, whether this process is at work, and whether another is."""
    from redis import Redis

    with Redis.from_url(address) as redis:
        SEEN.extend((at_work(redis, {os.getpid()}), at_work(redis, {os.getpid() + 1}), at_work(redis, ())))


def test_a_process_is_at_work_while_its_job_runs(lite: Deployment) -> None:
    """Asked within the job of a worker in this process, and afterwards."""
    SEEN.clear()
    redis = lite.runtime.redis
    Queue(Lane.FAST.value, connection=redis).enqueue(look_around, str(lite.runtime.settings.redis_url))
    assert run_worker(redis, Lane.FAST, until_idle=True)
    assert SEEN == [True, False, False]
    assert not at_work(redis, {os.getpid()})
