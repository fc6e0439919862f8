"""A deploy in the middle of a batch: a worker asked to end does so in time, its rest is taken up at once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sync.bell import Work
from sync.state.engine import reading
from sync.worker import LEAVE_WITHIN_S
from tests.crash.world import World

pytestmark = pytest.mark.crash
GRACE_S = 30
"""What Heroku ("Dyno Shutdown Behavior") and Kubernetes (``terminationGracePeriodSeconds``) give."""


def held(world: World) -> int:
    """Return how many rows somebody holds."""
    tables = ("inbox", "dirty", "write_ledger", "due")
    parts = " + ".join(f"(SELECT count(*) FROM {one} WHERE lease_owner IS NOT NULL)" for one in tables)
    with reading(world.office.engine) as conn:
        return int(conn.exec_driver_sql(f"SELECT {parts}").scalar() or 0)


def test_a_worker_asked_to_end_finishes_its_batch_and_rings_for_the_rest(world: World) -> None:
    """The request it is at is answered and entered; nothing is held, and the next worker goes on unasked."""
    world.told()
    assert world.work(point="asked to end at a write") == 0
    assert held(world) == 0
    assert world.left() > 0
    assert world.work() == 0
    world.check_all_is_done_once()


def test_a_worker_held_up_gives_back_what_it_holds_within_the_grace_time(
    world: World, tmp_path: Path
) -> None:
    """No answer comes: its rows are free at once, not when the lease ends, and no clock has to move."""
    assert LEAVE_WITHIN_S <= GRACE_S - 5
    world.told()
    assert world.work(point="asked to end and held up", given=str(tmp_path / "held up")) == 0
    assert (tmp_path / "held up").exists()
    assert held(world) == 0
    assert world.work() == 0  # RQ has kept the job for another try
    world.ring(Work.PUSH)
    assert world.work() == 0
    world.check_all_is_done_once()


def test_an_idle_worker_and_the_scheduler_end_at_once(world: World) -> None:
    """Nothing has to be waited for."""
    processes = [world.run("worker", "fast"), world.run("scheduler")]
    world.waken()
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert [world.ended(process) for process in processes] == [0, 0]
