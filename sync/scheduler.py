"""The scheduler: a small loop over the ``due`` table, and the sweeper that rings again.

RQ's own cron has neither a lock nor catch-up; here a task is claimed under a lease, a time
missed is made up once, and two schedulers never run one task twice. Each turn also rings
for every row nobody holds, so that a lost Redis, job or worker costs seconds.
Neighbours: ``bell`` rings, ``state.due`` holds the times.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime, time, timedelta

from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from sync import usage_pull
from sync.allocators import mark_spanning, scopes
from sync.bell import Lane, Work, ring
from sync.borders import NEW_DAY_REASON, mark_come
from sync.catch_up import KINDS, plan_catching_up
from sync.compare import COMPARE, plan_compares
from sync.holding import owner_name
from sync.listen import LISTEN
from sync.logs import begin
from sync.runtime import Runtime
from sync.state import cursors, dirty, due, inbox, ledger, ledger_push, mirror
from sync.state.dirty import Scope
from sync.state.due import DueTask
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.state.leases import Lease, Waiting
from sync.tidy import tidy
from sync.workspace import Workspace, active, open_workspace

TURN_S = 2.0
LEASE_S = 60
TASKS_PER_TURN = 50
SWEEP_AFTER = timedelta(seconds=15)
LOAD_STANDS = timedelta(minutes=2)
"""A first load that keeps no page for so long has lost its worker."""

LOOK_STANDS = timedelta(minutes=2)
"""So long the writes of a burst wait for the rest of its looks, or for the push that is at them."""

RETRY_AFTER = timedelta(minutes=1)
NEW_DAY = "new-day"
log = logging.getLogger(__name__)


def plan_tasks(ws: Workspace) -> None:
    """Have an installation kept fresh, and looked at when a new day begins in its time zone."""
    with writing(ws.runtime.engine) as conn:
        plan_catching_up(conn, ws)
        usage_pull.plan_usage(conn, ws)
        plan_compares(conn, ws)
        due.plan(conn, ws.id, NEW_DAY, next_midnight(ws))


def next_midnight(ws: Workspace) -> datetime:
    """Return when the next day begins in the installation's time zone."""
    return datetime.combine(ws.day_of(ws.now()) + timedelta(days=1), time(), ws.zone)


def turn(runtime: Runtime) -> int:
    """Ring for what nobody holds, then run what is due, task by task; return how many bells were rung."""
    rung = sweep(runtime)
    for _ in range(TASKS_PER_TURN):
        lease = Lease(owner_name(), runtime.clock.now(), LEASE_S, 1)  # no more is held than is run
        with writing(runtime.engine) as conn:
            tasks = due.claim(conn, lease, but=(*KINDS, *usage_pull.KINDS, COMPARE, LISTEN))
        if not tasks:
            break
        rung += sum(_run_task(runtime, task) for task in tasks)
    return rung


def sweep(runtime: Runtime) -> int:
    """Ring for every dirty account, event and unwritten row nobody has held for a while, and stopped loads.

    And for what the charter's freshness asks for by now: the job itself claims that.

    What has just come is being rung for already. Writes of a burst that is still looked at, or that a push
    goes on with, are left to whoever does that: they fill whole batches. Before an installation is live
    nothing is decided or caught up with.
    """
    now, served = runtime.clock.now(), active(runtime)
    working, live = {one.id for one in served}, {one.id for one in served if one.live}
    with reading(runtime.engine) as conn:
        found = {
            Work.DRAIN: inbox.unheld(conn, now),
            Work.LOOK: [one for one in dirty.unheld(conn, now) if one.topic in scopes()],
            Work.PUSH: _left_behind(conn, now),
        }
        stopped = cursors.unfinished(conn, now, LOAD_STANDS)
        behind = due.unheld(conn, now, KINDS)
        pulling = due.unheld(conn, now, usage_pull.KINDS)
        uncompared = due.unheld(conn, now, [COMPARE])
    waiting = {
        work: {one.installation_id for one in rows if _waits(one, now)} for work, rows in found.items()
    } | {Work.CATCH_UP: behind}
    slow = {Work.LOAD: stopped, Work.USAGE: pulling, Work.COMPARE: uncompared}
    waiting[Work.LOOK] &= live
    waiting[Work.CATCH_UP] &= live
    bells = [(Lane.FAST, work, one) for work, ids in waiting.items() for one in sorted(ids & working)]
    bells += [(Lane.BULK, work, one) for work, ids in slow.items() for one in sorted(ids & working)]
    return sum(ring(runtime.redis, lane, work, one) for lane, work, one in bells)


