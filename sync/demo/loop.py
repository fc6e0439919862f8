"""The demo's story, step by step: start, install, first load, usage, decisions, events, a week later.

Every step goes the way it goes in production: the sandboxes are processes, webhooks arrive
signed over HTTP, workers answer queues, records are written over the vendors' APIs.
Neighbours: ``children`` runs processes, ``crm`` is one CRM, ``events`` what happens in it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as day_time
from pathlib import Path
from socket import socket

from rich.progress import Progress, TaskID

from mappings.load import load_charter
from sync.bell import Lane, Work, ring
from sync.clock import move_clock
from sync.config import read_settings
from sync.demo.children import Children, listening_socket
from sync.demo.control import Control
from sync.demo.crm import HUBSPOT, SALESFORCE, Crm
from sync.demo.report import CrmReport
from sync.demo.usage_feed import UsageFeed
from sync.demo.whose import refuse_others_state
from sync.onboard import apply_charter, apply_install, connect_installation, go_live, plan_install
from sync.runtime import Runtime, open_runtime
from sync.scheduler import NEW_DAY
from sync.servers import embedded_valkey
from sync.state import cursors, dirty, due, inbox, ledger
from sync.state.cursors import Phase
from sync.state.engine import reading
from sync.state.inbox import InboxState
from sync.state.ledger import WriteState
from sync.state.secrets import new_key

MORNING = day_time(9, 0)
STILL_FOR_S = 300.0  # a loaded machine is slow; only one where nothing moves any more is stuck
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """What a demo run is asked for. ``folder`` holds the portfolio in our own form."""

    home: Path
    folder: Path
    charter: Path
    as_of: date
    workers: int = 1

    @property
    def morning(self) -> datetime:
        """Return when the story begins; what happens in it is timed from here, however long it takes."""
        return datetime.combine(self.as_of, MORNING, UTC)


@dataclass(slots=True)
class Loop:
    """A running demo."""

    options: Options
    runtime: Runtime
    children: Children
    crms: tuple[Crm, ...]
    web: str
    feed: UsageFeed
    progress: Progress
    started: float = field(default_factory=time.monotonic)

    def each(self, step: Callable[[Crm], None]) -> None:
        """Do a step in both CRMs at once."""
        with ThreadPoolExecutor(len(self.crms)) as pool:
            list(pool.map(step, self.crms))

    def install(self, crm: Crm) -> None:
        """Connect, bring the charter into force, install by plan and apply; a second apply finds nothing."""
        charter = load_charter(self.options.charter, crm.vendor)
        client = crm.credentials()
        found = connect_installation(self.runtime, crm.vendor, crm.control.url, client, charter.time_zone)
        crm.installation = crm.report.installation = found.id
        apply_charter(self.runtime, found.id, charter, author="demo")
        ws = crm.workspace(self.runtime)
        results = apply_install(ws, plan_install(ws))
        refused = [f"{one.object}: {one.message}" for one in results if not one.done and one.required]
        if refused:
            raise RuntimeError("the install was refused: " + "; ".join(refused))
        crm.report.installed_again_changes = plan_install(ws).size
        ws = crm.workspace(self.runtime)
        crm.send_webhooks(self.runtime, ws, self.web)
        crm.mark = crm.control.last_request()
        crm.report.calls["install"] = crm.mark

    def load(self) -> None:
        """Read everything from both CRMs, by workers."""
        task = self.progress.add_task("first load", total=None)
        self._ring_load()
        self._wait("the first load", self._all_loaded, task)

    def send_usage(self) -> None:
        """Send the product's usage to both installations over HTTP."""
        task = self.progress.add_task("usage", total=self.feed.count * len(self.crms))
        self.each(
            lambda crm: self.feed.send_all(
                self.web, crm.write_key, lambda sent: self.progress.update(task, advance=sent)
            )
        )
        self._wait("the usage", lambda: not any(self._waiting_events(crm) for crm in self.crms), task)

    def go_live(self) -> None:
        """Let the rules decide about everybody and write."""
        for crm in self.crms:
            go_live(crm.workspace(self.runtime))
            for lane in Lane:
                ring(self.runtime.redis, lane, Work.LOOK, crm.installation)
        self.wait_quiet("decide and write")

    def move_to(self, now: datetime) -> None:
        """Move every clock together: ours, and the sandboxes'."""
        for crm in self.crms:
            crm.control.set_clock(now, running=True)
        move_clock(self.runtime.engine, now, running=True)

    def wait_quiet(self, title: str) -> None:
        """Return once nothing waits anywhere. Raises RuntimeError naming what is stuck."""
        task = self.progress.add_task(title, total=None)
        self._wait(title, lambda: not any(self.waiting(crm) for crm in self.crms), task)

    def wait_new_day(self) -> None:
        """Return once the scheduler has had everybody looked at on the new day, and nothing waits."""
        task = self.progress.add_task("a week later", total=None)
        self._wait("the new day", lambda: all(self._on_new_day(crm) for crm in self.crms), task)

    def _on_new_day(self, crm: Crm) -> bool:
        ws = crm.workspace(self.runtime)
        with reading(self.runtime.engine) as conn:
            next_at = due.schedule(conn, ws.id).get(NEW_DAY)
        return next_at is not None and next_at > ws.now() and not self.waiting(crm)

    def waiting(self, crm: Crm) -> dict[str, int]:
        """Return what still waits for one installation, by what it waits in.

        Asked in the order in which work moves on, each at a moment of its own: what leaves one place
        while we look is met in the next, and cannot slip past us.
        """
        counts = {"events": self._waiting_events(crm)}
        with reading(self.runtime.engine) as conn:
            counts["accounts"] = sum(dirty.count(conn, crm.installation).values())
        with reading(self.runtime.engine) as conn:
            writes = ledger.counts(conn, crm.installation)
        unwritten = (WriteState.PENDING, WriteState.SENT)
        counts["writes"] = sum(count for (_, state), count in writes.items() if state in unwritten)
        return {name: count for name, count in counts.items() if count}

    def _ring_load(self) -> None:
        for crm in self.crms:
            ring(self.runtime.redis, Lane.BULK, Work.LOAD, crm.installation)

    def _all_loaded(self) -> bool:
        if self.children.restarts:  # a job that died with its worker is missed by RQ only after minutes
            self._ring_load()
        return all(self._loaded(crm) for crm in self.crms)

    def _loaded(self, crm: Crm) -> bool:
        wanted = {query.object for query in crm.control_queries(self.runtime)}
        with reading(self.runtime.engine) as conn:
            done = {
                one.object for one in cursors.every(conn, crm.installation) if one.phase is Phase.INCREMENTAL
            }
        return wanted <= done

    def _waiting_events(self, crm: Crm) -> int:
        with reading(self.runtime.engine) as conn:
            return inbox.counts(conn, crm.installation).get(InboxState.NEW, 0)

    def _wait(self, what: str, done: Callable[[], bool], task: TaskID) -> None:
        self.wait_for(what, done)
        self.progress.update(task, total=1, completed=1)

    def wait_for(self, what: str, done: Callable[[], bool]) -> None:
        """Return once ``done``. Raises RuntimeError when nothing has moved for long, or a process died."""
        seen, ends = self._progress_made(), time.monotonic() + STILL_FOR_S
        next_look = time.monotonic() + 1
        while not done():
            self.children.check()
            if time.monotonic() > next_look:
                now, next_look = self._progress_made(), time.monotonic() + 1
                seen, ends = now, ends if now == seen else time.monotonic() + STILL_FOR_S
            if time.monotonic() > ends:
                stuck = {crm.vendor: self.waiting(crm) for crm in self.crms}
                raise RuntimeError(
                    f"{what}: nothing has moved for {STILL_FOR_S:.0f} s; waiting: {stuck}; "
                    f"the logs are in {self.options.home}"
                )
            time.sleep(LOOK_EVERY_S)

    def _progress_made(self) -> list[object]:
        """Return what changes while work goes on: what waits, and what was asked of the CRMs."""
        return [(self.waiting(crm), crm.control.last_request()) for crm in self.crms]


