"""Census: who is still there, for deletions, merges and restores no push told of.

Service keys have no webhooks, and custom objects get no push for marketplace apps; a read by change never
tells of what is gone. So what the mirror and the ledger hold is compared with the CRM: one call where both
agree. What differs is followed as a webhook's hint would be. Neighbours: ``catch_up`` calls this when the
charter's freshness asks for it, ``follow`` does what is found, ``integration.census`` is the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from integration.census import CensusPort, Gone
from integration.port import Signal, SignalKind
from sync.follow import follow
from sync.keep import in_reading_order, own_objects
from sync.pull import poll_object
from sync.state import cursors, ledger, mirror
from sync.state.cursors import Phase
from sync.state.engine import reading
from sync.workspace import Workspace

SETTLES = timedelta(minutes=2)
"""How long after a deletion it is left open whether it was a merge: search needs a moment to show the
record that came of it, and a poll has to see that first."""

FOLLOWED = 500
"""Records followed at a time, so that memory does not grow with what a census finds."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a census found of one object, by records: gone, back or never told of, left for the next one."""

    buried: int = 0
    found: int = 0
    open: int = 0


def take_census(ws: Workspace, object_name: str) -> Counted:
    """Compare the mirror with what stands in the CRM and follow what differs; return what that was.

    Nothing is asked before an object has been read whole, nor of a CRM that tells of deletions itself.
    """
    port = ws.port
    with reading(ws.runtime.engine) as conn:
        place = cursors.get(conn, ws.id, object_name)
        known = {*mirror.live_ids(conn, ws.id, object_name), *ledger.record_ids(conn, ws.id, object_name)}
    if not isinstance(port, CensusPort) or place is None or place.phase is Phase.INITIAL:
        return Counted()
    census = port.census(object_name, known)
    if any(one.at is None for one in census.gone):
        _poll(ws, object_name)
    polled = place.high_water or ws.installation.epoch
    settled = [one for one in census.gone if one.at is None or one.at <= polled - SETTLES]
    deleted = [Signal(object_name, one.id, SignalKind.DELETED, _when(one, ws.now())) for one in settled]
    back = [Signal(object_name, one, SignalKind.CHANGED, ws.now()) for one in census.unknown]
    found = [*deleted, *back]
    for start in range(0, len(found), FOLLOWED):
        follow(ws, found[start : start + FOLLOWED], restored=True)
    return Counted(len(deleted), len(back), len(census.gone) - len(settled))


def _poll(ws: Workspace, object_name: str) -> None:
    """Read what changed before burying what has no time of deletion: it may have become another record.

    HubSpot does not say that a record merged away is to be found in the recycle bin.
    """
    queries = {one.object: one for one in in_reading_order(ws)} | own_objects(ws)
    if object_name in queries:
        poll_object(ws, queries[object_name])


def _when(gone: Gone, now: datetime) -> datetime:
    return now if gone.at is None else gone.at
