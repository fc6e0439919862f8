"""A worker that is asked to end does so between two jobs, also if RQ's own exception is lost on its way."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from redis import Redis
from rq import Queue

from sync import jobs, worker
from sync.bell import Lane, Work, answered, ring
from sync.holding import leave, leaving, stay
from sync.worker import LaneWorker, run_worker

ONE = "hubspot-1"
DAY_S = 86_400.0
ENOUGH = 3
"""A worker that has taken so many bells since it was asked does not end by itself."""


@pytest.fixture
def redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """Give an empty Redis, and the signal handlers and the process as they were."""
    monkeypatch.setattr(worker, "LEAVE_WITHIN_S", DAY_S)  # the second request would meet the test run
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with Redis.from_url(redis_url) as found:
        yield found
    for number, handler in before.items():
        signal.signal(number, handler)
    stay()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch, redis: Redis) -> list[bool]:
    """Have looks ring for themselves in a leaving process, as all jobs do; give what was taken by whom."""
    found: list[bool] = []

    def look(lane: str, installation_id: str) -> None:
        found.append(leaving())
        answered(redis, Lane(lane), Work.LOOK, installation_id)
        if leaving() and len(found) < ENOUGH:
            ring(redis, Lane(lane), Work.LOOK, installation_id)

    monkeypatch.setattr(jobs, "look", look)
    ring(redis, Lane.FAST, Work.LOOK, ONE)
    return found


def once(monkeypatch: pytest.MonkeyPatch, name: str, happens) -> None:
    """Have something happen the first time a worker comes to a function of its own."""
    real, done = getattr(LaneWorker, name), []

    def replaced(self, *given, **named):
        if not done:
            done.append(1)
            happens()
        return real(self, *given, **named)

    monkeypatch.setattr(LaneWorker, name, replaced)


def test_a_request_whose_exception_the_redis_client_drops_is_still_heard(monkeypatch, redis, taken):
    """``redis.observability.recorder`` passes over every Exception: one more job, then the worker ends."""

    def dropped() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception:  # noqa: BLE001 - as the recorder does
            return
        raise AssertionError("RQ raised nothing that could be dropped")

    once(monkeypatch, "heartbeat", dropped)
    run_worker(redis, Lane.FAST, until_idle=True)
    assert taken == [True]
    assert Queue("fast", connection=redis).count == 1


def test_a_request_heard_before_a_worker_hears_for_itself_is_not_lost(monkeypatch, redis, taken):
    """After an outage a second worker begins in the same process, and the first still has the signal."""
    once(monkeypatch, "subscribe", leave)
    run_worker(redis, Lane.FAST, until_idle=True)
    assert taken == []
    assert Queue("fast", connection=redis).count == 1
