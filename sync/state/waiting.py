"""How much waits and how long, over all installations: for metrics and the doctor.

Neighbours: ``inbox``, ``dirty``, ``ledger`` and ``due`` hold the rows; the sweeper asks each of them for what
can be claimed now, this counts what is not done, held and put off included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, case, func, select

from sync.state.cursors import cursor
from sync.state.dirty import dirty
from sync.state.due import due
from sync.state.findings import finding
from sync.state.inbox import InboxState, inbox
from sync.state.ledger_rows import shown_as_blocked, waits_for_nobody, write_ledger


class Queue(StrEnum):
    """Where work waits: signals, accounts and portfolios to look at, records to write."""

    INBOX = "inbox"
    DIRTY = "dirty"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Waits:
    """What is not done in one queue of an installation: rows, the oldest since when, and failures.

    ``failing`` are rows put off after an error; they are tried again on a curve.
    """

    installation_id: str
    queue: Queue
    rows: int
    oldest_at: datetime
    failing: int


@dataclass(frozen=True, slots=True)
class Held:
    """How many there are of one thing in an installation; ``name`` says of what."""

    installation_id: str
    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """The CRM time up to which an object has been read; ``None`` before the first reading ended."""

    installation_id: str
    object: str
    at: datetime | None


def waits(conn: Connection) -> list[Waits]:
    """Return what waits in every queue of every installation that has something waiting."""
    queries = {Queue.INBOX: _inbox(), Queue.DIRTY: _dirty(), Queue.LEDGER: _ledger()}
    return [
        Waits(row.owner, queue, row.rows, row.oldest_at, int(row.failing))
        for queue, query in queries.items()
        for row in conn.execute(query)
    ]


def blocked_writes(conn: Connection) -> list[Held]:
    """Return how many writes wait for a person, by installation and object."""
    table = write_ledger.c
    query = select(table.installation_id, table.object, func.count()).where(shown_as_blocked())
    return [Held(*row) for row in conn.execute(query.group_by(table.installation_id, table.object))]


def given_up(conn: Connection) -> list[Held]:
    """Return how many signals were given up, by installation and source."""
    table = inbox.c
    query = select(table.installation_id, table.source, func.count()).where(table.state == InboxState.FAILED)
    return [Held(*row) for row in conn.execute(query.group_by(table.installation_id, table.source))]


def open_findings(conn: Connection) -> list[Held]:
    """Return how many findings are open, by installation and kind."""
    table = finding.c
    query = select(table.installation_id, table.kind, func.count()).where(table.resolved_at.is_(None))
    return [Held(*row) for row in conn.execute(query.group_by(table.installation_id, table.kind))]


def read_up_to(conn: Connection) -> list[ReadUpTo]:
    """Return how far every object of every installation has been read."""
    table = cursor.c
    query = select(table.installation_id, table.object, table.high_water)
    return [ReadUpTo(*row) for row in conn.execute(query.order_by(table.installation_id, table.object))]


def longest_due(conn: Connection, now: datetime) -> datetime | None:
    """Return since when the longest overdue task of the schedule is due; ``None`` when none is at ``now``."""
    return conn.execute(select(func.min(due.c.next_at)).where(due.c.next_at <= now)).scalar()


def _inbox() -> Select[Any]:
    return _counted(inbox, inbox.c.received_at, inbox.c.error).where(inbox.c.state == InboxState.NEW)


def _dirty() -> Select[Any]:
    return _counted(dirty, dirty.c.first_at, dirty.c.error)


def _ledger() -> Select[Any]:
    found = _counted(write_ledger, write_ledger.c.intent_at, write_ledger.c.error_code)
    return found.where(waits_for_nobody())


def _counted(table: Table, since: Column[datetime], error: Column[str]) -> Select[Any]:
    """Return the query for an installation's rows of a table: how many, since when, how many failed."""
    owner = table.c.installation_id
    return select(
        owner.label("owner"),
        func.count().label("rows"),
        func.min(since).label("oldest_at"),
        func.sum(case((error.is_not(None), 1), else_=0)).label("failing"),
    ).group_by(owner)
