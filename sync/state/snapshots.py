"""What was taken of a portfolio and its segments, month by month; an ended month is never changed.

The month that runs is replaced from day to day until it has ended. A restatement is a version of its own.
Neighbours: ``sync/portfolio_look.py`` takes snapshots and has them written from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Boolean, Column, Connection, Date, Integer, Table, Text, delete, func, select

from sync.state.errors import StateError
from sync.state.schema import Instant, installation_column, metadata

snapshot = Table(
    "snapshot",
    metadata,
    installation_column(),
    Column("scope", Text, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("final", Boolean, nullable=False),
    Column("restated_on", Date),
    Column("reason", Text, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("charter_hash", Text, nullable=False),
    Column("body", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """One scope's month in one version: ``body`` is the snapshot as JSON text.

    ``month`` is its first day. ``final``: the month has ended. ``restated_on`` and ``reason`` are those of a
    restatement. ``charter_hash`` tells by which charter it was counted.
    """

    scope: str
    month: date
    version: int
    final: bool
    body: str
    charter_hash: str
    restated_on: date | None = None
    reason: str = ""


def keep(
    conn: Connection,
    installation_id: str,
    now: datetime,
    taken: Iterable[KeptSnapshot],
    counted: Mapping[str, Collection[date]],
) -> None:
    """Keep snapshots, in place of what was taken of the same months while they ran.

    ``counted`` are the months counted, by scope, also those of which nothing was found. Raises StateError
    where a snapshot would take the place of an ended month's.
    """
    rows = sorted(taken, key=lambda one: (one.scope, one.month, one.version))
    for scope in sorted(counted):
        _drop_running(conn, installation_id, scope, counted[scope])
    fixed = {(one.scope, one.month, one.version) for one in every(conn, installation_id)}
    for one in rows:
        if (one.scope, one.month, one.version) in fixed:
            raise StateError(f"{one.scope} of {one.month:%Y-%m} was taken for good; restate it instead")
    if rows:
        conn.execute(snapshot.insert(), [_columns(installation_id, now, one) for one in rows])


def every(conn: Connection, installation_id: str) -> tuple[KeptSnapshot, ...]:
    """Return all that is kept of an installation, by month, scope and version."""
    table = snapshot.c
    query = select(snapshot).where(table.installation_id == installation_id)
    return tuple(
        KeptSnapshot(
            row.scope,
            row.month,
            row.version,
            row.final,
            row.body,
            row.charter_hash,
            row.restated_on,
            row.reason,
        )
        for row in conn.execute(query.order_by(table.month, table.scope, table.version))
    )


def scopes(conn: Connection, installation_id: str) -> frozenset[str]:
    """Return every scope of which anything is kept."""
    query = select(snapshot.c.scope).where(snapshot.c.installation_id == installation_id)
    return frozenset(conn.execute(query.distinct()).scalars())


def ended_months(conn: Connection, installation_id: str, scope: str) -> Collection[date]:
    """Return the months of a scope that were taken for good."""
    table = snapshot.c
    mine = (table.installation_id == installation_id) & (table.scope == scope)
    return frozenset(conn.execute(select(table.month).where(mine, table.final).distinct()).scalars())


def taken_since(conn: Connection, installation_id: str, month: date, scope: str) -> datetime | None:
    """Return when a scope's running month was last taken, ``None`` where it was not."""
    table = snapshot.c
    mine = (table.installation_id == installation_id) & (table.month == month) & (table.scope == scope)
    return conn.execute(select(func.max(table.taken_at)).where(mine)).scalar()


def _drop_running(conn: Connection, installation_id: str, scope: str, months: Collection[date]) -> None:
    table = snapshot.c
    mine = (table.installation_id == installation_id) & (table.scope == scope) & table.month.in_(months)
    conn.execute(delete(snapshot).where(mine, table.final.is_(False)))


def _columns(installation_id: str, now: datetime, one: KeptSnapshot) -> dict[str, object]:
    return {
        "installation_id": installation_id,
        "scope": one.scope,
        "month": one.month,
        "version": one.version,
        "final": one.final,
        "restated_on": one.restated_on,
        "reason": one.reason,
        "taken_at": now,
        "charter_hash": one.charter_hash,
        "body": one.body,
    }


__all__ = ["KeptSnapshot", "ended_months", "every", "keep", "scopes", "taken_since"]
