"""How many calls to one installation are under way at once, held below the vendor's cap.

Salesforce refuses new calls while too many *long* ones run; how long a call will take is not known before
it is made, so every call counts. The cap is shared by all processes through Redis, where a call that a
killed process left behind stops counting after ``LONGEST_S``. Bulk lanes may not fill the cap, so that a
person's call always finds a place. Neighbours: ``budget`` counts calls over time; the Salesforce transport
holds a place during each call.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Lock
from typing import Final, Protocol

from redis import Redis
from redis.exceptions import RedisError

from integration.budget import ALONE_S, MAX_WAIT_S, Lane
from integration.port import RateLimited

LONGEST_S: Final = 600.0
"""After this a call counts no more, whoever made it: the longest the vendor lets one run."""

LOOK_AGAIN_S: Final = 0.25
"""How long a call that found no place waits before it looks again."""

PLACE_SHARE: Final[Mapping[Lane, float]] = {
    Lane.INTERACTIVE: 1.0,
    Lane.WEBHOOK: 0.8,
    Lane.SYNC: 0.6,
    Lane.BACKFILL: 0.4,
}
"""How much of the cap may be taken by everybody of ours before a lane waits."""


class InFlight(Protocol):
    """What a transport asks before it makes a call. Implementations are thread-safe."""

    def place(self, lane: Lane) -> AbstractContextManager[None]:
        """Hold a place for one call while the block runs, waiting for one where all are taken.

        Raises ``RateLimited`` when none came free within ``MAX_WAIT_S``.
        """
        ...

    def learn_cap(self, cap: int) -> None:
        """Adopt the cap of the org's edition."""
        ...


def room(cap: int, lane: Lane) -> int:
    """Return how many calls may be under way for ``lane`` to begin one (at least 1)."""
    return max(1, int(cap * PLACE_SHARE[lane]))


class LocalInFlight:
    """The calls under way of one process."""

    def __init__(
        self,
        cap: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start with none under way."""
        self._cap, self._held, self._lock = cap, 0, Lock()
        self._monotonic, self._sleep = monotonic, sleep

    def learn_cap(self, cap: int) -> None:
        """See ``InFlight.learn_cap``."""
        self._cap = cap

    @contextmanager
    def place(self, lane: Lane) -> Iterator[None]:
        """See ``InFlight.place``."""
        _wait_for(lambda: self._try(lane), self._monotonic, self._sleep)
        try:
            yield
        finally:
            with self._lock:
                self._held -= 1

    def _try(self, lane: Lane) -> bool:
        with self._lock:
            if self._held >= room(self._cap, lane):
                return False
            self._held += 1
            return True


PLACE_SCRIPT: Final = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
local cap = tonumber(redis.call('GET', KEYS[2]) or ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= math.max(1, math.floor(cap * tonumber(ARGV[2]))) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
"""Keys: places taken, learned cap. Args: declared cap, the lane's share, longest ms, member."""


class SharedInFlight:
    """The calls under way of all processes of a deployment, by installation, in Redis.

    While Redis cannot be reached the process holds the cap by itself.
    """

    def __init__(
        self,
        redis: Redis,
        installation_id: str,
        cap: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Share ``cap`` until a better one is learned."""
        self._redis, self._cap = redis, cap
        self._taken = f"in_flight:{{{installation_id}}}:taken"
        self._learned = f"in_flight:{{{installation_id}}}:cap"
        self._monotonic, self._sleep = monotonic, sleep
        self._alone = LocalInFlight(cap, monotonic=monotonic, sleep=sleep)
        self._alone_until = monotonic()
        self._script = redis.register_script(PLACE_SCRIPT)

    def learn_cap(self, cap: int) -> None:
        """See ``InFlight.learn_cap``; kept for all processes until Redis is emptied."""
        self._alone.learn_cap(cap)
        with suppress(RedisError):
            self._redis.set(self._learned, cap)

    @contextmanager
    def place(self, lane: Lane) -> Iterator[None]:
        """See ``InFlight.place``."""
        member = uuid.uuid4().hex
        if self._monotonic() < self._alone_until or not self._take(lane, member):
            with self._alone.place(lane):
                yield
            return
        try:
            yield
        finally:
            with suppress(RedisError):  # it stops counting by itself
                self._redis.zrem(self._taken, member)

    def _take(self, lane: Lane, member: str) -> bool:
        """Take a place in Redis; ``False`` when it cannot be reached."""
        args: list[str | int | float] = [self._cap, PLACE_SHARE[lane], int(LONGEST_S * 1000), member]
        keys = [self._taken, self._learned]
        try:
            _wait_for(lambda: bool(self._script(keys=keys, args=args)), self._monotonic, self._sleep)
        except RedisError:
            self._alone_until = self._monotonic() + ALONE_S
            return False
        return True


def _wait_for(
    taken: Callable[[], bool], monotonic: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    deadline = monotonic() + MAX_WAIT_S
    while not taken():
        if monotonic() + LOOK_AGAIN_S > deadline:
            raise RateLimited(
                f"no call of ours ended within {MAX_WAIT_S:.0f} s", "own_concurrent", MAX_WAIT_S
            )
        sleep(LOOK_AGAIN_S)
