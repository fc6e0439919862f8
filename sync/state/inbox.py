"""The inbox: every signal from outside is a row here before it is answered.

``webhooks/`` puts, ``sync/`` workers take. The dedupe key is the sender's own identity of
the event, so a delivery repeated by the sender is one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)

from sync.state.leases import (
    Lease,
    Waiting,
    claimable,
    held_index,
    lease_columns,
    next_fence,
    released,
    retry_columns,
    taken,
    waiting_since,
)
from sync.state.schema import (
    Instant,
    JsonText,
    JsonValue,
    Row,
    canonical_json,
    chunks,
    installation_column,
    metadata,
    microseconds,
)

inbox = Table(
    "inbox",
    metadata,
    installation_column(),
    Column("dedupe_key", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("occurred_at", Instant),
    Column("body", JsonText, nullable=False),
    Column("state", Text, nullable=False),
    *lease_columns(),
    *retry_columns(),
    Column("error", Text),
    held_index("inbox"),
    Index("ix_inbox_work", "installation_id", "state", "received_at"),
)


TAKE_MAX: Final = 10_000_000
"""Characters of bodies a take loads: a batch of usage may have half of that, and a take a hundred rows."""

_LOADED: Final = (
    inbox.c.dedupe_key,
    inbox.c.source,
    inbox.c.body,
    inbox.c.received_at,
    inbox.c.occurred_at,
    inbox.c.attempts,
)

_PUT = (
    "INSERT INTO inbox (installation_id, dedupe_key, source, received_at, occurred_at, body, state) "
    "SELECT :installation_id, {columns}, :state FROM {events} WHERE true ON CONFLICT DO NOTHING"
)
_PUT_SQLITE = _PUT.format(
    columns="json_extract(value, '$.key'), json_extract(value, '$.source'), :received_at, "
    "json_extract(value, '$.occurred'), json_extract(value, '$.body')",
    events="json_each(:events)",
)
_PUT_POSTGRESQL = _PUT.format(
    columns="key, source, CAST(:received_at AS bigint), occurred, body",
    events="json_to_recordset(CAST(:events AS json)) "
    "AS come (key text, source text, occurred bigint, body text)",
)
PUT = {
    dialect: text(sql).bindparams(bindparam("received_at", type_=Instant))
    for dialect, sql in (("sqlite", _PUT_SQLITE), ("postgresql", _PUT_POSTGRESQL))
}
"""One text and one parameter for any number of events: values row by row cost more than all the rest."""


class InboxState(StrEnum):
    """Where an event stands; ``failed`` is given up and waits for a person."""

    NEW = "new"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event as it came. ``occurred_at`` is the sender's time, ``None`` where it gives none."""

    dedupe_key: str
    source: str
    body: JsonValue
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InboxItem:
    """An event taken for work; all of one take share its ``fence``; ``attempts`` counts this one."""

    dedupe_key: str
    source: str
    body: JsonValue
    received_at: datetime
    occurred_at: datetime | None
    attempts: int
    fence: int


def put(conn: Connection, installation_id: str, now: datetime, events: Sequence[InboxEvent]) -> int:
    """Keep the events received at ``now``; return how many were new."""
    if not events:
        return 0
    rows = [
        {
            "key": event.dedupe_key,
            "source": event.source,
            "occurred": None if event.occurred_at is None else microseconds(event.occurred_at),
            "body": canonical_json(event.body),
        }
        for event in sorted(events, key=lambda one: one.dedupe_key)
    ]
    values = {"installation_id": installation_id, "received_at": now, "state": InboxState.NEW}
    return conn.execute(PUT[conn.dialect.name], values | {"events": canonical_json(rows)}).rowcount


