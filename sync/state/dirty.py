"""The dirty set: where to look again. A set, not a log; many events make one look.

A mark bumps the row's generation; a look that finishes removes the row only if nothing
was marked meanwhile and no later claim took it over. ``sync/`` workers claim, the sweeper
rings for what nobody holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Table,
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from sync.state import bulk
from sync.state.leases import (
    Lease,
    Waiting,
    claimable,
    held,
    held_index,
    lease_columns,
    next_fence,
    released,
    retry_columns,
    taken,
    waiting_since,
)
from sync.state.schema import (
    EPOCH,
    Instant,
    Upsert,
    chunks,
    dialect_insert,
    installation_column,
    key_columns,
    metadata,
)

dirty = Table(
    "dirty",
    metadata,
    installation_column(),
    Column("scope", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("first_at", Instant, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("reasons", Text, nullable=False),
    *lease_columns(),
    *retry_columns(),
    Column("error", Text),
    held_index("dirty"),
    Index("ix_dirty_oldest", "installation_id", "first_at", "scope"),
)

REASONS_KEPT = 500  # characters; reasons are for people, the row itself is the message


class Scope(StrEnum):
    """What a look is about."""

    ACCOUNT = "account"
    CONTACT = "contact"
    OWNER = "owner"
    SEGMENT = "segment"
    PORTFOLIO = "portfolio"


@dataclass(frozen=True, slots=True)
class Claim:
    """A row to look at. All rows of one claim call share its ``fence``; ``attempts`` counts this one."""

    scope: Scope
    id: str
    generation: int
    fence: int
    attempts: int
    first_at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of finished claims: ``done`` removed, ``kept`` marked anew, ``lost`` to a later claim."""

    done: int
    kept: int
    lost: int


@dataclass(frozen=True, slots=True)
class Failing:
    """A row that could not be looked at: how often it was tried, when next, and the last error."""

    scope: Scope
    id: str
    attempts: int
    next_try_at: datetime
    error: str


def mark(
    conn: Connection, installation_id: str, now: datetime, scope: Scope, ids: Iterable[str], reason: str
) -> int:
    """Ask for another look at ``ids`` because of ``reason``; return how many were marked.

    A row already there keeps its age and its back-off; its generation goes up.
    """
    word, wanted = reason.replace("|", "/"), sorted(set(ids))
    if wanted:
        known = "".join(f"/{one}" if one in "/%_" else one for one in word)
        given = {"whose": installation_id, "scope_of": scope, "now": now, "marked": f"|{word}|"}
        given |= {"added": f"{word}|", "known": f"%|{known}|%"}
        dialect = conn.dialect.name
        conn.execute(_mark_statement(dialect), given | {"ids": bulk.texts(dialect, wanted)})
    return len(wanted)


@lru_cache
def _mark_statement(dialect: str) -> Upsert:
    """Return how ids are marked with one reason, all in one statement."""
    values = {
        "installation_id": bindparam("whose", type_=Text),
        "scope": bindparam("scope_of", type_=Text),
        "id": (ids := bulk.each(dialect, "ids")).c.value,
        "first_at": bindparam("now", type_=Instant),
        "generation": literal(1, BigInteger),
        "reasons": bindparam("marked", type_=Text),
    }
    # Without a condition SQLite takes ON CONFLICT for part of the SELECT.
    found = select(*values.values()).select_from(ids).where(true())
    known = dirty.c.reasons.like(bindparam("known", type_=Text), escape="/")
    full = func.length(dirty.c.reasons) > REASONS_KEPT
    more = dirty.c.reasons + bindparam("added", type_=Text)
    reasons = case((known | full, dirty.c.reasons), else_=more)
    changes = {"generation": dirty.c.generation + 1, "reasons": reasons}
    new = dialect_insert(dialect, dirty).from_select(list(values), found)
    return new.on_conflict_do_update(index_elements=key_columns(dirty), set_=changes)


def unmark(conn: Connection, installation_id: str, scope: Scope, one: str) -> None:
    """Take a mark away whoever holds it: what it asked for is done."""
    conn.execute(delete(dirty).where(_in_scope(installation_id, scope), dirty.c.id == one))


