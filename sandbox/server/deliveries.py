"""Messages the vendor pushes out: a background queue with retries, and the log of every attempt.

A vendor sandbox subclasses nothing: it hands ``Outbox`` a ``send`` function (one real HTTP
request, returning the status and whether it counts as delivered) and a ``delay`` rule.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from sandbox.server.clock import wall_seconds

Payload = TypeVar("Payload")
_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver. ``status`` 0: no answer. ``events`` are the object ids in the message."""

    seq: int
    wall_created: float
    wall_attempt: float
    attempt: int
    status: int
    url: str
    events: list[str]


class DeliveryLog:
    """Attempts in the order they ended; ``seq`` counts from 1 in this process."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._lines: deque[Delivery] = deque(maxlen=_KEPT)
        self._last = 0

    def add(self, created: float, attempt: int, status: int, url: str, events: list[str]) -> None:
        """Append an attempt that ended now; ``created`` is the wall time of the message's making."""
        with self._lock:
            self._last += 1
            self._lines.append(Delivery(self._last, created, wall_seconds(), attempt, status, url, events))

    def after(self, seq: int) -> dict[str, object]:
        """Return the body of ``GET /_sandbox/deliveries?after=seq``."""
        with self._lock:
            lines = [asdict(line) for line in self._lines if line.seq > seq]
            return {"deliveries": lines, "last": self._last}


@dataclass(frozen=True, slots=True)
class Message(Generic[Payload]):
    """Something to deliver: where, what, and the object ids it is about."""

    url: str
    payload: Payload
    events: tuple[str, ...]
    created: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended: HTTP status (0 none) and whether the vendor counts it as delivered."""

    status: int
    delivered: bool


class Outbox(Generic[Payload]):
    """A queue of messages sent by ``workers`` daemon threads, at least once each.

    ``send(message, attempt)`` does one attempt (0, 1, …); ``delay(attempt)`` gives the real
    seconds to wait after failed attempt ``attempt``, or None to give up.
    """

    def __init__(
        self,
        log: DeliveryLog,
        send: Callable[[Message[Payload], int], Outcome],
        delay: Callable[[int], float | None],
        workers: int,
    ) -> None:
        """Start the threads."""
        self._log, self._send, self._delay = log, send, delay
        self._ready = threading.Condition()
        self._heap: list[tuple[float, int, int, Message[Payload]]] = []
        self._order = itertools.count()
        self._busy = 0
        for number in range(workers):
            threading.Thread(target=self._run, name=f"outbox-{number}", daemon=True).start()

    def put(self, message: Message[Payload], attempt: int = 0, after_seconds: float = 0.0) -> None:
        """Queue ``message`` for its ``attempt`` in ``after_seconds`` real seconds."""
        with self._ready:
            due = time.monotonic() + after_seconds
            heapq.heappush(self._heap, (due, next(self._order), attempt, message))
            self._ready.notify()

    def clear(self) -> None:
        """Forget what is queued (attempts under way still end)."""
        with self._ready:
            self._heap.clear()

    def pending(self) -> int:
        """Return how many messages are queued or under way."""
        with self._ready:
            return len(self._heap) + self._busy

    def _next(self) -> tuple[int, Message[Payload]]:
        with self._ready:
            while True:
                wait = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait is not None and wait <= 0:
                    _due, _order, attempt, message = heapq.heappop(self._heap)
                    self._busy += 1
                    return attempt, message
                self._ready.wait(wait)

    def _run(self) -> None:
        while True:
            attempt, message = self._next()
            outcome = self._send(message, attempt)
            self._log.add(message.created, attempt, outcome.status, message.url, list(message.events))
            wait = None if outcome.delivered else self._delay(attempt)
            if wait is not None:
                self.put(message, attempt + 1, wait)
            with self._ready:
                self._busy -= 1
