"""The scheduler and the sweeper: each task once, a missed midnight made up once, no bell missed for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from rq import Queue

from sync import jobs
from sync.bell import Lane, Work, ring
from sync.catch_up import CENSUS, KINDS, POLL
from sync.compare import COMPARE
from sync.look import look
from sync.scheduler import NEW_DAY, sweep, turn
from sync.state import due, ledger
from sync.state.engine import reading, writing
from sync.state.leases import Lease
from sync.state.ledger import WriteState
from sync.worker import run_worker
from tests.sync.harness import HUBSPOT, Deployment, Office
from tests.sync.portfolios import three_customers

OPEN = Callable[..., Office]
MIDNIGHT = datetime(2025, 1, 16, tzinfo=UTC)


@pytest.fixture
def there(both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Give a live installation whose jobs run in this process; nobody rang for its first look."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: both.runtime)
    found = office(both, HUBSPOT, three_customers()).install()
    found.load()
    return found.go_live()


def work(there: Office) -> bool:
    """Let a worker answer every bell; return whether there was one."""
    return run_worker(there.deployment.runtime.redis, Lane.FAST, until_idle=True)


def next_times(there: Office) -> dict[str, datetime]:
    """Return when each task is due next."""
    with reading(there.engine) as conn:
        return due.schedule(conn, there.id)


def bells(there: Office) -> list[str]:
    """Return the works that wait in the queue, by name."""
    queue = Queue(Lane.FAST.value, connection=there.deployment.runtime.redis)
    return sorted(job.func_name.rpartition(".")[2] for job in queue.jobs)


def test_a_live_installation_is_polled_and_looked_at_each_day(there: Office) -> None:
    """Each object is due when the default charter promises, the next look when the day begins."""
    now = there.deployment.now
    read = ("companies", "deals", "line_items", "tickets")
    own = ("cs_profile", "cs_plan", "cs_milestone")
    due_in = [(POLL, read, 15), (CENSUS, read, 60), (POLL, own, 60), (CENSUS, own, 240)]
    due_in += [(POLL, ("owners", "cs_snapshot"), 1_440), (CENSUS, ("cs_snapshot",), 1_440)]
    times = {f"{kind} {name}": now + timedelta(minutes=m) for kind, names, m in due_in for name in names}
    night = {f"{COMPARE} {name}": MIDNIGHT + timedelta(hours=3) for name in (*own, "cs_snapshot")}
    assert next_times(there) == times | night | {NEW_DAY: MIDNIGHT}


def test_two_schedulers_run_a_task_once(both: Deployment, there: Office) -> None:
    """Both turn at the same moment after midnight: everybody is marked once and one bell of each waits."""
    there.settle()
    both.at(MIDNIGHT + timedelta(minutes=1))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: turn(both.runtime), range(2)))
    assert bells(there) == ["catch_up", "look"]
    assert next_times(there)[NEW_DAY] == MIDNIGHT + timedelta(days=1)


def test_a_task_held_by_one_scheduler_is_not_given_to_another(both: Deployment, there: Office) -> None:
    """Claims at one instant share the tasks; the lease of a dead scheduler ends and the task comes back."""
    both.at(MIDNIGHT)

    def claimed(owner: str) -> list[str]:
        with there.engine.begin() as conn:
            return sorted(one.task for one in due.claim(conn, Lease(owner, both.now, 60, 10), but=KINDS))

    assert claimed("one") == [NEW_DAY]
    assert claimed("two") == []
    both.later(seconds=61)
    assert claimed("two") == [NEW_DAY]


def test_the_sweep_comes_first_and_no_task_is_held_before_its_turn(
    both: Deployment, there: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two new days are due: while the first is begun, the sweep is over and the second is held by nobody."""
    seen: list[object] = []
    with there.engine.begin() as conn:
        due.plan(conn, there.id, "old-task", MIDNIGHT)
    both.at(MIDNIGHT)
    monkeypatch.setattr("sync.scheduler.sweep", lambda _runtime: seen.append("sweep") or 0)

    def run(_runtime: object, task: due.DueTask) -> int:
        with there.engine.begin() as conn:
            free = due.claim(conn, Lease("another", both.now, 60, 10), but=KINDS) if len(seen) == 1 else ()
        seen.append((task.task, [one.task for one in free]))
        return 0

    monkeypatch.setattr("sync.scheduler._run_task", run)
    turn(both.runtime)
    assert seen == ["sweep", (NEW_DAY, ["old-task"])]


