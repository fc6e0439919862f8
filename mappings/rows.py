"""All rows of one account: what its records become, with one row for the account's own record; pure.

A look enters these in the ledger. The CRM's record of an account is one row however many of our
records stand on it: one write, and one line of the ledger that says whose it is.
Neighbours: ``outbound`` makes the rows of each record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mappings.bindings import Ownership
from mappings.catalogue import Home
from mappings.charter import Charter
from mappings.homes import OBJECTS, Homes
from mappings.outbound import VendorWrite, fields_on_account, ownership, to_rows
from success.desired import DesiredRecord, RecordKind

Sourced = tuple[DesiredRecord, VendorWrite]


def rows_of_account(
    records: Sequence[DesiredRecord],
    charter: Charter,
    vendor: str,
    *,
    owner_id: str | None = None,
    homes: Homes = OBJECTS,
) -> tuple[Sourced, ...]:
    """Return the rows of all the records of one account, each with the record it comes from.

    Of several plans the account shows the one that is active and began last; where a plan would
    stand on it and there is none, its fields are emptied. ``owner_id`` as in ``to_rows``.
    """
    hidden = _hidden_plans(records) if homes.of[RecordKind.PLAN] is Home.ACCOUNT else ()
    rows: list[Sourced] = []
    on_account: list[Sourced] = []
    for record in records:
        if record in hidden:
            continue
        for row in to_rows(record, charter, vendor, owner_id=owner_id, homes=homes):
            (rows if row.record_id is None else on_account).append((record, row))
    empty = dict.fromkeys(_plan_fields(charter, vendor, homes))
    return (*rows, *_one_row(records, on_account, empty))


def _hidden_plans(records: Sequence[DesiredRecord]) -> list[DesiredRecord]:
    """Return every plan but the one to be shown."""
    plans = sorted((one for one in records if one.kind is RecordKind.PLAN), key=_freshness)
    return plans[:-1]


def _freshness(plan: DesiredRecord) -> tuple[bool, str, str]:
    return plan.fields.get("status") == "active", str(plan.fields.get("starts_on") or ""), plan.key


def _plan_fields(charter: Charter, vendor: str, homes: Homes) -> Iterator[str]:
    """Yield the names of the plan's fields of ours on the account."""
    crm, plan = charter.crm_for(vendor), RecordKind.PLAN
    for entry, name, _ in fields_on_account(plan, charter, vendor, homes):
        if ownership(plan, entry.name, crm) is not Ownership.HUMAN:
            yield name


def _one_row(
    records: Sequence[DesiredRecord], on_account: Sequence[Sourced], empty: dict[str, None]
) -> Iterator[Sourced]:
    """Yield what stands on the account as one row, under the profile's key: every account has one."""
    if not on_account:
        return
    profiles = [record for record in records if record.kind is RecordKind.PROFILE]
    source, first = (profiles or [on_account[0][0]])[0], on_account[0][1]
    ours = {**empty, **{name: text for _, row in on_account for name, text in row.ours.items()}}
    parents = tuple(pair for _, row in on_account for pair in row.parent_keys)
    yield source, replace(first, key=source.key, ours=ours, parent_keys=parents)
