"""Deals that are made together with their lines: claimed, sent and entered as one.

Only a deal that is not there yet is made with lines; lines that are wanted under a deal that stands, such as
those a person has freed again, are written like any row. Neighbours: ``push`` calls this with the deals to
make, ``integration.wholes`` writes them all or nothing, ``push_enter`` enters each row's answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.port import Refusal, Unavailable, WriteResult
from integration.wholes import Whole, WholePort, WholeResult
from mappings.deal_lines import line_object
from mappings.diff import changed_fields
from mappings.naming import key_field
from sync import storage
from sync.push_enter import Pushed, enter, give_back, put_off
from sync.push_plan import Plan, write_row
from sync.state import ledger
from sync.state.engine import writing
from sync.state.leases import Lease
from sync.state.ledger import LedgerRow
from sync.vanished import follow_vanished
from sync.workspace import Workspace


def parts_of(ws: Workspace, object_name: str) -> str | None:
    """Return the object of a deal's lines, where ``object_name`` holds deals that are made with some."""
    crm = ws.inbound.crm
    return line_object(crm) if object_name == crm.reads.deal.object else None


def whole_port(ws: Workspace) -> WholePort:
    """Return the CRM as one that makes deals with lines. Raises TypeError where it does not."""
    port = ws.port
    if not isinstance(port, WholePort):
        raise TypeError(f"{ws.vendor} makes no deal with lines")
    return port


def send_wholes(
    ws: Workspace, object_name: str, plans: Sequence[Plan], lease: Lease
) -> tuple[Pushed, list[Plan]]:
    """Make the deals that have lines; return what was done, and the plans that are left to be sent."""
    part_object = parts_of(ws, object_name)
    made = [plan for plan in plans if plan.creates and not plan.keyless]
    if part_object is None or not made:
        return Pushed(), list(plans)
    with writing(ws.runtime.engine) as conn:
        rows = ledger.claim_children(conn, ws.id, part_object, [plan.row for plan in made], lease)
    try:
        return _send(ws, object_name, part_object, plans, _by_parent(rows))
    except Unavailable as error:
        if rows:
            give_back(ws, rows, error)
        raise


def _send(
    ws: Workspace, object_name: str, part_object: str, plans: Sequence[Plan], parts: Mapping[str, list[Plan]]
) -> tuple[Pushed, list[Plan]]:
    with writing(ws.runtime.engine) as conn:
        rows = [plan.row for plan in plans if plan.row.key in parts]
        lines = [part.row for own in parts.values() for part in own]
        sent = {(row.object, row.key) for row in ledger.mark_sent(conn, ws.id, ws.now(), [*rows, *lines])}
    mine = [plan for plan in plans if (object_name, plan.row.key) in sent]
    left = [plan for plan in plans if plan.row.key not in parts]
    if not mine:
        return Pushed(), left
    wholes = [
        Whole(
            replace(write_row(plan), record_id=None),
            tuple(write_row(part) for part in parts[plan.row.key] if (part_object, part.row.key) in sent),
        )
        for plan in mine
    ]
    results = whole_port(ws).upsert_wholes(object_name, part_object, key_field(ws.vendor), wholes)
    return _enter(ws, mine, parts, results), left


def _enter(
    ws: Workspace, plans: Sequence[Plan], parts: Mapping[str, list[Plan]], results: Sequence[WholeResult]
) -> Pushed:
    """Enter deals and lines; the lines of a deal that was refused wait until it is written."""
    storage.notice(ws, [one for result in results for one in (result.row, *result.parts)])
    rows = [result.row for result in results]
    done = enter(ws, plans, rows)
    follow_vanished(ws, plans[0].row.object, plans, rows)
    answered: list[tuple[Plan, WriteResult]] = []
    waiting: list[LedgerRow] = []
    for plan, result in zip(plans, results, strict=True):
        by_key = {part.row.key: part for part in parts[plan.row.key]}
        refused = result.row.error is not None and result.row.error.refusal is not Refusal.BUSY
        for one in result.parts:
            if refused:
                waiting.append(by_key[one.key].row)
            else:
                answered.append((by_key[one.key], one))
    done = done.plus(put_off(ws, waiting))
    return done.plus(enter(ws, [part for part, _ in answered], [one for _, one in answered]))


def _by_parent(rows: Sequence[LedgerRow]) -> dict[str, list[Plan]]:
    """Return the lines to make by the key of their deal, as plans."""
    found: dict[str, list[Plan]] = {}
    for row in rows:
        found.setdefault(row.parent_keys[0][1], []).append(
            Plan(row, None, changed_fields(row.desired, None, None), ())
        )
    return found
