"""Knowing our deals again: after an uninstall their keys are gone, and an install writes them back.

Without its key a renewal of ours would pass for a person's; one that was lost would be opened
a second time. Neighbours: ``uninstall`` empties the rows, ``onboard`` calls this at the end of
an install.
"""

from __future__ import annotations

from collections.abc import Mapping

from integration.port import Refusal, RowError, Unavailable, WriteRow
from mappings.naming import key_field
from sync.state import ledger, ledger_undo
from sync.state.engine import reading, writing
from sync.workspace import Workspace

BATCH_ROWS = 100
DELETED = "a person deleted the record in the CRM"


def give_keys_back(ws: Workspace) -> int:
    """Write their keys into the deals we opened before; return how many have them again.

    A deal that was deleted meanwhile stays deleted; one the CRM refuses becomes a blocked write.
    Raises Unavailable when it cannot take them now: what was written till then is kept.
    """
    deal, key, done = ws.inbound.crm.reads.deal.object, key_field(ws.vendor), 0
    while True:
        with reading(ws.runtime.engine) as conn:
            rows = ledger_undo.emptied(conn, ws.id, deal, BATCH_ROWS)
        if not rows:
            return done
        wanted = [WriteRow(row.key, {key: row.key}, record_id=row.record_id) for row in rows]
        results = ws.port.update(deal, wanted)
        kept = {one.key: {key: one.key} for one in results if one.error is None}
        errors = {one.key: one.error for one in results if one.error is not None}
        with writing(ws.runtime.engine) as conn:
            ledger_undo.fill(conn, ws.id, deal, kept)
            ledger.tombstone(conn, ws.id, deal, _refused(errors, Refusal.GONE), DELETED)
            for row in rows:
                if row.key in _refused(errors, Refusal.FIXABLE, Refusal.PERMISSION):
                    ledger.block(conn, ws.id, row, errors[row.key].code, errors[row.key].words)
        done += len(kept)
        busy = _refused(errors, Refusal.BUSY)
        if busy:
            raise Unavailable(errors[busy[0]].message)


def _refused(errors: Mapping[str, RowError], *kinds: Refusal) -> list[str]:
    return [key for key, error in errors.items() if error.refusal in kinds]
