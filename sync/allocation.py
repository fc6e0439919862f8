"""Allocation: what spans accounts is settled by looks of its own, each scope under its own lease.

Account looks propose; an allocator works out what follows for an owner, a segment or the whole portfolio.
One mechanism for all of them: claim the scope's rows under a lease, work without holding the database,
and enter everything in one transaction that first proves by the fence that the lease is still ours. An
allocator that lost its lease changes nothing; one that fails is kept with its error and tried again on a
curve, alone where it failed among others, and holds up nobody else. Most wait until no account is dirty:
bands and segments are the accounts'. Neighbours: ``state.dirty`` holds the rows, ``allocators`` registers
who settles what, ``look`` is the accounts' own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from sync.state import dirty
from sync.state.dirty import Claim, Scope
from sync.state.engine import reading, writing
from sync.state.leases import Lease
from sync.workspace import Workspace

Prepared = TypeVar("Prepared")
RETRY_CURVE = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""When a look that failed is tried again; the last step stands for all later ones."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allocator(Generic[Prepared]):
    """How a scope is settled. ``together`` is how many of its rows are worked on in one go.

    ``prepare`` reads and works out, holding nothing; ``enter`` writes what it returned, with the claim's
    fence, and returns how much changed. ``after_accounts``: only once no account is dirty or held.
    """

    lease_s: int
    prepare: Callable[[Workspace, datetime, Sequence[str]], Prepared]
    enter: Callable[[Connection, Workspace, datetime, Prepared, int], int]
    together: int = 1
    after_accounts: bool = True


@dataclass(frozen=True, slots=True)
class Allocated:
    """What an allocation did: which rows were settled, which failed, and how much it changed."""

    scope: Scope
    settled: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    changed: int = 0


REGISTRY: dict[Scope, Allocator[Any]] = {}
"""Who settles what, in the order it is done. A scope nobody is registered for waits, and rings for nobody."""


def register(scope: Scope, allocator: Allocator[Any]) -> None:
    """Have a scope settled by an allocator, in place of the one before."""
    REGISTRY[scope] = allocator


def under_way(conn: Connection, ws: Workspace) -> bool:
    """Say whether some account or scope that is settled here is held or could be claimed now."""
    return any(dirty.under_way(conn, ws.id, ws.now(), scope) for scope in (Scope.ACCOUNT, *REGISTRY))


def allocate_next(ws: Workspace, owner: str) -> Allocated | None:
    """Settle what is asked for of the first scope that has anything; ``None``: nothing to settle now."""
    return next((done for scope in list(REGISTRY) if (done := allocate(ws, owner, scope))), None)


def allocate(ws: Workspace, owner: str, scope: Scope) -> Allocated | None:
    """Settle the oldest rows of a scope nobody holds; ``None`` when there are none or accounts come first.

    Before the installation is live nothing is settled: the dirty set waits.
    """
    allocator = REGISTRY.get(scope)
    if allocator is None or not ws.live:
        return None
    now = ws.now()
    with writing(ws.runtime.engine) as conn:
        if allocator.after_accounts and dirty.under_way(conn, ws.id, now, Scope.ACCOUNT):
            return None
        claims = dirty.claim(conn, ws.id, scope, Lease(owner, now, allocator.lease_s, allocator.together))
    if not claims:
        return None
    if len(claims) == 1:
        return _alone(ws, now, allocator, claims[0])
    try:
        return _settle(ws, now, allocator, claims)
    except Exception:
        log.exception("%s of %s cannot be settled in one; each is tried alone", scope, ws.id)
    done = [_alone(ws, now, allocator, claim) for claim in claims]
    settled = tuple(one for part in done for one in part.settled)
    failed = tuple(one for part in done for one in part.failed)
    return Allocated(scope, settled, failed, sum(part.changed for part in done))


def _settle(
    ws: Workspace, now: datetime, allocator: Allocator[Prepared], claims: Sequence[Claim]
) -> Allocated:
    """Work it out and enter it in one transaction; claims that were lost meanwhile change nothing."""
    scope, ids = claims[0].scope, tuple(claim.id for claim in claims)
    prepared = allocator.prepare(ws, now, ids)
    with writing(ws.runtime.engine) as conn:
        if dirty.extend(conn, ws.id, claims, Lease(scope.value, now, allocator.lease_s, 1)) < len(claims):
            return Allocated(scope)
        changed = allocator.enter(conn, ws, now, prepared, claims[0].fence)
        dirty.finish(conn, ws.id, claims)
    return Allocated(scope, ids, (), changed)


def _alone(ws: Workspace, now: datetime, allocator: Allocator[Any], claim: Claim) -> Allocated:
    """Settle one row; one that fails is kept with its error and tried again later, and stops no other."""
    try:
        return _settle(ws, now, allocator, [claim])
    except Exception as error:
        log.exception("%s %s of %s cannot be settled", claim.scope, claim.id, ws.id)
        wait = RETRY_CURVE[min(claim.attempts, len(RETRY_CURVE)) - 1]
        with writing(ws.runtime.engine) as conn:
            dirty.fail(conn, ws.id, claim, f"{type(error).__name__}: {error}", now + wait)
        return Allocated(claim.scope, (), (claim.id,))


def waits(ws: Workspace, began: datetime) -> bool:
    """Say whether writes wait for looks that go on: who ends last has written what all of them want.

    Waited for are the accounts that were already dirty when this look ``began`` (UTC): the rest of a burst.
    Those marked since are not, or events that keep coming would keep every write waiting. What spans
    accounts is waited for once none is left.
    """
    now = ws.now()
    with reading(ws.runtime.engine) as conn:
        if not ws.live or dirty.under_way(conn, ws.id, now, Scope.ACCOUNT, before=began):
            return ws.live
        return not dirty.under_way(conn, ws.id, now, Scope.ACCOUNT) and under_way(conn, ws)
