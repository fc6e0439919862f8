"""The one clock. Everything else takes instants as arguments or a ``Clock``.

``WallClock`` is the only place of the product that reads the time of day. Simulations move
the stored clock, together with the sandboxes' own, and every process follows.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, Engine

from sync.state import clock_table
from sync.state.clock_table import ClockSetting
from sync.state.engine import reading, writing


class Clock(Protocol):
    """Tells the time."""

    def now(self, conn: Connection | None = None) -> datetime:
        """Return the present instant in UTC, asked by a connection the caller has open, where it has one."""
        ...


class WallClock:
    """The machine's time."""

    def now(self, conn: Connection | None = None) -> datetime:  # noqa: ARG002
        """Return the machine's present instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 (the one place)


@dataclass(frozen=True, slots=True)
class StoredClock:
    """The time all processes of a deployment share: simulated while one is set, else the wall's."""

    engine: Engine
    wall: Clock

    def now(self, conn: Connection | None = None) -> datetime:
        """Return the present instant in UTC, simulated where a simulation has set one.

        With a connection the caller has open, that is asked: another one costs more than the question.
        """
        with nullcontext(conn) if conn is not None else reading(self.engine) as asked:
            setting = clock_table.get(asked)
        if setting is None:
            return self.wall.now()
        elapsed = self.wall.now() - setting.set_at
        return setting.base_at + elapsed if setting.running else setting.base_at


def clock_of(engine: Engine, wall: Clock | None = None) -> StoredClock:
    """Return the deployment's clock."""
    return StoredClock(engine, wall or WallClock())


def move_clock(engine: Engine, now: datetime, *, running: bool, wall: Clock | None = None) -> None:
    """Set the deployment's clock to ``now`` (UTC), ticking on from there or standing still."""
    setting = ClockSetting(now, (wall or WallClock()).now(), running)
    with writing(engine) as conn:
        clock_table.put(conn, setting)


def follow_wall(engine: Engine) -> None:
    """End the simulation: the wall clock rules again."""
    with writing(engine) as conn:
        clock_table.clear(conn)
