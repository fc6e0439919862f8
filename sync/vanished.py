"""Records a write found gone: what became of them is asked, and entered as if the CRM had told of it.

A record of ours that a person deleted becomes a tombstone; under a deleted account nothing is wanted any
more; what hung under an account that was merged away goes on under the survivor. What is there after all
is tried again or stays blocked in the CRM's words (``push_enter``). Neighbours: ``push`` calls this after it
has entered the answers, ``bury`` does the rest for every way of learning it.
"""

from __future__ import annotations

from collections.abc import Sequence

from integration.fates import Fate, FatePort
from integration.port import Refusal, Signal, SignalKind, WriteResult
from sync.bury import bury
from sync.keep import inherited, refresh
from sync.push_plan import Plan
from sync.state import dirty
from sync.state.dirty import Scope
from sync.state.engine import writing
from sync.workspace import Workspace


def follow_vanished(
    ws: Workspace, object_name: str, plans: Sequence[Plan], results: Sequence[WriteResult]
) -> int:
    """Enter what became of the records the CRM called gone, and of what they hang under; return how many."""
    port = ws.port
    answered = zip(plans, results, strict=True)
    gone = [plan for plan, one in answered if one.error and one.error.refusal is Refusal.GONE]
    if not gone or not isinstance(port, FatePort):
        return 0
    asked: dict[str, set[str]] = {}
    for plan in gone:
        if plan.record_id is not None:
            asked.setdefault(object_name, set()).add(plan.record_id)
        for link in plan.parents:
            asked.setdefault(link.object, set()).add(link.id)
    signals = [
        _signal(ws, name, fate)
        for name, ids in sorted(asked.items())
        for fate in port.fates(name, sorted(ids))
    ]
    _enter(ws, signals)
    return len(signals)


def _signal(ws: Workspace, object_name: str, fate: Fate) -> Signal:
    at = fate.at or ws.now()
    if fate.survivor is None:
        return Signal(object_name, fate.id, SignalKind.DELETED, at)
    return Signal(object_name, fate.survivor, SignalKind.MERGED, at, (fate.id,))


def _enter(ws: Workspace, signals: Sequence[Signal]) -> None:
    """Bury what is gone; read what the survivors inherited, and look at them again."""
    merges = [signal for signal in signals if signal.kind is SignalKind.MERGED]
    for signal in merges:
        refresh(ws, signal.object, [signal.id])
    for name, ids in inherited(ws, merges).items():
        refresh(ws, name, ids)
    account = ws.inbound.crm.reads.account.object
    survivors = [signal.id for signal in merges if signal.object == account]
    with writing(ws.runtime.engine) as conn:
        bury(conn, ws, signals)
        dirty.mark(conn, ws.id, ws.now(), Scope.ACCOUNT, survivors, f"{account} merged")
