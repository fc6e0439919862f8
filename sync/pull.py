"""Pull: what the CRM holds, into the mirror, page by page.

Three ways in: ``load`` reads everything once, ``poll`` what changed since, ``refresh`` the
records a signal named. All store versions and mark the touched accounts dirty in the same
transaction as the cursor, so a crash repeats a page and loses none.
Neighbours: ``drain`` calls ``refresh``, ``jobs`` the other two, ``look`` reads the mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from integration.port import CrmRecord, ReadQuery
from mappings.inbound import read_queries
from sync import drift
from sync.state import cursors, dirty, identity, mirror
from sync.state.cursors import Cursor, Phase
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.mirror import MirrorChange, MirrorRecord, StoredRecord
from sync.workspace import Workspace

USAGE_REF = "customer_ref"
"""The account attribute by which the product names the account in its usage."""

USAGE_REF_KEY = "usage_ref"
"""The identity that leads from that name to the account."""

OVERLAP = timedelta(minutes=5)
"""How far a poll reaches back: clocks differ, and long transactions commit with an earlier stamp."""

Progress = Callable[[str, int], None]


def quiet(_object: str, _rows: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did, by rows: read from the CRM, new versions kept, accounts marked."""

    read: int = 0
    changed: int = 0
    marked: int = 0

    def plus(self, other: Pulled) -> Pulled:
        """Return the sum of both."""
        return Pulled(self.read + other.read, self.changed + other.changed, self.marked + other.marked)


def load(ws: Workspace, progress: Progress = quiet) -> Pulled:
    """Read every object the charter names, once; what a killed load had read is not read again."""
    total = Pulled()
    for query in _in_reading_order(ws):
        total = total.plus(_load_object(ws, query, progress))
    return total


def poll(ws: Workspace, progress: Progress = quiet) -> Pulled:
    """Read what changed since the last pass of each object; an object never read is loaded whole."""
    total = Pulled()
    for query in _in_reading_order(ws):
        with reading(ws.runtime.engine) as conn:
            place = cursors.get(conn, ws.id, query.object)
        if place is None or place.phase is Phase.INITIAL or place.high_water is None:
            total = total.plus(_load_object(ws, query, progress))
        else:
            total = total.plus(_poll_object(ws, query, place.high_water, progress))
    return total


def refresh(ws: Workspace, object_name: str, ids: Sequence[str]) -> tuple[Pulled, frozenset[str]]:
    """Read the named records again; return what was done and the ids the CRM did not give.

    A record may be missing because it is gone, or because it was made a moment ago and
    cannot be read yet: the caller knows which.
    """
    query = next((one for one in _in_reading_order(ws) if one.object == object_name), None)
    if query is None or not ids:
        return Pulled(), frozenset()
    wanted = sorted(set(ids))
    records = ws.port.read(object_name, wanted, query.fields, query.link_to)
    _read_unknown_deals(ws, records)
    with writing(ws.runtime.engine) as conn:
        pulled = keep(conn, ws, records)
    return pulled, frozenset(wanted) - {record.id for record in records}


def _read_unknown_deals(ws: Workspace, records: Sequence[CrmRecord]) -> None:
    """Read the deals of lines that came before their deal: a line finds its account through it."""
    deal = ws.inbound.crm.reads.deal.object
    linked = {link.id for record in records for link in record.links if link.object == deal}
    with reading(ws.runtime.engine) as conn:
        unknown = linked - set(mirror.find(conn, ws.id, deal, sorted(linked)))
    refresh(ws, deal, sorted(unknown))


def keep(conn: Connection, ws: Workspace, records: Sequence[CrmRecord], reason: str = "changed") -> Pulled:
    """Store records of one object and mark what they touch; return what was done."""
    if not records:
        return Pulled()
    now, object_name = ws.now(), records[0].object
    accounts = _accounts_of(conn, ws, records)
    rows = [mirror_record(record, accounts.get(record.id)) for record in records]
    change = mirror.store(conn, ws.id, now, rows)
    touched = set(change.touched_accounts)
    if object_name == ws.inbound.crm.reads.account.object:
        _learn_usage_names(conn, ws, records)
    if object_name == ws.inbound.crm.reads.deal.object:
        touched.update(_move_lines(conn, ws, change, accounts))
    marked = dirty.mark(conn, ws.id, now, Scope.ACCOUNT, touched, f"{object_name} {reason}")
    drift.reopen_changed(conn, ws, object_name, change)
    return Pulled(len(records), len(change.changed), marked)


def mirror_record(record: CrmRecord, account_id: str | None) -> MirrorRecord:
    """Return the record as the mirror keeps it, hung under its account."""
    return MirrorRecord.of(record, account_id)


