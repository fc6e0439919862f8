"""What a run leaves in its home for whoever checks it, as the sandboxes tell it: JSON, one file per CRM.

``requests-<vendor>.json``: every vendor request up to the end of the first run;
``counts-<vendor>.json``: the sandbox's rows by object before we came and after the first run;
``dump-<vendor>.json``: our records, our deals and the accounts (without links) as they stand at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mappings.catalogue import OWN_OBJECTS
from success.desired import RecordKind
from sync.demo.crm import Crm, values_of
from sync.workspace import Workspace


def keep_first_run(crm: Crm, home: Path) -> None:
    """Write the requests (those after ``installed_at`` are the run's own) and the rows by object."""
    requests = {"installed_at": crm.mark, "requests": crm.control.requests()}
    counts = {"loaded": crm.loaded, "after_first_run": crm.control.counts()}
    _write(home / f"requests-{crm.vendor}.json", requests)
    _write(home / f"counts-{crm.vendor}.json", counts)


def keep_end(crm: Crm, ws: Workspace, home: Path) -> None:
    """Write what stands in the CRM: by kind, each record's fields that hold something, and its links."""
    own: dict[RecordKind, str] = {kind: crm.own_object(ws, kind) for kind in OWN_OBJECTS}
    dump = {kind.value: _records(crm.control.records(name)) for kind, name in own.items()}
    accounts = crm.control.records(ws.inbound.crm.reads.account.object)
    dump["account"] = _records({**one, "associations": None} for one in accounts)
    dump["deal"] = _records(crm.made_deals(ws))
    _write(home / f"dump-{crm.vendor}.json", dump)


def _records(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "values": {name: value for name, value in values_of(one).items() if value not in (None, "")},
            "links": _links(one),
        }
        for one in records
    ]


def _links(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what a HubSpot record is associated with; in Salesforce links are fields."""
    found = record.get("associations") or {}
    return {name: sorted({one["id"] for one in links["results"]}) for name, links in found.items()}


def _write(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1, sort_keys=True), encoding="utf-8")
