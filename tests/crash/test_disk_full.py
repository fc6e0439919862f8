"""A full disk: the intake says so and keeps nothing by halves; once there is room it goes on by itself.

The limit is one of the operating system on how large a file may become: SQLite's writes then fail as they do
on a full disk. That usage is put off before it is full is shown in ``tests/webhooks/test_usage_intake.py``.
"""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import requests

from sync.bell import Work
from tests.crash.test_database_restart import SECRET, deliver
from tests.crash.world import World

pytestmark = pytest.mark.crash
ROOM = 200_000
"""Bytes the database's files may still grow by: a few webhooks, and no more."""


def limit_files(parent: int, most: int) -> None:
    """Let no file of a web process and its children grow beyond a size: writing more fails."""
    for pid in [parent, *children(parent)]:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def children(parent: int) -> list[int]:
    """Return the processes that a process began."""
    return [int(one) for one in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def events(world: World) -> int:
    """Return how many events are kept."""
    with world.office.engine.connect() as conn:
        return int(conn.exec_driver_sql("SELECT count(*) FROM inbox").scalar() or 0)


def test_what_cannot_be_kept_is_refused_and_what_was_answered_is_there(world: World) -> None:
    """Webhooks are answered 503 with a time to come again, and only those answered 204 are in the inbox."""
    database = Path(world.office.engine.url.database or "")
    with world.web(world.home, CS_HUBSPOT_CLIENT_SECRET=SECRET) as (url, web):
        assert deliver(url, world, 1) == 204
        before = events(world)
        largest = max(one.stat().st_size for one in database.parent.glob(f"{database.name}*"))
        limit_files(web, largest + ROOM)
        kept = 0
        while (status := deliver(url, world, kept + 2)) == 204:
            kept += 1
            assert kept < 2_000
        assert status == 503
        assert events(world) == before + kept
        assert requests.get(f"{url}/healthz", timeout=30).status_code == 200
        limit_files(web, resource.RLIM_INFINITY)
        assert deliver(url, world, kept + 2) == 204
        assert events(world) == before + kept + 1
    with world.office.engine.connect() as conn:
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    world.ring(Work.DRAIN)
    assert world.work() == 0
    world.check_all_is_done_once()
