"""The web application over a runtime of the test's own: temp home, still clock, one portal, one org."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, create_engine, text

from app import create_app  # noqa: TID251 - tests stand above the composition root
from sync.config import read_settings
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import writing
from sync.state.installations import Installation, Status
from sync.state.secrets import SecretBox, new_key

NOW = datetime(2026, 6, 30, 9, 0, tzinfo=UTC)
CLIENT_SECRET = "the-app-s-client-secret"
PUBLIC_URL = "https://cs.example.com"
PORTAL = "24680135"
HUBSPOT = f"hubspot-{PORTAL}"
ORG = "00D8d0000000001EAA"
SALESFORCE = f"salesforce-{ORG}"
PATH_SECRET = "an-unguessable-path"
WRITE_SECRET = "a-secret-write-key"


class StillClock:
    """A clock that stands at ``NOW``."""

    def now(self, _conn: object = None) -> datetime:
        """Return the instant at which every test of this folder happens."""
        return NOW


@dataclass(frozen=True)
class Web:
    """The application under test: ``client`` to call it, ``rows`` to see what it kept."""

    runtime: Runtime
    client: FlaskClient

    def rows(self) -> list[dict[str, Any]]:
        """Return what the inbox holds."""
        return kept_by(self.runtime.engine)

    def over(self, **changed: Any) -> Web:
        """Return the application over the same runtime with some handles exchanged."""
        return web_over(replace(self.runtime, **changed))


def kept_by(engine: Engine) -> list[dict[str, Any]]:
    """Return the rows of a database's inbox, read by SQL of the test's own."""
    with engine.connect() as conn:
        found = conn.execute(text("SELECT * FROM inbox ORDER BY installation_id, dedupe_key"))
        return [dict(row) for row in found.mappings()]


def web_over(runtime: Runtime) -> Web:
    """Return the application over ``runtime``, its errors answered as in production."""
    return Web(runtime, create_app(runtime).test_client())


def connect(engine: Engine, vendor: str, account_id: str, name: str, status: Status = Status.ACTIVE) -> str:
    """Enter an installation; return its id."""
    one = Installation(vendor, account_id, name, "http://crm.test", "UTC", NOW, NOW, status)
    with writing(engine) as conn:
        return installations.connect(conn, one).id


def open_web(engine: Engine, redis_url: str, home: Path, **settings: str) -> Web:
    """Return the application on ``engine`` with both CRMs connected and their secrets kept."""
    given = {
        "CS_HOME": str(home),
        "CS_PUBLIC_URL": PUBLIC_URL,
        "CS_HUBSPOT_CLIENT_SECRET": CLIENT_SECRET,
        "REDIS_URL": redis_url,
    }
    box = SecretBox([new_key()])
    runtime = Runtime(read_settings(given | settings), engine, StillClock(), Redis.from_url(redis_url), box)
    connect(engine, "hubspot", PORTAL, "A portal")
    connect(engine, "salesforce", ORG, "An org")
    with writing(engine) as conn:
        installations.save_secret(conn, box, SALESFORCE, NOW, "webhook_path", PATH_SECRET)
        installations.save_secret(conn, box, HUBSPOT, NOW, "write_key", WRITE_SECRET)
    return web_over(runtime)


@pytest.fixture
def web(sqlite_engine: Engine, redis_url: str, tmp_path: Path) -> Iterator[Web]:
    """Give the application on SQLite."""
    yield from _closed(open_web(sqlite_engine, redis_url, tmp_path))


@pytest.fixture
def web_on_each(engine: Engine, redis_url: str, tmp_path: Path) -> Iterator[Web]:
    """Give the application on SQLite, and on PostgreSQL."""
    yield from _closed(open_web(engine, redis_url, tmp_path))


def _closed(made: Web) -> Iterator[Web]:
    yield made
    made.runtime.redis.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Give a port on which every connection is refused, and which nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@pytest.fixture
def without_redis(closed_port: int) -> Callable[[Web], Web]:
    """Give a function that takes Redis away from an application."""
    return lambda web: web.over(redis=Redis.from_url(f"redis://127.0.0.1:{closed_port}/0"))


@pytest.fixture
def without_database(tmp_path: Path) -> Callable[[Web], Web]:
    """Give a function that takes the database away from an application."""
    gone = create_engine(f"sqlite:///{tmp_path / 'no-such-folder' / 'state.db'}")
    return lambda web: web.over(engine=gone)


def bells(web: Web) -> int:
    """Return how many jobs wait for the fast worker."""
    return int(web.runtime.redis.llen("rq:queue:fast"))
