"""How far each object has been read from the CRM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Column, Connection, RowMapping, Table, Text, bindparam, or_, select

from sync.state.schema import Instant, Upsert, dialect_insert, installation_column, key_columns, metadata

cursor = Table(
    "cursor",
    metadata,
    installation_column(),
    Column("object", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("position", Text),
    Column("high_water", Instant),
    Column("updated_at", Instant, nullable=False),
)
COLUMNS = [one.name for one in cursor.columns]


class Phase(StrEnum):
    """Whether the first full reading is still under way."""

    INITIAL = "initial"
    INCREMENTAL = "incremental"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in an object's reading.

    ``position`` resumes within a pass (the port's own text), ``None`` between passes;
    ``high_water`` is the CRM time up to which everything has been read.
    """

    object: str
    phase: Phase
    position: str | None = None
    high_water: datetime | None = None
    updated_at: datetime | None = None


def get(conn: Connection, installation_id: str, object_name: str) -> Cursor | None:
    """Return the object's cursor, ``None`` before the first reading."""
    query = select(cursor).where(cursor.c.installation_id == installation_id, cursor.c.object == object_name)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _cursor(row)


def put(conn: Connection, installation_id: str, now: datetime, place: Cursor) -> None:
    """Keep the place; do it in the transaction that stores the page, so that both or neither stand."""
    values = {"phase": place.phase, "position": place.position, "high_water": place.high_water}
    row = {"installation_id": installation_id, "object": place.object, "updated_at": now, **values}
    conn.execute(_put_statement(conn.dialect.name), row)


@lru_cache
def _put_statement(dialect: str) -> Upsert:
    new = dialect_insert(dialect, cursor).values({name: bindparam(name) for name in COLUMNS})
    changes = {name: new.excluded[name] for name in ("phase", "position", "high_water", "updated_at")}
    return new.on_conflict_do_update(index_elements=key_columns(cursor), set_=changes)


def forget(conn: Connection, installation_id: str, object_name: str) -> None:
    """Drop the object's cursor: the next reading starts from the beginning."""
    conn.execute(
        cursor.delete().where(cursor.c.installation_id == installation_id, cursor.c.object == object_name)
    )


def every(conn: Connection, installation_id: str) -> list[Cursor]:
    """Return all cursors, by object."""
    query = select(cursor).where(cursor.c.installation_id == installation_id).order_by(cursor.c.object)
    return [_cursor(row) for row in conn.execute(query).mappings()]


def unfinished(conn: Connection, now: datetime, stands: timedelta) -> frozenset[str]:
    """Return the installations with a first reading under way that has not moved for so long.

    One that moved as far in the future did so before the clock was set back.
    """
    moved = cursor.c.updated_at
    still = or_(moved < now - stands, moved > now + stands)
    query = select(cursor.c.installation_id).where(cursor.c.phase == Phase.INITIAL, still)
    return frozenset(conn.execute(query.distinct()).scalars())


def _cursor(row: RowMapping) -> Cursor:
    return Cursor(row["object"], Phase(row["phase"]), row["position"], row["high_water"], row["updated_at"])
