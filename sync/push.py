"""Push: what the ledger wants and the CRM does not hold yet, in the fewest calls.

Rows are claimed under a fence, compared three ways (desired, last acknowledged, observed
in the mirror), marked as sent, sent in full batches, and entered with the CRM's answer. A
crash between the call and the answer leaves rows marked as sent: the next claim asks the
CRM what stands there before it writes. Neighbours: ``look`` fills the ledger,
``mappings.diff`` compares, ``settle`` asks, the port writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from integration.port import (
    CrmRecord,
    FieldValues,
    Link,
    Refusal,
    RowError,
    Unavailable,
    WriteResult,
    WriteRow,
)
from integration.streams import BulkPort
from mappings.diff import FieldChanges, Observed, changed_fields
from mappings.naming import key_field
from mappings.outbound import own_object
from success.desired import RecordKind
from sync.insistence import REWRITTEN, acknowledged, insisted_words, sight
from sync.settle import LANDS_WITHIN, keyless_port, may_still_land, settled
from sync.state import findings, ledger
from sync.state.engine import reading, writing
from sync.state.leases import Lease
from sync.state.ledger import Acknowledgement, LedgerRow, WriteState
from sync.taken import standing, taken, tell_normalised
from sync.withdraw import take_back
from sync.workspace import Workspace

BATCH_ROWS = 2_000
"""Rows of one claim: as many as HubSpot links in one call; the ports cut them to their own batches."""

STREAM_ROWS = 20_000
"""Rows of one claim where so many are wanted that the CRM's bulk interface costs fewer calls."""

KEYLESS_ROWS = 100
"""Rows without a unique key marked as sent at a time: one call of HubSpot, so that the mark is its time."""

LEASE_S = 180
STREAM_LEASE_S = 600
"""A bulk job is waited for, and what it left is written; nobody else may take its rows meanwhile."""

