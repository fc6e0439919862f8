"""History: the past the CRM kept of accounts, deals and contract lines, into the mirror.

Once, after the first load, for backtests: what the CRM knew on a day before we came. It asks for as many
records at once as the CRM gives in a call, in the lane that stops first, and goes on where it was stopped.
Neighbours: ``commands/syncing.py`` starts it, ``state.mirror_past`` keeps, ``integration.history`` asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from integration.budget import Lane, calling_in
from integration.history import HistoryPort
from integration.port import ReadQuery
from mappings.inbound import read_queries
from mappings.naming import key_field
from sync.bury import by_age
from sync.pull import Progress, quiet
from sync.state import cursors, mirror
from sync.state.cursors import Cursor, Phase
from sync.state.engine import reading, writing
from sync.state.mirror_past import store_past
from sync.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was read of the past: records asked for, older versions kept."""

    records: int = 0
    versions: int = 0


def read_history(ws: Workspace, progress: Progress = quiet) -> Remembered:
    """Read the past of every record held that has not been read before; return what was done.

    Nothing is asked of a CRM that gives no history. Raises RateLimited once others need the day's calls:
    the next time it goes on there.
    """
    total = Remembered()
    if not isinstance(ws.port, HistoryPort):
        return total
    with calling_in(Lane.BACKFILL):
        for query in _queries(ws):
            for batch in _waiting(ws, query.object, ws.port.history_rows):
                kept = _keep_batch(ws, ws.port, query, batch)
                total = Remembered(total.records + len(batch), total.versions + kept)
                progress(query.object, len(batch))
            _enter(ws, query.object, None)
    return total


def _queries(ws: Workspace) -> list[ReadQuery]:
    """Return what is asked: the customer's fields of accounts, deals and lines, and which deals are ours."""
    reads = ws.inbound.crm.reads
    wanted = (reads.account.object, reads.deal.object, reads.contract_line.object)
    found = {
        one.object: ws.inbound.marked(one) for one in read_queries(ws.charter, ws.vendor, installed=False)
    }
    deals = found[reads.deal.object]
    found[deals.object] = replace(deals, fields=(*deals.fields, key_field(ws.vendor)))
    return [found[name] for name in dict.fromkeys(wanted)]


def _waiting(ws: Workspace, object_name: str, batch_rows: int) -> list[list[str]]:
    """Return the ids not read yet, the oldest records first; none once all were."""
    with reading(ws.runtime.engine) as conn:
        place = cursors.get(conn, ws.id, _cursor(object_name))
        ids = by_age(mirror.live_ids(conn, ws.id, object_name))
    if place is not None and place.position is None:
        return []
    if place is not None and place.position is not None:
        done = by_age([*ids, place.position]).index(place.position)
        ids = [one for one in ids[done:] if one != place.position]
    return [ids[start : start + batch_rows] for start in range(0, len(ids), batch_rows)]


def _keep_batch(ws: Workspace, port: HistoryPort, query: ReadQuery, batch: Sequence[str]) -> int:
    past = {one.id: list(one.versions()) for one in port.history(query.object, batch, query.fields)}
    with writing(ws.runtime.engine) as conn:
        heads = mirror.find(conn, ws.id, query.object, batch)
        kept = store_past(conn, ws.id, ws.now(), heads, past)
        cursors.put(conn, ws.id, ws.now(), replace(_place(ws, query.object), position=batch[-1]))
    return kept


def _enter(ws: Workspace, object_name: str, position: str | None) -> None:
    with writing(ws.runtime.engine) as conn:
        cursors.put(conn, ws.id, ws.now(), replace(_place(ws, object_name), position=position))


def _place(ws: Workspace, object_name: str) -> Cursor:
    return Cursor(_cursor(object_name), Phase.INCREMENTAL, None, ws.now())


def _cursor(object_name: str) -> str:
    return f"history {object_name}"
