"""What looks at accounts propose to what spans accounts: owner, band and ARR, and until when all is quiet.

Kept in the look's own transaction; where they differ from what the look before found, the books of the
owners concerned are marked. Neighbours: ``look`` hands over what it decided, ``borders`` reads until when,
``owner_book`` adds up an owner's accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection

from success.decide import Decision
from success.desired import RecordKind
from success.facts import AccountFacts, Money
from success.snapshots import Over
from sync.state import account_looks, dirty, snapshots
from sync.state.account_looks import AccountLook
from sync.state.dirty import Scope
from sync.workspace import Workspace

PREFIX = f"{Over.OWNER.value}:"
"""What the scope of a snapshot of an owner's book begins with."""


def proposals(
    basis: str,
    facts: Mapping[str, AccountFacts],
    decided: Mapping[str, Decision],
    borders: Mapping[str, date | None],
) -> list[AccountLook]:
    """Return what is kept of each account decided; ``basis`` is what the borders rest on."""
    return [
        AccountLook(
            account_id=key,
            border_on=borders[key],
            basis=basis,
            owner_id=facts[key].account.owner_id,
            band=one.health.band,
            arr=_arr(one),
        )
        for key, one in decided.items()
    ]


def propose(conn: Connection, ws: Workspace, looks: list[AccountLook]) -> None:
    """Keep what looks found, and mark the books of owners for whom that is another than before."""
    if asked(ws):
        before = account_looks.find(conn, ws.id, [one.account_id for one in looks])
        mark_changed(conn, ws, before, looks)
    account_looks.put(conn, ws.id, looks)


def asked(ws: Workspace) -> bool:
    """Say whether the charter asks for owners' books."""
    return ws.charter.snapshots is not None and ws.charter.snapshots.by_owner


def mark_changed(
    conn: Connection, ws: Workspace, before: Mapping[str, AccountLook], now: Iterable[AccountLook]
) -> int:
    """Mark the books of both owners of accounts whose owner, band or ARR changed; return how many."""
    if not asked(ws):
        return 0
    owners: set[str | None] = set()
    for one in now:
        last = before.get(one.account_id)
        if last is None or (last.owner_id, last.band, last.arr) != (one.owner_id, one.band, one.arr):
            owners |= {one.owner_id, None if last is None else last.owner_id}
    ids = [one for one in owners if one is not None]
    return dirty.mark(conn, ws.id, ws.now(), Scope.OWNER, ids, "an account changed")


def mark_books(conn: Connection, ws: Workspace, reason: str) -> int:
    """Mark the book of everybody who has accounts, or had; return how many."""
    if not asked(ws):
        return 0
    held = {one.removeprefix(PREFIX) for one in snapshots.scopes(conn, ws.id) if one.startswith(PREFIX)}
    return dirty.mark(conn, ws.id, ws.now(), Scope.OWNER, held | account_looks.owners(conn, ws.id), reason)


def _arr(decision: Decision) -> int:
    """Return the ARR on the account's profile, in minor units of the reporting currency."""
    (profile,) = (one for one in decision.records if one.kind is RecordKind.PROFILE)
    arr = profile.fields["arr"]
    return arr.minor if isinstance(arr, Money) else 0
