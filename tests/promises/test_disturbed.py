"""The end is the same whatever happens on the way, and wherever state and queues are kept."""

from __future__ import annotations

import pytest

from tests.promises.conftest import KILLS
from tests.promises.demo_run import VENDORS, Run

pytestmark = pytest.mark.whole


def test_the_workers_were_killed_at_work(killed: Run) -> None:
    """Both workers were killed five times over, started again each time, and the demo ended well."""
    assert killed.report["worker_restarts"] == 2 * KILLS


@pytest.mark.parametrize("vendor", VENDORS)
def test_killed_workers_change_nothing_of_the_end(made_up: Run, killed: Run, vendor: str) -> None:
    """After kill -9 of the fast and the bulk worker, every record stands as after an undisturbed run."""
    assert killed.crm(vendor).settled() == made_up.crm(vendor).settled()
    assert killed.report[vendor]["bands"] == made_up.report[vendor]["bands"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_second_run_after_kills_writes_nothing(killed: Run, vendor: str) -> None:
    """What the killed workers had written is known: nothing of it is blocked."""
    assert killed.report[vendor]["blocked"] == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_postgresql_and_redis_end_the_same(made_up: Run, on_servers: Run, vendor: str) -> None:
    """On PostgreSQL, a Redis of its own and two fast workers, every record stands as on the embedded ones."""
    assert on_servers.crm(vendor).settled() == made_up.crm(vendor).settled()
    assert on_servers.report[vendor]["second_run_writes"] == 0


def test_the_servers_given_were_used(made_up: Run, on_servers: Run) -> None:
    """With DATABASE_URL and REDIS_URL set, the demo's home holds neither a database nor a Valkey."""
    assert on_servers.report["worker_restarts"] == 0
    assert not (on_servers.home / "colonnade.db").exists()
    assert not (on_servers.home / "valkey").exists()
    assert (made_up.home / "colonnade.db").exists()
    assert (made_up.home / "valkey").exists()