@contextmanager
def running(options: Options, progress: Progress) -> Iterator[Loop]:
    """Start every process, load the portfolio into both sandboxes, and stop everything at the end."""
    task, listener = progress.add_task("start", total=None), listening_socket()
    web_port = int(listener.getsockname()[1])
    web = f"http://127.0.0.1:{web_port}"
    os.environ["CS_HOME"] = str(options.home)
    valkey = None if os.environ.get("REDIS_URL") else embedded_valkey(options.home)
    env = {
        "CS_HOME": str(options.home),
        "PORT": str(web_port),
        "CS_PUBLIC_URL": web,
        "CS_SECRET_KEYS": _secret_key(options.home),
        "CS_USAGE_STORE": str(options.home / "usage"),  # made-up usage stays out of the user's own store
    }
    if valkey is not None:
        env["REDIS_URL"] = valkey.url
    os.environ.update(env)
    children = Children(options.home, env)
    try:
        runtime = open_runtime(read_settings())
        refuse_others_state(runtime)
        crms = _start_sandboxes(options, children)
        loop = Loop(options, runtime, children, crms, web, UsageFeed(options.folder), progress)
        loop.each(lambda crm: _load_portfolio(crm, options.folder))
        loop.move_to(options.morning)
        _start_product(options, children, crms[0], listener)
        progress.update(task, total=1, completed=1)
        yield loop
    finally:
        children.stop()
        listener.close()
        if valkey is not None:
            valkey.stop()