def take(conn: Connection, installation_id: str, lease: Lease) -> tuple[InboxItem, ...]:
    """Take the oldest new events nobody holds, until the lease ends.

    As many as the lease says, and no more than ``TAKE_MAX`` of their bodies, but always one.
    """
    here = and_(inbox.c.installation_id == installation_id, inbox.c.state == InboxState.NEW)
    found = conn.execute(
        select(inbox.c.dedupe_key, func.length(inbox.c.body))
        .where(here, claimable(inbox, lease.now))
        .order_by(inbox.c.received_at, inbox.c.dedupe_key)
        .limit(lease.limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not found:
        return ()
    sizes = accumulate(size for _, size in found)
    keys = [key for (key, _), size in zip(found, sizes, strict=True) if size <= TAKE_MAX] or [found[0][0]]
    fence = next_fence(conn, installation_id)
    values = taken(lease, fence) | {"attempts": inbox.c.attempts + 1}
    taking = update(inbox).where(here).values(values).returning(*_LOADED)
    rows = {
        row.dedupe_key: row
        for chunk in chunks(keys)
        for row in conn.execute(taking.where(inbox.c.dedupe_key.in_(chunk)))
    }
    return tuple(
        InboxItem(
            key, row.source, row.body, row.received_at, row.occurred_at, attempts=row.attempts, fence=fence
        )
        for key, row in ((key, rows[key]) for key in keys)
    )


def done(conn: Connection, installation_id: str, items: Sequence[InboxItem]) -> int:
    """Enter that the events were worked in; return how many were still ours."""
    if not items:
        return 0
    values = released() | {"state": InboxState.DONE, "error": None, "next_try_at": None}
    return conn.execute(update(inbox).where(_ours(installation_id)).values(values), _keys(items)).rowcount


def failed(
    conn: Connection, installation_id: str, item: InboxItem, error: str, next_try_at: datetime | None
) -> bool:
    """Enter a failure, to be tried again at ``next_try_at`` or given up when ``None``.

    Returns whether the event was still ours.
    """
    state = InboxState.FAILED if next_try_at is None else InboxState.NEW
    values = released() | {"state": state, "error": error, "next_try_at": next_try_at}
    key = {"b_key": item.dedupe_key, "b_fence": item.fence}
    return conn.execute(update(inbox).where(_ours(installation_id)).values(values), key).rowcount == 1


def give_back(
    conn: Connection, installation_id: str, items: Sequence[InboxItem], error: str, next_try_at: datetime
) -> int:
    """Have the events taken again at ``next_try_at`` as if this take had not been; it is no attempt.

    Returns how many were still ours.
    """
    if not items:
        return 0
    values = released() | {"attempts": inbox.c.attempts - 1, "error": error, "next_try_at": next_try_at}
    return conn.execute(update(inbox).where(_ours(installation_id)).values(values), _keys(items)).rowcount


def expire(conn: Connection, installation_id: str, before: datetime) -> int:
    """Delete events settled (done or failed) and received before the instant; return how many."""
    old = and_(inbox.c.installation_id == installation_id, inbox.c.received_at < before)
    return conn.execute(delete(inbox).where(old, inbox.c.state != InboxState.NEW)).rowcount


def unheld(conn: Connection, now: datetime) -> tuple[Waiting, ...]:
    """Return, over all installations, the new events nobody holds, per source; for the sweeper."""
    since = waiting_since(inbox, inbox.c.received_at)
    rows = conn.execute(
        select(inbox.c.installation_id, inbox.c.source, func.count(), since)
        .where(inbox.c.state == InboxState.NEW, claimable(inbox, now))
        .group_by(inbox.c.installation_id, inbox.c.source)
        .order_by(inbox.c.installation_id, inbox.c.source)
    )
    return tuple(Waiting(*row) for row in rows)


def waiting(conn: Connection, installation_id: str, most: int) -> int:
    """Return how many events wait to be worked in, counting no further than ``most``."""
    here = and_(inbox.c.installation_id == installation_id, inbox.c.state == InboxState.NEW)
    first = select(inbox.c.state).where(here).limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(first)).scalar_one())


def counts(conn: Connection, installation_id: str) -> dict[InboxState, int]:
    """Return how many events there are per state."""
    query = select(inbox.c.state, func.count()).where(inbox.c.installation_id == installation_id)
    return {InboxState(state): number for state, number in conn.execute(query.group_by(inbox.c.state))}


def _keys(items: Sequence[InboxItem]) -> list[Row]:
    """Return what tells the events, in the order in which everybody touches rows: two must not cross."""
    ordered = sorted(items, key=lambda one: one.dedupe_key)
    return [{"b_key": item.dedupe_key, "b_fence": item.fence} for item in ordered]


def _ours(installation_id: str) -> ColumnElement[bool]:
    return and_(
        inbox.c.installation_id == installation_id,
        inbox.c.dedupe_key == bindparam("b_key"),
        inbox.c.fence == bindparam("b_fence"),
        inbox.c.lease_owner.is_not(None),
    )
