"""One installation on one sandbox, set up for a benchmark; everything under one folder.

Neighbours: ``runs`` runs on it; ``first_load`` and ``usage_load`` are its processes for measuring memory;
``sync/parity.py`` has one for each vendor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mappings.load import load_charter
from sync import pull, scheduler
from sync import push as pushing
from sync.allocators import look_on
from sync.bench.book import AS_OF, Size, write_book
from sync.clock import move_clock
from sync.config import read_settings
from sync.demo.children import ROOT, Children
from sync.demo.control import Control
from sync.demo.crm import Crm
from sync.onboard import apply_charter, apply_install, connect_installation, go_live, plan_install
from sync.pull import Progress, quiet
from sync.push_enter import Pushed
from sync.runtime import Runtime, open_runtime
from sync.servers import embedded_valkey
from sync.workspace import Workspace, open_workspace

HUBSPOT = "hubspot"
SALESFORCE = "salesforce"
SANDBOX_OPTIONS = {HUBSPOT: ("--index-lag-seconds", "0"), SALESFORCE: ()}
CHARTER = ROOT / "mappings" / "charters" / "default.yaml"
MORNING = datetime.fromisoformat(f"{AS_OF}T01:00:00").replace(tzinfo=UTC)
OWNER = "bench"


@dataclass(slots=True)
class Stage:
    """A sandbox, the product beside it, and clocks that stand still until moved; all under ``home``."""

    vendor: str
    home: Path
    control: Control
    runtime: Runtime
    installation: str = ""
    now: datetime = MORNING

    @property
    def ws(self) -> Workspace:
        """Return the workspace, opened anew as a job would."""
        return open_workspace(self.runtime, self.installation)

    def later(self, **span: float) -> None:
        """Let time pass everywhere."""
        self.now += timedelta(**span)
        self.control.set_clock(self.now, running=False)
        move_clock(self.runtime.engine, self.now, running=False)

    def install(self) -> None:
        """Connect as an admin would and install."""
        charter = load_charter(CHARTER, self.vendor)
        client = self.credentials()
        found = connect_installation(self.runtime, self.vendor, self.control.url, client, charter.time_zone)
        self.installation = found.id
        apply_charter(self.runtime, found.id, charter, author=OWNER)
        results = apply_install(self.ws, plan_install(self.ws))
        refused = [one for one in results if not one.done and one.required]
        if refused:
            raise RuntimeError(f"the install was refused: {refused}")

    def credentials(self) -> dict[str, str]:
        """Return what opens the sandbox: a portal's service key, an org's key pair."""
        if self.vendor == HUBSPOT:
            return {"kind": "service_key", "token": str(self.control.get("credentials")["service_key"])}
        return Crm(self.vendor, self.control).credentials()

    def load(self, progress: Progress = quiet) -> int:
        """Read everything; return how many records."""
        return pull.load(self.ws, progress).read

    def go_live(self) -> Pushed:
        """Begin the grid of days, decide about everybody and write."""
        go_live(self.ws)
        return self.decide_and_write()

    def run_again(self) -> Pushed:
        """Read what changed, look at everybody, write what differs."""
        pull.poll(self.ws)
        scheduler.look_at_all(self.ws, OWNER)
        return self.decide_and_write()

    def decide_and_write(self) -> Pushed:
        """Look at everybody dirty and push."""
        while look_on(self.ws, OWNER) is not None:
            pass
        return pushing.push(self.ws, OWNER)

    def keep(self, name: str, what: Mapping[str, Any]) -> None:
        """Leave what was counted under the home, for others to count again: ``kept-NAME.json``."""
        (self.home / f"kept-{name}.json").write_text(json.dumps(what), "utf-8")

    def calls(self, after: int) -> list[dict[str, Any]]:
        """Return the vendor requests after a number of the log, sign-ins left out."""
        return [one for one in self.control.requests(after) if one["object"] != "oauth"]


@contextmanager
def stage(home: Path, vendor: str, size: Size) -> Iterator[Stage]:
    """Start a sandbox with a plain portfolio of that size and the product beside it, not yet connected."""
    with stage_of(home, vendor, write_book(home / "book", size)) as found:
        yield found


@contextmanager
def stage_of(home: Path, vendor: str, portfolio: Path) -> Iterator[Stage]:
    """Start a sandbox with the portfolio in a folder and the product beside it, not yet connected."""
    home.mkdir(parents=True, exist_ok=True)
    children = Children(home, {})
    name, database = f"sandbox-{vendor}", str(home / f"{vendor}.db")
    options = SANDBOX_OPTIONS[vendor]
    children.start(name, "-m", f"sandbox.{vendor}", "--port", "0", "--db", database, *options)
    valkey = embedded_valkey(home)
    try:
        control = Control(children.url_of(name))
        control.load(portfolio)
        runtime = open_runtime(read_settings({"CS_HOME": str(home), "REDIS_URL": valkey.url}))
        found = Stage(vendor, home, control, runtime)
        found.later(seconds=0)
        yield found
        runtime.engine.dispose()
    finally:
        children.stop()
        valkey.stop()
