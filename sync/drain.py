"""Drain: signals of the inbox → records read again → mirror.

Many signals about one record are one read, and all of a burst ride in full batches. A
signal that only repeats a write of ours costs no call: the ledger knows the value. A
record that cannot be read yet (404 just after creation) is looked for again. An object the CRM
refuses to show holds up no other.
Neighbours: ``webhooks`` fills the inbox; ``follow`` reads; ``unreadable`` keeps what is refused;
``usage`` takes usage batches.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from sqlalchemy import Connection

from integration.hubspot.events import read_event
from integration.port import FieldValues, Refused, Signal, SignalKind, Unavailable
from sync import unreadable, usage
from sync.admission import scrub
from sync.drift import is_echo, is_own_write, parents_of
from sync.follow import GONE, follow, parents_first
from sync.keep import Pulled
from sync.state import findings, inbox, ledger, mirror
from sync.state.engine import reading, writing
from sync.state.inbox import InboxItem
from sync.state.leases import HOLD_S, Lease
from sync.state.ledger import LedgerRow, WriteState
from sync.usage_events import shown
from sync.workspace import Workspace

BATCH_EVENTS = 100
LEASE_S = HOLD_S
LOOK_AGAIN = (timedelta(seconds=2), timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))
COUNT_AGAIN = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
"""When a usage batch that could not be counted is tried again: a full disk is given time."""
IN_FLIGHT_TRIES = 2
HUBSPOT = "hubspot"
SALESFORCE = "salesforce"
USAGE = "usage"
WRITTEN, RESTORED = "written", "restored"
"""Beside object and id of a Salesforce hint: what a change in our name wrote; that a record came back."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did: events worked in, echoes dropped, records read, events put off."""

    events: int
    echoes: int
    read: int
    put_off: int


@dataclass(frozen=True, slots=True)
class _Hint:
    item: InboxItem
    signal: Signal

    @property
    def restored(self) -> bool:
        """Return whether the CRM says that the record came out of its recycle bin."""
        body = cast("Mapping[str, object]", self.item.body)
        if self.item.source == HUBSPOT:
            return str(body.get("subscriptionType")).endswith(".restore")
        return bool(body.get(RESTORED))


def drain(ws: Workspace, owner: str) -> Drained | None:
    """Work in the oldest events nobody holds; ``None`` when there are none."""
    with writing(ws.runtime.engine) as conn:
        items = inbox.take(conn, ws.id, Lease(owner, ws.now(), LEASE_S, BATCH_EVENTS))
    if not items:
        return None
    _take_usage(ws, [item for item in items if item.source == USAGE])
    try:
        return _work_in(ws, items)
    except Unavailable as error:
        _give_back(ws, items, error)
        raise


def _take_usage(ws: Workspace, items: Sequence[InboxItem]) -> None:
    """Count usage batches; they need no CRM, so they are done whatever becomes of the rest.

    Where they cannot be counted together each is tried alone: one stops neither the others nor the CRM's.
    """
    try:
        _count(ws, items)
    except Exception:
        log.exception("usage of %s cannot be counted in one; each batch is tried alone", ws.id)
        for item in items:
            _count_alone(ws, item)


def _count(ws: Workspace, items: Sequence[InboxItem]) -> None:
    usage.take_in(ws, items)
    with writing(ws.runtime.engine) as conn:
        scrub(conn, ws, items)
        inbox.done(conn, ws.id, items)


def _count_alone(ws: Workspace, item: InboxItem) -> None:
    """Count one batch, or put it off; after the last time it is kept as failed, and people are told."""
    try:
        _count(ws, [item])
    except Exception as error:
        log.exception("usage batch %s of %s cannot be counted", item.dedupe_key, ws.id)
        reason, again = shown(f"{type(error).__name__}: {error}"), item.attempts <= len(COUNT_AGAIN)
        next_try = ws.now() + COUNT_AGAIN[item.attempts - 1] if again else None
        with writing(ws.runtime.engine) as conn:
            ours = inbox.failed(conn, ws.id, item, reason, next_try)
            if ours and next_try is None:
                told = {f"batch/{item.dedupe_key}": f"given up after {item.attempts} attempts: {reason}"}
                findings.report(conn, ws.id, ws.now(), USAGE, told)


def _give_back(ws: Workspace, items: Sequence[InboxItem], error: Unavailable) -> None:
    """Have the events tried again once the CRM may answer; an outage is no attempt at any of them."""
    wait = timedelta(seconds=error.retry_after_s or LOOK_AGAIN[1].total_seconds())
    with writing(ws.runtime.engine) as conn:
        inbox.give_back(conn, ws.id, items, str(error), ws.now() + wait)


def _work_in(ws: Workspace, items: Sequence[InboxItem]) -> Drained:
    """Read again what the events hint at, and enter which are done."""
    hints = [_Hint(item, signal) for item in items if item.source != USAGE for signal in _signals(item)]
    fresh = _without_echoes(ws, hints)
    ready, in_flight = _settled(ws, fresh)
    pulled, missing, refused = _read_all(ws, ready)
    put_off = [*in_flight, *missing]
    with writing(ws.runtime.engine) as conn:
        unread = unreadable.put_off(conn, ws, _items_by_object(ready, refused), refused)
        late = {hint.item.dedupe_key for hint in put_off} - unread
        for item in items:
            if item.dedupe_key in late:
                _put_off(ws, conn, item)
        late |= unread
        unreadable.resolve(conn, ws, {hint.signal.object for hint in ready} - refused.keys())
        inbox.done(conn, ws.id, [item for item in items if item.dedupe_key not in late])
    return Drained(len(items), len(hints) - len(fresh), pulled.read, len(late))


