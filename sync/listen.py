"""What was heard, kept: hints in the inbox, polls on the schedule, where to go on, in one transaction.

A place is kept with what came before it, so a crash hears again and loses nothing; an event told twice is
one row. Values are never taken from what was heard. Neighbours: ``integration.listening`` is the stream,
``listen_one`` listens to one installation, ``drain`` works in the hints, ``catch_up`` does the polls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from integration.listening import Heard, HeardChange, Hint
from sync.bell import Lane, Work, ring
from sync.drain import RESTORED, SALESFORCE, WRITTEN
from sync.keep import in_reading_order, own_objects
from sync.state import cursors, due, findings, inbox
from sync.state.cursors import Cursor, Phase
from sync.state.engine import reading, writing
from sync.state.inbox import InboxEvent
from sync.state.schema import JsonValue
from sync.workspace import Workspace

PLACE = "change events"
"""The cursor's name for where the stream goes on; ``updated_at`` is when something was heard last."""

LISTEN = "listen"
TASK = f"{LISTEN} changes"
"""The task whose lease says which process listens to an installation."""

POLL = "poll"
DEAF = "listening"
"""The kind of finding: changes are found by polling, and why."""

SILENT_AFTER = timedelta(seconds=330)
"""A stream that stands is heard of every 270 seconds at least."""


def keep_heard(ws: Workspace, heard: Heard, *, resumed: bool) -> int:
    """Keep what came and where to go on; return how many hints were new. Rings for what is to be done.

    ``resumed``: it follows the place kept before. Where it does not, everything is polled once.
    """
    now, known = ws.now(), _known(ws)
    with writing(ws.runtime.engine) as conn:
        new = inbox.put(conn, ws.id, now, list(_hints(heard, known)))
        polls = _hasten(conn, ws, heard, known, everything=not resumed)
        cursors.put(conn, ws.id, now, Cursor(PLACE, Phase.INCREMENTAL, heard.place, now))
        findings.resolve(conn, ws.id, now, DEAF, [PLACE])
    if new:
        ring(ws.runtime.redis, Lane.FAST, Work.DRAIN, ws.id)
    if polls:
        ring(ws.runtime.redis, Lane.FAST, Work.CATCH_UP, ws.id)
    return new


def place_of(ws: Workspace) -> str | None:
    """Return where to go on, ``None`` where nothing was heard yet or the place was lost."""
    with reading(ws.runtime.engine) as conn:
        held = cursors.get(conn, ws.id, PLACE)
    return None if held is None else held.position


def lose_place(ws: Workspace) -> None:
    """Forget where to go on: the CRM does not know that place any more."""
    with writing(ws.runtime.engine) as conn:
        cursors.forget(conn, ws.id, PLACE)


def tell_deaf(ws: Workspace, reason: str) -> bool:
    """Say once why changes are found by polling; return whether that was new."""
    with writing(ws.runtime.engine) as conn:
        told = {one.message for one in findings.open_findings(conn, ws.id, DEAF)}
        if reason in told:
            return False
        findings.report(conn, ws.id, ws.now(), DEAF, {PLACE: reason})
    return True


def is_heard(conn: Connection, installation_id: str, now: datetime) -> bool:
    """Return whether somebody listens to an installation and hears it, so that it need not be polled.

    What was heard as far in the future was heard before the clock was set back, nobody knows how long ago.
    """
    held = cursors.get(conn, installation_id, PLACE)
    if held is None or held.updated_at is None or abs(now - held.updated_at) > SILENT_AFTER:
        return False
    return not findings.open_findings(conn, installation_id, DEAF)


def _known(ws: Workspace) -> frozenset[str]:
    """Return the objects that are read at all; others are told of where the channel carries them."""
    return frozenset({one.object for one in in_reading_order(ws)} | own_objects(ws).keys())


def _hints(heard: Heard, known: frozenset[str]) -> Iterator[InboxEvent]:
    for change in heard.changes:
        if change.hint is not Hint.POLL and change.object in known:
            yield from _records(change)


def _records(change: HeardChange) -> Iterator[InboxEvent]:
    more: dict[str, JsonValue] = {}
    if change.written is not None:
        more[WRITTEN] = dict(change.written)
    if change.hint is Hint.RESTORED:
        more[RESTORED] = True
    for one in change.ids:
        body: dict[str, JsonValue] = {"object": change.object, "id": one, **more}
        yield InboxEvent(f"salesforce:{change.event_id}:{one}", SALESFORCE, body, change.at)


def _hasten(conn: Connection, ws: Workspace, heard: Heard, known: frozenset[str], *, everything: bool) -> int:
    """Have the objects polled whose changes name no records; return how many polls that is."""
    named = {change.object for change in heard.changes if change.hint is Hint.POLL}
    if everything or "" in named:
        return due.hasten(conn, ws.id, ws.now(), POLL)
    return sum(due.hasten(conn, ws.id, ws.now(), POLL, f"{POLL} {one}") for one in sorted(named & known))
