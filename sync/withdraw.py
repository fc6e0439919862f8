"""Taking back what is wanted no more: what stands under an account that is gone, snapshots of no month.

Deals and tasks are people's and stay; the CRM has moved them with the account. A crash between the
call and our note of it only has the call made again, which changes nothing.
Neighbours: ``bury`` marks the records, ``push`` calls this before it writes.
"""

from __future__ import annotations

from integration.withdrawing import WithdrawingPort
from mappings.catalogue import Home
from mappings.naming import vendor_name
from success.desired import RecordKind
from sync.state import ledger_withdraw
from sync.state.engine import reading, writing
from sync.workspace import Workspace

BATCH_ROWS = 100
CHILDREN_FIRST = (RecordKind.SNAPSHOT, RecordKind.MILESTONE, RecordKind.PLAN, RecordKind.PROFILE)


def own_objects(ws: Workspace) -> list[str]:
    """Return the objects of ours that records stand in here, children first."""
    return [vendor_name(kind.value, ws.vendor) for kind in CHILDREN_FIRST if ws.homes.of[kind] is Home.OBJECT]


def take_back(ws: Workspace) -> int:
    """Withdraw the records marked; return how many. Raises Unavailable: what is left is kept."""
    done = 0
    for object_name in own_objects(ws):
        while True:
            with reading(ws.runtime.engine) as conn:
                rows = ledger_withdraw.given_up(conn, ws.id, object_name, BATCH_ROWS)
            port = ws.port if rows else None
            if not isinstance(port, WithdrawingPort):
                break
            port.withdraw(object_name, [record_id for _, record_id in rows])
            with writing(ws.runtime.engine) as conn:
                ledger_withdraw.taken_back(conn, ws.id, object_name, [key for key, _ in rows])
            done += len(rows)
    return done
