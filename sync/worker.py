"""Our RQ worker: exactly one queue per process, quick to notice what died.

RQ 3.0.0 loses a job for ever when a worker of several queues is killed between taking
and registering it, and by default notices an abandoned job only after many minutes. One
queue and short maintenance settings close both; the scheduler's sweeper covers the rest.
Neighbours: ``sync/bell.py`` fills the queues, ``sync/jobs.py`` does the work.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Collection
from types import FrameType
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, Worker
from rq.exceptions import StopRequested
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.worker import WorkerStatus

from sync.bell import Lane
from sync.holding import leave, leaving, stay

if TYPE_CHECKING:
    from redis import Redis

MAINTENANCE_S = 30
WORKER_TTL_S = 45
MONITORING_S = 5
LEAVE_WITHIN_S = 20.0
"""A job still at work this long after SIGTERM is broken off: Heroku and Kubernetes kill after 30 s."""

ASK_REDIS_EVERY_S = 1.0
BELL_WITHIN_S = 3
"""How long one wait for a bell lasts in Redis: less than an answer may take (``runtime.ANSWER_WITHIN_S``)."""

ANSWER_LATER_S = 1
"""How much longer than such a wait the socket waits at least."""

log = logging.getLogger(__name__)


class TimeOver(BaseException):
    """A job was at work for longer than its bell allows; no error of the account it happened to be at."""


class JobLimit(UnixSignalDeathPenalty):  # type: ignore[misc]
    """RQ's limit of a job, past every ``except Exception`` that keeps what is poisoned from the rest."""

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        """End the job; RQ's other limits end as they do."""
        if issubclass(self._exception, JobTimeoutException):
            raise TimeOver(f"a job was at work for more than {self._timeout} s")
        super().handle_death_penalty(signum, frame)


class LaneWorker(SimpleWorker):  # type: ignore[misc]
    """A worker that leaves in time: after the batch it is at, or else with what it holds given back."""

    death_penalty_class = JobLimit
    max_connection_wait_time = 5.0
    """Seconds between two tries while Redis is away; RQ's own minute would be added to every outage."""

    @property
    def dequeue_timeout(self) -> int:
        """Return how many seconds one wait for a bell lasts.

        RQ's own half minute is longer than the socket waits on connections opened before the worker was
        made: each wait would end as an outage, and the worker sleep up to five seconds deaf to every bell.
        """
        return BELL_WITHIN_S

    @property
    def connection_timeout(self) -> int:
        """Return how many seconds the socket waits at least; RQ would give it longer for all commands."""
        return BELL_WITHIN_S + ANSWER_LATER_S

    def subscribe(self) -> None:
        """Listen for no commands of RQ, which nobody gives here.

        That would be a connection more for each worker, and its thread and the worker's end read from it at
        once: after an outage the one can wait for the answer the other has taken.
        """

    def check_for_suspension(self, burst: bool) -> None:
        """End here too, where RQ comes by between two jobs: its exception may not have arrived.

        A worker without a job in hand is ended by an exception from the signal's handler. What redis-py 8
        counts of its commands drops any exception, and a signal that comes between two workers of this
        process is heard by the first. A job of a leaving process rings for itself, so either would go on
        for ever.
        """
        if leaving():
            raise StopRequested
        super().check_for_suspension(burst)

    def handle_warm_shutdown_request(self) -> None:
        """Have the job end after its batch; after that time ask again, which breaks it off."""
        leave()
        main = threading.main_thread().ident
        again = threading.Timer(LEAVE_WITHIN_S, signal.pthread_kill, (main, signal.SIGTERM))
        again.daemon = True
        again.start()


def run_worker(redis: Redis, lane: Lane, *, until_idle: bool = False) -> bool:
    """Answer one lane until told to stop, or until it is empty; return whether any job ran.

    Jobs run in this process (``SimpleWorker``): connections and descriptions of the CRM
    stay warm between looks, and a kill takes worker and job together, leaving no orphan
    at work beside the re-run. RQ ends a worker whose Redis is away when a job is done;
    unless ``until_idle``, Redis is then waited for.
    """
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    stay()
    worked = False
    while True:
        try:
            worked |= _work(redis, lane, until_idle=until_idle)
        except (RedisError, StopRequested) as error:
            if until_idle and not leaving():
                raise
            log.warning("the %s worker waits for Redis: %s", lane, error)
        if until_idle or leaving():
            return worked
        _wait_for(redis)


def at_work(redis: Redis, pids: Collection[int]) -> bool:
    """Return whether one of these live processes has a job in hand. Raises RedisError while Redis is away.

    What killed ones left in Redis says nothing: they are known by their process.
    """
    return any(
        one.pid in pids and one.get_state() == WorkerStatus.BUSY for one in Worker.all(connection=redis)
    )


def _work(redis: Redis, lane: Lane, *, until_idle: bool) -> bool:
    worker = LaneWorker(
        [Queue(lane.value, connection=redis)],
        connection=redis,
        maintenance_interval=MAINTENANCE_S,
        worker_ttl=WORKER_TTL_S,
        job_monitoring_interval=MONITORING_S,
        log_job_description=False,
    )
    return bool(worker.work(burst=until_idle, logging_level="WARNING"))


def _wait_for(redis: Redis) -> None:
    """Return once Redis answers, or this process is asked to end."""
    pause = threading.Event()
    while not leaving():
        pause.wait(ASK_REDIS_EVERY_S)
        try:
            redis.ping()
        except (RedisError, StopRequested):
            continue
        return
