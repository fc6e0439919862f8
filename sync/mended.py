"""Blocked writes tried again, because an admin says that what stood against them is mended.

Nothing that the CRM refused, or that people or automations insisted on, is written again by itself; this
is the other way than a change of what is wanted. Neighbours: ``push`` blocks and writes,
``insistence`` remembers what was written over before, which is forgotten here.
"""

from __future__ import annotations

from sync.insistence import INSISTED, REWRITTEN
from sync.state import findings, ledger, ledger_blocks
from sync.state.engine import writing
from sync.workspace import Workspace


def retry_blocked(ws: Workspace, object_name: str | None = None) -> int:
    """Have the next push write blocked rows again, of one object or of all, or take back; return how many.

    What waits for a blocked parent goes with it. A field that is changed again afterwards is written over
    once, as if it had never been.
    """
    with writing(ws.runtime.engine) as conn:
        refused = ledger.blocked(conn, ws.id, limit=None)
        rows = [row for row in refused if object_name in (None, row.object)]
        names = {f"{row.object}/{row.key}" for row in rows}
        for kind in (REWRITTEN, INSISTED):
            told = [one.subject for one in findings.open_findings(conn, ws.id, kind)]
            ended = [subject for subject in told if subject.rpartition("/")[0] in names]
            findings.resolve(conn, ws.id, ws.now(), kind, ended)
        by_object: dict[str, list[str]] = {}
        for row in rows:
            by_object.setdefault(row.object, []).append(row.key)
        ledger.hasten(conn, ws.id, ledger.PARENT)
        return sum(
            again(conn, ws.id, name, keys)
            for name, keys in by_object.items()
            for again in (ledger.reopen, ledger_blocks.hasten)
        )
