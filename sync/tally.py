"""What the processes have counted, added up in Redis: API calls, calls made again, jobs.

Counted where it happens, told at the end of each job in one round trip, so that a scrape of one web process
sees what every worker on every machine did. A Redis that was flushed begins at nought, which is what a
Prometheus counter may do. Neighbours: ``jobs`` tells, ``webhooks/metrics.py`` shows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from redis import Redis
from redis.exceptions import RedisError

from integration.call_count import CallKind

CALLS: Final = "colonnade:tally:calls"
AGAIN: Final = "colonnade:tally:calls_again"
JOBS: Final = "colonnade:tally:jobs"
JOB_SECONDS: Final = "colonnade:tally:job_seconds"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counted:
    """One count by its labels' values, in the order of the hash's labels."""

    labels: tuple[str, ...]
    value: float


def count_calls(redis: Redis, installation_id: str, made: Mapping[CallKind, int]) -> None:
    """Add API calls by installation, lane and reason; those made again also by themselves."""
    told: dict[tuple[str, str], float] = {}
    for kind, number in made.items():
        names = _field(installation_id, kind.lane or "none", kind.reason)
        for key in (CALLS, AGAIN) if kind.again else (CALLS,):
            told[key, names] = told.get((key, names), 0) + number
    _add(redis, told)


def count_job(redis: Redis, installation_id: str, work: str, outcome: str, seconds: float) -> None:
    """Add a job that ended, by installation, work and outcome, and how long it took."""
    names = _field(installation_id, work, outcome)
    _add(redis, {(JOBS, names): 1, (JOB_SECONDS, names): seconds})


def counted(redis: Redis, key: str) -> list[Counted]:
    """Return what was counted under a key, by its labels. Raises RedisError when Redis is away."""
    held = cast("dict[bytes, bytes]", redis.hgetall(key))
    return sorted(
        (Counted(tuple(json.loads(names)), float(value)) for names, value in held.items()),
        key=lambda one: one.labels,
    )


def _field(*labels: str) -> str:
    return json.dumps(labels)


def _add(redis: Redis, told: Mapping[tuple[str, str], float]) -> None:
    """Add all in one round trip; without Redis they go uncounted, the work does not stop."""
    if not told:
        return
    try:
        with redis.pipeline(transaction=False) as pipe:
            for (key, names), number in told.items():
                pipe.hincrbyfloat(key, names, number)
            pipe.execute()
    except RedisError as error:
        log.warning("%d counts are lost, Redis is away: %s", len(told), error)