def _signals(item: InboxItem) -> list[Signal]:
    body = cast("Mapping[str, object]", item.body)
    if item.source == HUBSPOT:
        return [read_event(body)]
    return [Signal(str(body["object"]), str(body["id"]), SignalKind.CHANGED, item.received_at)]


def _without_echoes(ws: Workspace, hints: Sequence[_Hint]) -> list[_Hint]:
    """Leave out what says nothing: unknown events, and values we wrote ourselves.

    Salesforce sends no messages for what our own user writes; its change events tell of us by name.
    """
    by_object: defaultdict[str, set[str]] = defaultdict(set)
    for hint in hints:
        by_object[hint.signal.object].add(hint.signal.id)
    with reading(ws.runtime.engine) as conn:
        ours = {name: ledger.by_record(conn, ws.id, name, sorted(ids)) for name, ids in by_object.items()}
        links = [hint.signal for hint in hints if hint.signal.other_end is not None]
        linked = [ours[one.object].get(one.id) for one in links]
        parents = parents_of(conn, ws, [row for row in linked if row is not None])
    return [
        hint
        for hint in hints
        if hint.signal.kind is not SignalKind.IGNORED
        and not _tells_of_us(hint, ours[hint.signal.object].get(hint.signal.id), parents)
    ]


def _tells_of_us(hint: _Hint, row: LedgerRow | None, parents: Mapping[str, Collection[str]]) -> bool:
    if hint.item.source == HUBSPOT:
        return is_echo(row, hint.signal, () if row is None else parents.get(row.key, ()))
    written = cast("Mapping[str, object]", hint.item.body).get(WRITTEN)
    if written is None or hint.item.occurred_at is None:
        return False
    return is_own_write(row, hint.item.occurred_at, cast("FieldValues", written))


def _settled(ws: Workspace, hints: Sequence[_Hint]) -> tuple[list[_Hint], list[_Hint]]:
    """Return what can be read now, and what may be a write of ours whose answer is still under way.

    Those wait a moment for the answer, which tells them from a person's doing; twice at most.
    """
    with reading(ws.runtime.engine) as conn:
        sending = {
            name for (name, state), _ in ledger.counts(conn, ws.id).items() if state is WriteState.SENT
        }
        known: dict[str, set[str]] = {}
        ours: dict[str, dict[str, LedgerRow]] = {}
        for name in sending:
            ids = sorted({hint.signal.id for hint in hints if hint.signal.object == name})
            known[name] = set(mirror.find(conn, ws.id, name, ids))
            ours[name] = ledger.by_record(conn, ws.id, name, ids)

    def waits(hint: _Hint) -> bool:
        name, record_id = hint.signal.object, hint.signal.id
        if name not in sending or hint.item.attempts > IN_FLIGHT_TRIES:
            return False
        row = ours[name].get(record_id)
        return record_id not in known[name] if row is None else row.state is WriteState.SENT

    return [hint for hint in hints if not waits(hint)], [hint for hint in hints if waits(hint)]


def _read_all(ws: Workspace, hints: Sequence[_Hint]) -> tuple[Pulled, list[_Hint], dict[str, Refused]]:
    """Read every record hinted at; where the CRM refuses, each object alone, so that it stops no other.

    Returns what was read, the hints whose record was not there yet, and the objects refused.
    """
    try:
        return *_read_again(ws, hints), {}
    except Refused as error:
        log.warning("the CRM refuses to show something of %s; each object is read alone: %s", ws.id, error)
    total, missing, refused = Pulled(), list[_Hint](), dict[str, Refused]()
    for name in parents_first(ws, {hint.signal.object for hint in hints}):
        try:
            pulled, absent = _read_again(ws, [hint for hint in hints if hint.signal.object == name])
        except Refused as error:
            refused[name] = error
        else:
            total, missing = total.plus(pulled), [*missing, *absent]
    return total, missing, refused


def _items_by_object(hints: Sequence[_Hint], names: Collection[str]) -> dict[str, list[InboxItem]]:
    """Return the events that hint at each of the objects."""
    return {name: [hint.item for hint in hints if hint.signal.object == name] for name in names}


def _read_again(ws: Workspace, hints: Sequence[_Hint]) -> tuple[Pulled, list[_Hint]]:
    """Read every record hinted at; return the hints whose record was not there yet."""
    came_back = [hint for hint in hints if hint.restored]
    restored, gone = follow(ws, [hint.signal for hint in came_back], restored=True)
    pulled, absent = follow(ws, [hint.signal for hint in hints if not hint.restored])
    pulled, absent = pulled.plus(restored), absent | gone
    missing = [
        hint
        for hint in hints
        if hint.signal.kind not in GONE and (hint.signal.object, hint.signal.id) in absent
    ]
    return pulled, missing


def _put_off(ws: Workspace, conn: Connection, item: InboxItem) -> None:
    """Look again later for a record that cannot be read yet; after the last time it is gone."""
    again = item.attempts <= len(LOOK_AGAIN)
    next_try = ws.now() + LOOK_AGAIN[item.attempts - 1] if again else None
    inbox.failed(conn, ws.id, item, "its record cannot be read", next_try)
