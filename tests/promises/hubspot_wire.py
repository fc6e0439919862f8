"""HubSpot on the wire (pages "Objects", "Associate records" and "Error handling"), as a ``Wire``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from tests.promises.listening_between import Exchange
from tests.promises.wires import Dump, Ids

WRITES = ("/batch/upsert", "/batch/update", "/batch/create", "/batch/associate/default")
OF_RECORDS = ("/crm/objects/", "/crm/associations/")
# What differs between two portals that hold the same: HubSpot's own ids, and when it wrote.
NOT_COMPARED = {
    "hs_object_id", "createdate", "hs_createdate", "hs_lastmodifieddate", "lastmodifieddate",
    "days_to_close", "hs_updated_by_user_id",
}  # fmt: skip
PLACES = ("id", "createdAt", "updatedAt", "url")


class HubSpotWire:
    """HubSpot as a ``Wire``."""

    vendor = "hubspot"
    options = ("--index-lag-seconds", "0")
    credentials = "oauth"
    accounts, account_name = "companies", "name"
    rounds = 4
    links_travel_along = False
    faults: tuple[dict[str, Any], ...] = (
        {"kind": "locked"},
        {"kind": "migrating"},
        {"kind": "unavailable"},
        {"kind": "status", "status": 500},
        {"kind": "gateway_timeout"},
        {"kind": "html"},
        {"kind": "edge_timeout"},
        {"kind": "limit_ten_secondly_rolling", "headers": {"Retry-After": "1"}},  # else 10 s, really waited
        {"kind": "limit_secondly"},
        {"kind": "limit_daily"},
        {"kind": "reset"},
        {"kind": "status", "status": 200, "body": "a page that is no JSON"},
        {"kind": "drop_response"},
        {"kind": "drop_response", "match": {"path_contains": "/batch/up"}},
        {"kind": "drop_response", "match": {"path_contains": "/batch/associate"}},
    )
    """Everything the "Error handling" page tells to try again, and what networks do.

    The last three lose the answer after the work was done; two of them to writes and to links.
    """

    def writes(self, path: str, body: Any) -> bool:
        """See ``Wire``."""
        del body
        return path.startswith(OF_RECORDS) and path.endswith(WRITES)

    def takes(self, one: Exchange) -> bool:
        """See ``Wire``."""
        return isinstance(one.answer, dict) and "results" in one.answer

    def sent(self, one: Exchange, ids: Ids) -> Iterator[tuple[str, str, str]]:
        """See ``Wire``."""
        for raw in one.body["inputs"]:
            if "from" in raw:
                yield raw["from"]["id"], f"link to {raw['to']['id']}", "linked"
                continue
            record = _record(one, raw, ids)
            for field, value in raw["properties"].items():
                yield record, field, value

    def taken(self, one: Exchange, ids: Ids) -> Iterator[tuple[str, str, str]]:
        """See ``Wire``."""
        results = one.answer["results"]
        if "from" in one.body["inputs"][0]:
            made = {_ends(raw) for raw in results}
            yield from (
                sent for sent in self.sent(one, ids) if (sent[0], sent[1].removeprefix("link to ")) in made
            )
            return
        traces = {raw["objectWriteTraceId"] for raw in results}
        for raw in one.body["inputs"]:
            if raw["objectWriteTraceId"] in traces:
                record = _record(one, raw, ids)
                yield from ((record, field, value) for field, value in raw["properties"].items())

    def ids(self, dump: Dump) -> dict[str, str]:
        """See ``Wire``."""
        return {
            f"{name}/{one['properties']['cs_key']}": one["id"]
            for name, records in dump.items()
            for one in records
            if one["properties"].get("cs_key")
        }

    def settled(self, dump: Dump) -> dict[str, list[str]]:
        """See ``Wire``; every object there is."""
        names = {record_id: key for key, record_id in self.ids(dump).items()}
        return {
            object_name: sorted(json.dumps(_plain(one, names), sort_keys=True) for one in records)
            for object_name, records in dump.items()
        }


def _plain(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    whole = {key: value for key, value in deepcopy(dict(record)).items() if key not in PLACES}
    whole["properties"] = {
        name: value for name, value in record["properties"].items() if name not in NOT_COMPARED
    }
    whole["associations"] = {
        other: sorted((names.get(end["id"], end["id"]), end["type"]) for end in ends["results"])
        for other, ends in (record.get("associations") or {}).items()
    }
    return whole


def _ends(made: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ids of a link an answer names: a labelled one is told by flat keys, a default one not."""
    if "fromObjectId" in made:
        return str(made["fromObjectId"]), str(made["toObjectId"])
    return made["from"]["id"], made["to"]["id"]


def _record(one: Exchange, raw: Mapping[str, Any], ids: Ids) -> str:
    """Return the id of the record an input means: given itself, or by its key."""
    object_name = one.path.split("/")[4]
    return ids[f"{object_name}/{raw['id']}"] if raw.get("idProperty") else raw["id"]
