"""Leases and fences, shared by everything that is claimed: dirty, inbox, ledger, due.

A lease says who works on a row until when; a fence says which claim came later. Fences
come from one counter per installation that never goes back, also not when a row is
finished and marked anew, so a worker that outlived its lease is always told apart.
Neighbour: ``held`` prolongs what a worker at work holds, and gives back what it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Integer,
    Table,
    Text,
    and_,
    case,
    func,
    literal,
    or_,
    text,
)

from sync.state.schema import EPOCH, Instant, Row, installation_column, metadata, upsert

HOLD_S = 60
"""How long a claim stands that nobody prolongs: what a killed worker held is free a minute later."""

LONGEST = timedelta(minutes=15)
"""No lease is given for longer: earlier versions gave ten minutes, on machines whose clocks differ. One that
seems to end later was given before the clock was set back, and holds nobody off."""

fence = Table(
    "fence",
    metadata,
    installation_column(),
    Column("value", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Lease:
    """Terms of a claim: by whom, from ``now`` for ``seconds``, at most ``limit`` rows."""

    owner: str
    now: datetime
    seconds: int
    limit: int

    @property
    def until(self) -> datetime:
        """Return the first instant at which others may take the rows."""
        return self.now + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work nobody holds: how many rows of ``topic`` an installation has, the oldest since when."""

    installation_id: str
    topic: str
    count: int
    oldest_at: datetime


def lease_columns() -> tuple[Column[str], Column[datetime], Column[int]]:
    """Return the columns of a lease: owner, until (exclusive), fence."""
    return (
        Column("lease_owner", Text),
        Column("leased_until", Instant),
        Column("fence", BigInteger, nullable=False, server_default="0"),
    )


def retry_columns() -> tuple[Column[int], Column[datetime]]:
    """Return the columns of back-off: attempts so far, not before."""
    return (
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("next_try_at", Instant),
    )


def held_index(table: str) -> Index:
    """Return the index by which what one owner holds is found: of rows that somebody holds only."""
    somebody = text("lease_owner IS NOT NULL")
    return Index(f"ix_{table}_held", "lease_owner", sqlite_where=somebody, postgresql_where=somebody)


def free(table: Table, now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody holds the row at ``now``."""
    until = table.c.leased_until
    return or_(until.is_(None), until <= now, until > now + LONGEST)


def held(table: FromClause, now: datetime) -> ColumnElement[bool]:
    """Return the condition that somebody holds the row at ``now``."""
    return and_(table.c.leased_until > now, table.c.leased_until <= now + LONGEST)


def ripe(table: Table, now: datetime) -> ColumnElement[bool]:
    """Return the condition that the row may be tried at ``now``."""
    return or_(table.c.next_try_at.is_(None), table.c.next_try_at <= now)


def claimable(table: Table, now: datetime) -> ColumnElement[bool]:
    """Return the condition that the row is free and ripe at ``now``."""
    return and_(free(table, now), ripe(table, now))


def waiting_since(table: Table, since: Column[datetime]) -> ColumnElement[datetime]:
    """Return, for a group of claimable rows, since when the oldest waits, by the column ``since``.

    Since ever, where one was put off and its time has come: for that one nobody has rung.
    """
    return func.min(case((table.c.next_try_at.is_not(None), literal(EPOCH, Instant)), else_=since))


def taken(lease: Lease, fence_value: int) -> Row:
    """Return the column values of a row claimed under ``lease``."""
    return {"lease_owner": lease.owner, "leased_until": lease.until, "fence": fence_value}


def released() -> Row:
    """Return the column values of a row nobody holds; the fence stays."""
    return {"lease_owner": None, "leased_until": None}


def next_fence(conn: Connection, installation_id: str) -> int:
    """Return a fence higher than every one handed out before to this installation.

    Holds the installation's counter until the transaction ends: claim in short ones.
    """
    first = upsert(conn, fence).values(installation_id=installation_id, value=1)
    statement = first.on_conflict_do_update(
        index_elements=["installation_id"], set_={"value": fence.c.value + 1}
    ).returning(fence.c.value)
    return int(conn.execute(statement).scalar_one())
