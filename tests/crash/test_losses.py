"""What RQ as people use it loses or does twice, and that the same costs us time only.

Each happening is shown twice: to RQ's own workers, where the effect is lost or doubled, and to our processes,
where every row ends done and every record stands in the portal once. Source of the losses: RQ 3.0.0's code
(``dequeue_any`` takes from several queues by BLPOP) and its issue 1716.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry

from sync.scheduler import SWEEP_AFTER, TURN_S, turn
from tests.crash.store import Store
from tests.crash.test_database_restart import SECRET, deliver
from tests.crash.world import PATIENCE_S, World, until
from tests.sync.harness import ROOT

pytestmark = pytest.mark.crash
LATER = 10**10
"""An instant, in epoch seconds, at which all of RQ's time limits are over: it cleans up as of then."""


class Plain:
    """RQ's own workers on a store, and what their jobs did."""

    def __init__(self, store: Store, folder: Path) -> None:
        """Begin with nothing done."""
        self.store, self.effects, self.gate = store, folder / "effects", folder / "gate"
        self.redis = Redis.from_url(store.url)
        self.started: list[subprocess.Popen[bytes]] = []

    def worker(self, kind: str, point: str, *queues: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        command = [sys.executable, "-m", "tests.crash.plain", kind, point, *queues]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "REDIS_URL": self.store.url}, stderr=subprocess.DEVNULL
        )
        self.started.append(process)
        return process

    def enqueue(self, name: str, *given: object, queue: str = "default") -> Job:
        """Have a job done, and again where it fails, as careful people ask for."""
        return Queue(queue, connection=self.redis).enqueue(
            f"tests.crash.plain.{name}", str(self.effects), *given, retry=Retry(max=3)
        )

    def time_passes(self, queue: str = "default") -> None:
        """Have RQ's maintenance find every time limit over."""
        there = Queue(queue, connection=self.redis)
        StartedJobRegistry(queue=there).cleanup(timestamp=LATER)

    def done(self) -> list[str]:
        """Return what was done, in order, without who did it."""
        lines = self.effects.read_text().splitlines() if self.effects.exists() else []
        return [line.partition(" ")[0] for line in lines]


@pytest.fixture
def plain(stores: Callable[..., Store], tmp_path: Path) -> Iterator[Callable[..., Plain]]:
    """Give a function that starts a Valkey for plain RQ."""
    made: list[Plain] = []

    def begin(*, lasting: bool = True) -> Plain:
        made.append(Plain(stores(lasting=lasting), tmp_path))
        return made[-1]

    yield begin
    for one in made:
        one.gate.touch()
        for process in one.started:
            process.kill()
            process.wait()
        one.redis.close()


def test_plain_rq_loses_a_job_for_ever_between_taking_and_entering_it(plain: Callable[..., Plain]) -> None:
    """A worker of two queues is killed: the job counts as waiting, and waits in no list anybody reads."""
    there = plain()
    job = there.enqueue("do", "once")
    assert there.worker("SimpleWorker", "taken", "high", "default").wait(PATIENCE_S) == -signal.SIGKILL
    there.time_passes()
    for _ in range(2):
        assert there.worker("SimpleWorker", "never", "high", "default").wait(PATIENCE_S) == 0
    queue = Queue("default", connection=there.redis)
    assert (queue.job_ids, queue.intermediate_queue.get_job_ids()) == ([], [])
    assert StartedJobRegistry(queue=queue).get_job_ids() == []
    assert job.get_status(refresh=True) is JobStatus.QUEUED
    assert there.done() == []


def test_here_a_worker_killed_between_taking_and_entering_a_bell_loses_nothing(world: World) -> None:
    """The event is still new in the inbox, and the scheduler rings for it again."""
    world.told()
    assert world.work(point="taken") == -signal.SIGKILL
    assert world.office.events_left() == 1
    world.recover("killed between taking and entering")
    world.check_all_is_done_once()


def test_plain_rq_does_a_job_twice_at_once_when_only_the_parent_is_killed(
    plain: Callable[..., Plain],
) -> None:
    """The orphan goes on; when the parent's time is over the job is begun again beside it."""
    there = plain()
    there.enqueue("do_slowly", str(there.gate))
    parent = there.worker("Worker", "never", "default")
    until(lambda: there.done() == ["begun"])
    parent.kill()
    parent.wait()
    there.time_passes()
    second = there.worker("SimpleWorker", "never", "default")
    until(lambda: there.done() == ["begun", "begun"])
    there.gate.touch()
    assert second.wait(PATIENCE_S) == 0
    until(lambda: there.done() == ["begun", "begun", "ended", "ended"])