def _start_sandboxes(options: Options, children: Children) -> tuple[Crm, ...]:
    crms = []
    for vendor in (HUBSPOT, SALESFORCE):
        database = str(options.home / f"{vendor}.db")
        children.start(_sandbox_name(vendor), "-m", f"sandbox.{vendor}", "--port", "0", "--db", database)
    for vendor in (HUBSPOT, SALESFORCE):
        url = children.url_of(_sandbox_name(vendor))
        crms.append(Crm(vendor, Control(url), CrmReport(where=url)))
    return tuple(crms)


def _sandbox_name(vendor: str) -> str:
    return f"sandbox-{vendor}"


def _load_portfolio(crm: Crm, folder: Path) -> None:
    crm.control.load(folder)
    crm.loaded = crm.control.counts()


def _start_product(options: Options, children: Children, hubspot: Crm, listener: socket) -> None:
    given = hubspot.control.get("credentials")
    app = {"CS_HUBSPOT_CLIENT_ID": given["client_id"], "CS_HUBSPOT_CLIENT_SECRET": given["client_secret"]}
    gunicorn = [
        "-m",
        "gunicorn",
        "--config",
        "webhooks/gunicorn.py",
        "--no-control-socket",  # it would lie in the user's own home, one for every gunicorn there
        "--bind",
        f"fd://{listener.fileno()}",
        "app:create_app()",
    ]
    children.start("web", *gunicorn, env=app, inherit=[listener.fileno()])
    for number in range(options.workers):
        children.start(f"worker-fast-{number + 1}", "-m", "app", "worker", "fast", keep=True)
    children.start("worker-bulk", "-m", "app", "worker", "bulk", keep=True)
    children.start("scheduler", "-m", "app", "scheduler", keep=True)
    children.watch()


def _secret_key(home: Path) -> str:
    """Return the home's key for sealing credentials, made at the first run."""
    given = os.environ.get("CS_SECRET_KEYS")
    if given:
        return given
    path = home / "secret.json"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps({"key": new_key()}), encoding="utf-8")
    return str(json.loads(path.read_text(encoding="utf-8"))["key"])
