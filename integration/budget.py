"""The governor: one budget of API calls per installation, taken from before each call.

A budget has short windows by *kind* of call (the vendor's buckets: ``general``, ``search``
…) and one daily limit: HubSpot's day, or any 24 hours in Salesforce. Nothing is taken to come
back at midnight: a reading of it is believed for a quarter of an hour, then one call asks again.
Lanes say who waits: bulk lanes are paced, so that room comes free all the time and an
interactive call is never kept for the rest of a window, and leave a little of it; daily shares
stop a lane for the day before the customer's other apps are starved. Limits are learned from
the vendor's answers; a forgotten budget is learned again from the next ones.

``LocalBudget`` serves one process, ``SharedBudget`` all processes through Redis.
Neighbours: the vendors' transports take and learn; nothing else should.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Final, Protocol, cast

from redis import Redis
from redis.exceptions import RedisError

from integration.budget_scripts import LEARN_SCRIPT, TAKE_SCRIPT
from integration.port import RateLimited

MAX_WAIT_S: Final = 60.0
"""The longest a call waits for room before ``RateLimited`` is raised."""

DAY_OBSERVATION_S: Final = 900.0
"""How long a daily reading is believed; after it a stopped lane may probe with one call."""

DAY_TOLD_EVERY_S: Final = 60.0
"""How often a process tells the others of a daily reading by which nobody stops."""

STILL_KNOWN: Final = 0.2
"""The share of a window for which what was read of it is taken for what stands in it."""

ALONE_S: Final = 30.0
"""How long a process keeps its own count before it asks an unreachable Redis again."""


class Lane(StrEnum):
    """Who is calling, most urgent first."""

    INTERACTIVE = "interactive"
    WEBHOOK = "webhook"
    SYNC = "sync"
    BACKFILL = "backfill"


WINDOW_SHARE: Final[Mapping[Lane, float]] = {
    Lane.INTERACTIVE: 1.0,
    Lane.WEBHOOK: 0.99,
    Lane.SYNC: 0.98,
    Lane.BACKFILL: 0.98,
}
"""How full a window may be for a lane to take from it."""

PACED_LANES: Final = frozenset({Lane.SYNC, Lane.BACKFILL})
PACED_FROM: Final = 0.1
"""The share of a window that a paced lane may take at once; beyond it its calls are spread."""

PACE: Final = 0.8
"""How far apart paced calls stand, as a share of an even spread: less than one, or delays would add up."""

DAY_SHARE: Final[Mapping[Lane, float]] = {
    Lane.INTERACTIVE: 1.0,
    Lane.WEBHOOK: 0.95,
    Lane.SYNC: 0.8,
    Lane.BACKFILL: 0.4,
}
"""How much of the day's limit may be used by everybody before a lane stops."""


@dataclass(frozen=True, slots=True)
class Window:
    """A limit of ``calls`` in any ``seconds``."""

    calls: int
    seconds: float


class Budget(Protocol):
    """What a transport asks of the governor. Implementations are thread-safe."""

    def take(self, lane: Lane, kind: str) -> None:
        """Wait for room and count one call; a kind without a window has only the day.

        Raises ``RateLimited`` when the wait would pass ``MAX_WAIT_S`` or the lane's share
        of the day is used.
        """
        ...

    def learn_window(self, kind: str, calls: int, remaining: int) -> None:
        """Adopt the vendor's own reading of a window: its limit and what is left of it."""
        ...

    def learn_day(self, limit: int, remaining: int) -> None:
        """Adopt the vendor's own reading of the daily limit."""
        ...


_LANE: ContextVar[Lane | None] = ContextVar("lane", default=None)


@contextmanager
def calling_in(lane: Lane) -> Iterator[None]:
    """Have the calls made meanwhile by this thread wait in ``lane``, whatever their port's own is."""
    token = _LANE.set(lane)
    try:
        yield
    finally:
        _LANE.reset(token)


def lane_now(own: Lane) -> Lane:
    """Return the lane of ``calling_in``, outside it the port's ``own``."""
    return _LANE.get() or own


def window_room(calls: int, lane: Lane) -> int:
    """Return how many of ``calls`` may stand in a window for ``lane`` to be let in (at least 1)."""
    return max(1, int(calls * WINDOW_SHARE[lane] + 0.5))  # halves go up, as in the script below


