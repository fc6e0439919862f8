"""Contact roles under deals that stand already: copied once, where the deal has none.

Most are made with their deal (``push_whole``). What comes here was put off, freed by a person, or left in
doubt by a lost answer, which the CRM settles: a deal that has roles has been given them. A row of roles in
the ledger stands for all of its deal's, and its record is the deal. Neighbours: ``push`` claims rows,
``integration.wholes`` copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from integration.port import RowError, WriteResult
from integration.wholes import RolesWanted, WholePort
from mappings.deal_roles import copied_from
from mappings.diff import changed_fields
from sync import storage
from sync.push_enter import DELETED, Pushed, enter, put_off
from sync.push_plan import Plan
from sync.state import ledger
from sync.state.engine import reading, writing
from sync.state.ledger import LedgerRow, WriteState
from sync.taken import standing
from sync.workspace import Workspace


def whole_port(ws: Workspace) -> WholePort:
    """Return the CRM as one that makes deals with lines. Raises TypeError where it does not."""
    port = ws.port
    if not isinstance(port, WholePort):
        raise TypeError(f"{ws.vendor} makes no deal with lines")
    return port


def push_roles(ws: Workspace, rows: Sequence[LedgerRow]) -> Pushed:
    """Have the roles of claimed rows copied, once for ever; those of a deal a person deleted end with it.

    Raises Unavailable: the rows are given back by the caller.
    """
    deals = _deals(ws, rows)
    gone = [row for row in rows if _state(row, deals) is WriteState.TOMBSTONE]
    alive = [row for row in rows if row not in gone]
    before = [row for row in alive if row.acknowledged is not None]
    new = [row for row in alive if row.acknowledged is None]
    there = [row for row in new if _record_id(row, deals)]
    with writing(ws.runtime.engine) as conn:
        ledger.lock(conn, ws.id, rows)
        for row in gone:
            ledger.tombstone(conn, ws.id, row.object, [row.key], DELETED)
        ledger.acknowledge(conn, ws.id, ws.now(), [standing(row, row.record_id or "") for row in before])
        mine = ledger.mark_sent(conn, ws.id, ws.now(), there)
    done = put_off(ws, [row for row in new if row not in there]).plus(Pushed(standing=len(before)))
    return done.plus(_copy(ws, mine, [_record_id(row, deals) or "" for row in mine]))


def enter_roles(
    ws: Workspace, rows: Sequence[LedgerRow], told: Sequence[tuple[str | None, RowError | None]]
) -> Pushed:
    """Enter what became of rows of roles: each one's deal by id, and why it has none, if so."""
    plans = [Plan(row, None, changed_fields(row.desired, None, None), ()) for row in rows]
    results = [
        WriteResult(row.key, None if error else deal, error=error)
        for row, (deal, error) in zip(rows, told, strict=True)
    ]
    storage.notice(ws, results)
    return enter(ws, plans, results)


def _copy(ws: Workspace, rows: Sequence[LedgerRow], deals: Sequence[str]) -> Pushed:
    if not rows:
        return Pushed()
    wanted = [RolesWanted(deal, copied_from(row.seed)) for row, deal in zip(rows, deals, strict=True)]
    told = whole_port(ws).copy_roles(ws.inbound.crm.reads.deal.object, wanted)
    return enter_roles(ws, rows, list(zip(deals, told, strict=True)))


def _deals(ws: Workspace, rows: Sequence[LedgerRow]) -> Mapping[str, LedgerRow]:
    """Return the rows of the deals, by key."""
    with reading(ws.runtime.engine) as conn:
        return ledger.find(
            conn, ws.id, rows[0].parent_keys[0][0], sorted({row.parent_keys[0][1] for row in rows})
        )


def _record_id(row: LedgerRow, deals: Mapping[str, LedgerRow]) -> str | None:
    deal = deals.get(row.parent_keys[0][1])
    return None if deal is None else deal.record_id


def _state(row: LedgerRow, deals: Mapping[str, LedgerRow]) -> WriteState | None:
    deal = deals.get(row.parent_keys[0][1])
    return None if deal is None else deal.state
