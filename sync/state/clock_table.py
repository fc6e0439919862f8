"""The simulated clock's one row: kept in the database so that all processes share it.

It belongs to the deployment and not to an installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Boolean, Column, Connection, Integer, Table, delete, select

from sync.state.schema import Instant, metadata, upsert

clock = Table(
    "clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("base_at", Instant, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("running", Boolean, nullable=False),
)

_SETTING: Final = select(clock.c.base_at, clock.c.set_at, clock.c.running)


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """The clock was set to ``base_at`` when the wall showed ``set_at``; it ticks on if ``running``."""

    base_at: datetime
    set_at: datetime
    running: bool


def get(conn: Connection) -> ClockSetting | None:
    """Return the setting, ``None`` when the wall clock rules."""
    row = conn.execute(_SETTING).one_or_none()
    return None if row is None else ClockSetting(row.base_at, row.set_at, row.running)


def put(conn: Connection, setting: ClockSetting) -> None:
    """Keep the setting in place of an earlier one."""
    values = {"base_at": setting.base_at, "set_at": setting.set_at, "running": setting.running}
    statement = upsert(conn, clock).values(id=1, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def clear(conn: Connection) -> None:
    """Give the clock back to the wall."""
    conn.execute(delete(clock))
