"""Keep: records just read, into the mirror; and records named, read again.

A version is stored and the touched accounts marked dirty in the caller's transaction. Our own objects
are kept beside the customer's: what people edit there is drift, and no fact, so no account is marked,
unless it is what they fill in for us.
Neighbours: ``pull`` reads by page, ``drain`` and ``follow`` what was hinted at, ``look`` reads the mirror.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from integration.port import CrmRecord, ReadQuery, Signal, SignalKind
from integration.record_ids import name_of_account
from mappings.human_fields import spoken_for, without_idle_author
from mappings.inbound import read_queries
from sync import drift
from sync.admission import admitted
from sync.bury import bury
from sync.state import dirty, identity, ledger, mirror
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.ledger import WriteState
from sync.state.mirror import MirrorChange, MirrorRecord, StoredRecord
from sync.usage_identity import USAGE_REF, learn
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did, by rows: read from the CRM, new versions kept, accounts marked."""

    read: int = 0
    changed: int = 0
    marked: int = 0

    def plus(self, other: Pulled) -> Pulled:
        """Return the sum of both."""
        return Pulled(self.read + other.read, self.changed + other.changed, self.marked + other.marked)


def refresh(
    ws: Workspace, object_name: str, ids: Sequence[str], *, restored: bool = False
) -> tuple[Pulled, frozenset[str]]:
    """Read the named records again; return what was done and the ids the CRM did not give.

    A record may be missing because it is gone, or because it was made a moment ago and
    cannot be read yet: the caller knows which. With ``restored`` a record held as deleted is alive
    again whatever its own time says: no CRM promises to move it with a restore.
    """
    queries = [*in_reading_order(ws), *own_objects(ws).values()]
    query = next((one for one in queries if one.object == object_name), None)
    if query is None or not ids:
        return Pulled(), frozenset()
    wanted = sorted(set(ids))
    records = ws.port.read(object_name, wanted, query.fields, query.link_to)
    _read_unknown_deals(ws, records)
    merges = follow_merges(ws, records)
    with writing(ws.runtime.engine) as conn:
        pulled = keep(conn, ws, _later_than_deleted(conn, ws, records) if restored else records)
        bury(conn, ws, merges)
    return pulled, frozenset(wanted) - {record.id for record in records}


def follow_merges(ws: Workspace, records: Sequence[CrmRecord]) -> list[Signal]:
    """Read what hung under records that have become another, as ``records`` say; return what is to be buried.

    Some CRMs name the losers on the survivor (HubSpot), others the survivor on the loser (Salesforce). The
    caller buries in the transaction that keeps the records: until then a crash finds them again.
    """
    told = [(one.source_at, one.id, merged) for one in records for merged in one.merged_ids]
    told += [(one.source_at, one.merged_into, one.id) for one in records if one.merged_into]
    if not told:
        return []
    object_name = records[0].object
    alive = _alive(ws, object_name, {loser for _, _, loser in told})
    losers: dict[tuple[datetime, str], list[str]] = {}
    for at, survivor, loser in sorted(told):
        if loser in alive:
            losers.setdefault((at, survivor), []).append(loser)
    signals = [
        Signal(object_name, survivor, SignalKind.MERGED, at, tuple(ids))
        for (at, survivor), ids in losers.items()
    ]
    for name, ids in inherited(ws, signals).items():
        refresh(ws, name, ids)
    return signals


def deletions(ws: Workspace, records: Sequence[CrmRecord]) -> list[Signal]:
    """Return what is to be buried of ``records``: those in the CRM's recycle bin that live on here."""
    binned = {one.id: one for one in records if one.archived and not one.merged_into}
    if not binned:
        return []
    object_name = records[0].object
    return [
        Signal(object_name, one, SignalKind.DELETED, binned[one].source_at)
        for one in sorted(_alive(ws, object_name, binned.keys()))
    ]


def _alive(ws: Workspace, object_name: str, ids: Collection[str]) -> set[str]:
    """Return those of ``ids`` that live on in the mirror, or in the ledger as records of ours."""
    with reading(ws.runtime.engine) as conn:
        held = mirror.find(conn, ws.id, object_name, sorted(ids))
        ours = ledger.by_record(conn, ws.id, object_name, sorted(ids))
    alive = {one for one, stored in held.items() if not stored.deleted}
    return alive | {one for one, row in ours.items() if row.state is not WriteState.TOMBSTONE}


def inherited(ws: Workspace, signals: Sequence[Signal]) -> dict[str, list[str]]:
    """Return what hung under records merged away, by object: the CRM moved it and tells of none of it.

    Deals, tickets, survey answers and own contract lines of accounts; a deal's lines.
    """
    reads = ws.inbound.crm.reads
    merged = {
        name: {one for signal in signals if signal.object == name for one in signal.merged_ids}
        for name in (reads.account.object, reads.deal.object)
    }
    children = [reads.deal.object, *(one.object for one in (reads.ticket, reads.survey) if one)]
    children += [reads.contract_line.object] if reads.contract_line.on_account else []
    found: dict[str, list[str]] = {}
    with reading(ws.runtime.engine) as conn:
        if accounts := merged[reads.account.object]:
            for name in children:
                found[name] = [one.source_id for one in mirror.current(conn, ws.id, name, accounts)]
        if deals := merged[reads.deal.object]:
            found[reads.contract_line.object] = _lines_of(conn, ws, sorted(deals))
    return {name: ids for name, ids in found.items() if ids}


