"""Push: what the ledger wants and the CRM does not hold yet, in the fewest calls.

Rows are claimed under a fence, compared three ways (desired, last acknowledged, observed
in the mirror), marked as sent, sent in full batches, and entered with the CRM's answer. A
crash between the call and the answer leaves rows marked as sent: the next claim asks the
CRM what stands there before it writes. Neighbours: ``look`` fills the ledger,
``push_plan`` says what each row needs, ``push_enter`` keeps what became of it, the port writes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from integration.port import Refused, Unavailable, WriteResult
from integration.streams import BulkPort
from mappings.deal_lines import line_object
from mappings.deal_roles import role_object
from mappings.naming import key_field
from mappings.outbound import own_object
from success.desired import RecordKind
from sync import storage
from sync.holding import leaving
from sync.push_enter import (
    Pushed,
    enter,
    give_back,
    keep_for_room,
    let_land,
    put_off,
    put_off_refused,
    settle_standing,
)
from sync.push_plan import Plan, goes_by_key, needs_a_call, plan_rows, write_row
from sync.push_roles import push_roles, whole_port
from sync.push_whole import send_wholes
from sync.settle import keyless_port
from sync.state import ledger
from sync.state.engine import reading, writing
from sync.state.leases import HOLD_S, Lease
from sync.state.ledger import WriteState
from sync.vanished import follow_vanished
from sync.withdraw import take_back, withdraw_now
from sync.workspace import Workspace

BATCH_ROWS = 2_000
"""Rows of one claim: as many as HubSpot links in one call; the ports cut them to their own batches."""

STREAM_ROWS = 20_000
"""Rows of one claim where so many are wanted that the CRM's bulk interface costs fewer calls."""

KEYLESS_ROWS = 100
"""Rows without a unique key marked as sent at a time: one call of HubSpot, so that the mark is its time."""

LEASE_S = HOLD_S
"""A worker prolongs what it holds as long as it works, also while it waits for a bulk job."""

log = logging.getLogger(__name__)

WRITE_ORDER = (
    RecordKind.PROFILE,
    RecordKind.PLAN,
    RecordKind.MILESTONE,
    RecordKind.RENEWAL,
    RecordKind.EXPANSION,
    RecordKind.SNAPSHOT,
)


def push(ws: Workspace, owner: str) -> Pushed:
    """Write everything the ledger wants of one installation, parents first; return what was done.

    A process asked to end stops between two claims. Raises as ``claims`` does.
    """
    total = Pushed()
    for done in claims(ws, owner):
        total = total.plus(done)
        if leaving():
            break
    return total


def claims(ws: Workspace, owner: str) -> Iterator[Pushed]:
    """Write claim by claim what the ledger wants, parents first, and yield what each came to.

    Whoever stops asking stops between two claims: what is left is in the ledger. What stands under accounts
    that are gone is taken back before the first. Passes follow each other until one finds nothing: what
    another push left alone, because we held its account, nobody else rings for. An object of which the CRM
    does not say what stands is put off, and stops no other. Raises Unavailable or RateLimited when the CRM
    cannot take it now: nothing is lost.
    """
    take_back(ws)
    storage.resume(ws)
    again = True
    while again:
        again = False
        for object_name in objects_in_order(ws):
            while (done := _push_batch(ws, owner, object_name)) is not None:
                again = True
                yield done


def objects_in_order(ws: Workspace) -> list[str]:
    """Return the vendor objects we write, each after those it hangs under."""
    own = [own_object(kind, ws.charter, ws.vendor, ws.homes) for kind in WRITE_ORDER]
    account = ws.inbound.crm.reads.account.object
    ordered = [own[0], account, *own[1:], line_object(ws.inbound.crm), role_object(ws.inbound.crm)]
    return [name for name in dict.fromkeys(ordered) if name is not None]