def claim(conn: Connection, installation_id: str, scope: Scope, lease: Lease) -> tuple[Claim, ...]:
    """Take the oldest rows nobody holds, until the lease ends; return them with one new fence."""
    found = conn.execute(
        select(dirty)
        .where(_in_scope(installation_id, scope), claimable(dirty, lease.now))
        .order_by(dirty.c.first_at, dirty.c.id)
        .limit(lease.limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not found:
        return ()
    fence = next_fence(conn, installation_id)
    values = taken(lease, fence) | {"attempts": dirty.c.attempts + 1}
    for chunk in chunks([row.id for row in found]):
        conn.execute(
            update(dirty).where(_in_scope(installation_id, scope), dirty.c.id.in_(chunk)).values(values)
        )
    return tuple(
        Claim(scope, row.id, row.generation, fence, row.attempts + 1, row.first_at, _reasons(row.reasons))
        for row in found
    )


def finish(conn: Connection, installation_id: str, claims: Sequence[Claim]) -> Finished:
    """Remove the claims' rows; those marked during the look are released to be looked at again."""
    if not claims:
        return Finished(0, 0, 0)
    keys = [
        {"b_scope": one.scope, "b_id": one.id, "b_generation": one.generation, "b_fence": one.fence}
        for one in _in_order(claims)
    ]
    ours = _ours(installation_id)
    unchanged = dirty.c.generation == bindparam("b_generation")
    done = conn.execute(delete(dirty).where(ours, unchanged), keys).rowcount
    left = [{name: key[name] for name in ("b_scope", "b_id", "b_fence")} for key in keys]
    again = released() | {"attempts": 0, "next_try_at": None, "error": None}
    kept = conn.execute(update(dirty).where(ours).values(again), left).rowcount if done < len(keys) else 0
    return Finished(done, kept, len(keys) - done - kept)


def fail(conn: Connection, installation_id: str, claim: Claim, error: str, next_try_at: datetime) -> bool:
    """Release the claim not to be tried before ``next_try_at``; return whether it was still ours."""
    values = released() | {"error": error, "next_try_at": next_try_at}
    key = {"b_scope": claim.scope, "b_id": claim.id, "b_fence": claim.fence}
    return conn.execute(update(dirty).where(_ours(installation_id)).values(values), key).rowcount == 1


def extend(conn: Connection, installation_id: str, claims: Sequence[Claim], lease: Lease) -> int:
    """Prolong the claims to the lease's end; return how many were still ours."""
    keys = [{"b_scope": one.scope, "b_id": one.id, "b_fence": one.fence} for one in _in_order(claims)]
    if not keys:
        return 0
    statement = update(dirty).where(_ours(installation_id)).values(leased_until=lease.until)
    return conn.execute(statement, keys).rowcount


def unheld(conn: Connection, now: datetime) -> tuple[Waiting, ...]:
    """Return, over all installations, what could be claimed at ``now``, per scope; for the sweeper."""
    rows = conn.execute(
        select(dirty.c.installation_id, dirty.c.scope, func.count(), waiting_since(dirty, dirty.c.first_at))
        .where(claimable(dirty, now))
        .group_by(dirty.c.installation_id, dirty.c.scope)
        .order_by(dirty.c.installation_id, dirty.c.scope)
    )
    return tuple(Waiting(*row) for row in rows)


def next_due(conn: Connection, installation_id: str) -> datetime | None:
    """Return the earliest instant at which some row can be claimed; ``None`` when the set is empty."""
    epoch = literal(EPOCH, Instant)
    held, waits = func.coalesce(dirty.c.leased_until, epoch), func.coalesce(dirty.c.next_try_at, epoch)
    since = dirty.c.first_at
    ready = case((and_(held >= waits, held >= since), held), (waits >= since, waits), else_=since)
    query = select(func.min(ready)).where(dirty.c.installation_id == installation_id)
    return conn.execute(query).scalar()


def count(conn: Connection, installation_id: str) -> dict[str, int]:
    """Return how many rows are dirty per scope, held or not."""
    query = select(dirty.c.scope, func.count()).where(dirty.c.installation_id == installation_id)
    return dict(conn.execute(query.group_by(dirty.c.scope)).all())


def failing(conn: Connection, installation_id: str) -> list[Failing]:
    """Return the rows whose last look failed, by scope and id; one marked anew is still among them."""
    query = select(dirty).where(dirty.c.installation_id == installation_id, dirty.c.error.is_not(None))
    return [
        Failing(Scope(row.scope), row.id, row.attempts, row.next_try_at, row.error)
        for row in conn.execute(query.order_by(dirty.c.scope, dirty.c.id))
    ]


def under_way(
    conn: Connection,
    installation_id: str,
    now: datetime,
    scope: Scope | None = None,
    *,
    before: datetime | None = None,
) -> bool:
    """Say whether some row is held, or could be claimed at ``now``; rows in back-off do not count.

    ``scope`` asks of its rows only, ``before`` of those marked first before that instant (UTC, exclusive).
    """
    at_work = and_(dirty.c.lease_owner.is_not(None), held(dirty, now))
    here = dirty.c.installation_id == installation_id if scope is None else _in_scope(installation_id, scope)
    old = true() if before is None else dirty.c.first_at < before
    query = select(dirty.c.id).where(here, old, or_(at_work, claimable(dirty, now))).limit(1)
    return conn.execute(query).first() is not None


def _in_order(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims in the order in which ``mark`` touches rows: two that meet must not cross."""
    return sorted(claims, key=lambda one: (one.scope, one.id))


def _in_scope(installation_id: str, scope: Scope) -> ColumnElement[bool]:
    return and_(dirty.c.installation_id == installation_id, dirty.c.scope == scope)


def _ours(installation_id: str) -> ColumnElement[bool]:
    return and_(
        dirty.c.installation_id == installation_id,
        dirty.c.scope == bindparam("b_scope"),
        dirty.c.id == bindparam("b_id"),
        dirty.c.fence == bindparam("b_fence"),
        dirty.c.lease_owner.is_not(None),
    )


def _reasons(stored: str) -> tuple[str, ...]:
    return tuple(word for word in stored.split("|") if word)
