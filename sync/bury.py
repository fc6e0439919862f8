"""Bury: records that were deleted or merged away, in the mirror, the ledger and the identities.

One way for all who learn of it: a webhook, a record read that names what became part of it or what it
became part of, one read in the recycle bin, a census. What was merged away answers as its survivor from
then on. Where HubSpot made a new record of two, what
the oldest of them was to us moves to it: account key, ledger row, the product's name of it.
Neighbours: ``keep`` and ``drain`` call this; what hung under the records is read again by ``keep``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from integration.port import Signal, SignalKind
from sync.state import dirty, identity, ledger, ledger_withdraw, mirror
from sync.state.dirty import Scope
from sync.usage_identity import learn
from sync.withdraw import own_objects
from sync.workspace import Workspace

FORGET = "to be forgotten"
"""The reason of a mark in the dirty set that asks for a contact to be forgotten."""

DELETED = "its record was deleted in the CRM"
MERGED = "its record was merged into another of ours"


def bury(conn: Connection, ws: Workspace, signals: Iterable[Signal]) -> None:
    """Mark what the signals call deleted or merged away; asking twice changes nothing."""
    for signal in signals:
        if signal.kind is SignalKind.DELETED:
            _mark(conn, ws, signal, (signal.id,))
            if _lives(conn, ws, signal):
                continue
            rows = ledger.by_record(conn, ws.id, signal.object, [signal.id])
            keys = [row.key for row in rows.values()]
            ledger.tombstone(conn, ws.id, signal.object, keys, DELETED)
            if signal.object == ws.inbound.crm.reads.account.object:
                _leave(conn, ws, [signal.id])
        elif signal.kind is SignalKind.FORGOTTEN:
            dirty.mark(conn, ws.id, ws.now(), Scope.CONTACT, [signal.id], FORGET)
        elif signal.kind is SignalKind.MERGED and signal.merged_ids:
            _mark(conn, ws, signal, signal.merged_ids)
            _merge(conn, ws, signal)


def _lives(conn: Connection, ws: Workspace, signal: Signal) -> bool:
    """Say whether a record was read alive since it was deleted: the news of it came after its restore."""
    held = mirror.find(conn, ws.id, signal.object, [signal.id]).get(signal.id)
    return held is not None and not held.deleted


def _leave(conn: Connection, ws: Workspace, account_ids: Sequence[str]) -> None:
    """Forget what was never made under accounts that are gone, and have what was made taken back."""
    ledger.drop_unmade(conn, ws.id, account_ids)
    ledger_withdraw.give_up(conn, ws.id, own_objects(ws), account_ids)


def by_age(ids: Iterable[str]) -> list[str]:
    """Return record ids, the oldest first: CRMs count them upwards."""
    return sorted(ids, key=lambda one: (len(one), one))


def _mark(conn: Connection, ws: Workspace, signal: Signal, gone: Sequence[str]) -> None:
    times = [(one, signal.occurred_at) for one in gone]
    change = mirror.mark_deleted(conn, ws.id, ws.now(), signal.object, times)
    learn(conn, ws, signal.object, gone)
    reason = f"{signal.object} {signal.kind.value}"
    dirty.mark(conn, ws.id, ws.now(), Scope.ACCOUNT, change.touched_accounts, reason)


def _merge(conn: Connection, ws: Workspace, signal: Signal) -> None:
    """Have the losers' row go on as the survivor's where it has none, and bury the others."""
    heir = _heir(conn, ws, signal)
    rows = ledger.by_record(conn, ws.id, signal.object, signal.merged_ids)
    if heir in rows:
        row = rows[heir]
        ledger.move(conn, ws.id, signal.object, row.key, signal.id, anew=bool(row.parent_keys))
    keys = [row.key for record_id, row in rows.items() if record_id != heir]
    ledger.tombstone(conn, ws.id, signal.object, keys, MERGED)
    if signal.object == ws.inbound.crm.reads.account.object:
        _merge_accounts(conn, ws, signal)


def _heir(conn: Connection, ws: Workspace, signal: Signal) -> str | None:
    """Return the loser whose row the survivor takes over; ``None`` where it is one of ours itself.

    Of accounts that is the one whose key it takes over, so that row and key stay one.
    """
    losers = by_age(signal.merged_ids)
    if signal.object == ws.inbound.crm.reads.account.object:
        known = identity.resolve(conn, ws.id, identity.ACCOUNT_KEY, [signal.id, *losers])
        return None if signal.id in known else next((one for one in losers if one in known), None)
    rows = ledger.by_record(conn, ws.id, signal.object, [signal.id, *losers])
    return None if signal.id in rows else next((one for one in losers if one in rows), None)


def _merge_accounts(conn: Connection, ws: Workspace, signal: Signal) -> None:
    losers = by_age(signal.merged_ids)
    known = identity.resolve(conn, ws.id, identity.ACCOUNT_KEY, losers)
    kept = identity.resolve(conn, ws.id, identity.ACCOUNT_KEY, [signal.id]).get(signal.id)
    oldest = kept or next((known[one] for one in losers if one in known), signal.id.lower())
    _leave(conn, ws, [one for one in losers if known.get(one) != oldest])
    handed_on = [one for one in losers if known.get(one) == oldest]
    ledger.drop_unmade(conn, ws.id, handed_on)  # wanted anew, under the survivor, or no more
    ledger_withdraw.give_up_unanswered(conn, ws.id, ws.now(conn), own_objects(ws), handed_on)
    identity.mint_many(conn, ws.id, identity.ACCOUNT_KEY, {signal.id: oldest})
    for loser in losers:
        identity.alias(conn, ws.id, identity.ACCOUNT_KEY, loser, signal.id)
        names = identity.sources_of(conn, ws.id, identity.USAGE_REF_KEY, loser)
        identity.bind(conn, ws.id, identity.USAGE_REF_KEY, dict.fromkeys(names, signal.id))
