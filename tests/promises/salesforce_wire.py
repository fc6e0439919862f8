"""Salesforce on the wire (REST API guide: sObject Collections, Composite), as a ``Wire``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.promises.listening_between import Exchange
from tests.promises.wires import Dump, Ids

KEY = "CS_Key__c"
COLLECTIONS = "/composite/sobjects"
REST = {"path_contains": "/services/data/v"}
COMPOSITE = {"method": "POST", "path_contains": "/composite"}
COLLECTION = {"method": "PATCH", "path_contains": COLLECTIONS}
# Salesforce's own ids, and when it or anybody wrote.
NOT_COMPARED = {
    "Id", "attributes", "CreatedDate", "LastModifiedDate", "SystemModstamp", "LastActivityDate",
    "LastViewedDate", "LastReferencedDate", "LastStageChangeDate",
}  # fmt: skip
COMPARED = (
    "Account", "Contact", "Opportunity", "OpportunityLineItem", "Case", "Task", "User", "Product2",
    "PricebookEntry", "CS_Profile__c", "CS_Plan__c", "CS_Milestone__c", "CS_Snapshot__c",
)  # fmt: skip


class SalesforceWire:
    """Salesforce as a ``Wire``."""

    vendor = "salesforce"
    options: tuple[str, ...] = ()
    credentials = ""
    accounts, account_name = "Account", "Name"
    rounds = 8  # an org is asked so rarely that fewer would not meet every fault
    links_travel_along = True
    faults: tuple[dict[str, Any], ...] = (
        {"kind": "session_expired", "match": REST},
        {"kind": "concurrent", "match": REST},
        {"kind": "metering", "match": REST},
        {"kind": "locked", "match": COLLECTION},
        {"kind": "locked_rows", "match": COLLECTION},
        {"kind": "not_acceptable"},
        {"kind": "setting_up"},
        {"kind": "too_many"},
        {"kind": "status", "status": 500},
        {"kind": "unavailable"},
        {"kind": "html"},
        {"kind": "reset"},
        {"kind": "status", "status": 200, "body": "a page that is no JSON"},
        {"kind": "drop_response"},
        {"kind": "drop_response", "match": COMPOSITE},
        {"kind": "drop_response", "match": COLLECTION},
    )
    """Every refusal that is known to pass (reference 1.5), and what networks do.

    The last three lose the answer after the work was done.
    """

    def writes(self, path: str, body: Any) -> bool:
        """See ``Wire``."""
        return any(True for _ in _requests(path, body))

    def takes(self, one: Exchange) -> bool:
        """See ``Wire``."""
        return any(result.get("success") for _, result in _pairs(one))

    def sent(self, one: Exchange, ids: Ids) -> Iterator[tuple[str, str, str]]:
        """See ``Wire``."""
        for _, records in _requests(one.path, one.body):
            for raw in records:
                yield from _values(raw, ids)

    def taken(self, one: Exchange, ids: Ids) -> Iterator[tuple[str, str, str]]:
        """See ``Wire``."""
        for raw, result in _pairs(one):
            if result.get("success"):
                yield from _values(raw, ids)

    def ids(self, dump: Dump) -> dict[str, str]:
        """See ``Wire``."""
        return {
            f"{name}/{one[KEY]}": one["Id"] for name, rows in dump.items() for one in rows if one.get(KEY)
        }

    def settled(self, dump: Dump) -> dict[str, list[str]]:
        """See ``Wire``; the objects people work in, ours among them, deleted rows too."""
        names = {record_id: key for key, record_id in self.ids(dump).items()}
        return {
            name: sorted(json.dumps(_plain(one, names), sort_keys=True) for one in dump[name])
            for name in COMPARED
            if name in dump
        }


def _requests(path: str, body: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (place in a composite or empty, records) of each request that writes a collection."""
    if COLLECTIONS in path and isinstance(body, dict) and "records" in body:
        yield "", body["records"]
    if path.endswith("/composite") and isinstance(body, dict):
        for part in body["compositeRequest"]:
            if COLLECTIONS in part["url"] and part["method"] in ("POST", "PATCH"):
                yield part["referenceId"], part["body"]["records"]


def _pairs(one: Exchange) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each record sent with what its answer says of it; a refused request has answers for none."""
    for place, records in _requests(one.path, one.body):
        answer = one.answer
        if place:
            parts = answer.get("compositeResponse", []) if isinstance(answer, dict) else []
            answer = next((part["body"] for part in parts if part["referenceId"] == place), None)
        if isinstance(answer, list) and len(answer) == len(records):
            yield from ((raw, told) for raw, told in zip(records, answer, strict=True) if "success" in told)


def _values(raw: Mapping[str, Any], ids: Ids) -> Iterator[tuple[str, str, str]]:
    object_name = raw["attributes"]["type"]
    record = raw["Id"] if "Id" in raw else ids[f"{object_name}/{raw[KEY]}"]
    for field, value in raw.items():
        if field in ("attributes", "Id", KEY):
            continue
        if isinstance(value, dict):
            yield record, f"link to {field}", str(value[KEY])
        elif field in ("AccountId", "CS_Account__c", "CS_Plan__c", "CS_Profile__c"):
            yield record, f"link to {field}", str(value)
        else:
            yield record, field, "" if value is None else str(value)


def _plain(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: names.get(value, value) if isinstance(value, str) else value
        for name, value in row.items()
        if name not in NOT_COMPARED
    }
