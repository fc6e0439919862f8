"""Fixtures shared by all tests: the state's databases and a Valkey.

``DATABASE_URL`` and ``REDIS_URL`` point the tests at running servers; without them a SQLite
file, an embedded PostgreSQL and an embedded Valkey are used. A given Redis is emptied
(databases 8 to 15), a given PostgreSQL gets a database of its own per test.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import Pool

from sync.servers import embedded_postgres, embedded_valkey, locked
from sync.state.engine import migrate, normal_url, open_engine


def _postgres_folder() -> Path:
    # Not in pytest's own folders: a run starting beside ours closes those to the user
    # PostgreSQL runs as when we are root, and the server dies.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"colonnade-tests-{run}"
    folder.mkdir(exist_ok=True)
    return folder


def _without_syncing(url: URL) -> None:
    # Tests kill processes, never the machine: waiting for the disk would prove nothing.
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text("ALTER SYSTEM SET fsync = off"))
        conn.execute(text("SELECT pg_reload_conf()"))
    admin.dispose()


def _sqlite_without_syncing(connection: Any, _record: object, _proxy: object) -> None:
    """As PostgreSQL: SQLite files of the test's own process are written without waiting for the disk."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


event.listen(Pool, "checkout", _sqlite_without_syncing)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Give the URL of one PostgreSQL for the whole run, whatever the number of workers."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        return normal_url(given).render_as_string(hide_password=False)
    folder = _postgres_folder()
    with locked(folder / "postgres.lock"):
        url = normal_url(embedded_postgres(folder / "postgres"))
        _without_syncing(url)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of one Valkey per worker, or of the Redis that was given."""
    given = os.environ.get("REDIS_URL")
    if given:
        yield given
        return
    valkey = embedded_valkey(tmp_path_factory.mktemp("valkey"))
    yield valkey.url
    valkey.stop()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Give an empty PostgreSQL database, dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give an empty SQLite file."""
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give an empty database; every test that asks for it runs on both kinds."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite file brought through all migrations once: tests begin with a copy of it."""
    path = tmp_path_factory.mktemp("migrated") / "state.db"
    opened = open_engine(f"sqlite:///{path}")
    migrate(opened)
    opened.dispose()
    return path


@pytest.fixture
def engine(database_url: str, migrated_file: Path) -> Iterator[Engine]:
    """Give an engine on a migrated database of either kind."""
    copied = make_url(database_url).get_backend_name() == "sqlite"
    if copied:
        shutil.copy(migrated_file, str(make_url(database_url).database))
    opened = open_engine(database_url)
    if not copied:
        migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str, migrated_file: Path) -> Iterator[Engine]:
    """Give an engine on a migrated SQLite file, for tests that are not about the database."""
    shutil.copy(migrated_file, str(make_url(sqlite_url).database))
    opened = open_engine(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def redis_url(valkey_server: str) -> str:
    """Give an empty Redis database of this worker's own."""
    worker = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
    url = make_url(valkey_server).set(database=str(8 + worker % 8)).render_as_string(hide_password=False)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url
