"""A portal's or an org's first days with real workers, undisturbed or with every fault it has and kills.

Told step by step in the test's process; everything that calls the CRM to read and write is done by
worker processes. Both runs do the same to it, so that what stands at the end can be compared.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from integration.port import RateLimited, Unavailable
from mappings.inbound import read_queries
from mappings.load import load_charter
from sync import scheduler
from sync.bell import Lane, Work, ring
from sync.clock import move_clock
from sync.config import read_settings
from sync.demo.children import Children
from sync.onboard import apply_charter, apply_install, connect_installation, go_live, plan_install
from sync.runtime import Runtime, open_runtime
from sync.servers import embedded_valkey
from sync.worker import at_work
from sync.workspace import Workspace, open_workspace
from tests.promises.listening_between import Exchange, Listener, listening
from tests.promises.wires import Wire
from tests.sync.harness import CHARTER, START, Sandbox
from tests.sync.portfolios import Book

ACCOUNTS = 120
SHARE, SEED = 0.2, 20260999  # a seed under which few calls meet three faults in a row: each wait is real
STILL_FOR_S = 1.5  # nobody at work and nothing asked for so long: what is left waits, so time passes
BEGINS_WITHIN_S = 60  # a worker in place of one killed
AT_WORK_FOR_S = 120  # more than any job needs, on any machine
STUCK_AFTER = 60  # spans of waiting; more than any step needs
OPENING = threading.Lock()  # Alembic migrates one database at a time in a process
SPAN = timedelta(seconds=200)  # longer than any lease
NOTHING_LEFT = """
    SELECT (SELECT count(*) FROM write_ledger WHERE state IN ('pending', 'sent'))
         + (SELECT count(*) FROM dirty) + (SELECT count(*) FROM inbox WHERE state = 'new')
"""
UNREAD = "SELECT count(*) FROM cursor WHERE phase = 'incremental'"


@dataclass(frozen=True)
class Kill:
    """A worker killed at an exchange; ``last`` is the last one that had begun when it was dead."""

    at: int
    last: int
    when: str


@dataclass
class Kills:
    """When the fast worker is killed: at which write of ours, before or after the answer reaches it."""

    fast: Callable[[], int]
    begun: Callable[[], int]
    takes: Callable[[Exchange], bool]
    before_answer: int
    after_answer: int
    writes: int = 0
    done: list[Kill] = field(default_factory=list)

    def before(self, one: Exchange) -> bool:
        """Kill the worker that waits for this answer, if it is that write's turn; say whether to deliver."""
        if not one.writes or not self.takes(one):
            return True
        self.writes += 1
        if self.writes != self.before_answer:
            return True
        self._kill(one, "with the answer on its way")
        return False

    def after(self, one: Exchange) -> None:
        """Kill the worker that has just got this answer, if it is that write's turn."""
        if one.writes and self.writes == self.after_answer and len(self.done) == 1:
            self._kill(one, "with the answer in its hands")

    def _kill(self, one: Exchange, when: str) -> None:
        pid = self.fast()
        os.kill(pid, signal.SIGKILL)
        ends = time.monotonic() + BEGINS_WITHIN_S
        while self.fast() == pid:  # dead, and another begun: on a busy machine it may have asked once more
            if time.monotonic() > ends:
                raise RuntimeError(f"no worker began in place of {pid}, killed {when}; logs beside pids.json")
            time.sleep(0.01)
        self.done.append(Kill(one.number, self.begun() - 1, when))


