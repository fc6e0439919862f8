"""Catching up: each object read again as soon as the charter's freshness asks for it.

Per object two tasks stand on the schedule: a poll for changes and a census for deletions; owners, always
read whole, have the poll only. The scheduler rings; the job claims what is due of its installation, so that
a bell lost costs a moment and a job killed its lease. Neighbours: ``state.due`` holds the times, ``pull``,
``owners`` and ``census`` read, ``jobs`` runs this.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
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
    """Do what is due of one installation, changes before deletions; return how many tasks that was.

    ``None`` when nothing is due. Raises Unavailable and NeedsConsent after giving back what is left.
    """
    if not ws.live:
        return None
    with writing(ws.runtime.engine) as conn:
        lease = Lease(owner, ws.now(), LEASE_S, TASKS)
        claimed = due.claim(conn, lease, installation_id=ws.id, kinds=KINDS)
    if not claimed:
        return None
    order = list(_rhythms(ws))
    tasks = sorted(claimed, key=lambda one: order.index(one.task) if one.task in order else len(order))
    for number, task in enumerate(tasks):
        try:
            _do(ws, task)
        except (Unavailable, NeedsConsent) as error:
            _give_back(ws, tasks[number:], error)
            raise
    return len(tasks)


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


def _give_back(ws: Workspace, tasks: Sequence[DueTask], error: CrmError) -> None:
    with writing(ws.runtime.engine) as conn:
        for task in tasks:
            due.fail(conn, ws.now(), task, str(error), ws.now() + RETRY_AFTER)
