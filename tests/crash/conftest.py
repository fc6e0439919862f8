"""Valkeys, portals and processes to be killed; all of them ended with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.state.engine import migrate, open_engine
from tests.crash.store import Store
from tests.crash.world import World
from tests.sync.conftest import office, one_try, start
from tests.sync.harness import HUBSPOT, START, Deployment, deployment
from tests.sync.portfolios import three_customers

__all__ = ["office", "one_try", "start"]
RECOVERED = "recovered"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each recovery takes at most by the product's own settings."""
    for one in terminalreporter.stats.get("passed", []):
        for text in [value for name, value in one.user_properties if name == RECOVERED]:
            terminalreporter.write_line(f"{RECOVERED} from: {text}")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Give a function that starts a Valkey; ``lasting=False`` keeps nothing."""
    started: list[Store] = []

    def begin(*, lasting: bool = True) -> Store:
        started.append(Store(tmp_path / f"valkey-{len(started)}", lasting).start())
        return started[-1]

    yield begin
    for one in started:
        one.kill()


@pytest.fixture
def opened(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    stores: Callable[..., Store],
    office: Callable[..., object],
) -> Iterator[Callable[..., World]]:
    """Give a function that opens a portal of three customers: read, live, and nothing written yet."""
    ends: list[Callable[[], object]] = []

    def say(text: str) -> None:
        request.node.user_properties.append((RECOVERED, text))

    def begin(database: str, *, lasting: bool = True) -> World:
        engine, store = open_engine(database), stores(lasting=lasting)
        migrate(engine)
        entered = deployment(tmp_path / "home", engine, store.url)
        deployed = entered.__enter__()
        there = office(deployed, HUBSPOT, three_customers()).install()
        there.load()
        there.go_live()
        settings = deployed.runtime.settings
        env = {"CS_HOME": str(settings.home), "DATABASE_URL": database, "REDIS_URL": store.url}
        env["CS_SECRET_KEYS"] = settings.secret_keys.get_secret_value()
        (tmp_path / "home").mkdir(exist_ok=True)
        world = World(there, store, tmp_path / "home", env, say)
        world.run_clocks(START)
        ends.extend([world.stop, lambda: entered.__exit__(None, None, None), engine.dispose])
        return world

    yield begin
    for end in ends:
        end()


@pytest.fixture
def either(
    request: pytest.FixtureRequest, tmp_path: Path, vendor: str, redis_url: str
) -> Iterator[Deployment]:
    """Give a deployment whose clock stands still: on PostgreSQL for HubSpot, on SQLite for Salesforce."""
    url = request.getfixturevalue("postgres_url" if vendor == HUBSPOT else "sqlite_url")
    engine = open_engine(url)
    migrate(engine)
    with deployment(tmp_path / "home", engine, redis_url) as found:
        yield found
    engine.dispose()


@pytest.fixture
def world(opened: Callable[..., World], sqlite_url: str) -> World:
    """Give such a portal over SQLite and a Valkey that lasts."""
    return opened(sqlite_url)
