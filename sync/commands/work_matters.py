"""What the doctor says of work that does not get done: nobody works, or one row cannot be worked.

Neighbours: ``showing`` is the command, ``sync.state.waiting`` counts what waits.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sync.commands.diagnosis import Diagnosis, Severity
from sync.runtime import Runtime
from sync.state import waiting
from sync.state.engine import reading
from sync.state.installations import Status
from sync.state.waiting import Queue, Waits
from sync.workspace import Workspace

PATIENCE: Final = timedelta(minutes=15)
"""How long work may wait before somebody should look: far beyond what a busy day needs."""

BY_HOURS_FROM: Final = timedelta(hours=2)

DEPLOYMENT: Final = "-"
"""In place of an installation: a matter of the whole deployment."""

WAITING: Final = {
    Queue.INBOX: "signals wait to be worked in",
    Queue.DIRTY: "accounts and roll-ups wait to be looked at",
    Queue.LEDGER: "records wait to be written",
}


def of_deployment(runtime: Runtime) -> list[Diagnosis]:
    """Return that the schedule is not kept, or that Redis may drop bells; nothing where all is well."""
    now = runtime.clock.now()
    with reading(runtime.engine) as conn:
        since = waiting.longest_due(conn, now)
    found = []
    if since is not None and now - since > PATIENCE:
        words = f"the schedule is {_told(now - since)} behind"
        found.append(Diagnosis(DEPLOYMENT, words, "see that `colonnade scheduler` and the workers run"))
    policy = runtime.redis.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        words = f"Redis drops what it holds when its memory is full (maxmemory-policy {policy})"
        remedy = "set maxmemory-policy to noeviction; what is dropped costs time and calls, no data"
        found.append(Diagnosis(DEPLOYMENT, words, remedy, Severity.NOTE))
    return found


def of_work(ws: Workspace) -> list[Diagnosis]:
    """Return what has waited too long in one installation, what fails again and again, what was given up."""
    now = ws.now()
    with reading(ws.runtime.engine) as conn:
        waits = [one for one in waiting.waits(conn) if one.installation_id == ws.id]
        lost = [one for one in waiting.given_up(conn) if one.installation_id == ws.id]
    found = [one for held in waits for one in _of_queue(ws, held, now)]
    return found + [
        Diagnosis(
            ws.id,
            f"{one.rows} signals ({one.name}) were given up after their last try",
            "none where the records are gone; else what they told of is read by the next poll",
            Severity.NOTE,
        )
        for one in lost
    ]


def _of_queue(ws: Workspace, held: Waits, now: datetime) -> list[Diagnosis]:
    found, age = [], now - held.oldest_at
    if held.failing:
        words = f"{held.failing} of {held.rows} rows fail ({held.queue}); they are tried again"
        remedy = "see the log of the workers for why; the others go on"
        found.append(Diagnosis(ws.id, words, remedy, Severity.NOTE))
    at_work = ws.live and ws.installation.status is Status.ACTIVE
    if held.rows > held.failing and age > PATIENCE and at_work:
        words = f"{held.rows} {WAITING[held.queue]}, the oldest for {_told(age)}"
        found.append(Diagnosis(ws.id, words, "see that the workers run, and how busy they are"))
    return found


def _told(time: timedelta) -> str:
    if time < BY_HOURS_FROM:
        return f"{time // timedelta(minutes=1)} minutes"
    return f"{time // timedelta(hours=1)} hours"
