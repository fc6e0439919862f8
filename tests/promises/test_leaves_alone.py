"""The demo takes nothing from its user: no folder, no database, no queue that is in use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import redis
from rq import Queue
from sqlalchemy.engine import make_url

from sync.state import clock_table, installations
from sync.state.engine import migrate, open_engine, reading, writing
from sync.state.installations import Installation
from tests.promises.demo_run import run_demo

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONE = ("--accounts", "1")


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """Even where it looks like a demo's own home, nothing in it is touched."""
    (tmp_path / "pids.json").write_text("{}")
    (tmp_path / "colonnade.db").write_text("the user's")
    run = run_demo(tmp_path, *ONE)
    assert run.code != 0
    assert "is not empty" in run.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["colonnade.db", "pids.json"]
    assert (tmp_path / "colonnade.db").read_text() == "the user's"


def test_a_database_in_use_is_refused(tmp_path: Path) -> None:
    """A database that holds an installation keeps it, and its clock is not moved."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    engine = open_engine(url)
    migrate(engine)
    with writing(engine) as conn:
        installations.connect(
            conn, Installation("hubspot", "1", "A portal", "https://api.hubapi.com", "UTC", NOON, NOON)
        )
    run = run_demo(tmp_path / "home", *ONE, env={"DATABASE_URL": url})
    assert run.code != 0
    assert "DATABASE_URL" in run.err
    with reading(engine) as conn:
        assert clock_table.get(conn) is None
        assert [one.account_id for one in installations.every(conn)] == ["1"]
    engine.dispose()


def test_a_redis_in_use_is_refused(tmp_path: Path, redis_url: str) -> None:
    """A job that waits in the Redis named is not taken by the demo's workers."""
    with redis.Redis.from_url(redis_url) as client:
        Queue("fast", connection=client).enqueue("sync.jobs.look", "fast", "somebody-else")
        run = run_demo(tmp_path / "home", *ONE, env={"REDIS_URL": redis_url})
        assert run.code != 0
        assert "REDIS_URL" in run.err
        assert Queue("fast", connection=client).count == 1


def test_the_address_of_a_database_is_shown_without_its_password(tmp_path: Path, postgres_url: str) -> None:
    """The refusal names the database, never the password to it."""
    engine = open_engine(postgres_url)
    migrate(engine)
    with writing(engine) as conn:
        installations.connect(
            conn, Installation("hubspot", "1", "A portal", "https://api.hubapi.com", "UTC", NOON, NOON)
        )
    engine.dispose()
    secret = make_url(postgres_url).set(password="hunter2-of-the-test")
    run = run_demo(
        tmp_path / "home", *ONE, env={"DATABASE_URL": secret.render_as_string(hide_password=False)}
    )
    assert run.code != 0
    assert "hunter2" not in run.err
