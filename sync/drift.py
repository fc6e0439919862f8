"""Drift: a field of ours that somebody else changed in the CRM is looked at by a push again.

The mirror sees the change; the push decides by the three-way diff whether it is rewritten
or shown as blocked. Neighbours: ``pull`` calls after each store, ``push`` diffs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from integration.port import FieldValues, Signal, SignalKind
from integration.witness import WitnessPort
from mappings.diff import kept_form, same_value
from sync.state import ledger, mirror
from sync.state.ledger import LedgerRow, WriteState
from sync.state.mirror import StoredRecord
from sync.workspace import Workspace

SKEW = timedelta(seconds=2)
"""How far the CRM's clock may differ from ours where a write of ours is recognised by its time."""


def reopen_changed(conn: Connection, ws: Workspace, object_name: str, ids: Sequence[str]) -> int:
    """Reopen the rows of ours among records just read whose fields differ; return how many.

    A record that is as it was read before may differ as well: somebody brought back what we wrote over
    since. So what counts is when the CRM last held it so, against when it took our write.

    A record of ours that was deleted is a person's decision: its row is buried. So is restoring it.
    """
    rows = ledger.by_record(conn, ws.id, object_name, ids)
    if not rows:
        return 0
    records = mirror.find(conn, ws.id, object_name, list(rows))
    gone = [row.key for record_id, row in rows.items() if records[record_id].deleted]
    ledger.tombstone(conn, ws.id, object_name, gone, "a person deleted the record in the CRM")
    back = [row for record_id, row in rows.items() if _is_back(row, records[record_id])]
    ledger.revive(conn, ws.id, object_name, back)
    told = isinstance(ws.port, WitnessPort)
    keys = [row.key for record_id, row in rows.items() if _differs(row, records[record_id], on_save=told)]
    return ledger.reopen(conn, ws.id, object_name, keys)


def is_echo(row: LedgerRow | None, signal: Signal, parents: Collection[str] = ()) -> bool:
    """Say whether a signal only tells of a write of ours, known by its value, or by its time.

    It happened between our sending the row and a little after the answer, and where it names a
    field, the row took that very value; where it names a link, that was made to one of the row's
    ``parents`` (see ``parents_of``). A person's later change is no echo, also where it brings an
    earlier value back.
    """
    if row is None or row.acknowledged is None or signal.kind is not SignalKind.CHANGED:
        return False
    sent, taken = row.sent_at, row.acknowledged_at
    if sent is None or taken is None or not sent - SKEW <= signal.occurred_at <= taken + SKEW:
        return False
    if signal.other_end is not None:
        return signal.other_end in parents and not signal.unlinked
    if signal.field is None:
        return True
    held = row.acknowledged.get(signal.field)
    return signal.field in row.acknowledged and same_value(held, signal.value)


def parents_of(conn: Connection, ws: Workspace, rows: Sequence[LedgerRow]) -> dict[str, frozenset[str]]:
    """Return, by key, the CRM's ids of the records to which we link each row, those of ours among them."""
    wanted = sorted({parent for row in rows for parent in row.parent_keys})
    held = {
        (name, row.key): row.record_id
        for name in {name for name, _ in wanted}
        for row in ledger.find(conn, ws.id, name, [key for one, key in wanted if one == name]).values()
    }
    return {
        row.key: frozenset({link.id for link in row.parents})
        | {record_id for one in row.parent_keys if (record_id := held.get(one)) is not None}
        for row in rows
    }


def is_own_write(row: LedgerRow | None, at: datetime, written: FieldValues) -> bool:
    """Say whether a change that names us as its author only tells of a write of ours.

    That it names us is not enough: a flow of the org's changes our record in our name. It is ours where
    it happened between sending and answer (see ``is_echo``) and every field in it holds what we wrote.
    """
    if row is None or row.acknowledged is None or row.sent_at is None or row.acknowledged_at is None:
        return False
    if not row.sent_at - SKEW <= at <= row.acknowledged_at + SKEW:
        return False
    held = row.acknowledged
    return all(name in held and same_value(held[name], value) for name, value in written.items())


def _is_back(row: LedgerRow, record: StoredRecord) -> bool:
    return row.state is WriteState.TOMBSTONE and not record.deleted


def _differs(row: LedgerRow, record: StoredRecord, *, on_save: bool) -> bool:
    """Say whether a record holds something else than we want, held so since the CRM took our write.

    With ``on_save`` also since we sent it: the CRM can then say whether it changed the value itself.
    """
    if record.deleted or row.state is not WriteState.ACKNOWLEDGED or row.acknowledged_at is None:
        return False
    during = on_save and row.sent_at is not None and record.confirmed_at >= row.sent_at - SKEW
    if record.confirmed_at <= row.acknowledged_at and not during:
        return False
    held = row.acknowledged or {}
    return any(
        name in record.values
        and not same_value(record.values[name], kept_form(name, wanted, held, row.normalised))
        for name, wanted in row.desired.items()
    )