PARENT_WAIT = timedelta(seconds=2)
RETRY_CURVE = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1))
DELETED = "a person deleted the record in the CRM"
WRITE_ORDER = (
    RecordKind.PROFILE,
    RecordKind.PLAN,
    RecordKind.MILESTONE,
    RecordKind.RENEWAL,
    RecordKind.EXPANSION,
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did, by rows: written, found to stand already, refused by the CRM, put off."""

    written: int = 0
    standing: int = 0
    blocked: int = 0
    put_off: int = 0

    def plus(self, other: Pushed) -> Pushed:
        """Return the sum of both."""
        return Pushed(
            self.written + other.written,
            self.standing + other.standing,
            self.blocked + other.blocked,
            self.put_off + other.put_off,
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one claimed row needs: the fields to send, under the record id known by now."""

    row: LedgerRow
    record_id: str | None
    changes: FieldChanges
    parents: tuple[Link, ...]
    keyless: bool = False

    @property
    def creates(self) -> bool:
        """Return whether the record is not known to exist."""
        return self.record_id is None


def push(ws: Workspace, owner: str) -> Pushed:
    """Write everything the ledger wants of one installation, parents first; return what was done.

    What stands under accounts that are gone is taken back before.

    Raises Unavailable or RateLimited when the CRM cannot take it now: nothing is lost.
    """
    take_back(ws)
    total = Pushed()
    for object_name in objects_in_order(ws):
        while (done := _push_batch(ws, owner, object_name)) is not None:
            total = total.plus(done)
    return total


def objects_in_order(ws: Workspace) -> list[str]:
    """Return the vendor objects we write, each after those it hangs under."""
    own = [own_object(kind, ws.charter, ws.vendor, ws.homes) for kind in WRITE_ORDER]
    account = ws.inbound.crm.reads.account.object
    return [name for name in dict.fromkeys([own[0], account, *own[1:]]) if name is not None]


def _push_batch(ws: Workspace, owner: str, object_name: str) -> Pushed | None:
    """Write one claim of an object; ``None`` when there is nothing to write that nobody holds."""
    with writing(ws.runtime.engine) as conn:
        rows = ledger.claim_pending(conn, ws.id, object_name, _lease(ws, owner, object_name, conn))
    if not rows:
        return None
    try:
        plans, waiting, landing = _plans(ws, object_name, rows)
        done = _settle_standing(ws, plans).plus(_put_off(ws, waiting)).plus(_let_land(ws, landing))
        return done.plus(_send(ws, object_name, [plan for plan in plans if _needs_a_call(plan)]))
    except Unavailable as error:
        _release(ws, rows, error)
        raise


def _lease(ws: Workspace, owner: str, object_name: str, conn: Connection) -> Lease:
    """Return for how long and how many rows are claimed: many for long where they go as one stream."""
    port = ws.port
    if isinstance(port, BulkPort):
        waiting = ledger.counts(conn, ws.id).get((object_name, WriteState.PENDING), 0)
        if port.pays_as_stream(waiting):
            return Lease(owner, ws.now(), STREAM_LEASE_S, STREAM_ROWS)
    return Lease(owner, ws.now(), LEASE_S, BATCH_ROWS)


def _plans(
    ws: Workspace, object_name: str, rows: Sequence[LedgerRow]
) -> tuple[list[_Plan], list[LedgerRow], list[LedgerRow]]:
    """Return what each row needs, the rows whose parent is not written yet, and those still in the air."""
    found = settled(ws, object_name, rows)
    keyless = not ws.homes.has_unique_key(object_name)
    seen_rows = sight(ws, object_name, rows)
    parents = _parent_ids(ws, rows)
    plans, waiting, landing = [], [], []
    for row in seen_rows.rows:
        if row.key not in found and may_still_land(ws, row):
            landing.append(row)
            continue
        links = _links(row, parents)
        if links is None:
            waiting.append(row)
            continue
        record = found.get(row.key)
        record_id = row.record_id or (record.id if record else None)
        seen = _newest(seen_rows.observed.get(record_id or ""), record)
        changes = changed_fields(row.desired, acknowledged(row, seen_rows.rewritten), seen)
        plans.append(_Plan(row, record_id, changes, links, keyless))
    return plans, waiting, landing


def _newest(observed: Observed | None, record: CrmRecord | None) -> Observed | None:
    """Prefer what the CRM has just answered to what the mirror holds."""
    return observed if record is None else Observed(record.values, record.source_at)


def _parent_ids(ws: Workspace, rows: Iterable[LedgerRow]) -> dict[tuple[str, str], str]:
    """Return the record ids of parents of ours that the CRM has taken."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        for object_name, key in row.parent_keys:
            wanted.setdefault(object_name, set()).add(key)
    ids: dict[tuple[str, str], str] = {}
    with reading(ws.runtime.engine) as conn:
        for object_name, keys in wanted.items():
            for key, parent in ledger.find(conn, ws.id, object_name, sorted(keys)).items():
                if parent.record_id is not None:
                    ids[object_name, key] = parent.record_id
    return ids


def _links(row: LedgerRow, parents: Mapping[tuple[str, str], str]) -> tuple[Link, ...] | None:
    """Return all the records the row hangs under, ``None`` while one is not written yet."""
    if any(pair not in parents for pair in row.parent_keys):
        return None
    return (*row.parents, *(Link(pair[0], parents[pair]) for pair in row.parent_keys))


def _needs_a_call(plan: _Plan) -> bool:
    return plan.creates or bool(plan.changes.write) or _links_unwritten(plan)


def _goes_by_key(plan: _Plan) -> bool:
    return plan.creates or _links_unwritten(plan)


def _links_unwritten(plan: _Plan) -> bool:
    """Say whether a record that exists may still lack its parents: no write of it was ever acknowledged.

    One without a unique key was made together with its links.
    """
    return not plan.keyless and plan.row.acknowledged is None and bool(plan.parents)


def _settle_standing(ws: Workspace, plans: Sequence[_Plan]) -> Pushed:
    """Enter rows that need no call: everything wanted stands there, or somebody insists on a field."""
    idle = [plan for plan in plans if not _needs_a_call(plan)]
    blocked = [plan for plan in idle if plan.changes.blocked]
    answers = [
        standing(plan.row, plan.record_id)
        for plan in idle
        if plan.record_id is not None and not plan.changes.blocked
    ]
    with writing(ws.runtime.engine) as conn:
        ledger.acknowledge(conn, ws.id, ws.now(), answers)
        tell_normalised(conn, ws.id, ws.now(), answers)
        for plan in blocked:
            _block_insisted(ws, plan, conn)
    return Pushed(standing=len(answers), blocked=len(blocked))


def _block_insisted(ws: Workspace, plan: _Plan, conn: Connection) -> None:
    on_save = any(one.on_save for one in plan.changes.blocked)
    code = "REWRITTEN_ON_SAVE" if on_save else "CHANGED_BY_OTHERS"
    ledger.block(conn, ws.id, plan.row, code, insisted_words(plan.changes.blocked))


def _put_off(ws: Workspace, rows: Sequence[LedgerRow]) -> Pushed:
    with writing(ws.runtime.engine) as conn:
        for row in rows:
            ledger.retry(conn, ws.id, row, ws.now() + PARENT_WAIT, "PARENT", "its parent is not written yet")
    return Pushed(put_off=len(rows))


def _let_land(ws: Workspace, rows: Sequence[LedgerRow]) -> Pushed:
    """Put off rows whose create got no answer until it has either been done or never will be."""
    words = "no answer came; it is looked for again before it is made"
    with writing(ws.runtime.engine) as conn:
        for row in rows:
            at = (row.sent_at or ws.now()) + LANDS_WITHIN
            ledger.retry(conn, ws.id, row, at, "NO_ANSWER", words, uncertain=True)
    return Pushed(put_off=len(rows))


def _send(ws: Workspace, object_name: str, plans: Sequence[_Plan]) -> Pushed:
    """Send rows in full batches: new ones by key, known ones by id; enter every answer."""
    done = _make(ws, object_name, [plan for plan in plans if plan.keyless and plan.creates])
    mine = _marked(ws, [plan for plan in plans if not (plan.keyless and plan.creates)])
    new = [plan for plan in mine if _goes_by_key(plan)]
    old = [plan for plan in mine if not _goes_by_key(plan)]
    for batch, by_key in ((new, True), (old, False)):
        if batch:
            done = done.plus(_enter(ws, batch, _call(ws, object_name, batch, by_key=by_key)))
    return done


def _marked(ws: Workspace, plans: Sequence[_Plan]) -> list[_Plan]:
    """Mark rows as sent, and return those that are still ours to send."""
    with writing(ws.runtime.engine) as conn:
        ours = {row.key for row in ledger.mark_sent(conn, ws.id, ws.now(), [plan.row for plan in plans])}
    return [plan for plan in plans if plan.row.key in ours]


def _make(ws: Workspace, object_name: str, plans: Sequence[_Plan]) -> Pushed:
    """Make records that have no unique key, marking each call's rows just before it."""
    done = Pushed()
    for start in range(0, len(plans), KEYLESS_ROWS):
        batch = _marked(ws, plans[start : start + KEYLESS_ROWS])
        if batch:
            results = keyless_port(ws).create(object_name, [_write_row(plan) for plan in batch])
            done = done.plus(_enter(ws, batch, results))
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
        keyless_port(ws).withdraw(object_name, doubles)


def _call(ws: Workspace, object_name: str, plans: Sequence[_Plan], *, by_key: bool) -> list[WriteResult]:
    """Write by external key (which also makes the links), or by id; accounts have no key of ours."""
    if by_key and object_name != ws.inbound.crm.reads.account.object:
        rows = [replace(_write_row(plan), record_id=None) for plan in plans]
        return ws.port.upsert(object_name, key_field(ws.vendor), rows)
    return ws.port.update(object_name, [_write_row(plan) for plan in plans])


def _write_row(plan: _Plan) -> WriteRow:
    """Return what is sent: the seed only on creation, our fields whole or just those that differ."""
    row = plan.row
    values: FieldValues = {**row.seed, **plan.changes.write} if plan.creates else plan.changes.write
    return WriteRow(row.key, values, plan.parents, record_id=plan.record_id)


def _enter(ws: Workspace, plans: Sequence[_Plan], results: Sequence[WriteResult]) -> Pushed:
    now = ws.now()
    answers: list[Acknowledgement] = []
    refused = put_off = 0
    with writing(ws.runtime.engine) as conn:
        for plan, result in zip(plans, results, strict=True):
            if result.error is None:
                answers.append(_acknowledgement(plan, result))
            elif result.error.refusal is Refusal.BUSY:
                put_off += 1
                wait = RETRY_CURVE[min(plan.row.attempts, len(RETRY_CURVE)) - 1]
                error = result.error
                ledger.retry(conn, ws.id, plan.row, now + wait, error.code, error.message, uncertain=True)
            elif result.error.refusal is Refusal.GONE and plan.keyless and plan.record_id is not None:
                ledger.tombstone(conn, ws.id, plan.row.object, [plan.row.key], DELETED)
            else:
                refused += 1
                _block(ws, plan.row, result.error, conn)
        ledger.acknowledge(conn, ws.id, now, answers)
        tell_normalised(conn, ws.id, now, answers, results)
        rewrites = {
            f"{plan.row.object}/{plan.row.key}/{name}": "we wrote over somebody else's change"
            for plan in plans
            for name in plan.changes.rewrites
        }
        findings.report(conn, ws.id, now, REWRITTEN, rewrites)
    return Pushed(written=len(answers), blocked=refused, put_off=put_off)


def _block(ws: Workspace, row: LedgerRow, error: RowError, conn: Connection) -> None:
    ledger.block(conn, ws.id, row, error.code, error.words)


def _acknowledgement(plan: _Plan, result: WriteResult) -> Acknowledgement:
    record_id = result.record_id or plan.record_id
    assert record_id is not None  # noqa: S101 - the port promises an id with every success
    blocked = [one.field for one in plan.changes.blocked]
    return taken(plan.row, record_id, _write_row(plan).values, blocked, result)


def _release(ws: Workspace, rows: Sequence[LedgerRow], error: Unavailable) -> None:
    """Give the claim back: rows not marked sent at once, those marked as uncertain after a while."""
    at = ws.now() + timedelta(seconds=error.retry_after_s or RETRY_CURVE[0].total_seconds())
    with writing(ws.runtime.engine) as conn:
        held = ledger.find(conn, ws.id, rows[0].object, [row.key for row in rows])
        for row in rows:
            sent = held[row.key].uncertain
            current = replace(row, uncertain=sent)
            ledger.retry(conn, ws.id, current, at, "UNAVAILABLE", str(error), uncertain=sent)
