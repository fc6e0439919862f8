"""Census: who is still there, for deletions, merges and restores no push told of.

Service keys have no webhooks, and custom objects get no push for marketplace apps; a read by change tells
nothing of what is gone (HubSpot), or of what was purged from the recycle bin meanwhile (Salesforce). So what
the mirror and the ledger hold is compared with the CRM: one call where both agree. What differs is followed
as a webhook's hint would be. Neighbours: ``catch_up`` calls this when the charter's freshness asks for it,
``follow`` does what is found, ``integration.census`` is the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from integration.census import CensusPort, Gone, LogWindow
from integration.port import Signal, SignalKind
from sync.follow import follow
from sync.keep import in_reading_order, own_objects
from sync.pull import poll_object
from sync.state import cursors, ledger, mirror
from sync.state.cursors import Cursor, Phase
from sync.state.engine import reading, writing
from sync.workspace import Workspace

SETTLES = timedelta(minutes=2)
"""How long after a deletion it is left open whether it was a merge: search needs a moment to show the
record that came of it, and a poll has to see that first."""

REREAD = timedelta(hours=1)
"""How much of a log of deletions is read again: clocks differ, and what was left open comes again."""

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

    Nothing is asked before an object has been read whole, nor of a CRM that cannot be asked.
    """
    port = ws.port
    with reading(ws.runtime.engine) as conn:
        place = cursors.get(conn, ws.id, object_name)
        known = {*mirror.live_ids(conn, ws.id, object_name), *ledger.record_ids(conn, ws.id, object_name)}
    if not isinstance(port, CensusPort) or place is None or place.phase is Phase.INITIAL:
        return Counted()
    census = port.census(object_name, known, _unread_log(ws, object_name))
    if any(one.at is None for one in census.gone):
        _poll(ws, object_name)
    polled = place.high_water or ws.installation.epoch
    settled = [one for one in census.gone if one.at is None or one.at <= polled - SETTLES]
    deleted = [Signal(object_name, one.id, SignalKind.DELETED, _when(one, ws.now())) for one in settled]
    back = [Signal(object_name, one, SignalKind.CHANGED, ws.now()) for one in census.unknown]
    found = [*deleted, *back]
    for start in range(0, len(found), FOLLOWED):
        follow(ws, found[start : start + FOLLOWED], restored=True)
    if census.logged_until is not None:
        _enter_log(ws, object_name, census.logged_until)
    return Counted(len(deleted), len(back), len(census.gone) - len(settled))


def _unread_log(ws: Workspace, object_name: str) -> LogWindow:
    """Return what has not been read of the CRM's log of deletions; the CRM says how far back it goes.

    An hour is read again: what was deleted a moment before the last census was left open then.
    """
    with reading(ws.runtime.engine) as conn:
        read = cursors.get(conn, ws.id, _log_cursor(object_name))
    since = ws.installation.epoch if read is None or read.high_water is None else read.high_water - REREAD
    return LogWindow(min(since, ws.now()), ws.now())


def _enter_log(ws: Workspace, object_name: str, until: datetime) -> None:
    with writing(ws.runtime.engine) as conn:
        cursors.put(conn, ws.id, ws.now(), Cursor(_log_cursor(object_name), Phase.INCREMENTAL, None, until))


def _log_cursor(object_name: str) -> str:
    return f"deletions {object_name}"


def _poll(ws: Workspace, object_name: str) -> None:
    """Read what changed before burying what has no time of deletion: it may have become another record.

    HubSpot does not say that a record merged away is to be found in the recycle bin.
    """
    queries = {one.object: one for one in in_reading_order(ws)} | own_objects(ws)
    if object_name in queries:
        poll_object(ws, queries[object_name])


def _when(gone: Gone, now: datetime) -> datetime:
    return now if gone.at is None else gone.at
