"""A rolling upgrade: processes of the old version go on over a newer schema, and may start again on it."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from sqlalchemy import create_engine

from tests.crash.world import World, until
from tests.state.test_migration_rules import LATER, make_newer, revisions

pytestmark = pytest.mark.crash


def test_old_workers_outlive_a_migration_until_the_floor_is_raised(
    opened: Callable[..., World], postgres_url: str
) -> None:
    """At work while the schema grows, started again after it; above the floor's version it is refused."""
    world = opened(postgres_url)
    old = [world.run("worker", "fast"), world.run("scheduler")]
    world.waken()
    make_newer(world.office.engine, revisions()[-1])
    world.told()
    until(lambda: world.left() == 0)
    assert [one.poll() for one in old] == [None, None]
    for one in old:
        one.send_signal(signal.SIGTERM)
    assert [world.ended(one) for one in old] == [0, 0]

    world.told()
    assert world.work() == 0
    world.check_all_is_done_once()

    with world.office.engine.begin() as conn:
        conn.exec_driver_sql(f"UPDATE schema_floor SET oldest = '{LATER}'")
    assert world.work() == 2
    assert "this one is older" in (world.home / f"{len(world.started) - 1}-worker.log").read_text()


def test_two_releases_at_once_migrate_once(opened: Callable[..., World], postgres_url: str) -> None:
    """Both end well; the database is at the newest schema."""
    world = opened(postgres_url)
    admin = create_engine(world.office.engine.url)
    with admin.begin() as conn:
        conn.exec_driver_sql("DROP SCHEMA public CASCADE")
        conn.exec_driver_sql("CREATE SCHEMA public")
    releases = [world.run("migrate") for _ in range(2)]
    assert [world.ended(one) for one in releases] == [0, 0]
    with admin.connect() as conn:
        assert (
            conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
            == revisions()[-1:]
        )
    admin.dispose()
