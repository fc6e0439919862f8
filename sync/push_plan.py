"""What each claimed row needs: compared three ways, under the record and the parents known by now.

Neighbours: ``push`` claims rows and sends what is planned here, ``settle`` asks what became of lost
answers, ``mappings.diff`` compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from integration.port import CrmRecord, FieldValues, Link, WriteRow
from mappings.bindings import DuplicatePolicy
from mappings.deal_lines import line_object
from mappings.diff import FieldChanges, Observed, changed_fields
from sync.insistence import sight
from sync.settle import may_still_land, settled
from sync.state import ledger
from sync.state.engine import reading
from sync.state.ledger import LedgerRow
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Plan:
    """What one claimed row needs: the fields to send, under the record id known by now."""

    row: LedgerRow
    record_id: str | None
    changes: FieldChanges
    parents: tuple[Link, ...]
    keyless: bool = False
    allow_duplicate: bool = False
    bound: bool = False
    """The record was made under its parents for good: their links are no matter of a later write."""

    @property
    def creates(self) -> bool:
        """Return whether the record is not known to exist."""
        return self.record_id is None


def plan_rows(
    ws: Workspace, object_name: str, rows: Sequence[LedgerRow]
) -> tuple[list[Plan], list[LedgerRow], list[LedgerRow]]:
    """Return what each row needs, the rows whose parent is not written yet, and those still in the air."""
    found = settled(ws, object_name, rows)
    keyless = not ws.homes.has_unique_key(object_name)
    bound = object_name == line_object(ws.inbound.crm)
    lenient = ws.charter.crm_for(ws.vendor).writes.duplicates is DuplicatePolicy.ALLOW
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
        changes = changed_fields(row.desired, seen_rows.acknowledged(row), seen)
        plans.append(Plan(row, record_id, changes, links, keyless, lenient, bound))
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


def needs_a_call(plan: Plan) -> bool:
    """Return whether something of the row does not stand in the CRM yet."""
    return plan.creates or bool(plan.changes.write) or _links_unwritten(plan)


def goes_by_key(plan: Plan) -> bool:
    """Return whether the row is written by its key, which also makes its links."""
    return plan.creates or _links_unwritten(plan)


def _links_unwritten(plan: Plan) -> bool:
    """Say whether a record that exists may still lack its parents: no write of it was ever acknowledged.

    One without a unique key was made together with its links, and so is a deal's line.
    """
    return not (plan.keyless or plan.bound) and plan.row.acknowledged is None and bool(plan.parents)


def write_row(plan: Plan) -> WriteRow:
    """Return what is sent: the seed only on creation, our fields whole or just those that differ.

    Links are made once: a deal that people have moved to another account stays there.
    """
    row = plan.row
    values: FieldValues = {**row.seed, **plan.changes.write} if plan.creates else plan.changes.write
    return WriteRow(
        row.key,
        values,
        plan.parents,
        record_id=plan.record_id,
        allow_duplicate=plan.allow_duplicate,
        linked=not goes_by_key(plan),
    )