def test_here_a_kill_takes_worker_and_work_together(world: World) -> None:
    """Killed with a write on its way, the worker leaves no child that could go on beside the next one."""
    world.told()
    assert world.work(point="before a write") == -signal.SIGKILL
    assert session_of(world.started[0].pid) == []
    world.recover("killed with a write on its way")
    world.check_all_is_done_once()


def test_here_a_worker_that_outlives_its_lease_writes_nothing_beside_the_next_one(world: World) -> None:
    """Stopped before it marks its rows, it finds on waking that they are another's."""
    world.told()
    orphan = world.run("worker", "fast", "--until-idle", point="stopped before a write")
    until(lambda: state_of(orphan.pid) == "T")
    world.recover("stopped for longer than a lease")
    world.check_all_is_done_once()
    before = world.office.sandbox.mark()
    orphan.send_signal(signal.SIGCONT)
    assert world.ended(orphan) == 0
    assert [one for one in world.office.sandbox.requests(before) if one["rows_in"] and one["written"]] == []
    world.check_all_is_done_once()


@pytest.mark.parametrize("how", ["flushed", "restarted empty"])
def test_plain_rq_loses_every_job_with_its_redis(plain: Callable[..., Plain], how: str) -> None:
    """Nothing is done, and nothing says that anything was asked for."""
    there = plain(lasting=False)
    for number in range(5):
        there.enqueue("do", f"{number}")
    empty(there.store, how)
    assert there.worker("SimpleWorker", "never", "default").wait(PATIENCE_S) == 0
    assert there.done() == []
    assert Queue("default", connection=there.redis).job_ids == []


@pytest.mark.parametrize("how", ["flushed", "restarted empty"])
def test_here_an_empty_redis_costs_a_turn_of_the_scheduler(
    opened: Callable[..., World], sqlite_url: str, how: str
) -> None:
    """The bell is gone, the event is not; the scheduler rings for what has waited for 15 seconds."""
    world = opened(sqlite_url, lasting=False)
    world.told()
    empty(world.store, how)
    assert world.work() == 0
    assert world.office.events_left() == 1
    world.time_passes(SWEEP_AFTER.total_seconds() + TURN_S)
    assert turn(world.deployment.runtime) > 0
    assert world.work() == 0
    world.check_all_is_done_once()


def test_plain_rq_does_a_job_again_whose_end_it_could_not_enter(plain: Callable[..., Plain]) -> None:
    """Redis is away as the job ends: the worker gives up, and what was done is done a second time."""
    there = plain()
    there.enqueue("do_and_lose_redis", there.store.pid)
    there.worker("SimpleWorker", "never", "default").wait(PATIENCE_S)
    assert there.done() == ["done"]
    there.store.kill()
    there.store.start()
    there.time_passes()
    there.worker("SimpleWorker", "never", "default").wait(PATIENCE_S)
    assert there.done() == ["done", "done"]


def test_here_a_worker_waits_for_its_redis_and_writes_nothing_again(world: World) -> None:
    """Redis dies as a push ends: a webhook is kept without it, and taken up when it is back."""
    world.told()
    with world.web(world.home, CS_HUBSPOT_CLIENT_SECRET=SECRET) as (url, _):
        worker = world.run("worker", "fast", point="redis lost when done", given=str(world.store.pid))
        until(lambda: not alive(world.store.pid))
        world.store.kill()
        until(lambda: world.left() == 0)
        assert deliver(url, world, 1) == 204
    assert world.office.events_left() == 1
    world.store.start()
    world.time_passes(SWEEP_AFTER.total_seconds() + TURN_S)
    assert turn(world.deployment.runtime) > 0
    until(lambda: world.left() == 0)
    assert worker.poll() is None
    world.check_all_is_done_once()
    worker.send_signal(signal.SIGTERM)
    assert world.ended(worker) == 0


def empty(store: Store, how: str) -> None:
    """Have a Valkey forget everything, with or without dying."""
    if how == "flushed":
        with Redis.from_url(store.url) as client:
            client.flushall()
    else:
        store.kill()
        store.start()


def state_of(pid: int) -> str:
    """Return the state letter of a process: ``T`` is stopped, ``Z`` dead and not yet waited for."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def alive(pid: int) -> bool:
    """Say whether a process runs."""
    return Path(f"/proc/{pid}").exists() and state_of(pid) != "Z"


def session_of(leader: int) -> list[int]:
    """Return what still runs of all that a process began, also where it is gone itself."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found
