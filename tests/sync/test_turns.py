"""Jobs take turns: events that keep coming do not keep looks waiting, nor looks the writes."""

from __future__ import annotations

import signal
from datetime import timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import Engine

from integration.salesforce.limits import BULK_WAIT_S
from sync import jobs
from sync.bell import Lane, Work, ring
from sync.state import dirty
from sync.state.dirty import Scope
from sync.state.engine import reading, writing
from sync.state.installations import Status
from sync.worker import run_worker
from tests.sync.harness import START

ONE = "hubspot-1"
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def redis(redis_url: str):
    """Give an empty Redis."""
    with Redis.from_url(redis_url) as found:
        yield found


@pytest.fixture
def worked(monkeypatch, redis, sqlite_engine: Engine):
    """Give a function that runs a job of steps that never end, a fifth of a second each by its own clock.

    It returns how many steps there were, and what was rung for.
    """
    runtime = SimpleNamespace(redis=redis, engine=sqlite_engine)
    active = SimpleNamespace(status=Status.ACTIVE)
    ws = SimpleNamespace(installation=active, id=ONE, runtime=runtime, live=True, now=lambda: START)
    monkeypatch.setattr(jobs, "process_runtime", lambda: runtime)
    monkeypatch.setattr(jobs, "others_wait", lambda _redis, _lane: False)
    monkeypatch.setattr(jobs, "client_mark", lambda _runtime, _id: "")
    monkeypatch.setattr(jobs, "open_workspace", lambda _runtime, _id: ws)

    def work(kind: Work, follow: Work):
        ticks, steps = count(), []
        monkeypatch.setattr(jobs.time, "monotonic", lambda: next(ticks) / 5)
        jobs._run(kind, Lane.FAST, ONE, lambda _ws, _owner: steps.append(1) or True, follow)
        return len(steps), sorted(job.description for job in Queue("fast", connection=redis).jobs)

    return work


def test_events_that_keep_coming_do_not_keep_looks_waiting(worked):
    """After half a second the drain rings for itself and for the look: three steps of a fifth."""
    assert worked(Work.DRAIN, Work.LOOK) == (3, [f"drain {ONE}", f"look {ONE}"])


def test_a_few_accounts_that_keep_changing_do_not_keep_writes_waiting(worked, sqlite_engine):
    """After five seconds of looks what was decided is written, though some accounts wait again."""
    with writing(sqlite_engine) as conn:
        dirty.mark(conn, ONE, START, Scope.ACCOUNT, [str(number) for number in range(10)], "told")
    steps, rung = worked(Work.LOOK, Work.PUSH)
    assert (steps, rung) == (26, [f"look {ONE}", f"push {ONE}"])


def test_what_was_asked_for_before_the_look_began_is_waited_for(worked, sqlite_engine):
    """The rest of a burst is written with it, in full batches: who looks last rings."""
    with writing(sqlite_engine) as conn:
        dirty.mark(conn, ONE, START - timedelta(seconds=1), Scope.ACCOUNT, ["1"], "a new day")
    assert worked(Work.LOOK, Work.PUSH)[1] == [f"look {ONE}"]


@pytest.mark.parametrize(("before", "expected"), [(None, True), (START, False), (START + MOMENT, True)])
def test_rows_are_under_way_by_when_they_were_marked_first(engine: Engine, before, expected):
    """Marked again a row keeps its age."""
    with writing(engine) as conn:
        dirty.mark(conn, ONE, START, Scope.ACCOUNT, ["a"], "told")
        dirty.mark(conn, ONE, START + 2 * MOMENT, Scope.ACCOUNT, ["a"], "told again")
    with reading(engine) as conn:
        assert dirty.under_way(conn, ONE, START + 2 * MOMENT, before=before) is expected


@pytest.mark.parametrize("work", Work)
def test_no_bell_ends_what_one_step_may_wait_for(redis, work):
    """A step may be one bulk job of Salesforce and the reading of its rows: at least twice its wait."""
    ring(redis, Lane.BULK, work, ONE)
    (job,) = Queue("bulk", connection=redis).jobs
    assert job.timeout >= 2 * BULK_WAIT_S


def test_a_job_whose_time_is_over_is_no_error_of_the_account_it_is_at(redis, monkeypatch):
    """The limit passes all that keeps a poisoned account from the rest, and the job counts as failed."""
    survived = []

    def look(_lane: str, _id: str) -> None:
        try:
            signal.raise_signal(signal.SIGALRM)
        except Exception:  # noqa: BLE001 - as a look keeps what is poisoned
            survived.append("filed against an account")

    monkeypatch.setattr(jobs, "look", look)
    ring(redis, Lane.FAST, Work.LOOK, ONE)
    (job,) = Queue("fast", connection=redis).jobs
    run_worker(redis, Lane.FAST, until_idle=True)
    assert survived == []
    assert "TimeOver" in str(job.latest_result().exc_string)
