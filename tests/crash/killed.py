"""One of the product's processes, with a point at which something happens to it.

``python -m tests.crash.killed POINT ... -- worker fast`` is ``colonnade worker fast``, except that the
first time it comes to the point it is killed, stopped, asked to end, or loses its Redis.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from requests.adapters import HTTPAdapter
from rq.worker.base import BaseWorker

from sync import jobs, push, worker

Happens = Callable[[], None]


def send(number: int) -> Happens:
    """Return what sends this process a signal."""
    return lambda: os.kill(os.getpid(), number)


def once(place: Any, name: str, happens: Happens, *, after: bool = False, when: str = "") -> None:
    """Have something happen the first time a function is called (with a request to an address, if named)."""
    real, done = getattr(place, name), []

    def replaced(*given: Any, **named: Any) -> Any:
        due = not done and (not when or when in str(given[1].url))
        if due:
            done.append(1)
        if due and not after:
            happens()
        answer = real(*given, **named)
        if due and after:
            happens()
        return answer

    setattr(place, name, replaced)


def wait_for(gate: str) -> Happens:
    """Return what asks this process to end, and then keeps it waiting for a gate that nobody opens."""

    def happens() -> None:
        Path(gate).touch()
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            time.sleep(0.02)

    return happens


def prepare(point: str, arguments: list[str]) -> None:
    """Put the happening at its point."""
    kill = send(signal.SIGKILL)
    if point == "taken":  # by RQ, and not yet entered as taken
        once(BaseWorker, "prepare_execution", kill)
    elif point == "before a write":
        once(HTTPAdapter, "send", kill, when="batch/upsert")
    elif point == "after a write":
        once(HTTPAdapter, "send", kill, after=True, when="batch/upsert")
    elif point == "stopped before a write":
        once(push, "_marked", send(signal.SIGSTOP))
    elif point == "asked to end at a write":
        once(HTTPAdapter, "send", send(signal.SIGTERM), when="batch/upsert")
    elif point == "asked to end and held up":
        worker.LEAVE_WITHIN_S = 1.5  # RQ takes a second request within a second for the same
        once(HTTPAdapter, "send", wait_for(arguments[0]), when="batch/upsert")
    elif point == "redis lost when done":
        pid = int(arguments[0])
        opened = Redis.from_url  # the outage outlasts the client's patience
        Redis.from_url = lambda url, **more: opened(url, retry=Retry(NoBackoff(), 1), **more)
        once(jobs, "push", lambda: os.kill(pid, signal.SIGKILL), after=True)
    else:
        assert point == "never", point


if __name__ == "__main__":
    cut = sys.argv.index("--")
    prepare(sys.argv[1], sys.argv[2:cut])
    sys.argv = ["colonnade", *sys.argv[cut + 1 :]]
    from app import main  # noqa: TID251 - tests stand above the composition root

    main()