def _push_batch(ws: Workspace, owner: str, object_name: str) -> Pushed | None:
    """Write one claim of an object; ``None`` when there is nothing to write that nobody holds."""
    with writing(ws.runtime.engine) as conn:
        lease = _lease(ws, owner, object_name, conn)
        rows = ledger.claim_pending(conn, ws.id, object_name, lease)
    if not rows:
        return None
    try:
        if object_name == role_object(ws.inbound.crm):
            return push_roles(ws, rows)
        plans, waiting, landing = plan_rows(ws, object_name, rows)
        done = settle_standing(ws, plans).plus(put_off(ws, waiting)).plus(let_land(ws, landing))
        wanted, held = storage.sift(ws, [plan for plan in plans if needs_a_call(plan)])
        whole, left = send_wholes(ws, object_name, wanted, lease)
        return done.plus(keep_for_room(ws, held)).plus(whole).plus(_send(ws, object_name, left))
    except Unavailable as error:
        give_back(ws, rows, error)
        raise
    except Refused as refused:  # a scope or a right that is missing for one object is no matter of the others
        log.warning("%s of %s is not written now: %s", object_name, ws.id, refused)
        return put_off_refused(ws, rows, refused.error)


def _lease(ws: Workspace, owner: str, object_name: str, conn: Connection) -> Lease:
    """Return the terms of a claim: many rows where they go as one stream."""
    port = ws.port
    if isinstance(port, BulkPort):
        waiting = ledger.counts(conn, ws.id).get((object_name, WriteState.PENDING), 0)
        if port.pays_as_stream(waiting):
            return Lease(owner, ws.now(), LEASE_S, STREAM_ROWS)
    return Lease(owner, ws.now(), LEASE_S, BATCH_ROWS)


def _send(ws: Workspace, object_name: str, plans: Sequence[Plan]) -> Pushed:
    """Send rows in full batches: new ones by key, known ones by id; enter every answer."""
    done = _make(ws, object_name, [plan for plan in plans if plan.keyless and plan.creates])
    mine = _marked(ws, [plan for plan in plans if not (plan.keyless and plan.creates)])
    new = [plan for plan in mine if goes_by_key(plan)]
    old = [plan for plan in mine if not goes_by_key(plan)]
    for batch, by_key in ((new, True), (old, False)):
        if batch:
            results = _call(ws, object_name, batch, by_key=by_key)
            storage.notice(ws, results)
            done = done.plus(enter(ws, batch, results))
            follow_vanished(ws, object_name, batch, results)
    return done


def _marked(ws: Workspace, plans: Sequence[Plan]) -> list[Plan]:
    """Mark rows as sent, and return those that are still ours to send."""
    with writing(ws.runtime.engine) as conn:
        ours = {row.key for row in ledger.mark_sent(conn, ws.id, ws.now(), [plan.row for plan in plans])}
    return [plan for plan in plans if plan.row.key in ours]


def _make(ws: Workspace, object_name: str, plans: Sequence[Plan]) -> Pushed:
    """Make records that have no unique key, marking each call's rows just before it."""
    done = Pushed()
    for start in range(0, len(plans), KEYLESS_ROWS):
        batch = _marked(ws, plans[start : start + KEYLESS_ROWS])
        if batch:
            results = keyless_port(ws).create(object_name, [write_row(plan) for plan in batch])
            done = done.plus(enter(ws, batch, results))
            _withdraw_doubles(ws, object_name, results)
    return done


def _withdraw_doubles(ws: Workspace, object_name: str, results: Sequence[WriteResult]) -> None:
    """Take back what we made after a later claim had made it: we were held up beyond any lease."""
    with reading(ws.runtime.engine) as conn:
        held = ledger.find(conn, ws.id, object_name, [result.key for result in results])
    doubles = [
        result.record_id
        for result in results
        if result.record_id is not None and held[result.key].record_id not in (None, result.record_id)
    ]
    if doubles:
        withdraw_now(ws, object_name, doubles)


def _call(ws: Workspace, object_name: str, plans: Sequence[Plan], *, by_key: bool) -> list[WriteResult]:
    """Write by external key (which also makes the links), or by id; accounts have no key of ours."""
    reads = ws.inbound.crm.reads
    if object_name == line_object(ws.inbound.crm) and by_key:
        rows = [write_row(plan) for plan in plans]
        return whole_port(ws).upsert_parts(reads.deal.object, object_name, key_field(ws.vendor), rows)
    if by_key and object_name != reads.account.object:
        rows = [replace(write_row(plan), record_id=None) for plan in plans]
        return ws.port.upsert(object_name, key_field(ws.vendor), rows)
    return ws.port.update(object_name, [write_row(plan) for plan in plans])