@dataclass
class Days:
    """One run: a sandbox, a listener before it, two workers, and the steps of its story."""

    home: Path
    wire: Wire
    sandbox: Sandbox
    runtime: Runtime
    url: str
    id: str = ""

    @property
    def ws(self) -> Workspace:
        """Return the workspace, opened anew."""
        return open_workspace(self.runtime, self.id)

    def install(self) -> None:
        """Connect and install, asking again as an admin would where the CRM is away for longer."""
        vendor = self.wire.vendor
        charter = load_charter(CHARTER, vendor)
        client = self.sandbox.credentials(self.wire.credentials)
        self.id = self._asked(lambda: connect_installation(self.runtime, vendor, self.url, client, "UTC").id)
        apply_charter(self.runtime, self.id, charter, author="test")
        while not all(
            one.done or not one.required
            for one in self._asked(lambda: apply_install(self.ws, plan_install(self.ws)))
        ):
            self.time_passes()

    def _asked(self, ask: Callable[[], Any]) -> Any:
        for _ in range(STUCK_AFTER):
            try:
                return ask()
            except (Unavailable, RateLimited):
                self.time_passes()
        raise AssertionError(f"{self.wire.vendor} stays away")

    def load(self) -> None:
        """Have the bulk worker read everything."""
        ring(self.runtime.redis, Lane.BULK, Work.LOAD, self.id)
        wanted = len(read_queries(self.ws.charter, self.wire.vendor))
        self._until("the first load", lambda: self.count(UNREAD) >= wanted, Lane.BULK, Work.LOAD)

    def begin(self) -> None:
        """Go live, and let everything be decided and written."""
        go_live(self.ws)
        ring(self.runtime.redis, Lane.FAST, Work.LOOK, self.id)
        self._until("the first writes", lambda: self.count(NOTHING_LEFT) == 0, Lane.FAST, Work.LOOK)

    def rename(self, number: int, name: str) -> None:
        """Have people rename a round's accounts, and let the next poll find it.

        Each account is renamed in one round only, so that nothing later makes up for a name that was lost.
        """
        self.time_passes()
        names = {}
        renamed = ACCOUNTS // self.wire.rounds
        for account in range(number * renamed, (number + 1) * renamed):
            record_id = self.sandbox.lookup(f"account:a{account}")
            names[record_id] = f"Account {account}, {name}"
            self.sandbox.edit(self.wire.accounts, record_id, {self.wire.account_name: names[record_id]})
        self.time_passes()
        ring(self.runtime.redis, Lane.FAST, Work.POLL, self.id)
        wanted = f"""
            SELECT count(*) FROM write_ledger WHERE desired LIKE '%, {name}"%'
        """

        def done() -> bool:
            return self.count(wanted) >= renamed and self.count(NOTHING_LEFT) == 0

        self._until(name, done, Lane.FAST, Work.POLL)

    def faults_unmet(self) -> set[str]:
        """Return the faults that no call has met yet, by their names in the sandbox's log."""
        met = {one["fault"] for one in self.sandbox.get("requests", after=0)["requests"]}
        return {str(one["kind"]) for one in self.wire.faults} - met

    def look_again(self) -> None:
        """Have everybody looked at once more, though nothing has changed."""
        self.time_passes()
        scheduler.look_at_all(self.ws, "the test")
        ring(self.runtime.redis, Lane.FAST, Work.LOOK, self.id)
        self._until("the last look", lambda: self.count(NOTHING_LEFT) == 0, Lane.FAST, Work.LOOK)

    def count(self, query: str) -> int:
        """Return a number by SQL of the test's own."""
        with closing(sqlite3.connect(f"file:{self.home / 'colonnade.db'}?mode=ro", uri=True)) as conn:
            return int(conn.execute(query).fetchone()[0])

    def _until(self, what: str, done: Callable[[], bool], lane: Lane, work: Work) -> None:
        """Wait until ``done``; whenever nothing is asked for a while, let time pass and look again."""
        spans, seen, still_at = 0, -1, time.monotonic() + STILL_FOR_S
        while not done():
            time.sleep(0.05)
            last = self.sandbox.mark()
            if last != seen or self.at_work():
                seen, still_at = last, time.monotonic() + STILL_FOR_S
            if time.monotonic() > still_at:
                spans += 1
                assert spans < STUCK_AFTER, f"{what} is stuck"
                self.time_passes()
                scheduler.turn(self.runtime)
                ring(self.runtime.redis, lane, work, self.id)
                still_at = time.monotonic() + STILL_FOR_S

    def at_work(self) -> bool:
        """Return whether a live worker has a job in hand."""
        alive = {int(pid) for pid in json.loads((self.home / "pids.json").read_text()).values()}
        return at_work(self.runtime.redis, alive)

    def time_passes(self) -> None:
        """Move every clock on by more than any lease, once nobody is at work.

        Under a worker that merely was slow to store an answer the leap would take its lease away, and
        another would rightly send again what it had sent.
        """
        ends = time.monotonic() + AT_WORK_FOR_S
        while self.at_work():
            assert time.monotonic() < ends, "a worker does not come to an end"
            time.sleep(0.05)
        later = self.runtime.clock.now() + SPAN
        self.sandbox.post("clock", {"now": later.isoformat().replace("+00:00", "Z"), "running": True})
        move_clock(self.runtime.engine, later, running=True)


