"""The RQ jobs: one function per kind of work, each safe to run twice, at once, or never.

A job takes its bell off, works until nothing is left or its time is up, and rings for what
follows. What it leaves undone is in the database, where the next bell or the scheduler
finds it. Neighbours: ``bell`` starts these, ``pull``/``drain``/``look``/``push`` do the work.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from integration.budget import Lane as Calls
from integration.budget import calling_in
from integration.port import CrmError, NeedsConsent, Unavailable
from sync import catch_up as catching_up
from sync import drain as draining
from sync import pull
from sync import push as pushing
from sync.bell import Lane, Work, answered, ring
from sync.connect import CLIENT, client_mark
from sync.holding import holding, leaving
from sync.portfolio_look import look_on
from sync.runtime import Runtime, process_runtime
from sync.state import dirty, installations
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.workspace import Workspace, open_workspace

TIME_UP_S = 120.0
"""A job that has worked this long rings again and lets others have a turn."""

CALL_LANES = {Work.LOAD: Calls.BACKFILL, Work.POLL: Calls.SYNC, Work.CATCH_UP: Calls.SYNC}
"""Who waits first for calls: a first load, then sweeps; what a webhook set off waits for neither."""

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
    _run(Work.CATCH_UP, Lane(lane), installation_id, catching_up.catch_up, follow=Work.LOOK)


def look(lane: str, installation_id: str) -> None:
    """Decide about dirty accounts and the portfolio, then have what changed written."""
    _run(Work.LOOK, Lane(lane), installation_id, look_on, follow=Work.PUSH)


def push(lane: str, installation_id: str) -> None:
    """Write what the CRM does not hold yet."""
    _run(Work.PUSH, Lane(lane), installation_id, _push, follow=None)


def _load(ws: Workspace, _owner: str) -> None:
    pull.load(ws)


def _poll(ws: Workspace, _owner: str) -> None:
    if ws.live:  # before that the first load reads everything, and two would read it twice
        pull.poll(ws)


def _push(ws: Workspace, owner: str) -> None:
    pushing.push(ws, owner)


def _run(work: Work, lane: Lane, installation_id: str, step: Step, follow: Work | None) -> None:
    """Work step by step until nothing is left; a CRM that cannot answer now is met again later.

    A process that is asked to end stops after the step it is at, and rings for whoever takes the rest.
    """
    runtime = process_runtime()
    answered(runtime.redis, lane, work, installation_id)
    opened_with = client_mark(runtime, installation_id)
    ws = open_workspace(runtime, installation_id)
    if ws.installation.status is not Status.ACTIVE:
        return
    ends = time.monotonic() + TIME_UP_S
    try:
        with holding(runtime) as owner, calling_in(CALL_LANES.get(work, Calls.WEBHOOK)):
            while step(ws, owner) is not None or leaving():
                if leaving() or time.monotonic() > ends:
                    ring(runtime.redis, lane, work, installation_id)
                    break
    except NeedsConsent as error:
        stop_until_consent(runtime, installation_id, error, opened_with)
        return
    except Unavailable as error:
        log.warning("%s of %s is put off: %s", work, installation_id, error)
    except CrmError:
        log.exception("%s of %s cannot go on", work, installation_id)
    if follow is not None and not (follow is Work.PUSH and _looks_go_on(ws)):
        ring(runtime.redis, lane, follow, installation_id)


def _looks_go_on(ws: Workspace) -> bool:
    """Say whether other accounts are still looked at: who ends last rings, so that batches are full.

    Those put off after a failure are not waited for.
    """
    with reading(ws.runtime.engine) as conn:
        return ws.live and dirty.under_way(conn, ws.id, ws.now())


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
