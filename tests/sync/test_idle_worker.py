"""A worker with nothing to do waits for its bell, and hears it whenever it comes."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import pytest
from rq import Queue
from rq.exceptions import StopRequested

from sync.bell import Lane
from sync.config import ConfigError, read_settings
from sync.runtime import ANSWER_WITHIN_S, open_redis
from sync.worker import LaneWorker


@pytest.fixture
def worker(redis_url: str) -> Iterator[LaneWorker]:
    """Give a worker by the product's own client, which has answered before; the signals are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with open_redis(read_settings({"REDIS_URL": redis_url})) as redis:
        yield LaneWorker([Queue(Lane.FAST.value, connection=redis)], connection=redis)
    for number, handler in before.items():
        signal.signal(number, handler)


def deaf(_worker: LaneWorker) -> float:
    """End a worker that has slept because it took Redis for away."""
    raise StopRequested


def test_waiting_for_a_bell_is_no_outage_of_redis(
    worker: LaneWorker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """It would sleep deaf after each, up to five seconds; the socket of its first call waits the shortest."""
    monkeypatch.setattr(LaneWorker, "max_connection_wait_time", property(deaf))
    with caplog.at_level(logging.WARNING, "rq.worker"):
        worker.work(max_idle_time=int(ANSWER_WITHIN_S) + 2)
    assert [record.getMessage() for record in caplog.records] == []


def test_no_command_of_a_worker_waits_longer_than_the_product_s(worker: LaneWorker):
    """RQ raises the limit of a client whose own is below its wait; a silent Redis would hold jobs up."""
    assert worker.dequeue_timeout < ANSWER_WITHIN_S
    assert worker.connection.connection_pool.connection_kwargs["socket_timeout"] == ANSWER_WITHIN_S


@pytest.mark.parametrize("waits", ["3", "60"])
def test_an_address_cannot_change_how_long_an_answer_is_waited_for(redis_url: str, waits: str):
    """Three seconds would make idle workers deaf, and a minute hold webhooks up."""
    address = f"{redis_url}{'&' if '?' in redis_url else '?'}socket_timeout={waits}"
    with pytest.raises(ConfigError, match=r"REDIS_URL: its socket_timeout=.* leave it out"):
        open_redis(read_settings({"REDIS_URL": address}))
