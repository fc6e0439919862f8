"""Both sides of the comparison as plain values: what the replay wants, and what a sandbox dumps.

The dump is the sandbox's own, not read by the product. Neighbours: ``replay`` leaves what is wanted,
``comparing`` compares.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mappings.catalogue import OWN_OBJECTS
from mappings.naming import key_field, vendor_name
from success.desired import RecordKind
from sync.chaos.comparing import Standing, Wanted
from sync.demo.crm import HUBSPOT, Crm, values_of
from sync.workspace import Workspace

DEAL_THING = ("kind", "due_on", "product")


def wanted_of(path: Path) -> list[Wanted]:
    """Return what the replay wants, as it left it."""
    return [
        Wanted(
            one["object"],
            one["key"],
            one["desired"],
            one["record_id"],
            tuple(parent[1] for parent in one["parents"]),
            tuple((parent[0], parent[1]) for parent in one["parent_keys"]),
        )
        for one in json.loads(path.read_text("utf-8"))
        if one["state"] != "tombstone"
    ]


def standing_of(crm: Crm, ws: Workspace, theirs: Collection[str]) -> list[Standing]:
    """Return what stands of ours in a CRM; ``theirs`` are the deals that people made."""
    found: list[Standing] = []
    for kind in OWN_OBJECTS:
        found += _records(crm, vendor_name(kind.value, crm.vendor), crm.own_object(ws, kind), kind)
    account, deal = ws.inbound.crm.reads.account.object, ws.inbound.crm.reads.deal.object
    accounts = [
        Standing(account, _id(crm, one), None, texts(one), linked(one)) for one in _live(crm, account)
    ]
    alive = {one.id for one in accounts}
    deals = [
        replace(one, orphaned=not one.linked & alive)
        for one in _records(crm, deal, deal, RecordKind.RENEWAL)
        if one.key or one.id not in theirs
    ]
    return [*found, *accounts, *deals]


def _id(crm: Crm, record: Mapping[str, Any]) -> str:
    return str(record["id"] if crm.vendor == HUBSPOT else record["Id"])


def _records(crm: Crm, name: str, held_as: str, kind: RecordKind) -> Iterator[Standing]:
    """Yield the live records of an object; the ledger says ``name`` where the CRM says ``held_as``."""
    for one in _live(crm, held_as):
        values = texts(one)
        key = values.get(key_field(crm.vendor)) or None
        yield Standing(name, _id(crm, one), key, values, linked(one), _thing(crm, kind, one, values))


def _live(crm: Crm, name: str) -> Iterator[Mapping[str, Any]]:
    for one in crm.control.records(name):
        if not one.get("IsDeleted") and not one.get("archived"):
            yield one


def texts(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a dumped record's values as texts: what the vendors type, told as the ledger tells it."""
    return {
        name: None if value is None else str(value)
        for name, value in values_of(record).items()
        if not isinstance(value, (dict, list))
    }


def linked(record: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids a record names: its associations in HubSpot, its fields in Salesforce."""
    ends = record.get("associations") or {}
    ids = {str(one["id"]) for links in ends.values() for one in links["results"]}
    if "properties" not in record:
        ids |= {value for name, value in record.items() if isinstance(value, str) and name != "Id"}
    return frozenset(ids)


def _account_of(crm: Crm, record: Mapping[str, Any]) -> str | None:
    if crm.vendor == HUBSPOT:
        ends = (record.get("associations") or {}).get("companies", {"results": []})["results"]
        return min((str(one["id"]) for one in ends), default=None)
    for name in ("AccountId", "CS_Account__c", "Account__c"):
        if record.get(name):
            return str(record[name])
    return None


def _thing(
    crm: Crm, kind: RecordKind, record: Mapping[str, Any], values: Mapping[str, str | None]
) -> tuple[str, ...] | None:
    """Return what a record of ours is about; ``None`` where it hangs under nobody, or under another."""
    account = _account_of(crm, record)
    if account is None:
        return None
    if kind is RecordKind.PROFILE:
        return ("profile", account)
    if kind is RecordKind.PLAN:
        return ("plan", account, str(values.get(vendor_name("template", crm.vendor))))
    if kind is RecordKind.RENEWAL:
        name = values.get("dealname" if crm.vendor == HUBSPOT else "Name")
        return (
            "deal",
            account,
            str(name),
            *(str(values.get(vendor_name(one, crm.vendor))) for one in DEAL_THING),
        )
    return None
