"""The demo's runs, each made once for the whole test run, whatever the number of xdist workers."""

from __future__ import annotations

import json
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from sync.clock import clock_of, move_clock
from sync.servers import embedded_valkey, locked
from sync.state.engine import open_engine
from tests.promises.demo_run import ROOT, Run, run_demo

RAVENSTACK = ROOT.parent / "shared" / "data" / "ravenstack"
SMALL = ("--accounts", "60", "--json")
# The demo's workers are killed when the portal has seen this many more requests each time.
KILL_EVERY_REQUESTS = 6
KILLS = 5
LONGEST_LEASE = timedelta(seconds=200)  # nothing is leased for longer
Make = Callable[[Path], Run]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Make], Run]:
    """Give a function that makes a run of a name the first time and finds it again afterwards."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make_once(name: str, make: Make) -> Run:
        done = shared / f"demo-{name}.json"
        with locked(shared / f"demo-{name}.lock"):
            if not done.exists():
                run = make(shared / f"demo-{name}")
                done.write_text(json.dumps(asdict(run), default=str))
        told: dict[str, Any] = json.loads(done.read_text())
        return Run(told["code"], told["out"], told["err"], Path(told["home"]))

    return make_once


@pytest.fixture(scope="session")
def ravenstack(once: Callable[[str, Make], Run]) -> Run:
    """Give the demo's run over RavenStack at the end of 2024."""
    if not RAVENSTACK.is_dir():
        pytest.skip("the RavenStack files are not beside this checkout (../shared/data/ravenstack)")
    options = ("--portfolio", str(RAVENSTACK), "--as-of", "2024-12-31", "--json")
    return once("ravenstack", lambda home: run_demo(home, *options))


@pytest.fixture(scope="session")
def made_up(once: Callable[[str, Make], Run]) -> Run:
    """Give the demo's undisturbed run over 60 made-up accounts."""
    return once("made-up", lambda home: run_demo(home, *SMALL))


@pytest.fixture(scope="session")
def killed(once: Callable[[str, Make], Run]) -> Run:
    """Give the same run with its workers killed again and again."""
    return once("killed", lambda home: run_demo(home, *SMALL, meanwhile=kill_workers))


@pytest.fixture(scope="session")
def on_servers(
    once: Callable[[str, Make], Run], postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Give the same run on a PostgreSQL and a Valkey of their own, with two fast workers."""

    def make(home: Path) -> Run:
        valkey = embedded_valkey(tmp_path_factory.mktemp("valkey-of-the-demo"))
        try:
            with _database(postgres_server) as url:
                env = {"DATABASE_URL": url, "REDIS_URL": valkey.url}
                return run_demo(home, *SMALL, "--workers", "2", env=env)
        finally:
            valkey.stop()

    return once("on-servers", make)


@contextmanager
def _database(server: str) -> Iterator[str]:
    name = f"demo_{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def kill_workers(home: Path, ended: threading.Event) -> None:
    """Kill fast and bulk worker, as ``kill -9`` does, while they load, write and answer webhooks.

    The moments are counted in requests to the HubSpot sandbox after the first read, so that every
    kill meets a worker at work, on machines of any speed. After each, the clock of the deployment
    and of both sandboxes is moved on, so that what the dead held is free without waiting for it.
    """
    seen: dict[str, int] = {}
    next_at = 0
    while len(seen) < 2 * KILLS and not ended.wait(0.01):
        log = _requests(home)
        first_read = next((one["seq"] for one in log if "?limit=" in one["path"]), None)
        if first_read is None or log[-1]["seq"] < first_read + next_at or not _kill(home, seen):
            continue
        next_at = log[-1]["seq"] - first_read + KILL_EVERY_REQUESTS
        _time_passes(home)


def _kill(home: Path, killed: dict[str, int]) -> bool:
    """Kill the workers that stand in the demo's list unless that was done; remember them."""
    pids = json.loads((home / "pids.json").read_text())
    alive = {f"{name}/{pids[name]}": pids[name] for name in ("worker-fast-1", "worker-bulk")}
    if alive.keys() & killed.keys():
        return False  # not started again yet
    for pid in alive.values():
        os.kill(pid, signal.SIGKILL)
    killed |= alive
    return True


def _time_passes(home: Path) -> None:
    engine = open_engine(f"sqlite:///{home / 'colonnade.db'}")
    later = clock_of(engine).now() + LONGEST_LEASE
    for vendor in ("hubspot", "salesforce"):
        told = {"now": later.isoformat().replace("+00:00", "Z"), "running": True}
        requests.post(f"{_sandbox(home, vendor)}/_sandbox/clock", json=told, timeout=60).raise_for_status()
    move_clock(engine, later, running=True)
    engine.dispose()


def _sandbox(home: Path, vendor: str) -> str:
    log = home / f"sandbox-{vendor}.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return next((line.split()[1] for line in lines if line.startswith("ready ")), "")


def _requests(home: Path) -> list[Mapping[str, Any]]:
    url = _sandbox(home, "hubspot")
    if not url:
        return []
    found: list[Mapping[str, Any]] = requests.get(f"{url}/_sandbox/requests", timeout=60).json()["requests"]
    return found
