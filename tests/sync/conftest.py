"""Sandboxes as processes and installations in them, all ended with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.sync.harness import Deployment, Office, Sandbox, deployment
from tests.sync.portfolios import Book

Start = Callable[..., Sandbox]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts a vendor's sandbox, loaded with a book where one is given."""
    started: list[Sandbox] = []

    def begin(vendor: str, book: Book | None = None, *options: str) -> Sandbox:
        number = len(started)
        lag = ("--index-lag-seconds", "0") if vendor == "hubspot" else ()
        sandbox = Sandbox(vendor, tmp_path / f"{vendor}-{number}.db", (*lag, *options))
        started.append(sandbox)
        sandbox.start()
        if book is not None:
            sandbox.post("load", {"dir": str(book.write(tmp_path / f"book-{number}"))})
        return sandbox

    yield begin
    for sandbox in started:
        sandbox.stop()


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the transports give up after the first try of a call, so that no test waits for retries."""
    monkeypatch.setattr("integration.hubspot.transport.MAX_ATTEMPTS", 1)
    monkeypatch.setattr("integration.salesforce.transport.RETRY_TOTAL_S", 0.0)


@pytest.fixture
def lite(tmp_path: Path, sqlite_engine: Engine, redis_url: str) -> Iterator[Deployment]:
    """Give a deployment on SQLite, for tests that are not about the database."""
    with deployment(tmp_path / "home", sqlite_engine, redis_url) as found:
        yield found


@pytest.fixture
def both(tmp_path: Path, engine: Engine, redis_url: str) -> Iterator[Deployment]:
    """Give a deployment on each kind of database in turn."""
    with deployment(tmp_path / "home", engine, redis_url) as found:
        yield found


@pytest.fixture
def office(start: Start) -> Callable[..., Office]:
    """Give a function that opens an office: sandbox loaded, clocks set, connected."""

    def open_office(deployed: Deployment, vendor: str, book: Book, *options: str) -> Office:
        sandbox = start(vendor, book, *options)
        deployed.sandboxes.append(sandbox)
        deployed.at(deployed.now)
        return Office(deployed, sandbox).connect()

    return open_office