def spacing_s(room: int, seconds: float, lane: Lane) -> float:
    """Return how far apart a lane's calls stand once some are in the window; 0 where it is not paced."""
    return PACE * seconds / room if lane in PACED_LANES else 0.0


def free_of_pace(room: int) -> int:
    """Return how many calls a paced lane may make at once (at least 1)."""
    return max(1, int(room * PACED_FROM))


@dataclass(slots=True)
class _WindowLog:
    """The calls of one kind that still count, oldest first, in monotonic seconds."""

    calls: int
    seconds: float
    taken: deque[float] = field(default_factory=deque)

    def expire(self, now: float) -> None:
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()

    def wait_for(self, lane: Lane, now: float) -> float:
        """Return seconds until the lane finds room and its turn; 0 when it has both."""
        self.expire(now)
        room, held = window_room(self.calls, lane), len(self.taken)
        if held >= room:
            return self.taken[held - room] + self.seconds - now
        if held < free_of_pace(room):
            return 0.0
        return max(0.0, self.taken[-1] + spacing_s(room, self.seconds, lane) - now)


@dataclass(frozen=True, slots=True)
class _DayReading:
    used_share: float
    read_at: float


class LocalBudget:
    """A budget for one process: sliding windows in memory, on the monotonic clock."""

    def __init__(
        self,
        windows: Mapping[str, Window],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start with empty windows, by kind."""
        self._logs = {kind: _WindowLog(window.calls, window.seconds) for kind, window in windows.items()}
        self._day: _DayReading | None = None
        self._lock = Lock()
        self._monotonic = monotonic
        self._sleep = sleep

    def take(self, lane: Lane, kind: str) -> None:
        """See ``Budget.take``."""
        _wait_until(lambda: self._try_take(lane, kind), kind, self._monotonic, self._sleep)

    def learn_window(self, kind: str, calls: int, remaining: int) -> None:
        """See ``Budget.learn_window``; calls of other apps are entered as if made now."""
        with self._lock:
            log = self._logs.get(kind)
            if log is None or calls < 1:
                return
            now = self._monotonic()
            log.calls = calls
            log.expire(now)
            log.taken.extend([now] * max(0, calls - remaining - len(log.taken)))

    def learn_day(self, limit: int, remaining: int) -> None:
        """See ``Budget.learn_day``."""
        if limit > 0:
            self._day = _DayReading(1 - remaining / limit, self._monotonic())

    def _try_take(self, lane: Lane, kind: str) -> float:
        """Count a call and return 0, or return the seconds to wait."""
        with self._lock:
            now = self._monotonic()
            self._check_day(lane, now)
            log = self._logs.get(kind)
            if log is None:
                return 0.0
            wait_s = log.wait_for(lane, now)
            if wait_s <= 0:
                log.taken.append(now)
            return wait_s

    def _check_day(self, lane: Lane, now: float) -> None:
        day = self._day
        if day is None:
            return
        if now - day.read_at > DAY_OBSERVATION_S:
            self._day = None
            return
        if _day_is_used(lane, day.used_share):
            raise _day_error(lane, DAY_OBSERVATION_S - (now - day.read_at))


class SharedBudget:
    """A budget all processes of a deployment share, keyed by installation, in Redis.

    Time is Redis' own, so processes on several machines agree. When Redis cannot be
    reached the process goes on with its own ``LocalBudget``.
    """

    def __init__(
        self,
        redis: Redis,
        installation_id: str,
        windows: Mapping[str, Window],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Share the windows of ``installation_id`` with whoever uses the same Redis."""
        self._redis = redis
        self._windows = dict(windows)
        self._prefix = f"budget:{{{installation_id}}}:"
        self._alone = LocalBudget(windows, monotonic=monotonic, sleep=sleep)
        self._alone_until = monotonic()
        self._day_told = -DAY_TOLD_EVERY_S
        self._taken: dict[str, tuple[int, int, float]] = {}
        """By kind: the calls that stood in the window after the last one taken, of how many, and when."""
        self._monotonic = monotonic
        self._sleep = sleep
        self._take = redis.register_script(TAKE_SCRIPT)
        self._learn = redis.register_script(LEARN_SCRIPT)

    def take(self, lane: Lane, kind: str) -> None:
        """See ``Budget.take``."""
        if self._is_alone():
            self._alone.take(lane, kind)
            return
        try:
            _wait_until(lambda: self._try_take(lane, kind), kind, self._monotonic, self._sleep)
        except RedisError:
            self._go_alone()
            self._alone.take(lane, kind)

    def learn_window(self, kind: str, calls: int, remaining: int) -> None:
        """See ``Budget.learn_window``; sent to Redis only when it could change a decision."""
        self._alone.learn_window(kind, calls, remaining)
        window = self._windows.get(kind)
        if window is None or calls < 1 or self._is_alone():
            return
        held, limit = self._known(kind, window)
        if calls == limit and (remaining > calls // 2 or calls - remaining <= held):
            return
        keys = [self._key("window", kind), self._key("limit", kind)]
        args: list[str | int | float] = [calls, remaining, int(window.seconds * 1000), uuid.uuid4().hex]
        try:
            self._learn(keys=keys, args=args)
        except RedisError:
            self._go_alone()

    def learn_day(self, limit: int, remaining: int) -> None:
        """See ``Budget.learn_day``; as long as no lane would stop by it, Redis is told once a minute."""
        self._alone.learn_day(limit, remaining)
        if limit < 1 or self._is_alone():
            return
        used, now = 1 - remaining / limit, self._monotonic()
        harmless = used < min(DAY_SHARE.values())
        if harmless and now < self._day_told + DAY_TOLD_EVERY_S:
            return
        try:
            self._redis.set(self._key("day", "used"), f"{used:.6f}", px=int(DAY_OBSERVATION_S * 1000))
        except RedisError:
            self._go_alone()
        else:
            self._day_told = now if harmless else -DAY_TOLD_EVERY_S

    def _is_alone(self) -> bool:
        return self._monotonic() < self._alone_until

    def _go_alone(self) -> None:
        self._alone_until = self._monotonic() + ALONE_S

    def _try_take(self, lane: Lane, kind: str) -> float:
        window = self._windows.get(kind, Window(0, 0))
        keys = [self._key("window", kind), self._key("day", "used"), self._key("limit", kind)]
        args: list[str | int | float] = [
            window.calls,
            int(window.seconds * 1000),
            2 if lane is Lane.INTERACTIVE else DAY_SHARE[lane],
            WINDOW_SHARE[lane],
            uuid.uuid4().hex,
            PACE if lane in PACED_LANES else 0,
            PACED_FROM,
        ]
        verdict, *found = cast("list[int]", self._take(keys=keys, args=args))
        if verdict < 0:
            raise _day_error(lane, found[0] / 1000)
        if verdict > 0:
            return found[0] / 1000
        self._taken[kind] = (found[0], found[1], self._monotonic())
        return 0.0

    def _known(self, kind: str, window: Window) -> tuple[int, int]:
        """Return the calls and the limit Redis knew of a moment ago; none and the declared one otherwise."""
        held, limit, at = self._taken.get(kind, (0, window.calls, 0.0))
        fresh = self._monotonic() - at < window.seconds * STILL_KNOWN
        return (held, limit) if fresh else (0, window.calls)

    def _key(self, part: str, kind: str) -> str:
        return f"{self._prefix}{part}:{kind}"


def _wait_until(
    try_take: Callable[[], float],
    kind: str,
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Call ``try_take`` until it returns 0, sleeping what it returns, never past the cap."""
    deadline = monotonic() + MAX_WAIT_S
    while (wait_s := try_take()) > 0:
        if monotonic() + wait_s > deadline:
            raise RateLimited(f"no room for a {kind} call within {MAX_WAIT_S:.0f} s", f"own_{kind}", wait_s)
        sleep(wait_s + 0.001)


def _day_is_used(lane: Lane, used_share: float) -> bool:
    return lane is not Lane.INTERACTIVE and used_share >= DAY_SHARE[lane]


def _day_error(lane: Lane, retry_after_s: float) -> RateLimited:
    share = f"{DAY_SHARE[lane]:.0%}"
    return RateLimited(f"{lane} calls stop at {share} of the day's limit", "own_daily_share", retry_after_s)
