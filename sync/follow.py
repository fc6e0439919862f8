"""Follow: signals of records that changed, went, came back or became one, whoever gave them.

A webhook's hints and what a census finds take the same way: bury what is gone, read the rest again once
per object, and with it what hung under records merged away. Neighbours: ``drain`` and ``census`` call
this, ``bury`` and ``keep`` do it.
"""

from __future__ import annotations

from collections.abc import Sequence

from integration.port import Signal, SignalKind
from sync.bury import bury
from sync.keep import Pulled, inherited, refresh
from sync.state.engine import writing
from sync.workspace import Workspace

GONE = frozenset({SignalKind.DELETED, SignalKind.FORGOTTEN})
"""Of these no record is there to be read."""


def follow(
    ws: Workspace, signals: Sequence[Signal], *, restored: bool = False
) -> tuple[Pulled, frozenset[tuple[str, str]]]:
    """Do what the signals ask for; return what was read, and (object, id) of records not there.

    ``restored``: see ``keep.refresh``.
    """
    moved = inherited(ws, [one for one in signals if one.kind is SignalKind.MERGED])
    with writing(ws.runtime.engine) as conn:
        bury(conn, ws, signals)
    total, absent = Pulled(), set[tuple[str, str]]()
    for name in parents_first(ws, {one.object for one in signals} | moved.keys()):
        asked = [one.id for one in signals if one.object == name and one.kind not in GONE]
        pulled, missing = refresh(ws, name, [*asked, *moved.get(name, ())], restored=restored)
        total = total.plus(pulled)
        absent |= {(name, one) for one in missing}
    return total, frozenset(absent)


def parents_first(ws: Workspace, names: set[str]) -> list[str]:
    """Return the objects in the order in which their records are read: accounts, deals, the rest."""
    reads = ws.inbound.crm.reads
    first = [reads.account.object, reads.deal.object]
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name))
