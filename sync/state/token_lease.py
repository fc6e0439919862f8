"""Who renews an installation's tokens just now: one process at a time, whatever Redis does.

A lease in the database rather than a lock in Redis, which may be emptied at any time; and
rather than a held row lock, which on SQLite would stop every writer for as long as the CRM
takes to answer. A renewal happens twice an hour, so its two small writes cost nothing.
Neighbours: ``sync/token_stores.py`` waits for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Table, Text, delete, or_, select

from sync.state.leases import LONGEST
from sync.state.schema import Instant, installation_column, key_columns, metadata, upsert

token_lease = Table(
    "token_lease",
    metadata,
    installation_column(),
    Column("owner", Text, nullable=False),
    Column("until", Instant, nullable=False),
)


def is_free(conn: Connection, installation_id: str, now: datetime) -> bool:
    """Return whether nobody renews; what is free when read may be taken when claimed."""
    query = select(token_lease.c.until).where(token_lease.c.installation_id == installation_id)
    until = conn.execute(query).scalar()
    return until is None or until <= now or until > now + LONGEST


def claim(conn: Connection, installation_id: str, owner: str, now: datetime, span: timedelta) -> bool:
    """Take the lease until ``now + span`` unless another owner holds it; return whether it was taken."""
    values = {"owner": owner, "until": now + span}
    statement = upsert(conn, token_lease).values(installation_id=installation_id, **values)
    ended = or_(token_lease.c.until <= now, token_lease.c.until > now + LONGEST)
    taken = statement.on_conflict_do_update(index_elements=key_columns(token_lease), set_=values, where=ended)
    return conn.execute(taken.returning(token_lease.c.owner)).scalar() == owner


def release(conn: Connection, installation_id: str, owner: str) -> None:
    """Give the lease back; one that ran out and was taken by another stays the other's."""
    held = (token_lease.c.installation_id == installation_id) & (token_lease.c.owner == owner)
    conn.execute(delete(token_lease).where(held))