def _lines_of(conn: Connection, ws: Workspace, deals: Sequence[str]) -> list[str]:
    lines, deal = ws.inbound.crm.reads.contract_line, ws.inbound.crm.reads.deal.object
    if lines.source != "line_item":
        return []
    held = mirror.find(conn, ws.id, deal, deals)
    accounts = {one.account_id for one in held.values() if one.account_id is not None}
    return [
        line.source_id
        for line in mirror.current(conn, ws.id, lines.object, accounts)
        if any(link.object == deal and link.id in held for link in line.links)
    ]


def _later_than_deleted(conn: Connection, ws: Workspace, records: Sequence[CrmRecord]) -> list[CrmRecord]:
    held = mirror.find(conn, ws.id, records[0].object, [one.id for one in records]) if records else {}
    gone = {one.source_id: one.source_at for one in held.values() if one.deleted}
    return [replace(one, source_at=max(one.source_at, gone.get(one.id, one.source_at))) for one in records]


def _read_unknown_deals(ws: Workspace, records: Sequence[CrmRecord]) -> None:
    """Read the deals of lines that came before their deal: a line finds its account through it."""
    deal = ws.inbound.crm.reads.deal.object
    linked = {link.id for record in records for link in record.links if link.object == deal}
    with reading(ws.runtime.engine) as conn:
        unknown = linked - set(mirror.find(conn, ws.id, deal, sorted(linked)))
    refresh(ws, deal, sorted(unknown))


def keep(
    conn: Connection,
    ws: Workspace,
    records: Sequence[CrmRecord],
    reason: str = "changed",
    now: datetime | None = None,
) -> Pulled:
    """Store records of one object, come ``now``, and mark what they touch; return what was done."""
    if not records:
        return Pulled()
    now, object_name = now or ws.now(), records[0].object
    if object_name in own_objects(ws):
        return _keep_own(conn, ws, records, now)
    accounts = _accounts_of(conn, ws, records)
    rows = [mirror_record(without_idle_author(one, ws.vendor), accounts.get(one.id)) for one in records]
    change = mirror.store(conn, ws.id, now, admitted(conn, ws, rows))
    touched = set(change.touched_accounts)
    learn(conn, ws, object_name, [record_id for _, record_id in change.changed])
    if object_name == ws.inbound.crm.reads.account.object:
        _learn_usage_names(conn, ws, records)
    if object_name == ws.inbound.crm.reads.deal.object:
        touched.update(_move_lines(conn, ws, change, accounts, now))
    marked = dirty.mark(conn, ws.id, now, Scope.ACCOUNT, touched, f"{object_name} {reason}")
    # What was merged away is no deletion: ``bury`` says what of it goes on as the survivor's.
    drift.reopen_changed(conn, ws, object_name, [one.id for one in records if not one.merged_into])
    return Pulled(len(records), len(change.changed), marked)


def _keep_own(conn: Connection, ws: Workspace, records: Sequence[CrmRecord], now: datetime) -> Pulled:
    """Store records of ours; a field somebody changed is looked at by the next push.

    What people fill in on one is a fact of its account, which is marked.
    """
    crm, object_name = ws.inbound.crm, records[0].object
    rows = [
        mirror_record(without_idle_author(one, ws.vendor), spoken_for(one, crm, ws.vendor)) for one in records
    ]
    change = mirror.store(conn, ws.id, now, admitted(conn, ws, rows))
    reason = f"{object_name} filled in"
    marked = dirty.mark(conn, ws.id, now, Scope.ACCOUNT, change.touched_accounts, reason)
    drift.reopen_changed(conn, ws, object_name, [record.id for record in records])
    return Pulled(len(records), len(change.changed), marked)


def mirror_record(record: CrmRecord, account_id: str | None) -> MirrorRecord:
    """Return the record as the mirror keeps it, hung under its account."""
    return MirrorRecord.of(record, account_id)


def crm_record(stored: StoredRecord) -> CrmRecord:
    """Return a version of the mirror as the CRM's record it was."""
    return stored.as_crm()


def own_objects(ws: Workspace) -> dict[str, ReadQuery]:
    """Return how the objects of ours are read, by object; none before an install has made them."""
    return ws.own_reads


def in_reading_order(ws: Workspace) -> list[ReadQuery]:
    """Return the queries, parents first: a line finds its deal, a deal its account."""
    reads = ws.inbound.crm.reads
    first = [reads.account.object, reads.deal.object]
    queries = read_queries(ws.charter, ws.vendor, installed=True, homes=ws.homes)
    marked = [ws.inbound.marked(one) for one in queries]
    return sorted(marked, key=lambda one: first.index(one.object) if one.object in first else len(first))


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
    names = {
        name_of_account(ws.vendor, record.values.get(field) or record.id): record.id for record in records
    }
    identity.bind(conn, ws.id, identity.USAGE_REF_KEY, names)


def _linked(record: CrmRecord, object_name: str) -> str | None:
    return next((link.id for link in record.links if link.object == object_name), None)


def _move_lines(
    conn: Connection, ws: Workspace, change: MirrorChange, accounts: dict[str, str], now: datetime
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
    if not targets:
        return ()
    moved_lines = mirror.rehang(conn, ws.id, now, lines.object, targets)
    learn(conn, ws, lines.object, list(targets))
    return moved_lines.touched_accounts
