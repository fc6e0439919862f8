"""Catching up: each object read again as soon as the charter's freshness asks for it.

Per object two tasks stand on the schedule: a poll for changes and a census for deletions; owners, always
read whole, have the poll only. The scheduler rings; the job claims what is due of its installation, so that
a bell lost costs a moment and a job killed its lease. Neighbours: ``state.due`` holds the times, ``pull``,
``owners`` and ``census`` read, ``jobs`` runs this.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import Connection

from integration.owners import OWNERS
from integration.port import CrmError, NeedsConsent, Unavailable
from mappings.inbound import owners_promise, promises
from sync.census import take_census
from sync.keep import in_reading_order, own_objects
from sync.owners import read_owners
from sync.pull import poll_object
from sync.state import due
from sync.state.due import DueTask
from sync.state.engine import writing
from sync.state.leases import HOLD_S, Lease
from sync.workspace import Workspace

POLL, CENSUS = "poll", "census"
KINDS = (POLL, CENSUS)
LEASE_S = HOLD_S
TASKS = 100
RETRY_AFTER = timedelta(minutes=1)
log = logging.getLogger(__name__)


def plan_catching_up(conn: Connection, ws: Workspace) -> None:
    """Plan by the charter's freshness; what it no longer asks for goes, what it wants sooner comes sooner."""
    now, held = ws.now(), due.schedule(conn, ws.id)
    wanted = _rhythms(ws)
    for task in held:
        if task not in wanted and task.partition(" ")[0] in KINDS:
            due.cancel(conn, ws.id, task)
    for task, every in wanted.items():
        if task in held and held[task] > now + every:
            due.cancel(conn, ws.id, task)
        due.plan(conn, ws.id, task, now + every, every)


def catch_up(ws: Workspace, owner: str) -> int | None:
    """Do what is due of one installation, task by task; return how many that was, ``None`` for none.

    Raises as ``next_task`` does.
    """
    done = 0
    while next_task(ws, owner) is not None:
        done += 1
    return done or None


def next_task(ws: Workspace, owner: str) -> DueTask | None:
    """Do one task that is due, changes before deletions, and return it; ``None`` when nothing is due.

    No more is held than is done: others have their turn between two. Raises Unavailable and NeedsConsent
    after putting off all that is due, which would meet the same.
    """
    if not ws.live:
        return None
    with writing(ws.runtime.engine) as conn:
        task = _claim(conn, ws, Lease(owner, ws.now(), LEASE_S, 1))
    if task is None:
        return None
    try:
        _do(ws, task)
    except (Unavailable, NeedsConsent) as error:
        _put_off(ws, owner, task, error)
        raise
    return task


def _claim(conn: Connection, ws: Workspace, lease: Lease) -> DueTask | None:
    """Take the first task that is due, in the order they are done; nothing that another one holds."""
    order = {task: place for place, task in enumerate(_rhythms(ws))}
    names = due.names(conn, ws.id, lease.now, KINDS)
    for name in sorted(names, key=lambda one: (order.get(one, len(order)), one)):
        for task in due.claim(conn, lease, installation_id=ws.id, task=name):
            return task
    return None


def _rhythms(ws: Workspace) -> dict[str, timedelta]:
    """Return every task and how often it runs, in the order they are done."""
    promised = promises(ws.charter, ws.vendor, ws.homes)
    polls = {f"{POLL} {name}": one.changes for name, one in promised.items()}
    owners = owners_promise(ws.charter, ws.vendor)
    polls |= {} if owners is None else {f"{POLL} {OWNERS}": owners}
    censuses = {f"{CENSUS} {name}": one.deletions for name, one in promised.items()}
    return polls | censuses


def _do(ws: Workspace, task: DueTask) -> None:
    """Do one task; an object the CRM refuses is kept with its words until its next time."""
    kind, _, name = task.task.partition(" ")
    queries = {one.object: one for one in in_reading_order(ws)} | own_objects(ws)
    try:
        if kind == CENSUS:
            take_census(ws, name)
        elif name in queries:
            poll_object(ws, queries[name])
        elif name == OWNERS:
            read_owners(ws)
    except (Unavailable, NeedsConsent):
        raise
    except CrmError as error:
        log.warning("%s of %s cannot be done: %s", task.task, ws.id, error)
        with writing(ws.runtime.engine) as conn:
            due.fail(conn, ws.now(), task, str(error), ws.now() + (task.every or RETRY_AFTER))
        return
    with writing(ws.runtime.engine) as conn:
        due.finish(conn, ws.now(), task)


def _put_off(ws: Workspace, owner: str, task: DueTask, error: CrmError) -> None:
    with writing(ws.runtime.engine) as conn:
        lease = Lease(owner, ws.now(), LEASE_S, TASKS)
        for one in (task, *due.claim(conn, lease, installation_id=ws.id, kinds=KINDS)):
            due.fail(conn, ws.now(), one, str(error), ws.now() + RETRY_AFTER)
