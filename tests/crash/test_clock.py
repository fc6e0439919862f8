"""Our clock is set back under a dead worker's leases, and the next processes go on at once."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest

from sync.clock import move_clock
from tests.crash.world import World, until

pytestmark = pytest.mark.crash


def test_nobody_waits_for_a_lease_that_ends_in_an_hour(world: World) -> None:
    """Killed with a write on its way, then an hour back: worker and scheduler do the rest in that hour.

    The portal was connected before that hour, so that its charter was in force by then.
    """
    world.time_passes(timedelta(hours=2).total_seconds())
    world.told()
    assert world.work(point="before a write") == -signal.SIGKILL
    died = world.deployment.now
    move_clock(world.office.engine, died - timedelta(hours=1), running=True)
    others = [world.run("worker", "fast"), world.run("scheduler")]
    until(lambda: world.left() == 0)
    assert world.deployment.now < died
    world.check_all_is_done_once()
    for process in others:
        process.send_signal(signal.SIGTERM)
    assert [world.ended(process) for process in others] == [0, 0]