def _waits(one: Waiting, now: datetime) -> bool:
    """Say whether its oldest row has waited for long, or came before the clock was set back."""
    return not now - SWEEP_AFTER < one.oldest_at <= now


def _left_behind(conn: Connection, now: datetime) -> list[Waiting]:
    """Return the rows to write that nobody is about to come to."""
    pushing = ledger_push.at_work(conn, now)
    waiting = (one for one in ledger.unheld(conn, now) if _waits(one, now))
    return [one for one in waiting if not _followed(conn, one, now, pushing)]


def _followed(conn: Connection, one: Waiting, now: datetime, pushing: Collection[str]) -> bool:
    """Say whether whoever is at work has the rows written: looks they wait for ring, a push goes on to them.

    Not so for ever, and not for rows put off whose time has come.
    """
    if not now - LOOK_STANDS < one.oldest_at <= now:
        return False
    if one.installation_id in pushing:
        return True
    return dirty.under_way(conn, one.installation_id, now, Scope.ACCOUNT, before=one.oldest_at)


def run_scheduler(runtime: Runtime, sleep: Callable[[float], None], until: Callable[[], bool]) -> int:
    """Turn until told to stop, and return how often; a Redis or database that is away is waited for."""
    turns = 0
    while not until():
        turns += 1
        begin()
        try:
            turn(runtime)
        except RedisError as error:
            log.warning("Redis is away, the work waits in the database: %s", error)
        except SQLAlchemyError as error:
            log.warning("the database is away, it is waited for: %s", error)
        sleep(TURN_S)
    return turns


def _run_task(runtime: Runtime, task: DueTask) -> int:
    now = runtime.clock.now()
    try:
        ws = open_workspace(runtime, task.installation_id)
        rung = _new_day(ws) if task.task == NEW_DAY else False
        with writing(runtime.engine) as conn:
            usage_pull.plan_usage(conn, ws)
            plan_catching_up(conn, ws)  # homes and charters change, and older programs planned otherwise
    except Exception as error:  # a task that cannot run must not stop the others; it is kept and retried
        log.exception("%s of %s failed", task.task, task.installation_id)
        with writing(runtime.engine) as conn:
            due.fail(conn, now, task, str(error), now + RETRY_AFTER)
        return 0
    with writing(runtime.engine) as conn:
        due.finish(conn, now, task)
        if task.task == NEW_DAY:  # not every 24 hours: days with a clock change are longer or shorter
            due.plan(conn, ws.id, NEW_DAY, next_midnight(ws))
        else:
            due.cancel(conn, ws.id, task.task)
    return int(rung)


def _new_day(ws: Workspace) -> bool:
    """Mark the portfolio and whose border has come, and ring where the installation may be worked for."""
    tidy(ws)
    with writing(ws.runtime.engine) as conn:
        plan_compares(conn, ws)
        mark_spanning(conn, ws, NEW_DAY_REASON)
        mark_come(conn, ws)
    return ws.installation.status is Status.ACTIVE and ring(ws.runtime.redis, Lane.FAST, Work.LOOK, ws.id)


def look_at_all(ws: Workspace, reason: str) -> int:
    """Mark every account dirty, and what spans them; return how many accounts that were.

    Their windows and ages may pass a border without any event.
    """
    account = ws.inbound.crm.reads.account.object
    with writing(ws.runtime.engine) as conn:
        ids = [one.source_id for one in mirror.current(conn, ws.id, account)]
        mark_spanning(conn, ws, reason)
        return dirty.mark(conn, ws.id, ws.now(), Scope.ACCOUNT, ids, reason)
