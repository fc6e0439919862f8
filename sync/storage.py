"""A CRM whose storage is full: what may wait does, what people work by is tried and fails loudly.

Profiles, renewals and expansions are core: refused, they are shown as blocked. Plans, milestones and
snapshots are not made until there is room; what stands is kept true, for an update needs none. The CRM is
asked at most every half hour; an open finding says that it is full and when it was asked last.
Neighbours: ``push`` asks here before it sends and after a refusal, ``push_enter`` enters the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from integration.port import Refusal, WriteResult
from integration.storage import MEGABYTE, Storage, StoringPort
from success.desired import RecordKind
from sync.push_plan import Plan
from sync.state import findings, ledger
from sync.state.engine import reading, writing
from sync.state.findings import Finding
from sync.state.ledger import LedgerRow
from sync.workspace import Workspace

STORAGE_FULL = "storage_full"
"""The kind of a finding: the CRM has no room for another record."""

SUBJECT = "data storage"
NO_ROOM = "NO_ROOM"
"""Our code of a row that waits for room; the CRM's own code and words are its message."""

ASK_EVERY = timedelta(minutes=30)
ENOUGH = MEGABYTE
"""Room from which on everything is tried again: the least a CRM shows."""

WAITING = frozenset({RecordKind.PLAN, RecordKind.MILESTONE, RecordKind.SNAPSHOT})
EFFECT = (
    "no plans, milestones and snapshots are made until there is room; new profiles, renewals and expansions "
    "are tried and shown as blocked"
)


def may_wait(row: LedgerRow) -> bool:
    """Return whether a record is one that waits for room."""
    return row.kind in WAITING


def next_asked(ws: Workspace) -> datetime | None:
    """Return when the CRM is asked next whether there is room; ``None`` while it is not known to be full."""
    found = _full(ws)
    return None if found is None else found.last_at + ASK_EVERY


def resume(ws: Workspace) -> None:
    """Ask a CRM that was full again once it is time; where there is room, have all that waits tried.

    What we may not see is found out by trying.
    """
    at = next_asked(ws)
    if at is None or ws.now() < at:
        return
    left = _left(ws)
    if left is not None and left.left < ENOUGH:
        _tell(ws, left)
        return
    with writing(ws.runtime.engine) as conn:
        findings.resolve(conn, ws.id, ws.now(), STORAGE_FULL, [SUBJECT])
        ledger.reopen_refused(conn, ws.id, NO_ROOM)


def sift(ws: Workspace, plans: Sequence[Plan]) -> tuple[list[Plan], list[Plan]]:
    """Return what is sent now, and what waits for room: new records that may wait, while the CRM is full."""
    if next_asked(ws) is None:
        return list(plans), []
    held = [plan for plan in plans if plan.creates and may_wait(plan.row)]
    return [plan for plan in plans if not (plan.creates and may_wait(plan.row))], held


def notice(ws: Workspace, results: Iterable[WriteResult]) -> None:
    """Tell of it where the CRM has just refused a row for want of room, once until it is asked again."""
    full = any(result.error and result.error.refusal is Refusal.FULL for result in results)
    if full and next_asked(ws) is None:
        _tell(ws, _left(ws))


def _left(ws: Workspace) -> Storage | None:
    port = ws.port
    return port.storage() if isinstance(port, StoringPort) else None


def _tell(ws: Workspace, left: Storage | None) -> None:
    """Report that the CRM is full: what is left by its own count, what waits, and the remedy."""
    shown = "the CRM has no room for another record" if left is None else left.words
    remedy = "" if left is None else f" ({left.remedy})"
    with writing(ws.runtime.engine) as conn:
        findings.report(conn, ws.id, ws.now(), STORAGE_FULL, {SUBJECT: f"{shown}: {EFFECT}{remedy}"})


def _full(ws: Workspace) -> Finding | None:
    with reading(ws.runtime.engine) as conn:
        return next(iter(findings.open_findings(conn, ws.id, STORAGE_FULL)), None)
