"""Our RQ worker: exactly one queue per process, quick to notice what died.

RQ 3.0.0 loses a job for ever when a worker of several queues is killed between taking
and registering it, and by default notices an abandoned job only after many minutes. One
queue and short maintenance settings close both; the scheduler's sweeper covers the rest.
Neighbours: ``sync/bell.py`` fills the queues, ``sync/jobs.py`` does the work.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rq import Queue, SimpleWorker

from sync.bell import Lane

if TYPE_CHECKING:
    from redis import Redis

MAINTENANCE_S = 30
WORKER_TTL_S = 45
MONITORING_S = 5


def run_worker(redis: Redis, lane: Lane, *, until_idle: bool = False) -> bool:
    """Answer one lane until told to stop, or until it is empty; return whether any job ran.

    Jobs run in this process (``SimpleWorker``): connections and descriptions of the CRM
    stay warm between looks, and a kill takes worker and job together, leaving no orphan
    at work beside the re-run.
    """
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    worker = SimpleWorker(
        [Queue(lane.value, connection=redis)],
        connection=redis,
        maintenance_interval=MAINTENANCE_S,
        worker_ttl=WORKER_TTL_S,
        job_monitoring_interval=MONITORING_S,
        log_job_description=False,
    )
    return bool(worker.work(burst=until_idle, logging_level="WARNING"))
