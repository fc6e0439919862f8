"""The RQ jobs: one function per kind of work, each safe to run twice, at once, or never.

A job takes its bell off, works until nothing is left or its time is up, and rings for what
follows. What it leaves undone is in the database, where the next bell or the scheduler
finds it. Neighbours: ``bell`` starts these, ``pull``/``drain``/``look``/``push`` do the work.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from rq import get_current_job

from integration.budget import Lane as Calls
from integration.budget import calling_in
from integration.port import CrmError, NeedsConsent, Unavailable
from sync import allocation, pull
from sync import catch_up as catching_up
from sync import compare as comparing
from sync import drain as draining
from sync import push as pushing
from sync.allocators import look_on
from sync.bell import Lane, Work, answered, others_wait, ring
from sync.connect import CLIENT, client_mark
from sync.holding import holding, leaving
from sync.logs import TRACE, telling
from sync.runtime import Runtime, process_runtime
from sync.state import installations
from sync.state.engine import writing
from sync.state.installations import Status
from sync.tally import count_calls, count_job
from sync.usage_pull import pull_due
from sync.workspace import CONNECTIONS, Workspace, open_workspace

TIME_UP_S = 120.0
"""A job that has worked this long rings again whoever waits, well before RQ would end it."""

TURNS_S = {Work.DRAIN: 0.5, Work.LOOK: 5.0}
"""Turns of what others wait for: events that keep coming would keep looks waiting, and those the writes."""

TURN_S = 2.0
"""A job that has worked this long rings again where others wait: no burst delays another portal."""

CALL_LANES = {
    Work.LOAD: Calls.BACKFILL,
    Work.COMPARE: Calls.BACKFILL,
    Work.POLL: Calls.SYNC,
    Work.CATCH_UP: Calls.SYNC,
}
"""Who waits first for calls: first load and nightly compare, then sweeps; what a webhook set off, never."""

log = logging.getLogger(__name__)
Step = Callable[[Workspace, str], object]


def drain(lane: str, installation_id: str) -> None:
    """Work in the inbox, then have the touched accounts looked at."""
    _run(Work.DRAIN, Lane(lane), installation_id, draining.drain, follow=Work.LOOK)


def load(lane: str, installation_id: str) -> None:
    """Read everything for the first time."""
    _run(Work.LOAD, Lane(lane), installation_id, _load, follow=Work.LOOK)


def poll(lane: str, installation_id: str) -> None:
    """Read what changed since the last time."""
    _run(Work.POLL, Lane(lane), installation_id, _poll, follow=Work.LOOK)


def catch_up(lane: str, installation_id: str) -> None:
    """Read what the charter's freshness asks for by now."""
    _run(Work.CATCH_UP, Lane(lane), installation_id, catching_up.next_task, follow=Work.LOOK)


def compare(lane: str, installation_id: str) -> None:
    """Hold what the ledger says was taken against what stands in the CRM, and have what differs written."""
    _run(Work.COMPARE, Lane(lane), installation_id, comparing.compare, follow=Work.PUSH)


def look(lane: str, installation_id: str) -> None:
    """Decide about dirty accounts and the portfolio, then have what changed written."""
    _run(Work.LOOK, Lane(lane), installation_id, look_on, follow=Work.PUSH)


def push(lane: str, installation_id: str) -> None:
    """Write what the CRM does not hold yet, a claim a step."""
    begun: list[Iterator[object]] = []

    def step(ws: Workspace, owner: str) -> object | None:
        begun[:] = begun or [pushing.claims(ws, owner)]
        return next(begun[0], None)

    _run(Work.PUSH, Lane(lane), installation_id, step, follow=None)


def usage(lane: str, installation_id: str) -> None:
    """Pull usage from the sources that are due."""
    _run(Work.USAGE, Lane(lane), installation_id, pull_due, follow=Work.LOOK)


def _load(ws: Workspace, _owner: str) -> None:
    pull.load(ws)


def _poll(ws: Workspace, _owner: str) -> None:
    if ws.live:  # before that the first load reads everything, and two would read it twice
        pull.poll(ws)


def _run(work: Work, lane: Lane, installation_id: str, step: Step, follow: Work | None) -> None:
    """Do a job's work, and say how it ended, what set it off, how long it took and what it called."""
    runtime, began, outcome = process_runtime(), time.monotonic(), "failed"
    with telling(trace=_trace_of_job(), installation=installation_id, work=work.value, lane=lane.value):
        try:
            outcome = _work(runtime, work, lane, installation_id, step, follow)
        finally:
            took = time.monotonic() - began
            log.info("%s: %s in %.2f s", work, outcome, took)
            count_job(runtime.redis, installation_id, work.value, outcome, took)
            count_calls(runtime.redis, installation_id, CONNECTIONS.calls_made(installation_id))


def _trace_of_job() -> str:
    job = get_current_job()
    return "" if job is None else str(job.meta.get(TRACE, ""))


def _work(
    runtime: Runtime, work: Work, lane: Lane, installation_id: str, step: Step, follow: Work | None
) -> str:
    """Work step by step until nothing is left; a CRM that cannot answer now is met again later.

    A process that is asked to end stops after the step it is at, and rings for whoever takes the rest.
    Returns how it ended, in a word.
    """
    answered(runtime.redis, lane, work, installation_id)
    opened_with = client_mark(runtime, installation_id)
    ws = open_workspace(runtime, installation_id)
    if ws.installation.status is not Status.ACTIVE:
        return "not_active"
    began, since, outcome = time.monotonic(), ws.now(), "done"
    try:
        with holding(runtime) as owner, calling_in(CALL_LANES.get(work, Calls.WEBHOOK)):
            while step(ws, owner) is not None or leaving():
                if leaving() or _turn_over(runtime, lane, work, time.monotonic() - began):
                    ring(runtime.redis, lane, work, installation_id)
                    outcome = "time_up"
                    break
    except NeedsConsent as error:
        stop_until_consent(runtime, installation_id, error, opened_with)
        return "needs_consent"
    except Unavailable as error:
        log.warning("%s of %s is put off: %s", work, installation_id, error)
        outcome = "put_off"
    except CrmError:
        log.exception("%s of %s cannot go on", work, installation_id)
        outcome = "refused"
    if follow is not None and not (follow is Work.PUSH and allocation.waits(ws, since)):
        ring(runtime.redis, lane, follow, installation_id)
    return outcome


def _turn_over(runtime: Runtime, lane: Lane, work: Work, worked_s: float) -> bool:
    """Say whether a job that has worked so long lets others have a turn."""
    if worked_s > TURNS_S.get(work, TIME_UP_S):
        return True
    return worked_s > TURN_S and others_wait(runtime.redis, lane)


def stop_until_consent(
    runtime: Runtime, installation_id: str, error: NeedsConsent, opened_with: str | None
) -> None:
    """Stop this installation until its admin connects it again; the others go on.

    ``opened_with`` marks the credentials that were refused: where others came meanwhile, nothing is stopped.
    """
    with writing(runtime.engine) as conn:
        if installations.secret_mark(conn, installation_id, CLIENT) != opened_with:
            log.warning("%s was connected again while a job ran: %s", installation_id, error)
            return
        log.error("%s needs consent: %s", installation_id, error)
        installations.set_status(conn, installation_id, Status.NEEDS_CONSENT)
