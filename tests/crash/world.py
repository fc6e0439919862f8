"""A portal, the product's state, and the product's processes beside a test that watches them.

Processes share a database and a Valkey and nothing else. The deployment's clock runs; the test moves it to
where a lease has ended, and waits for states, never for a time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import requests

from sync.bell import WAIT_S, Lane, Work, ring
from sync.clock import move_clock
from sync.holding import HOLD_S
from sync.scheduler import SWEEP_AFTER, TURN_S, turn
from sync.state.engine import reading
from sync.state.ledger import WriteState
from tests.crash.store import Store, free_port
from tests.sync.harness import ROOT, Deployment, Office

PATIENCE_S = 120
RECOVERED_WITHIN_S = 120
EXPECTED = {"profile": 3, "plan": 1, "milestone": 4, "renewal": 1}
"""What three customers are given: a profile each, one plan of four milestones, one renewal on two lines."""


@dataclass
class World:
    """One office whose processes come and go."""

    office: Office
    store: Store
    home: Path
    env: dict[str, str]
    say: Callable[[str], None]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def deployment(self) -> Deployment:
        """Return the product's side."""
        return self.office.deployment

    def run(
        self, *words: str, point: str = "never", given: str = "", more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start one of the product's processes, with something that happens to it at a point."""
        extra = [given] if given else []
        command = [sys.executable, "-m", "tests.crash.killed", point, *extra, "--", *words]
        number = len(self.started)
        with (self.home / f"{number}-{words[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **self.env, **(more or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def work(self, *, point: str = "never", given: str = "") -> int:
        """Have a fast worker work until nothing is rung for any more; return how it ended."""
        return self.ended(self.run("worker", "fast", "--until-idle", point=point, given=given))

    @contextmanager
    def web(self, home: Path, **more: str) -> Iterator[tuple[str, int]]:
        """Run a web process as the Procfile does; yield its address and process once it is ready."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        told = {"CS_PUBLIC_URL": url, "PORT": str(port), **self.env, "CS_HOME": str(home), **more}
        command = [sys.executable, "-m", "gunicorn", "--config", "webhooks/gunicorn.py"]
        command += ["--no-control-socket", "app:create_app()"]
        with (home / "web.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **told}, stdout=log, stderr=log)
        self.started.append(process)
        until(lambda: _ready(url))
        yield url, process.pid
        process.terminate()
        assert process.wait(PATIENCE_S) == 0

    def ended(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a process to end and return how."""
        return process.wait(PATIENCE_S)

    def stop(self) -> None:
        """End every process that still runs."""
        for process in self.started:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def ring(self, work: Work) -> None:
        """Ring as the web process does once an event is kept."""
        ring(self.deployment.runtime.redis, Lane.FAST, work, self.office.id)

    def told(self) -> None:
        """Have an event arrive, kept and rung for: its account is looked at with everybody else."""
        self.office.tell("company.propertyChange", self.office.sandbox.lookup("account:acorn"))
        self.ring(Work.DRAIN)

    def time_passes(self, seconds: float) -> None:
        """Move the clock on, for processes and sandbox alike."""
        self.run_clocks(self.deployment.now + timedelta(seconds=seconds))

    def run_clocks(self, at: object) -> None:
        """Let all clocks run on from an instant."""
        move_clock(self.office.engine, at, running=True)
        text = at.isoformat().replace("+00:00", "Z")
        self.office.sandbox.post("clock", {"now": text, "running": True})

    def recover(self, lost: str) -> None:
        """Do what the scheduler and a supervisor do, and say how long they take at most.

        The lease has to end (our clock is moved over it), then the scheduler's turn rings; a bell that is
        still thought to wait is waited for in Redis, whose time cannot be moved. Then a worker works.
        """
        within = HOLD_S + TURN_S + WAIT_S
        assert within <= RECOVERED_WITHIN_S
        parts = f"{HOLD_S} s lease + {TURN_S:.0f} s turn + {WAIT_S} s bell"
        self.say(f"{lost}: {within:.0f} s at most ({parts})")
        self.time_passes(max(HOLD_S, SWEEP_AFTER.total_seconds()) + TURN_S)
        until(self._turned)

    def _turned(self) -> bool:
        if turn(self.deployment.runtime):
            assert self.work() == 0
        return self.left() == 0

    def left(self) -> int:
        """Return how many events, accounts and records are still to be worked in, looked at and written."""
        with reading(self.office.engine) as conn:
            query = (
                "SELECT (SELECT count(*) FROM inbox WHERE state <> 'done') + (SELECT count(*) FROM dirty)"
                " + (SELECT count(*) FROM write_ledger WHERE state <> 'acknowledged')"
            )
            return int(conn.exec_driver_sql(query).scalar() or 0)

    def check_all_is_done_once(self, *, sent_once: bool = True) -> None:
        """Every row is done, every record stands once in the CRM, and was sent to it once."""
        office = self.office
        assert self.left() == 0
        assert {state for _, state in office.states()} == {WriteState.ACKNOWLEDGED}
        found = Counter({kind: len(office.sandbox.records(office.own(kind))) for kind in list(EXPECTED)[:3]})
        found["renewal"] = len(office.written("deals"))
        assert dict(found) == EXPECTED
        if sent_once:
            assert {key: times for key, times in self.sent().items() if times > 1} == {}

    def sent(self) -> Counter[str]:
        """Return how often the portal took each record of ours by its key: made it, or wrote it again."""
        upserts = [one for one in self.office.sandbox.requests() if "batch/upsert" in one["path"]]
        return Counter(f"{one['object']} {record}" for one in upserts for record in one["written"])

    def waken(self) -> None:
        """Wait until worker and scheduler do what nobody has rung for."""
        self.office.tell("company.propertyChange", self.office.sandbox.lookup("account:birch"))
        self.time_passes(SWEEP_AFTER.total_seconds() + TURN_S)
        until(lambda: self.left() == 0)


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=PATIENCE_S).ok
    except requests.ConnectionError:
        return False


def until(done: Callable[[], bool]) -> None:
    """Wait for something to come true."""
    ends = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)
