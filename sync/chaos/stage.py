"""Where a chaos run plays: both sandboxes, a Valkey, the relay and every process of the Procfile.

The clocks of sandboxes and product run, and are moved on by steps as well, so that leases and waits of hours
pass within minutes. The sandboxes' are moved first and nobody edits meanwhile: no change of a person's seems
older than an answer of before. Neighbours: ``play`` tells what happens here, ``breakage`` breaks it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from pathlib import Path
from socket import socket

from redis.exceptions import RedisError
from requests import RequestException

from integration.http import Timeouts, pooled_session
from mappings.load import load_charter
from sync.bench.stage import CHARTER
from sync.chaos import book
from sync.chaos.breakage import Valkey
from sync.chaos.relay import Relay
from sync.clock import move_clock
from sync.config import read_settings
from sync.demo.children import Children, listening_socket
from sync.demo.control import Control
from sync.demo.crm import HUBSPOT, SALESFORCE, Crm
from sync.demo.report import CrmReport
from sync.onboard import apply_charter, apply_install, connect_installation, plan_install
from sync.runtime import Runtime, open_runtime
from sync.state.secrets import new_key
from sync.worker import at_work
from sync.workspace import CONNECTIONS

MORNING = datetime.combine(book.AS_OF, day_time(9), UTC)
INDEX_LAG_S = 1.0
"""Wall seconds after which HubSpot's search shows a change; time is moved by hours only after that."""

SANDBOX_OPTIONS = {
    HUBSPOT: ("--index-lag-seconds", str(INDEX_LAG_S), "--retry-base-seconds", "0.5"),
    SALESFORCE: ("--retry-base-seconds", "0.5"),
}
WORKERS = ("worker-fast-1", "worker-fast-2", "worker-bulk")
PROCESSES = ("web", *WORKERS, "scheduler", "listen")
READY_WITHIN_S = 300.0  # a loaded machine starts six processes late


@dataclass(slots=True)
class Stage:
    """Everything that runs. ``env`` is what the product's processes are told."""

    home: Path
    runtime: Runtime
    children: Children
    crms: tuple[Crm, ...]
    relay: Relay
    valkey: Valkey
    env: Mapping[str, str]
    web: str
    listener: socket

    def now(self) -> datetime:
        """Return the present of every clock here, UTC."""
        return self.runtime.clock.now()

    def move_to(self, now: datetime) -> None:
        """Move every clock to an instant, from which they run on."""
        for crm in self.crms:
            crm.control.set_clock(now, running=True)
        move_clock(self.runtime.engine, now, running=True)

    def later(self, span: timedelta) -> None:
        """Move every clock on."""
        self.move_to(self.now() + span)

    def at_work(self) -> bool:
        """Return whether a worker has a job in hand, or Redis does not tell."""
        try:
            return at_work(self.runtime.redis, {self.children.pid(name) for name in WORKERS})
        except RedisError:
            return True

    def install(self) -> None:
        """Connect both CRMs as an admin would, install, and have them send their webhooks by the relay."""
        for crm in self.crms:
            charter = load_charter(CHARTER, crm.vendor)
            client = crm.credentials()
            found = connect_installation(self.runtime, crm.vendor, crm.control.url, client, charter.time_zone)
            crm.installation = found.id
            apply_charter(self.runtime, found.id, charter, author="chaos")
            ws = crm.workspace(self.runtime)
            refused = [one for one in apply_install(ws, plan_install(ws)) if not one.done and one.required]
            if refused:
                raise RuntimeError(f"the install was refused: {refused}")
            crm.send_webhooks(self.runtime, crm.workspace(self.runtime), self.env["CS_PUBLIC_URL"])

    def start_product(self) -> None:
        """Start every process of the Procfile, each started again when it dies."""
        given = self.crms[0].control.get("credentials")
        app = {"CS_HUBSPOT_CLIENT_ID": given["client_id"], "CS_HUBSPOT_CLIENT_SECRET": given["client_secret"]}
        bound = ("--no-control-socket", "--bind", f"fd://{self.listener.fileno()}", "app:create_app()")
        gunicorn = ("-m", "gunicorn", "--config", "webhooks/gunicorn.py", *bound)
        self.children.start("web", *gunicorn, keep=True, env=app, inherit=[self.listener.fileno()])
        for name in WORKERS:
            self.children.start(name, "-m", "app", "worker", name.split("-")[1], keep=True)
        for name in ("scheduler", "listen"):
            self.children.start(name, "-m", "app", name, keep=True)
        self.children.watch()
        self._wait_ready()

    def _wait_ready(self) -> None:
        session, ends = pooled_session(timeouts=Timeouts(1.0, 5.0)), time.monotonic() + READY_WITHIN_S
        while time.monotonic() < ends:
            try:
                if session.get(f"{self.web}/readyz").ok:
                    return
            except RequestException:
                time.sleep(0.1)
        raise RuntimeError(f"the web process does not answer; see {self.home / 'web.log'}")


@contextmanager
def stage(home: Path, accounts: int, seed: int | None) -> Iterator[Stage]:
    """Start sandboxes with the book's customers, and what the product needs; ``seed`` is the relay's."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        listener = ending.enter_context(closing(listening_socket()))
        valkey = Valkey(home / "valkey")
        ending.callback(valkey.stop)
        web = f"http://127.0.0.1:{listener.getsockname()[1]}"
        relay = Relay(web, seed)
        ending.callback(relay.stop)
        env = _environment(home, relay.start(), valkey.start())
        children = Children(home, env)
        ending.callback(children.stop)
        runtime = open_runtime(read_settings(env))
        ending.callback(runtime.engine.dispose)
        ending.callback(runtime.redis.close)
        crms = _sandboxes(home, children, accounts)
        for crm in crms:
            ending.callback(lambda one=crm: CONNECTIONS.forget(one.installation))  # type: ignore[misc]
        found = Stage(home, runtime, children, crms, relay, valkey, env, web, listener)
        found.move_to(MORNING)
        yield found


def _environment(home: Path, public: str, redis: str) -> dict[str, str]:
    return {
        "CS_HOME": str(home),
        "CS_PUBLIC_URL": public,
        "CS_SECRET_KEYS": new_key(),
        "CS_USAGE_STORE": str(home / "usage"),
        "DATABASE_URL": f"sqlite:///{home / 'colonnade.db'}",
        "REDIS_URL": redis,
    }


def _sandboxes(home: Path, children: Children, accounts: int) -> tuple[Crm, ...]:
    folder = book.write_book(home / "book", accounts)
    for vendor, options in SANDBOX_OPTIONS.items():
        database = str(home / f"{vendor}.db")
        children.start(vendor, "-m", f"sandbox.{vendor}", "--port", "0", "--db", database, *options)
    crms = []
    for vendor in SANDBOX_OPTIONS:
        url = children.url_of(vendor)
        crm = Crm(vendor, Control(url), CrmReport(where=url))
        crm.loaded = crm.control.load(folder)
        crms.append(crm)
    return tuple(crms)