def test_missed_midnights_are_made_up_once(both: Deployment, there: Office) -> None:
    """Nothing ran for five days: one look at all, one bell to catch up, the next midnight as usual."""
    there.settle()
    both.at(MIDNIGHT + timedelta(days=4, hours=10))
    turn(both.runtime)
    assert there.waiting_accounts() == 3
    assert bells(there) == ["catch_up", "look"]
    assert next_times(there)[NEW_DAY] == MIDNIGHT + timedelta(days=5)
    work(there)
    assert there.waiting_accounts() == 0
    mark = there.sandbox.mark()
    turn(both.runtime)
    work(there)
    assert there.waiting_accounts() == 0
    assert there.sandbox.requests(mark) == []


def test_work_finishes_although_every_bell_was_lost(both: Deployment, there: Office) -> None:
    """Redis is flushed with accounts dirty and an event waiting: the sweeper rings, workers finish."""
    redis = both.runtime.redis
    deal = there.sandbox.lookup("deal:d-b1")
    there.sandbox.edit("deals", deal, {"dealname": "Changed"})
    there.tell("deal.propertyChange", deal)
    assert ring(redis, Lane.FAST, Work.LOOK, there.id)
    redis.flushdb()
    assert not work(there)
    assert sweep(both.runtime) == 0  # what has just come is being rung for
    both.later(seconds=20)
    assert sweep(both.runtime) == 2
    assert bells(there) == ["drain", "look"]
    work(there)
    assert (there.waiting_accounts(), there.events_left()) == (0, 0)
    assert {state for _, state in there.states()} == {WriteState.ACKNOWLEDGED}
    assert len(there.written(there.own("profile"))) == 3


def test_nobody_is_rung_for_before_the_first_look(
    both: Deployment, office: OPEN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portal is read, its accounts wait; until it goes live no worker is called for them, then one is."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: both.runtime)
    found = office(both, HUBSPOT, three_customers()).install()
    found.load()
    both.later(minutes=1)
    assert found.waiting_accounts() == 3
    assert sweep(both.runtime) == 0
    found.go_live()
    both.later(minutes=1)
    assert sweep(both.runtime) == 1
    assert bells(found) == ["look"]


def test_rows_left_by_a_worker_that_died_are_written(both: Deployment, there: Office) -> None:
    """Looked at but never pushed, and Redis empty: the sweeper has them written once."""
    there.look()
    both.runtime.redis.flushdb()
    both.later(seconds=20)
    sweep(both.runtime)
    assert bells(there) == ["push"]
    work(there)
    assert there.states()["deals", WriteState.ACKNOWLEDGED] == 1
    mark = there.sandbox.mark()
    both.later(minutes=1)
    assert sweep(both.runtime) == 0
    assert there.sandbox.requests(mark) == []


def test_half_a_first_look_is_not_written_by_itself(both: Deployment, there: Office) -> None:
    """A slow machine has looked at one of three accounts: its writes wait for the rest, for two minutes."""
    both.later(seconds=1)
    assert look(there.ws, "slow", limit=1) is not None
    both.later(seconds=20)
    sweep(both.runtime)
    assert bells(there) == ["look"]
    both.runtime.redis.flushdb()
    both.later(minutes=2)
    sweep(both.runtime)
    assert bells(there) == ["look", "push"]


def test_writes_of_accounts_marked_before_others_wait_for_nobody(both: Deployment, there: Office) -> None:
    """Events keep coming: what was decided before the last of them is rung for."""
    there.look()
    both.later(seconds=20)
    there.look_at_all()
    sweep(both.runtime)
    assert bells(there) == ["push"]


def test_what_a_push_goes_on_to_is_not_rung_for(both: Deployment, there: Office) -> None:
    """One push at work fills whole batches; once its worker is dead for a minute, another is called."""
    there.look()
    with writing(there.engine) as conn:
        lease = Lease("at work", both.now, 60, 1)
        assert len(ledger.claim_pending(conn, there.id, "cs_profile", lease)) == 1
    both.later(seconds=20)
    assert sweep(both.runtime) == 0
    both.later(seconds=40)
    sweep(both.runtime)
    assert bells(there) == ["push"]


def test_ringing_a_bell_that_waits_adds_no_job(lite: Deployment) -> None:
    """A burst of rings is one job; once answered, the next ring is another."""
    redis = lite.runtime.redis
    assert [ring(redis, Lane.FAST, Work.DRAIN, "nobody") for _ in range(3)] == [True, False, False]
