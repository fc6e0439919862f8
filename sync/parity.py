"""``colonnade parity``: one portfolio under one charter in both sandboxes, read back by clients of others.

We install, read, decide and write as ever; then a process that shares nothing with us
(``sandbox/parity``) reads both CRMs with simple-salesforce and hubspot-sdk and compares value by value.
Neighbours: ``bench/stage`` is a sandbox with an installation, ``commands/comparing`` the command.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sync import drain
from sync.bench.stage import HUBSPOT, OWNER, SALESFORCE, Stage, stage_of
from sync.demo.children import ROOT
from sync.demo.usage_feed import UsageFeed
from sync.state import inbox
from sync.state.engine import writing
from sync.state.inbox import InboxEvent

BATCH = 500
READER = {"consumer_key": "parity", "client_secret": "parity"}
TOKEN_WITHIN_S = 30.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same in both; ``field`` is "the record" where it is not once in each."""

    kind: str
    key: str
    field: str
    hubspot: str | None
    salesforce: str | None


@dataclass(frozen=True, slots=True)
class Parity:
    """The outcome: values compared, how many differ, the first ten that do, and records by kind."""

    compared: int
    differences: int
    first_differences: tuple[Difference, ...]
    records: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sandboxes with an installation each, of one portfolio and one charter."""

    hubspot: Stage
    salesforce: Stage

    def sync(self, usage: UsageFeed, say: Say) -> None:
        """Install, read, take in usage, decide and write; then let a week pass, and read and write again."""
        self._both(lambda one: one.install())
        say("reading everything and taking in usage")
        self._both(lambda one: _read(one, usage))
        say("deciding and writing")
        self._both(lambda one: one.go_live())
        say("a week later: reading, deciding and writing again")
        self._both(lambda one: one.later(days=7))
        self._both(lambda one: one.run_again())

    def compare(self) -> Parity:
        """Return how both differ, as others read them. Raises RuntimeError in the reader's own words."""
        given = {
            HUBSPOT: {"url": self.hubspot.control.url, "token": self.hubspot.credentials()["token"]},
            SALESFORCE: {"url": self.salesforce.control.url, "token": org_token(self.salesforce)},
        }
        command = [sys.executable, "-m", "sandbox.parity"]
        done = subprocess.run(  # noqa: S603 - our own module
            command, cwd=ROOT, input=json.dumps(given), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[-2000:])
        return _outcome(json.loads(done.stdout))

    def _both(self, step: Callable[[Stage], object]) -> None:
        """Do a step in both at once."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(step, (self.hubspot, self.salesforce)))


@contextmanager
def pair(home: Path, portfolio: Path) -> Iterator[Pair]:
    """Start both sandboxes with the portfolio, and the product beside each."""
    with (
        stage_of(home / HUBSPOT, HUBSPOT, portfolio) as hubspot,
        stage_of(home / SALESFORCE, SALESFORCE, portfolio) as salesforce,
    ):
        yield Pair(hubspot, salesforce)


def _read(found: Stage, usage: UsageFeed) -> None:
    found.load()
    ws, batch = found.ws, list[dict[str, Any]]()
    for number, message in enumerate(usage.messages(), 1):
        batch.append(message)
        if len(batch) == BATCH or number == usage.count:
            with writing(found.runtime.engine) as conn:
                inbox.put(
                    conn, ws.id, ws.now(), [InboxEvent(f"usage-{number}", drain.USAGE, {"batch": batch})]
                )
            batch = []
    while drain.drain(ws, OWNER) is not None:
        pass


def org_token(found: Stage) -> str:
    """Return an access token of the org for the reader, by an app of its own."""
    found.control.post("app", READER)
    form = {
        "grant_type": "client_credentials",
        "client_id": READER["consumer_key"],
        "client_secret": READER["client_secret"],
    }
    answer = requests.post(f"{found.control.url}/services/oauth2/token", data=form, timeout=TOKEN_WITHIN_S)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _outcome(told: Mapping[str, Any]) -> Parity:
    differences = tuple(Difference(**one) for one in told["first_differences"])
    return Parity(told["compared"], told["differences"], differences, told["records"])
