"""Keeps what several requests brought at once in one transaction, and rings for it.

A commit waits for the disk, and on SQLite only one may be under way. A request that finds another one
being kept waits its turn; whoever then has the turn keeps everything that waits, with one commit. Nobody
is answered before their own events are durable. Neighbours: ``hubspot`` and ``salesforce`` bring events.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sync.bell import Lane, Work, ring
from sync.runtime import Runtime
from sync.state import inbox, installations
from sync.state.engine import writing
from sync.state.inbox import InboxEvent

AWAY: Final = (OperationalError, PoolTimeout)
"""What the database raises whoever asks: it cannot be reached, or has no connection left."""
Events = Mapping[str, Sequence[InboxEvent]]


@dataclass(slots=True)
class _Brought:
    """The events of one request, by installation; what went wrong with them, once they had their turn."""

    events: Events
    settled: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class Together:
    """The one place of a process through which events reach the inbox. Thread-safe."""

    runtime: Runtime
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[_Brought] = field(default_factory=list)
    _list: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, now: datetime, events: Events) -> None:
        """Return once every event of an installation that is served is durable; the others are dropped.

        Raises what the database raises; nothing of these events counts as kept then.
        """
        mine = _Brought(events)
        with self._list:
            self._waiting.append(mine)
        with self._turn:
            if not mine.settled:
                self._keep_waiting(now)
        if mine.error is not None:
            raise mine.error
        if not mine.settled:
            raise RuntimeError("whoever had the turn was stopped before these events were kept")

    def _keep_waiting(self, now: datetime) -> None:
        """Keep everything that waits; where that fails as a whole, each request's alone.

        A database that does not answer is not asked again for each: every attempt may wait for seconds.
        """
        with self._list:
            taken, self._waiting = self._waiting, []
        if not taken:
            return
        try:
            self._write(now, taken)
        except Exception as error:  # noqa: BLE001 - theirs to raise: each request has its own answer
            for one in taken:
                one.error = error if len(taken) == 1 or isinstance(error, AWAY) else self._alone(now, one)
        for one in taken:
            one.settled = True

    def _alone(self, now: datetime, one: _Brought) -> Exception | None:
        try:
            self._write(now, [one])
        except Exception as error:  # noqa: BLE001 - raised by the request it belongs to
            return error
        return None

    def _write(self, now: datetime, brought: Sequence[_Brought]) -> None:
        """Make every event a row, ordered alike everywhere, so that no two processes wait for each other."""
        by_owner: defaultdict[str, list[InboxEvent]] = defaultdict(list)
        for one in brought:
            for owner, events in one.events.items():
                by_owner[owner] += events
        with writing(self.runtime.engine) as conn:
            served = installations.served(conn, by_owner)
            new = [owner for owner in sorted(served) if inbox.put(conn, owner, now, by_owner[owner])]
        for owner in new:
            ring(self.runtime.redis, Lane.FAST, Work.DRAIN, owner)
