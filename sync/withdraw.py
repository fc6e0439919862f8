"""Taking back what is wanted no more: what stands under an account that is gone, snapshots of no month.

Deals and tasks are people's and stay; the CRM has moved them with the account. A crash between the
call and our note of it only has the call made again, which changes nothing.
Neighbours: ``bury`` marks the records, ``push`` calls this before it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integration.port import Refused
from integration.withdrawing import WithdrawingPort
from mappings.catalogue import Home
from mappings.naming import vendor_name
from success.desired import RecordKind
from sync.holding import leaving
from sync.settle import keyless_port, may_still_land, settled
from sync.state import ledger_withdraw
from sync.state.engine import reading, writing
from sync.workspace import Workspace

BATCH_ROWS = 100
CHILDREN_FIRST = (RecordKind.SNAPSHOT, RecordKind.MILESTONE, RecordKind.PLAN, RecordKind.PROFILE)


def own_objects(ws: Workspace) -> list[str]:
    """Return the objects of ours that records stand in here, children first."""
    return [vendor_name(kind.value, ws.vendor) for kind in CHILDREN_FIRST if ws.homes.of[kind] is Home.OBJECT]


def take_back(ws: Workspace) -> int:
    """Withdraw the records marked; return how many. Raises Unavailable: what is left is kept.

    One the CRM does not let go is shown as blocked, tried again on a curve, and keeps back nothing else.
    """
    done, began = 0, ws.now()  # what is put off in between is another push's
    for object_name in own_objects(ws):
        while not leaving():
            _ask_what_stands(ws, object_name, began)
            with reading(ws.runtime.engine) as conn:
                rows = ledger_withdraw.given_up(conn, ws.id, began, object_name, BATCH_ROWS)
            port = ws.port if rows else None
            if not isinstance(port, WithdrawingPort):
                break
            kept = port.withdraw(object_name, [record_id for _, record_id in rows])
            refused = {key: kept[record_id] for key, record_id in rows if record_id in kept}
            gone = {key: record_id for key, record_id in rows if key not in refused}
            with writing(ws.runtime.engine) as conn:
                ledger_withdraw.taken_back(conn, ws.id, object_name, gone)
                ledger_withdraw.put_off(conn, ws.id, ws.now(), object_name, refused)
            done += len(gone)
    return done


def withdraw_now(ws: Workspace, object_name: str, ids: Sequence[str]) -> None:
    """Take records back that no row stands for. Raises Refused, after the others, where the CRM keeps one."""
    for error in keyless_port(ws).withdraw(object_name, ids).values():
        raise Refused(error)


def _ask_what_stands(ws: Workspace, object_name: str, began: datetime) -> None:
    """Find out which rows stand whose answer was lost while their account went; forget the others.

    What is not there will not come: nobody holds the row any more, and without a key it is waited for longer.
    """
    while True:
        with reading(ws.runtime.engine) as conn:
            held = ledger_withdraw.unanswered(conn, ws.id, began, object_name, BATCH_ROWS)
        rows = [row for row in held if not may_still_land(ws, row)]
        if not rows:
            return
        try:
            found = {key: record.id for key, record in settled(ws, object_name, rows).items()}
        except Refused as refused:
            with writing(ws.runtime.engine) as conn:
                unread = dict.fromkeys((row.key for row in rows), refused.error)
                ledger_withdraw.put_off(conn, ws.id, ws.now(), object_name, unread)
            continue
        with writing(ws.runtime.engine) as conn:
            ledger_withdraw.found_standing(conn, ws.id, object_name, found)
            never = dict.fromkeys(row.key for row in rows if row.key not in found)
            ledger_withdraw.taken_back(conn, ws.id, object_name, never)
