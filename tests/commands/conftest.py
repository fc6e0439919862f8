"""The command as a person runs it: in this process where only words count, as a process where more does."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from app import main  # noqa: TID251 - tests stand above the composition root
from mappings.load import load_charter
from sync.clock import clock_of
from sync.commands.installing import DEFAULT_CHARTER
from sync.config import read_settings, variables
from sync.connect import save_client
from sync.onboard import apply_charter
from sync.runtime import Runtime, secret_box
from sync.state import installations
from sync.state.engine import migrate, open_engine, writing
from sync.state.installations import Installation
from tests.sandbox.conftest import ROOT

PORTAL = "hubspot-24680135"
CONNECTED_AT = datetime(2026, 6, 30, 9, 0, tzinfo=UTC)
PROCESS_WITHIN_S = 120


@dataclass(frozen=True)
class Done:
    """How a command ended: exit code, answer, and what it said beside it."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return the answer, which must be JSON and nothing else."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    def well(self) -> Done:
        """Assert that it went well."""
        assert self.code == 0, self.err
        return self

    def refused(self, *words: str) -> Done:
        """Assert that this is one clear error: it says ``words``, exits with 2, and shows no traceback."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.err.count("Error:") == 1, self.err
        assert "Traceback" not in self.out + self.err
        missing = [word for word in words if word not in self.err]
        assert not missing, f"{missing} not in: {self.err}"
        return self


def bare_environment() -> dict[str, str]:
    """Return this process's environment without anything the product reads."""
    mine = {*variables(), "CS_BIND", "WEB_CONCURRENCY"}
    return {name: value for name, value in os.environ.items() if name not in mine}


def run_process(env: Mapping[str, str], *arguments: str) -> Done:
    """Run the command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**bare_environment(), **env},
        capture_output=True,
        text=True,
        timeout=PROCESS_WITHIN_S,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def snapshot(database: Path) -> dict[str, list[str]]:
    """Return every row of a SQLite file, by table."""
    with sqlite3.connect(database) as conn:
        names = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: sorted(map(repr, conn.execute(f'SELECT * FROM "{name}"'))) for name in names}
    conn.close()
    return found


@dataclass(frozen=True)
class Home:
    """A home folder with one connected portal, its charter in force, and nothing mirrored."""

    folder: Path
    env: dict[str, str]

    @property
    def rows(self) -> dict[str, list[str]]:
        """Return the whole state."""
        return snapshot(self.folder / "colonnade.db")


@pytest.fixture
def home(tmp_path: Path, redis_url: str) -> Home:
    """Give a home with the portal connected by credentials that are none."""
    env = {"CS_HOME": str(tmp_path / "home"), "REDIS_URL": redis_url}
    settings = read_settings(env)
    engine = open_engine(settings.database_url)
    migrate(engine)
    redis = Redis.from_url(redis_url)
    runtime = Runtime(settings, engine, clock_of(engine), redis, secret_box(settings))
    portal = Installation(
        "hubspot", "24680135", "A portal", "http://127.0.0.1:9", "UTC", CONNECTED_AT, CONNECTED_AT
    )
    with writing(engine) as conn:
        installations.connect(conn, portal)
    save_client(runtime, PORTAL, {"kind": "service_key", "token": "none"})
    apply_charter(runtime, PORTAL, load_charter(DEFAULT_CHARTER, "hubspot"), author="test")
    engine.dispose()
    redis.close()
    return Home(tmp_path / "home", env)


@pytest.fixture
def colonnade(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Give a function that runs the command in this process: ``colonnade(env, "sync", "status")``."""

    def run(env: Mapping[str, str], *arguments: str) -> Done:
        for name in set(os.environ) - set(bare_environment()):
            monkeypatch.delenv(name)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["colonnade", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Give a port on which every connection is refused, and which nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
