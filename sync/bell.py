"""Doorbells: tiny RQ jobs that say *look again*, carrying ids only.

The truth is in the database; a bell that is lost costs time, never data (the scheduler
rings again for rows nobody holds). Neighbours: ``sync/jobs.py`` is what a bell starts,
``sync/worker.py`` answers it. One bell per (lane, work, installation) waits at a time:
ringing a bell that already waits is free, so a burst of events is one look.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rq import Queue, Retry

from sync.logs import TRACE, trace_now

if TYPE_CHECKING:
    from redis import Redis

WAIT_S = 30  # a waiting bell is forgotten after this, so that a lost job blocks nothing
HOUR_S = 3_600
log = logging.getLogger(__name__)


class Lane(StrEnum):
    """The queues, each answered by its own worker processes."""

    FAST = "fast"
    BULK = "bulk"


class Work(StrEnum):
    """What a bell asks for; the names of the functions in ``sync/jobs.py``."""

    DRAIN = "drain"
    LOAD = "load"
    POLL = "poll"
    CATCH_UP = "catch_up"
    COMPARE = "compare"
    LOOK = "look"
    PUSH = "push"
    USAGE = "usage"


TIMEOUT_S = 12 * HOUR_S
"""When RQ ends a job. One step may be one object of millions of rows, or a bulk job waited for.

A job that was killed is no reason for less: its lease ends within a minute, as only a live job prolongs it.
"""

TIMEOUTS_S = {Work.DRAIN: HOUR_S, Work.LOOK: HOUR_S}
"""Their steps are batches, and what fails in them is told one by one."""


def waiting_key(lane: Lane, work: Work, installation_id: str) -> str:
    """Return the Redis key that marks a bell as waiting."""
    return f"colonnade:{installation_id}:bell:{lane}:{work}"


def ring(redis: Redis, lane: Lane, work: Work, installation_id: str) -> bool:
    """Ask for ``work`` on one installation; return whether a new job was queued.

    A Redis that is away is no error: what is to be done is in the database, and the
    scheduler rings for it once Redis is back.
    """
    try:
        return _ring(redis, lane, work, installation_id)
    except RedisError as error:
        log.warning("%s of %s waits for the scheduler, Redis is away: %s", work, installation_id, error)
        return False


def _ring(redis: Redis, lane: Lane, work: Work, installation_id: str) -> bool:
    if not redis.set(waiting_key(lane, work, installation_id), "1", nx=True, ex=WAIT_S):
        return False
    Queue(lane.value, connection=redis).enqueue(
        f"sync.jobs.{work.value}",
        lane.value,
        installation_id,
        description=f"{work.value} {installation_id}",
        meta={TRACE: trace_now()},
        retry=Retry(max=2),
        job_timeout=TIMEOUTS_S.get(work, TIMEOUT_S),
        result_ttl=0,
        failure_ttl=3600,
    )
    log.info("%s of %s is asked for", work, installation_id)
    return True


def answered(redis: Redis, lane: Lane, work: Work, installation_id: str) -> None:
    """Take the bell off before working: what arrives from now on rings a new one."""
    redis.delete(waiting_key(lane, work, installation_id))


def others_wait(redis: Redis, lane: Lane) -> bool:
    """Say whether any bell waits in a lane; a Redis that is away says no."""
    try:
        return bool(Queue(lane.value, connection=redis).count)
    except RedisError:
        return False
