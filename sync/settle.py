"""What became of writes whose answer was lost: asked of the CRM before anything is made again.

With a unique key the CRM is asked by it. Without one (native tasks, deals of a portal with no
unique property left) the ledger alone knows which record is ours; until it does, the record is
looked for among its parents' children, by the key it carries in plain sight.
Neighbours: ``push`` asks for each claim; ``mappings.tasks`` says where a task carries its key.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from integration.port import CrmRecord, KeylessPort
from mappings.naming import key_field
from mappings.tasks import key_holder, known_key
from sync.state.ledger import LedgerRow
from sync.workspace import Workspace

LANDS_WITHIN = timedelta(minutes=20)
"""How long after its mark a create may still be done: a record not there by then does not come any more.

The transport waits for room and tries again after a clear refusal, six times and a minute of sleep at
most, and HubSpot ends a call after 100 s (page "Error handling", status 524): 6 x (60 + 100) + 60 s.
"""

log = logging.getLogger(__name__)


def settled(ws: Workspace, object_name: str, rows: Sequence[LedgerRow]) -> dict[str, CrmRecord]:
    """Return, by key, the records that stand in the CRM of rows sent without an answer and without an id."""
    lost = [row for row in rows if row.uncertain and row.record_id is None]
    if not lost:
        return {}
    fields = sorted({name for row in lost for name in row.desired})
    if ws.homes.has_unique_key(object_name):
        return ws.port.find(object_name, key_field(ws.vendor), [row.key for row in lost], fields)
    return _among_children(ws, object_name, lost, fields)


def may_still_land(ws: Workspace, row: LedgerRow) -> bool:
    """Say whether a create without an answer may still be done: made again now, it might stand twice."""
    unanswered = row.uncertain and row.record_id is None and row.sent_at is not None
    keyless = not ws.homes.has_unique_key(row.object)
    return keyless and unanswered and row.sent_at is not None and ws.now() < row.sent_at + LANDS_WITHIN


def keyless_port(ws: Workspace) -> KeylessPort:
    """Return the CRM as one that makes records without a key. Raises TypeError where it does not."""
    port = ws.port
    if not isinstance(port, KeylessPort):
        raise TypeError(f"{ws.vendor} makes no record without a key")
    return port


def _among_children(
    ws: Workspace, object_name: str, lost: Sequence[LedgerRow], fields: Sequence[str]
) -> dict[str, CrmRecord]:
    key = key_field(ws.vendor)
    asked = list(dict.fromkeys([*fields, key_holder(object_name, key)]))
    parents = [link for row in lost for link in row.parents]
    wanted = {row.key for row in lost}
    found: dict[str, CrmRecord] = {}
    for record in keyless_port(ws).children(object_name, parents, asked):
        name = known_key(object_name, record.values, key)
        if name not in wanted:
            continue
        if name in found:
            log.warning("%s %s of %s also stands as %s", object_name, name, ws.id, record.id)
        found.setdefault(name, record)
    return found
