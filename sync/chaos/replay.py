"""The clean replay: a database of its own that reads a CRM as it stands, and writes nothing.

``python -m sync.chaos.replay HOME`` takes orders from its input, each a step at an instant given:

- ``begin``: everything is read whole, into a copy of what the installation was before it read anything;
- ``live``: the grid of days begins at the instant given, as the product's did;
- ``read``: what the CRM holds is read whole again, and the day's usage taken in;
- ``decide``: the folds are stepped to today, and what should stand goes to ``wanted-INSTALLATION.json``.

It reads at the end of each day, when the product has been given the time to have read everything as well:
from there on both know the same at each point of the grid, whatever was lost on the way. Neighbours:
``replaying`` runs this, ``comparing`` holds what it wants against what stands.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sync import pull
from sync.allocators import look_on
from sync.census import take_census
from sync.clock import move_clock
from sync.config import read_settings
from sync.drain import USAGE, drain
from sync.keep import in_reading_order, own_objects
from sync.runtime import Runtime, open_runtime
from sync.scheduler import look_at_all
from sync.state import cursors, inbox, installations
from sync.state.engine import reading, writing
from sync.state.inbox import InboxEvent
from sync.state.ledger_rows import write_ledger
from sync.state.schema import content_hash
from sync.workspace import Workspace, open_workspace

OWNER = "replay"
DONE = "done"


@dataclass(frozen=True, slots=True)
class Order:
    """One step: what to do, when by every clock, and the usage sent since the step before."""

    step: str
    installation: str
    at: datetime
    epoch: datetime | None
    usage: tuple[Mapping[str, Any], ...]

    def to_json(self) -> str:
        """Return the order as a process takes it."""
        return json.dumps(
            {
                "step": self.step,
                "installation": self.installation,
                "at": self.at.isoformat(),
                "epoch": None if self.epoch is None else self.epoch.isoformat(),
                "usage": [dict(one) for one in self.usage],
            }
        )

    @classmethod
    def of(cls, text: str) -> Order:
        """Return the order a text says."""
        told = json.loads(text)
        epoch = None if told["epoch"] is None else datetime.fromisoformat(told["epoch"])
        at = datetime.fromisoformat(told["at"])
        return cls(told["step"], told["installation"], at, epoch, tuple(told["usage"]))


def copy_installations(product: Path, home: Path) -> None:
    """Make the replay's database of the product's, before the product has read or written anything."""
    home.mkdir(parents=True, exist_ok=True)
    with (
        sqlite3.connect(product / "colonnade.db") as source,
        sqlite3.connect(home / "colonnade.db") as target,
    ):
        source.backup(target)
    for key in product.glob("secret*"):
        shutil.copy(key, home / key.name)


def main() -> None:
    """Do the steps asked for, one line each; answer each with a line."""
    logging.basicConfig(level="WARNING")
    home, runtime = Path(sys.argv[1]), open_runtime(read_settings())
    for line in sys.stdin:
        order = Order.of(line)
        _do(runtime, order)
        if order.step == "decide":
            wanted = home / f"wanted-{order.installation}.json"
            wanted.write_text(json.dumps(_wanted(runtime, order.installation)), "utf-8")
        sys.stdout.write(DONE + "\n")
        sys.stdout.flush()


def _do(runtime: Runtime, order: Order) -> None:
    move_clock(runtime.engine, order.at, running=False)
    ws = open_workspace(runtime, order.installation)
    {"begin": _read, "live": _live, "read": _read, "decide": _decide}[order.step](ws, order)


def _read(ws: Workspace, order: Order) -> None:
    """Take in usage; read what changed, everything whole, and who is still there."""
    _take_usage(ws, order.usage)
    if ws.live:
        for query in [*in_reading_order(ws), *own_objects(ws).values()]:
            pull.poll_object(ws, query)
    with writing(ws.runtime.engine) as conn:
        for query in in_reading_order(ws):
            cursors.forget(conn, ws.id, query.object)
    pull.load(ws)
    if ws.live:
        for name in dict.fromkeys([*(one.object for one in in_reading_order(ws)), *own_objects(ws)]):
            take_census(ws, name)


def _take_usage(ws: Workspace, messages: tuple[Mapping[str, Any], ...]) -> None:
    if not messages:
        return
    batch = [dict(one) for one in messages]
    event = InboxEvent(f"usage:{content_hash(batch)}", USAGE, {"batch": batch})
    with writing(ws.runtime.engine) as conn:
        inbox.put(conn, ws.id, ws.now(), [event])
    while drain(ws, OWNER) is not None:
        pass


def _live(ws: Workspace, order: Order) -> None:
    assert order.epoch is not None  # noqa: S101 - the order's own form
    with writing(ws.runtime.engine) as conn:
        installations.set_epoch(conn, ws.id, order.epoch)
        installations.change_settings(conn, ws.id, {"live": True})
    _decide(open_workspace(ws.runtime, ws.id), order)


def _decide(ws: Workspace, order: Order) -> None:
    del order
    look_at_all(ws, "the replay")
    while look_on(ws, OWNER) is not None:
        pass


def _wanted(runtime: Runtime, installation_id: str) -> list[dict[str, Any]]:
    with reading(runtime.engine) as conn:
        query = select(write_ledger).where(write_ledger.c.installation_id == installation_id)
        rows = conn.execute(query).mappings().all()
    names = ("object", "key", "kind", "account_id", "record_id", "desired", "parents", "parent_keys", "state")
    return [{name: row[name] for name in names} for row in rows]


if __name__ == "__main__":
    main()
