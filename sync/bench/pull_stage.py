"""A portal full of companies for ``bench pull``: an installation to read it with, and people who change it.

Changes are made by the API, as an import or another integration does, while the sandbox's clock stands, so
that all records of one change share their timestamp. Neighbour: ``pull``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from integration.port import ReadQuery
from sync.bench.book import Size, write_book
from sync.bench.pull_processes import Task
from sync.bench.stage import HUBSPOT, MORNING, SANDBOX_OPTIONS, Stage
from sync.config import read_settings
from sync.demo.children import Children
from sync.demo.control import Control
from sync.keep import in_reading_order
from sync.runtime import open_runtime
from sync.servers import embedded_valkey

COMPANIES: Final = "companies"
BATCH_ROWS: Final = 100
NO_LIMITS: Final = "--no-short-limits"


@dataclass(slots=True)
class PullStage:
    """The portal, and the home of one installation of ours that has read nothing yet."""

    home: Path
    control: Control
    redis: str
    found: Stage
    ids: list[str]

    @property
    def query(self) -> ReadQuery:
        """Return what our installation reads of companies."""
        return next(one for one in in_reading_order(self.found.ws) if one.object == COMPANIES)

    def task(self, what: str, home: Path, mark: str = "", since: str = "") -> Task:
        """Return a peer's task, with the fields and links our installation reads."""
        query = self.query
        fields, links = ",".join((*query.fields, "hs_merged_object_ids")), ",".join(query.link_to)
        token = self.found.credentials()["token"]
        return Task(what, self.control.url, token, fields, links, str(home), mark, since)

    def our_task(self, what: str, mark: str = "") -> Task:
        """Return our own task on this home."""
        task = self.task(what, self.home, mark)
        return Task(
            task.what,
            task.url,
            task.token,
            task.fields,
            task.links,
            task.home,
            mark,
            "",
            self.redis,
            self.found.installation,
        )

    def another(self, name: str) -> PullStage:
        """Return a second home with an installation of its own on the same portal, at the same hour."""
        return _open(self.home / name, self.control, self.redis, self.ids, self.found.now)

    def rename(self, ids: Sequence[str], mark: str) -> None:
        """Change the names of companies to begin with ``mark``, all at one moment."""
        rows = ({"id": one, "properties": {"name": f"{mark} {one}"}} for one in ids)
        while batch := list(islice(rows, BATCH_ROWS)):
            self._send("update", {"inputs": batch})

    def delete(self, ids: Sequence[str]) -> None:
        """Put companies into the recycle bin."""
        rows = ({"id": one} for one in ids)
        while batch := list(islice(rows, BATCH_ROWS)):
            self._send("archive", {"inputs": batch})

    def _send(self, what: str, body: dict[str, Any]) -> None:
        port = self.found.ws.port
        path = f"/crm/objects/2026-09/{COMPANIES}/batch/{what}"
        transport = port._portal.transport  # type: ignore[attr-defined]  # noqa: SLF001 - as another app would
        transport.call("change", "POST", path, body)


@contextmanager
def pull_stage(home: Path, companies: int, *, limits: bool) -> Iterator[PullStage]:
    """Start a sandbox with so many companies, by the vendor's short limits or without, and install."""
    home.mkdir(parents=True, exist_ok=True)
    children = Children(home, {})
    options = SANDBOX_OPTIONS[HUBSPOT] if limits else (*SANDBOX_OPTIONS[HUBSPOT], NO_LIMITS)
    database = str(home / "hubspot.db")
    children.start("sandbox-hubspot", "-m", "sandbox.hubspot", "--port", "0", "--db", database, *options)
    valkey = embedded_valkey(home)
    try:
        control = Control(children.url_of("sandbox-hubspot"))
        control.load(write_book(home / "book", Size(companies, 0)))
        stage = _open(home, control, valkey.url, [], MORNING)
        stage.ids = sorted((one["id"] for one in control.records(COMPANIES)), key=int)
        stage.found.later(hours=1)  # what was just loaded lies further back than any poll reaches
        yield stage
    finally:
        children.stop()
        valkey.stop()


def _open(home: Path, control: Control, redis: str, ids: list[str], now: datetime) -> PullStage:
    home.mkdir(parents=True, exist_ok=True)
    runtime = open_runtime(read_settings({"CS_HOME": str(home), "REDIS_URL": redis}))
    found = Stage(HUBSPOT, home, control, runtime, now=now)
    found.later(seconds=0)
    found.install()
    return PullStage(home, control, redis, found, ids)
