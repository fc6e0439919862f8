"""Two machines: two of every process, in homes of their own, over one PostgreSQL and one Valkey only.

A burst of webhooks is sent to both web processes, every event to each, as a sender does that saw no answer.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.test_database_restart import SECRET, deliver
from tests.crash.world import World, until

pytestmark = pytest.mark.crash
EVENTS = 40
PROCESSES = (("worker", "fast"), ("worker", "fast"), ("worker", "bulk"), ("scheduler",), ("listen",))
PUBLIC = "https://colonnade.example"


def machine(world: World, stack: ExitStack, home: Path) -> tuple[str, list]:
    """Start all processes of a machine whose home is empty; return its web address and the processes."""
    home.mkdir()
    apart = {**world.env, "CS_HOME": str(home), "CS_HUBSPOT_CLIENT_SECRET": SECRET}
    started = [world.run(*words, more=apart) for words in PROCESSES]
    url, _ = stack.enter_context(world.web(home, CS_HUBSPOT_CLIENT_SECRET=SECRET, CS_PUBLIC_URL=PUBLIC))
    return url, started


def test_two_of_every_process_work_a_burst_off_once(
    opened: Callable[..., World], postgres_url: str, tmp_path: Path
) -> None:
    """Every event is one row, every record is sent once, and no machine needs a file of the other."""
    world = opened(postgres_url)
    with ExitStack() as stack:
        machines = [machine(world, stack, tmp_path / f"machine-{number}") for number in range(2)]
        world.waken()
        for number in range(1, EVENTS + 1):
            for url, _ in machines:
                assert deliver(url, world, number, public=PUBLIC) == 204
        until(lambda: world.left() == 0)
        assert [one.poll() for _, processes in machines for one in processes] == [None] * 10
        for _, processes in machines:
            for one in processes:
                one.send_signal(signal.SIGTERM)
        assert [world.ended(one) for _, processes in machines for one in processes] == [0] * 10
    with world.office.engine.connect() as conn:
        kept = conn.exec_driver_sql("SELECT count(*), count(DISTINCT dedupe_key) FROM inbox").one()
    assert tuple(kept) == (EVENTS + 1, EVENTS + 1)
    world.check_all_is_done_once()
    for number in range(2):
        assert not (tmp_path / f"machine-{number}" / "secret.key").exists()