def book() -> Book:
    """Return customers of three kinds: a renewal due, newly sold to, and nothing bought yet."""
    found = Book()
    for number in range(ACCOUNTS):
        key = f"a{number}"
        found.account(key, f"Account {number}")
        if number % 3 == 0:
            found.sold(key, key, "2024-03-01", "2025-03-01", "1200")
        elif number % 3 == 1:
            found.sold(key, key, "2024-12-01", None, "2400")
    return found


def story(home: Path, wire: Wire, *, disturbed: bool) -> dict[str, Any]:
    """Run the whole story; return what stood at the end, what was asked and what was killed."""
    home.mkdir(parents=True)
    sandbox = Sandbox(wire.vendor, home / "sandbox.db", wire.options).start()
    try:
        sandbox.post("load", {"dir": str(book().write(home / "book"))})
        with _days(home, wire, sandbox, disturbed=disturbed) as (days, listener, kills):
            if disturbed:
                sandbox.post("faults", {"faults": list(wire.faults), "share": SHARE, "seed": SEED})
            days.install()
            days.load()
            days.begin()
            last, extra = wire.rounds - 1, 0
            for number in range(last):
                days.rename(number, f"round {number}")
            while disturbed and days.faults_unmet():
                extra += 1
                days.rename(last, f"more {extra}")
            days.rename(last, f"round {last}")
            sandbox.heal()
            healed_at = len(listener.exchanges)
            days.look_again()
            return {
                "dump": {name: sandbox.records(name) for name in sandbox.get("dump")["objects"]},
                "requests": sandbox.get("requests", after=0)["requests"],
                "exchanges": [vars(one) for one in listener.exchanges],
                "kills": [vars(one) for one in kills.done],
                "healed_at": healed_at,
            }
    finally:
        sandbox.stop()


@contextmanager
def _days(
    home: Path, wire: Wire, sandbox: Sandbox, *, disturbed: bool
) -> Iterator[tuple[Days, Listener, Kills]]:
    valkey = embedded_valkey(home)
    env = {
        "CS_HOME": str(home),
        "DATABASE_URL": f"sqlite:///{home / 'colonnade.db'}",
        "REDIS_URL": valkey.url,
    }
    children = Children(home, env)
    pid = lambda: int(json.loads((home / "pids.json").read_text())["worker-fast"])  # noqa: E731 - one word
    listener = Listener(sandbox.url, home / "colonnade.db", wire.writes)
    kills = Kills(pid, lambda: len(listener.exchanges), wire.takes, 2, 7)
    if disturbed:
        listener.before, listener.after = kills.before, kills.after
    with OPENING:
        runtime = open_runtime(read_settings(env))
    try:
        sandbox.post("clock", {"now": START.isoformat().replace("+00:00", "Z"), "running": True})
        move_clock(runtime.engine, START, running=True)
        with listening(listener) as url:
            for lane in Lane:
                children.start(f"worker-{lane.value}", "-m", "app", "worker", lane.value, keep=True)
            children.watch()
            yield Days(home, wire, sandbox, runtime, url), listener, kills
            children.stop()
    finally:
        children.stop()
        runtime.redis.close()
        runtime.engine.dispose()
        valkey.stop()