def crm_record(stored: StoredRecord) -> CrmRecord:
    """Return a version of the mirror as the CRM's record it was."""
    return CrmRecord(
        stored.object,
        stored.source_id,
        stored.values,
        stored.created_at,
        stored.source_at,
        stored.deleted,
        stored.links,
    )


def _load_object(ws: Workspace, query: ReadQuery, progress: Progress) -> Pulled:
    with reading(ws.runtime.engine) as conn:
        place = cursors.get(conn, ws.id, query.object)
    if place is not None and place.phase is Phase.INCREMENTAL:
        return Pulled()
    started = ws.now() if place is None or place.high_water is None else place.high_water
    resume = None if place is None else place.position
    return _read(ws, replace(query, resume=resume), Phase.INITIAL, started, progress)


def _poll_object(ws: Workspace, query: ReadQuery, high_water: datetime, progress: Progress) -> Pulled:
    started = ws.now()
    since = replace(query, changed_since=high_water - OVERLAP)
    return _read(ws, since, Phase.INCREMENTAL, started, progress)


def _read(ws: Workspace, query: ReadQuery, phase: Phase, started: datetime, progress: Progress) -> Pulled:
    """Read all pages; the pass is over only when its last page is kept."""
    total = Pulled()
    for page in ws.port.iter_pages(query):
        with writing(ws.runtime.engine) as conn:
            pulled = keep(conn, ws, page.records, "read" if phase is Phase.INITIAL else "changed")
            if phase is Phase.INITIAL and page.resume is not None:
                place = Cursor(query.object, phase, page.resume, started)
                cursors.put(conn, ws.id, ws.now(), place)
        total = total.plus(pulled)
        progress(query.object, len(page.records))
    with writing(ws.runtime.engine) as conn:
        cursors.put(conn, ws.id, ws.now(), Cursor(query.object, Phase.INCREMENTAL, None, started))
    return total


def _in_reading_order(ws: Workspace) -> list[ReadQuery]:
    """Return the queries, parents first: a line finds its deal, a deal its account."""
    reads = ws.inbound.crm.reads
    first = [reads.account.object, reads.deal.object]
    queries = read_queries(ws.charter, ws.vendor, installed=True, homes=ws.homes)
    return sorted(queries, key=lambda one: first.index(one.object) if one.object in first else len(first))


def _accounts_of(conn: Connection, ws: Workspace, records: Sequence[CrmRecord]) -> dict[str, str]:
    """Return the account each record hangs under: itself, its link, or its deal's account."""
    reads = ws.inbound.crm.reads
    account, deal, object_name = reads.account.object, reads.deal.object, records[0].object
    if object_name == account:
        return {record.id: record.id for record in records}
    direct = {record.id: _linked(record, account) for record in records}
    via = {record.id: _linked(record, deal) for record in records if direct[record.id] is None}
    deals = mirror.find(conn, ws.id, deal, sorted({one for one in via.values() if one}))
    found = {record_id: one for record_id, one in direct.items() if one is not None}
    for record_id, deal_id in via.items():
        parent = deals.get(deal_id) if deal_id else None
        if parent is not None and parent.account_id is not None:
            found[record_id] = parent.account_id
    return found


def _learn_usage_names(conn: Connection, ws: Workspace, records: Sequence[CrmRecord]) -> None:
    """Keep by which name the product speaks of each account (else the CRM's id), so that usage finds it."""
    binding = ws.inbound.crm.reads.account.fields.attributes.get(USAGE_REF)
    field = binding.field if binding and binding.field else ""
    names = {record.values.get(field) or record.id: record.id for record in records}
    identity.bind(conn, ws.id, USAGE_REF_KEY, names)


def _linked(record: CrmRecord, object_name: str) -> str | None:
    return next((link.id for link in record.links if link.object == object_name), None)


def _move_lines(
    conn: Connection, ws: Workspace, change: MirrorChange, accounts: dict[str, str]
) -> Iterable[str]:
    """Hang the lines of moved deals under the deals' new accounts; return the accounts touched."""
    lines = ws.inbound.crm.reads.contract_line
    if lines.source != "line_item" or len(change.touched_accounts) < len(("former", "new")):
        return ()
    moved = {record_id for _, record_id in change.changed}
    held = mirror.current(conn, ws.id, lines.object, change.touched_accounts)
    targets = {
        line.source_id: accounts.get(link.id)
        for line in held
        for link in line.links
        if link.object == lines.parent and link.id in moved and accounts.get(link.id) != line.account_id
    }
    return mirror.rehang(conn, ws.id, ws.now(), lines.object, targets).touched_accounts if targets else ()
